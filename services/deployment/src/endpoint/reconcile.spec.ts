import { describe, expect, it } from '@jest/globals';
import type { Share } from './endpoint.ts';
import { isMoving, reconcile, type Action, type Seen, type SeenVariant, type Wish, type WishedRollout, type WishedVariant } from './reconcile.ts';

const variant = (variantId: string, over: Partial<WishedVariant> = {}): WishedVariant => ({ variantId, version: 1, state: 'ready', weight: 0, leaving: false, ...over });
const seen = (variantId: string, weight: number, state: SeenVariant['state'] = 'ready', reason?: string): SeenVariant => ({ variantId, weight, state, reason });
const rollout = (state: WishedRollout['state'], weight: number): WishedRollout => ({ rolloutId: 'r', state, weight, stableVariantId: 'a', candidateVariantId: 'b' });
const wish = (variants: WishedVariant[], latest?: WishedRollout): Wish => ({ variants, rollout: latest });
const apply = (shares: Record<string, number>): Action => ({ type: 'apply', shares: list(shares) });
const traffic = (shares: Record<string, number>, rolloutId = ''): Action => ({ type: 'record-traffic', shares: list(shares), rolloutId });
const list = (shares: Record<string, number>): Share[] => Object.entries(shares).map(([variantId, weight]) => ({ variantId, weight }));

describe('reconcile', () => {
  it('does nothing for an endpoint without variants', () => expect(reconcile(wish([]), undefined)).toEqual([]));

  it('loads the first variant without traffic', () => {
    expect(reconcile(wish([variant('a', { state: 'deploying' })]), undefined)).toEqual([apply({ a: 0 })]);
    expect(reconcile(wish([variant('a', { state: 'deploying' })]), [seen('a', 0, 'loading')])).toEqual([]);
  });

  it('gives it everything once it is seen ready', () => {
    expect(reconcile(wish([variant('a', { state: 'deploying' })]), [seen('a', 0)])).toEqual([{ type: 'record-ready', variantId: 'a' }, apply({ a: 100 })]);
  });

  it('tells of the traffic only when it is seen in force', () => {
    expect(reconcile(wish([variant('a')]), [seen('a', 0)])).toEqual([apply({ a: 100 })]);
    expect(reconcile(wish([variant('a')]), [seen('a', 100)])).toEqual([traffic({ a: 100 })]);
    expect(reconcile(wish([variant('a', { weight: 100 })]), [seen('a', 100)])).toEqual([]);
  });

  it('gives a later variant nothing', () => {
    const two = wish([variant('a', { weight: 100 }), variant('b', { state: 'deploying' })]);
    expect(reconcile(two, [seen('a', 100)])).toEqual([apply({ a: 100, b: 0 })]);
    expect(reconcile(two, [seen('a', 100), seen('b', 0)])).toEqual([{ type: 'record-ready', variantId: 'b' }]);
  });

  it('moves the traffic as the rollout says', () => {
    const running = wish([variant('a', { weight: 100 }), variant('b')], rollout('running', 10));
    expect(reconcile(running, [seen('a', 100), seen('b', 0)])).toEqual([apply({ a: 90, b: 10 })]);
    expect(reconcile(running, [seen('a', 90), seen('b', 10)])).toEqual([traffic({ a: 90, b: 10 }, 'r')]);
    const last = wish([variant('a', { weight: 50 }), variant('b', { weight: 50 })], rollout('running', 100));
    expect(reconcile(last, [seen('a', 50), seen('b', 50)])).toEqual([apply({ a: 0, b: 100 })]);
  });

  it('moves nothing to a variant that is not ready', () => {
    const running = wish([variant('a', { weight: 100 }), variant('b')], rollout('running', 10));
    expect(reconcile(running, [seen('a', 100), seen('b', 0, 'loading')])).toEqual([]);
  });

  it('takes the old variant away when the rollout is completed', () => {
    const completed = wish([variant('a', { leaving: true }), variant('b', { weight: 100 })], rollout('completed', 100));
    expect(reconcile(completed, [seen('a', 0), seen('b', 100)])).toEqual([apply({ b: 100 })]);
    expect(reconcile(completed, [seen('b', 100)])).toEqual([{ type: 'record-removal', variantId: 'a' }]);
  });

  it('moves everything back before it takes the candidate away', () => {
    const back = (a: number, b: number) => wish([variant('a', { weight: a }), variant('b', { weight: b, leaving: true })], rollout('rolled-back', 50));
    expect(reconcile(back(50, 50), [seen('a', 50), seen('b', 50)])).toEqual([apply({ a: 100, b: 0 })]);
    expect(reconcile(back(50, 50), [seen('a', 100), seen('b', 0)])).toEqual([traffic({ a: 100 }, 'r')]);
    expect(reconcile(back(100, 0), [seen('a', 100), seen('b', 0)])).toEqual([apply({ a: 100 })]);
    expect(reconcile(back(100, 0), [seen('a', 100)])).toEqual([{ type: 'record-removal', variantId: 'b' }]);
  });

  it('records a failure and loads the variant no longer', () => {
    const one = wish([variant('a', { weight: 100 }), variant('b', { state: 'deploying' })]);
    expect(reconcile(one, [seen('a', 100), seen('b', 0, 'failed', 'not ONNX')])).toEqual([{ type: 'record-failure', variantId: 'b', reason: 'not ONNX' }]);
    const known = wish([variant('a', { weight: 100 }), variant('b', { state: 'failed' })]);
    expect(reconcile(known, [seen('a', 100), seen('b', 0, 'failed', 'not ONNX')])).toEqual([apply({ a: 100 })]);
    expect(reconcile(known, [seen('a', 100)])).toEqual([]);
  });

  it('keeps a variant that fails while it serves: it may come back', () => {
    expect(reconcile(wish([variant('a', { weight: 100 })]), [seen('a', 100, 'failed', 'gone')])).toEqual([{ type: 'record-failure', variantId: 'a', reason: 'gone' }]);
    expect(reconcile(wish([variant('a', { weight: 100, state: 'failed' })]), [seen('a', 100, 'failed', 'gone')])).toEqual([]);
    expect(reconcile(wish([variant('a', { weight: 100, state: 'failed' })]), [seen('a', 100)])).toEqual([{ type: 'record-ready', variantId: 'a' }]);
  });

  it('puts the next one in the place of a first one that failed', () => {
    const second = wish([variant('a', { state: 'failed' }), variant('b', { state: 'deploying' })]);
    expect(reconcile(second, [seen('b', 0)])).toEqual([{ type: 'record-ready', variantId: 'b' }, apply({ b: 100 })]);
  });

  it('gives a driver that forgot everything what was in force', () => {
    const running = wish([variant('a', { weight: 90 }), variant('b', { weight: 10 })], rollout('running', 50));
    expect(reconcile(running, undefined)).toEqual([apply({ a: 90, b: 10 })]);
    expect(reconcile(running, [seen('a', 90, 'loading'), seen('b', 10, 'loading')])).toEqual([]);
    expect(reconcile(running, [seen('a', 90), seen('b', 10)])).toEqual([apply({ a: 50, b: 50 })]);
  });

  it('tells what was served by even when it is over: a crash between apply and record', () => {
    // Applied for the rollout, then killed; rolled back before the next look.
    const back = wish([variant('a', { weight: 100 }), variant('b', { leaving: true })], rollout('rolled-back', 10));
    expect(reconcile(back, [seen('a', 90), seen('b', 10)])).toEqual([traffic({ a: 90, b: 10 }, 'r'), apply({ a: 100 })]);
  });

  it('corrects a driver that somebody changed by hand', () => {
    const one = wish([variant('a', { weight: 100 })]);
    expect(reconcile(one, [seen('a', 100), seen('x', 0)])).toEqual([apply({ a: 100 })]);
    expect(reconcile(one, [])).toEqual([apply({ a: 100 })]);
  });
});

describe('a loop of reconcile', () => {
  /** Ledger and driver in memory; `crash` says after which actions the process is killed. */
  function run(start: Wish, crash: (n: number) => boolean): { log: string[]; wish: Wish; driver: Seen } {
    let current = start;
    let driver: SeenVariant[] | undefined;
    const log: string[] = [];
    let n = 0;
    for (let look = 0; look < 60; look += 1) {
      for (const action of reconcile(current, driver)) {
        n += 1;
        const change = (id: string, part: Partial<WishedVariant>): Wish => ({ ...current, variants: current.variants.map((one) => (one.variantId === id ? { ...one, ...part } : one)) });
        switch (action.type) {
          case 'apply':
            driver = action.shares.map(({ variantId, weight }) => ({ variantId, weight, state: driver?.find((one) => one.variantId === variantId)?.state ?? 'loading' }));
            break;
          case 'record-ready':
            current = change(action.variantId, { state: 'ready' });
            log.push(`${action.variantId} ready`);
            break;
          case 'record-failure':
            current = change(action.variantId, { state: 'failed' });
            break;
          case 'record-traffic':
            current = { ...current, variants: current.variants.map((one) => ({ ...one, weight: action.shares.find(({ variantId }) => variantId === one.variantId)?.weight ?? 0 })) };
            log.push(action.shares.map(({ variantId, weight }) => `${variantId} ${weight}`).join(', '));
            break;
          case 'record-removal':
            current = { ...current, variants: current.variants.filter((one) => one.variantId !== action.variantId) };
            log.push(`${action.variantId} removed`);
        }
        if (crash(n)) break; // the rest of this look is lost
      }
      driver = driver?.map((one) => ({ ...one, state: 'ready' }));
    }
    return { log, wish: current, driver };
  }
  const cases: [string, Wish, string[]][] = [
    ['a first deployment', wish([variant('a', { state: 'deploying' })]), ['a ready', 'a 100']],
    ['a step of a rollout', wish([variant('a', { weight: 100 }), variant('b', { state: 'deploying' })], rollout('running', 10)), ['b ready', 'a 90, b 10']],
    ['a completed rollout', wish([variant('a', { weight: 50, leaving: true }), variant('b', { weight: 50 })], rollout('completed', 100)), ['b 100', 'a removed']],
    ['a rollback', wish([variant('a', { weight: 50 }), variant('b', { weight: 50, leaving: true })], rollout('rolled-back', 50)), ['a 100', 'b removed']],
  ];

  it.each(cases)('brings %s about, wherever it is killed, and tells each fact once', (_what, start, expected) => {
    const quiet = run(start, () => false);
    expect(quiet.log).toEqual(expected);
    expect(isMoving(quiet.wish, quiet.driver)).toBe(false);
    for (let n = 1; n < 12; n += 1) expect(run(start, (at) => at === n).log).toEqual(expected);
    expect(run(start, () => true).log).toEqual(expected);
  });
});
