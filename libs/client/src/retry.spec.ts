import { describe, expect, it } from '@jest/globals';
import { mayBeRepeated, waitBefore } from './retry.ts';

const policy = { retries: 3, first: 100, longest: 1_000 };
const waits = (status: number, retryAfter?: string): (number | undefined)[] => [1, 2, 3, 4].map((attempt) => waitBefore(attempt, { status, ...(retryAfter === undefined ? {} : { retryAfter }) }, policy, 1));

describe('a request that failed', () => {
  it('is sent again after what passes, with longer and longer waits, and then no more', () => {
    expect(waits(503)).toEqual([100, 200, 400, undefined]);
    expect([1, 9].map((attempt) => waitBefore(attempt, 'no answer', { ...policy, retries: 9 }, 1))).toEqual([100, 1_000]);
  });

  it('is not sent again when it was refused', () => {
    for (const status of [400, 401, 404, 409, 412, 422, 500]) expect(waits(status)[0]).toBeUndefined();
  });

  it('waits as long as it was asked to, and does not try when that is too long', () => {
    expect([waits(429, '0')[0], waits(429, '0.5')[0], waits(429, '42')[0], waits(503, 'tomorrow')[0]]).toEqual([0, 500, 42_000, 100]);
    expect([waits(503, '3600')[0], waitBefore(1, { status: 429, retryAfter: '42' }, { ...policy, longestAsked: 1_000 }, 1)]).toEqual([undefined, undefined]);
  });

  it('spreads those who failed together', () => expect([0, 0.5, 1].map((chance) => waitBefore(1, 'no answer', policy, chance))).toEqual([50, 75, 100]));

  it('is repeated when that does no more than the first: reading, and commands with a key', () => {
    expect(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((method) => mayBeRepeated({ method, idempotencyKey: null }))).toEqual(['GET', 'HEAD', 'OPTIONS']);
    expect(mayBeRepeated({ method: 'POST', idempotencyKey: 'k' })).toBe(true);
  });
});
