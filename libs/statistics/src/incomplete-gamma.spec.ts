import { describe, expect, it } from '@jest/globals';
import { logGamma, upperIncompleteGamma } from './incomplete-gamma.ts';

describe('regularised upper incomplete gamma function', () => {
  it.each([
    // scipy 1.17.1: scipy.special.gammaincc(a, x)
    [0.5, 0.01, 0.887537083981715],
    [0.5, 1.5, 0.08326451666355042],
    [4.5, 4.5, 0.43727418891386693],
    [5, 5, 0.44049328506521257],
    [50, 40, 0.9296649333406051],
    [50, 70, 0.0051405024585059085],
    [500, 520, 0.18469114909874365],
    [4.5, 30, 1.3406780483959625e-9],
    [0.5, 350, 2.990226975124623e-154],
  ])('given a = %d and x = %d, then it is that of scipy', (a, x, expected) => {
    expect(upperIncompleteGamma(a, x) / expected).toBeCloseTo(1, 11);
  });

  it('given the ends of the range, then it is 1 and 0', () => {
    expect([upperIncompleteGamma(1, 0), upperIncompleteGamma(1, Infinity), upperIncompleteGamma(2, 1e6)]).toEqual([1, 0, 0]);
  });

  it('given arguments outside the range, then it is refused', () => {
    expect(() => upperIncompleteGamma(0, 1)).toThrow('needs a > 0 and x >= 0');
    expect(() => upperIncompleteGamma(1, -1)).toThrow('needs a > 0 and x >= 0');
    expect(() => upperIncompleteGamma(1, NaN)).toThrow('needs a > 0 and x >= 0');
  });

  it.each([
    // scipy 1.17.1: scipy.special.gammaln(a)
    [0.5, 0.5723649429247],
    [4.5, 2.4537365708424423],
    [10, 12.801827480081469],
    [99.5, 356.83538282361303],
    [500, 2605.115850361734],
  ])('given %d, then ln Gamma is that of scipy', (a, expected) => {
    expect(logGamma(a) / expected).toBeCloseTo(1, 13);
  });
});
