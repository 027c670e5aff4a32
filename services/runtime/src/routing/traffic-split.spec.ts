import { describe, expect, it } from '@jest/globals';
import { armFor } from './traffic-split.ts';

const ids = (n: number): string[] => Array.from({ length: n }, (_, i) => `request-${i}`);
const arms = (stable: number, candidate: number) => [
  { variantId: 'stable', weight: stable },
  { variantId: 'candidate', weight: candidate },
];
const chosen = (stable: number, candidate: number, salt = 'endpoint') => ids(20_000).map((id) => armFor(arms(stable, candidate), id, salt)?.variantId);
const shareOf = (choices: readonly (string | undefined)[]): number => choices.filter((arm) => arm === 'candidate').length / choices.length;

describe('armFor', () => {
  it.each([1, 5, 10, 25, 50, 90, 99])('gives the candidate its %d %% of consecutive request ids', (weight) => {
    const share = weight / 100;
    // Six standard deviations of a binomial with 20,000 draws: a fair split passes, a skewed one does not.
    const tolerance = 6 * Math.sqrt((share * (1 - share)) / 20_000);
    expect(Math.abs(shareOf(chosen(100 - weight, weight)) - share)).toBeLessThan(tolerance);
  });

  it('spreads the ids evenly over a hundred arms (chi-square below its 99.9999 % point)', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => ({ variantId: String(i), weight: 1 }));
    const counts = new Map<string, number>();
    for (const id of ids(50_000)) {
      const arm = armFor(hundred, id, 'endpoint')?.variantId ?? 'none';
      counts.set(arm, (counts.get(arm) ?? 0) + 1);
    }
    expect(counts.size).toBe(100);
    const chiSquare = [...counts.values()].reduce((sum, n) => sum + (n - 500) ** 2 / 500, 0);
    expect(chiSquare).toBeLessThan(178);
  });

  it('answers the same for the same request', () => {
    expect(chosen(70, 30)).toEqual(chosen(70, 30));
  });

  it('keeps with the candidate whom it had when its weight grows', () => {
    const before = chosen(90, 10);
    const after = chosen(50, 50);
    expect(before.every((arm, i) => arm !== 'candidate' || after[i] === 'candidate')).toBe(true);
  });

  it('cuts other requests off with another salt', () => {
    const one = chosen(50, 50, 'one');
    const other = chosen(50, 50, 'other');
    const agreement = one.filter((arm, i) => arm === other[i]).length / one.length;
    expect(agreement).toBeGreaterThan(0.45);
    expect(agreement).toBeLessThan(0.55);
  });

  it('sends everything to the only arm with weight, and nothing anywhere when there is none', () => {
    expect(new Set(chosen(100, 0))).toEqual(new Set(['stable']));
    expect(new Set(chosen(0, 0))).toEqual(new Set([undefined]));
    expect(armFor([], 'request-1', 'endpoint')).toBeUndefined();
  });
});
