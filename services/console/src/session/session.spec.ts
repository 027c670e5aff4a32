import { describe, expect, it } from '@jest/globals';
import { endsAt, refreshDue, refreshed, seenAgain, standing, stillGood, type Session } from './session.ts';

const limits = { idle: 1_800, absolute: 43_200 };
const session: Session = { id: 'i', subject: 'dana', accessToken: 'a', accessUntil: 1_000_600, refreshToken: 'r', secret: 's', since: 1_000_000, seen: 1_000_000, generation: 0 };

describe('a session', () => {
  it.each([
    ['good', 'just begun', session, 1_000_000],
    ['good', 'a second before its idle time is over', session, 1_001_799],
    ['idle', 'then', session, 1_001_800],
    ['good', 'in use a second before the longest time', { ...session, seen: 1_043_000 }, 1_043_199],
    ['over', 'then, however much it is used', { ...session, seen: 1_043_199 }, 1_043_200],
    ['good', 'with an access token that has ended and can be renewed', session, 1_000_700],
    ['over', 'with one that cannot', { ...session, refreshToken: undefined }, 1_000_600],
  ] as const)('is %s: %s', (stands, _, given, now) => expect(standing(given, now, limits)).toBe(stands));

  it('is renewed in the last minute of its access token, and not without a refresh token', () => {
    expect([1_000_540, 1_000_541].map((now) => refreshDue(session, now))).toEqual([false, true]);
    expect(refreshDue({ ...session, refreshToken: undefined }, 1_000_599)).toBe(false);
    expect([1_000_599, 1_000_600].map((now) => stillGood(session, now))).toEqual([true, false]);
  });

  it('keeps its id, secret and beginning when it is renewed, and the refresh token that is not replaced', () => {
    expect(refreshed(session, { accessToken: 'b', accessUntil: 1_001_200, refreshToken: 'r2' })).toEqual({ ...session, accessToken: 'b', accessUntil: 1_001_200, refreshToken: 'r2', generation: 1 });
    expect(refreshed(session, { accessToken: 'b', accessUntil: 1_001_200 }).refreshToken).toBe('r');
  });

  it('is noted as seen every twentieth of its idle time', () => expect([1_000_089, 1_000_090].map((now) => seenAgain(session, now, limits))).toEqual([false, true]));

  it.each([
    [1_001_800, session],
    [1_043_200, { ...session, seen: 1_043_000 }],
    [1_000_600, { ...session, refreshToken: undefined }],
  ])('ends at %d unless it is used', (end, given) => expect(endsAt(given, limits)).toBe(end));
});
