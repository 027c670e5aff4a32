import { describe, expect, it } from '@jest/globals';
import { wilson } from './proportion.ts';

describe("Wilson's interval", () => {
  it.each([
    // scipy 1.17.1: scipy.stats.binomtest(k, n).proportion_ci(.95, "wilson")
    [0, 20, 0, 0.16112515805281935],
    [20, 20, 0.8388748419471808, 1],
    [8, 10, 0.4901624715366418, 0.9433178485456248],
    [1, 29, 0.006113214292762667, 0.17175521879320282],
    [81, 263, 0.2552885198782742, 0.36620957698280004],
  ])('given %d of %d, then it is that of scipy', (successes, n, low, high) => {
    expect(wilson(successes, n)).toEqual({ value: successes / n, low: expect.closeTo(low, 14), high: expect.closeTo(high, 14) });
  });

  it('given no rows, then there is no proportion; given more successes than rows, then it is refused', () => {
    expect(wilson(0, 0)).toBeNull();
    expect(() => wilson(3, 2)).toThrow('got 3 of 2');
  });
});
