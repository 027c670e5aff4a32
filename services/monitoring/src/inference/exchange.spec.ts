import { describe, expect, it } from '@jest/globals';
import type { InferenceMessage } from './cloud-event.ts';
import { requestIdOf, takeMessages, type Exchange, type Step } from './exchange.ts';

const WAIT = 60_000;
const key = { projectId: 'credit', endpointId: 'endpoint', variantId: 'variant', modelVersionId: 'version', ceType: '' };

const asked = (ceId: string, sequence: number, more: Partial<InferenceMessage> = {}): InferenceMessage => ({
  ...key,
  ceId,
  sequence,
  receivedAt: sequence * 1_000,
  at: `2026-03-01T10:00:0${sequence % 10}.000Z`,
  content: { half: 'request', rows: { id: `id-${ceId}`, rows: 2, columns: [['age', [30, 40]]] } },
  ...more,
});
const answered = (ceId: string, sequence: number, more: Partial<InferenceMessage> = {}): InferenceMessage => ({
  ...asked(ceId, sequence),
  content: { half: 'response', rows: { id: `id-${ceId}`, rows: 2, predictions: [0, 1] } },
  ...more,
});

/** Takes messages in batches, as they would come, and tells all steps. */
function play(...batches: InferenceMessage[][]): { steps: string[]; all: Map<string, Exchange> } {
  const all = new Map<string, Exchange>();
  const steps: Step[] = [];
  for (const batch of batches) {
    const taken = takeMessages([...all.values()], batch, WAIT);
    steps.push(...taken.steps);
    for (const exchange of taken.changed) all.set(exchange.ceId, exchange);
  }
  return { steps: steps.map((step) => `${step.kind} ${step.exchange.ceId} ${step.rows}`), all };
}

describe('an exchange', () => {
  it('counts its rows when both halves are there, in either order, together or apart', () => {
    for (const messages of [[asked('a', 1), answered('a', 2)], [answered('a', 1), asked('a', 2)]]) {
      expect(play(messages).steps).toEqual(['rows a 2']);
      expect(play(...messages.map((message) => [message])).steps).toEqual(['rows a 2']);
    }
  });

  it('is of its project: the same ids in another one meet nothing of it', () => {
    const elsewhere = { projectId: 'alpha', content: { half: 'request', rows: { id: 'x', rows: 9, columns: [['age', []]] } } } as const;
    const { changed, steps } = takeMessages([], [asked('a', 1, elsewhere), answered('a', 2), asked('a', 3)], WAIT);
    expect(steps.map(({ exchange, rows }) => [exchange.projectId, rows])).toEqual([['credit', 2]]);
    expect(changed.map(({ projectId, state }) => [projectId, state])).toEqual([['alpha', 'waiting'], ['credit', 'complete']]);
  });

  it('counts in the order in which exchanges are completed', () => {
    expect(play([asked('a', 1), asked('b', 2), answered('b', 3), answered('a', 4)]).steps).toEqual(['rows b 2', 'rows a 2']);
  });

  it('counts once, however often its halves are delivered', () => {
    const { steps, all } = play([asked('a', 1), asked('a', 2), answered('a', 3)], [answered('a', 4), asked('a', 5)]);
    expect(steps).toEqual(['rows a 2']);
    expect(all.get('a')).toMatchObject({ state: 'complete', completedBy: 3 });
  });

  it('keeps the columns only while they are needed, and the predictions for the labels', () => {
    const { all } = play([asked('a', 1), asked('b', 2), answered('a', 3)]);
    expect(all.get('a')).toMatchObject({ request: { rows: { columns: [] } }, response: { rows: { predictions: [0, 1] } } });
    expect(all.get('b')).toMatchObject({ state: 'waiting', request: { rows: { columns: [['age', [30, 40]]] } } });
  });

  it('was served when it was asked for, whichever half comes first', () => {
    const { all } = play([answered('a', 1, { at: '2026-03-01T10:00:09.000Z' }), asked('a', 2, { at: '2026-03-01T10:00:08.000Z' })]);
    expect(all.get('a')?.at).toBe('2026-03-01T10:00:08.000Z');
  });

  it('is lost when the stream has gone on for long enough, by the stream’s own time', () => {
    const later = asked('z', 100);
    expect(play([asked('a', 1), asked('b', 50)], [later]).steps).toEqual(['lost a 2']);
    expect(play([asked('a', 1), asked('b', 50), later]).steps).toEqual(['lost a 2']);
    expect(play([asked('a', 41), later]).steps).toEqual([]);
  });

  it('that is answered after it was lost can be labelled and counts nowhere', () => {
    const { steps, all } = play([asked('a', 1)], [asked('z', 100)], [answered('a', 101)]);
    expect(steps).toEqual(['lost a 2']);
    expect(all.get('a')).toMatchObject({ state: 'late', completedBy: 101, response: { rows: { predictions: [0, 1] } } });
  });

  it('that cannot be read is lost when it is complete', () => {
    const unreadable = takeMessages([], [asked('a', 1, { content: { half: 'request', rows: undefined } }), answered('a', 2)], WAIT);
    expect(unreadable.steps).toMatchObject([{ kind: 'lost', rows: 2, unreadable: true }]);
    const misfit = takeMessages([], [asked('a', 1), answered('a', 2, { content: { half: 'response', rows: { rows: 1 } } })], WAIT);
    expect(misfit.steps).toMatchObject([{ kind: 'lost', rows: 2, unreadable: true }]);
  });

  it('is found by X-Request-Id, else by the protocol’s id, else by its own', () => {
    const of = (...messages: InferenceMessage[]): string => requestIdOf(takeMessages([], messages, WAIT).changed[0] as Exchange);
    expect(of(asked('a', 1), answered('a', 2, { headerId: 'header' }))).toBe('header');
    expect(of(asked('a', 1), answered('a', 2))).toBe('id-a');
    expect(of(asked('a', 1, { content: { half: 'request', rows: undefined } }))).toBe('a');
  });

  it('gives the same rows in the same order, however the messages are cut into batches', () => {
    const messages = Array.from({ length: 60 }, (_, i) => (i % 3 === 2 ? answered(`e${i - 2}`, 5 * i + 1) : asked(`e${i}`, 5 * i + 1)));
    const whole = play(messages).steps;
    expect(whole.filter((step) => step.startsWith('lost')).length).toBeGreaterThan(5);
    for (const size of [1, 7, 25]) {
      const batches = Array.from({ length: Math.ceil(messages.length / size) }, (_, i) => messages.slice(i * size, (i + 1) * size));
      expect(play(...batches).steps).toEqual(whole);
    }
  });
});
