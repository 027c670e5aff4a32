import { describe, expect, it } from '@jest/globals';
import { checkHistory, type Entry, type History, type LieKind } from './history.ts';
import type { Answer, Intent } from './journal.ts';

const STREAMS = ['s.A-1', 's.B-2'] as const;
const entry = (index: number, stream: string, revision: number, op: string): Entry => ({ index, id: `id-${op}-${stream}-${revision}`, stream, revision, op, payload: `${op}:${revision}` });

const [A, B] = STREAMS;
const LEDGER: readonly Entry[] = [entry(0, A, 1, 'w1.1'), entry(1, A, 2, 'w1.1'), entry(2, B, 1, 'key'), entry(3, A, 3, 'w2.1'), entry(4, B, 2, 'w2.1'), entry(5, A, 4, 'w1.9')];

const intent = (attempt: string, op: string, appends: Intent['appends']): Intent => ({ attempt, op, appends });
const stored = (attempt: string, op: string): Answer => ({
  attempt,
  outcome: 'stored',
  appends: STREAMS.map((stream) => LEDGER.filter((found) => found.op === op && found.stream === stream))
    .filter((found) => found.length > 0)
    .map((found) => ({ ids: found.map(({ id }) => id), first: found[0]?.revision ?? 0 })),
});
const keyed = { stream: B, expected: 'noStream', payloads: ['key:1'] } as const;

/** Two writers: appends that were acknowledged, refused, or never answered; a key that both used; two streams in one commit. */
const JOURNALS = [
  [
    intent('w1.1', 'w1.1', [{ stream: A, expected: 'noStream', payloads: ['w1.1:1', 'w1.1:2'] }]),
    stored('w1.1', 'w1.1'),
    intent('w1.2', 'key', [keyed]),
    stored('w1.2', 'key'),
    intent('w1.3', 'w1.3', [{ stream: A, expected: 1, payloads: ['w1.3:2'] }]),
    { attempt: 'w1.3', outcome: 'refused', why: 'conflict', actual: 2 },
    intent('w1.4', 'w1.4', [{ stream: A, expected: 'any', payloads: ['w1.4'] }]),
    { attempt: 'w1.4', outcome: 'unknown', why: 'the connection broke' },
    intent('w1.9', 'w1.9', [{ stream: A, expected: 'any', payloads: ['w1.9:4'] }]), // killed before the answer, and it is there
  ],
  [
    intent('w2.0', 'key', [keyed]),
    stored('w2.0', 'key'),
    intent('w2.1', 'w2.1', [{ stream: A, expected: 2, payloads: ['w2.1:3'] }, { stream: B, expected: 'exists', payloads: ['w2.1:2'] }]),
    stored('w2.1', 'w2.1'),
  ],
] satisfies History['journals'];

const TRUE: History = {
  journals: JOURNALS,
  ledger: LEDGER,
  messages: LEDGER.map(({ op: _, ...event }) => ({ ...event, sequence: event.index + 1 })),
  effects: LEDGER.map(({ index, id }) => ({ index, id })),
  pages: [{ from: 0, ids: LEDGER.slice(0, 3).map(({ id }) => id), head: 3 }, { from: 1, ids: LEDGER.slice(1).map(({ id }) => id), head: 6 }],
};

const kinds = (history: History): readonly LieKind[] => [...new Set(checkHistory(history).map(({ kind }) => kind))];
/** The history in which the ledger is another one, and everything that reads from it agrees with it. */
const withLedger = (ledger: readonly Entry[]): History => ({
  ...TRUE,
  ledger,
  messages: ledger.map(({ op: _, ...event }) => ({ ...event, sequence: event.index + 1 })),
  effects: ledger.map(({ index, id }) => ({ index, id })),
  pages: [],
});
const numbered = (ledger: readonly Entry[]): readonly Entry[] => ledger.map((found, index) => ({ ...found, index }));
const changed = (at: number, change: Partial<Entry>): readonly Entry[] => LEDGER.map((found, i) => (i === at ? { ...found, ...change } : found));
const saying = (attempt: string, answer: Answer): History => ({ ...TRUE, journals: JOURNALS.map((journal) => journal.map((line) => (line.attempt === attempt && 'outcome' in line ? answer : line))) });

/** One writer's two appends to two streams, the second begun after the first was answered, in the ledger in this order. */
function twoInTurn(...order: readonly [string, string]): History {
  const ledger = order.map((op, index) => entry(index, op === 'w1.1' ? A : B, 1, op));
  const journal = ['w1.1', 'w1.2'].flatMap((op) => {
    const { stream, payload, id } = ledger.find((found) => found.op === op) as Entry;
    return [intent(op, op, [{ stream, expected: 'any', payloads: [payload] }]), { attempt: op, outcome: 'stored', appends: [{ ids: [id], first: 1 }] } as const];
  });
  return { ...withLedger(ledger), journals: [journal] };
}

describe('checkHistory', () => {
  it('finds nothing in a true history, with refused, unknown and unanswered appends', () => {
    expect(checkHistory(TRUE)).toEqual([]);
  });

  it('lets an unanswered append be there or not', () => {
    expect(kinds(withLedger(LEDGER.slice(0, 5)))).toEqual([]);
  });

  it('finds nothing when two appends of a writer keep its order', () => {
    expect(kinds(twoInTurn('w1.1', 'w1.2'))).toEqual([]);
  });

  it.each<[LieKind, string, History]>([
    ['lost', 'an acknowledged append is not there', withLedger(numbered(LEDGER.filter(({ op }) => op !== 'key')))],
    ['torn', 'half of an append is there', withLedger(numbered(LEDGER.filter((_, i) => i !== 1)))],
    ['torn', 'one stream of a transaction is there, the other is not', withLedger(numbered(LEDGER.filter((_, i) => i !== 4)))],
    ['doubled', 'an append is there twice', withLedger(numbered([...LEDGER, entry(0, A, 5, 'w2.1')]))],
    ['doubled', 'an idempotency key was applied twice', withLedger(numbered([...LEDGER, entry(0, B, 3, 'key')]))],
    ['doubled', 'an event has two indices', withLedger(numbered([...LEDGER, LEDGER[5] as Entry]))],
    ['payload-changed', 'a payload was changed', withLedger(changed(3, { payload: 'w2.1:33' }))],
    ['nobody-wrote-it', 'an event came from nowhere', withLedger(numbered([...LEDGER, entry(0, A, 5, 'x')]))],
    ['nobody-wrote-it', 'an event is in another stream than it was meant for', withLedger(changed(5, { stream: B, revision: 3 }))],
    ['index-hole', 'an index is left out', withLedger(LEDGER.map((found) => (found.index < 5 ? found : { ...found, index: 6 })))],
    ['stream-order', 'two events of a stream changed places', withLedger(numbered([1, 0, 2, 3, 4, 5].map((i) => LEDGER[i] as Entry)))],
    ['stream-order', 'a revision is left out', withLedger(changed(5, { revision: 5 }))],
    ['session-order', 'what was begun after an answer came before it', twoInTurn('w1.2', 'w1.1')],
    ['expectation-broken', 'an exact expectation was not held', withLedger([...LEDGER.slice(0, 3), { ...entry(3, A, 3, 'w1.9'), payload: 'w1.9:4' }, entry(4, A, 4, 'w2.1'), { ...entry(5, B, 2, 'w2.1'), index: 5 }])],
    ['refused-but-there', 'a refused append is there', saying('w2.1', { attempt: 'w2.1', outcome: 'refused', why: 'conflict', actual: 7 })],
    ['told-otherwise', 'another revision was told', saying('w1.1', { attempt: 'w1.1', outcome: 'stored', appends: [{ ids: LEDGER.slice(0, 2).map(({ id }) => id), first: 2 }] })],
    ['told-otherwise', 'other ids were told', saying('w1.1', { attempt: 'w1.1', outcome: 'stored', appends: [{ ids: ['x', 'y'], first: 1 }] })],
    ['told-otherwise', 'a conflict named the revision that was expected', saying('w1.3', { attempt: 'w1.3', outcome: 'refused', why: 'conflict', actual: 1 })],
    ['answers-differ', 'one of two with the same key was refused', saying('w2.0', { attempt: 'w2.0', outcome: 'refused', why: 'conflict' })],
    ['answers-differ', 'two with the same key got two answers', saying('w2.0', { attempt: 'w2.0', outcome: 'stored', appends: [{ ids: ['other'], first: 2 }] })],
    ['message-missing', 'JetStream lacks a message', { ...TRUE, messages: TRUE.messages.slice(0, 5) }],
    ['message-differs', 'JetStream holds other bytes', { ...TRUE, messages: TRUE.messages.map((message, i) => (i === 2 ? { ...message, payload: 'x' } : message)) }],
    ['message-differs', 'JetStream holds another event there', { ...TRUE, messages: TRUE.messages.map((message, i) => ({ ...message, id: TRUE.messages[5 - i]?.id ?? '' })) }],
    ['message-unknown', 'JetStream holds more than the ledger', { ...TRUE, messages: [...TRUE.messages, { ...entry(6, A, 5, 'x'), sequence: 7 }] }],
    ['effect-missing', 'an event had no effect', { ...TRUE, effects: TRUE.effects.slice(1) }],
    ['effect-doubled', 'an event had its effect twice', { ...TRUE, effects: [...TRUE.effects, { index: 5, id: LEDGER[5]?.id ?? '' }] }],
    ['effect-differs', 'an effect was that of another event', { ...TRUE, effects: TRUE.effects.map((effect, i) => (i === 0 ? { ...effect, id: 'x' } : effect)) }],
    ['effect-order', 'two effects changed places', { ...TRUE, effects: [1, 0, 2, 3, 4, 5].map((i) => TRUE.effects[i] as History['effects'][number]) }],
    ['effect-unknown', 'there was an effect without an event', { ...TRUE, effects: [...TRUE.effects, { index: 6, id: 'x' }] }],
    ['read-changed', 'a reader saw another event there', { ...TRUE, pages: [{ from: 2, ids: ['x'], head: 6 }] }],
    ['read-changed', 'a reader saw what is not there any more', { ...TRUE, pages: [{ from: 6, ids: ['x'], head: 7 }] }],
    ['read-backwards', 'a reader saw the ledger shrink', { ...TRUE, pages: [{ from: 0, ids: [], head: 6 }, { from: 0, ids: [], head: 5 }] }],
  ])('finds %s: %s', (kind, _, history) => {
    expect(kinds(history)).toContain(kind);
  });
});
