import { describe, expect, it } from '@jest/globals';
import { consequence, REFUSALS_IN_A_ROW, REFUSED_TRIES, retryAfter, TRIES, type Attempt, type Tries } from './retry.ts';

const tries = (more: Partial<Tries> = {}): Tries => ({ attempts: 1, refusedInARow: 0, firstRetryMs: 5_000, random: 1, ...more });
const answered = (status: number, retryAfterMs?: number): Attempt => ({ type: 'answered', status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
const silence: Attempt = { type: 'failed', error: 'connect ECONNREFUSED' };
const HOUR = 3_600_000;

describe('after a try', () => {
  it.each([200, 201, 204, 299])('%i is a success', (status) => expect(consequence(answered(status), tries())).toEqual({ type: 'delivered' }));

  it.each([[silence], [answered(500)], [answered(503)], [answered(302)], [answered(100)], [answered(408)], [answered(429)], [answered(400)], [answered(404)]])('%j is tried again', (attempt) =>
    expect(consequence(attempt, tries())).toEqual({ type: 'retry', delayMs: 5_000 }),
  );

  it('the wait doubles up to an hour, and half of it is chance', () => {
    const waits = (random: number) => [1, 2, 3, 10, 11, 40].map((attempts) => (consequence(silence, tries({ attempts, random })) as { delayMs: number }).delayMs);
    expect(waits(1)).toEqual([5_000, 10_000, 20_000, 2_560_000, HOUR, HOUR]);
    expect(waits(0)).toEqual(waits(1).map((ms) => ms / 2));
  });

  it('a receiver that is away is tried for about three days, then the event is dead and the webhook suspended', () => {
    let waited = 0;
    let attempts = 1;
    for (; ; attempts += 1) {
      const after = consequence(silence, tries({ attempts, random: 1 }));
      if (after.type !== 'retry') {
        expect(after).toEqual({ type: 'dead', suspend: 'unreachable' });
        break;
      }
      waited += after.delayMs;
    }
    expect(attempts).toBe(TRIES);
    expect(waited / HOUR).toBeGreaterThan(60);
    expect(waited / HOUR).toBeLessThan(80);
  });

  it('Retry-After is kept, but no longer than the longest wait', () => {
    expect(consequence(answered(429, 60_000), tries())).toEqual({ type: 'retry', delayMs: 60_000 });
    expect(consequence(answered(503, 1_000), tries())).toEqual({ type: 'retry', delayMs: 5_000 });
    expect(consequence(answered(503, 24 * HOUR), tries())).toEqual({ type: 'retry', delayMs: HOUR });
  });

  it('an event that is refused for good is dead, and the next one has its turn', () =>
    expect(consequence(answered(422), tries({ attempts: REFUSED_TRIES }))).toEqual({ type: 'dead' }));
  it('a receiver that refuses one after another is suspended', () =>
    expect(consequence(answered(422), tries({ attempts: REFUSED_TRIES, refusedInARow: REFUSALS_IN_A_ROW - 1 }))).toEqual({ type: 'dead', suspend: 'refusing' }));
  it('410 ends it at once', () => expect(consequence(answered(410), tries())).toEqual({ type: 'dead', suspend: 'gone' }));
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-21T12:00:00Z');
  it.each([
    ['120', 120_000],
    ['0', 0],
    ['Sat, 21 Nov 2026 12:01:00 GMT', 60_000],
    ['Sat, 21 Nov 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    [undefined, undefined],
  ])('%j is %j ms', (header, ms) => expect(retryAfter(header, now)).toBe(ms));
});
