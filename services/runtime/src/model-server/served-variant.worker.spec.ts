import { afterEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { eventually } from '@vitae/testing';
import { DownloadFailed } from './artefact.client.ts';
import { SessionLost, type Session } from './onnx-session.client.ts';
import { ServedVariant } from './served-variant.worker.ts';

Logger.overrideLogger(false);

const route = {
  variantId: '01990000-0000-7000-8000-000000000001',
  modelVersionId: '01990000-0000-7000-8000-0000000000a1',
  version: 1,
  weight: 100,
  artefactUrl: 'http://127.0.0.1/artefact',
  digest: `sha256:${'a'.repeat(64)}`,
};

/** A session whose answer, loss and release the spec holds in its hand. */
function session() {
  const answer = Promise.withResolvers<[]>();
  const lost = Promise.withResolvers<SessionLost>();
  const held = { answer: () => answer.resolve([]), lose: () => lost.resolve(new SessionLost('the thread ended')), released: 0 };
  const made: Session = { inputs: [], outputs: [], lost: lost.promise, run: () => answer.promise, release: async () => void (held.released += 1) };
  return { held, made };
}

let variant: ServedVariant;
const held: ReturnType<typeof session>['held'][] = [];
/** Each load takes the next outcome: an error, or (when none is left) a session. */
function served(...outcomes: Error[]): ServedVariant {
  held.length = 0;
  return new ServedVariant(route, async () => {
    const outcome = outcomes.shift();
    if (outcome) throw outcome;
    const { held: one, made } = session();
    held.push(one);
    return made;
  });
}
afterEach(async () => {
  held.forEach(({ answer }) => answer());
  await variant.retire();
});

describe('ServedVariant', () => {
  it('goes on loading while the registry is away', async () => {
    variant = served(new DownloadFailed('away'), new DownloadFailed('away'));
    expect(variant.observed(5)).toEqual({ variantId: route.variantId, state: 'loading', weight: 5 });
    await eventually(() => expect(variant.observed(5)).toEqual({ variantId: route.variantId, state: 'loading', reason: 'away', weight: 5 }));
    await eventually(() => expect(variant.observed(5)).toEqual({ variantId: route.variantId, state: 'ready', weight: 5 }));
  });

  it('is settled as failed when the bytes are bad', async () => {
    variant = served(new Error('not ONNX'));
    await variant.settled;
    expect(variant.observed(0)).toEqual({ variantId: route.variantId, state: 'failed', reason: 'not ONNX', weight: 0 });
  });

  it('loads anew when its thread is lost', async () => {
    variant = served();
    await variant.settled;
    held[0]?.lose();
    await eventually(() => expect(variant.state).toBe('loading'));
    await eventually(() => expect([variant.state, held.length]).toEqual(['ready', 2]));
  });

  it('is released only after the requests that had begun were answered', async () => {
    variant = served();
    await variant.settled;
    const answers = Promise.all([variant.run([], []), variant.run([], [])]);
    let retired = false;
    const retiring = variant.retire().then(() => (retired = true));
    await new Promise(setImmediate);
    expect([retired, held[0]?.released]).toEqual([false, 0]);
    held[0]?.answer();
    expect(await answers).toEqual([[], []]);
    await retiring;
    expect(held[0]?.released).toBe(1);
  });

  it('stops trying when it is taken away', async () => {
    variant = served(new DownloadFailed('away'));
    await variant.retire();
    expect(held).toHaveLength(0);
  });
});
