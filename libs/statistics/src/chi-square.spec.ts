import { describe, expect, it } from '@jest/globals';
import { chiSquareTail, contingencyChiSquare } from './chi-square.ts';

describe('chi-square tail', () => {
  it.each([
    // scipy 1.17.1: scipy.stats.chi2.sf(x, df)
    [3.1746032, 5, 0.6730875967905056], // Evidently's goodness of fit, test_stattests.py: .67309
    [3.841458820694124, 1, 0.04999999999999989],
    [16.918977604620448, 9, 0.05000000000000007],
    [60, 9, 1.3406780483959625e-9],
    [300, 9, 2.6102773472069844e-59],
  ])('given %d with %d degrees of freedom, then it is that of scipy', (statistic, degrees, expected) => {
    expect(chiSquareTail(statistic, degrees) / expected).toBeCloseTo(1, 11);
  });
});

describe('contingency chi-square', () => {
  it.each([
    // scipy 1.17.1: scipy.stats.chi2_contingency([reference, window], correction=False)
    [[16, 18, 16, 14, 12, 12], [16, 16, 16, 16, 16, 8], 1.6224089635854342, 5, 0.8985262394026607],
    [[120, 80, 300], [30, 45, 75], 14.56, 2, 0.0006891855636927933],
    [[1000, 0, 500], [90, 20, 40], 202.76928304451243, 2, 9.315574365910658e-45],
    [[900, 100], [80, 20], 9.353741496598643, 1, 0.0022253071840488475],
    [new Array<number>(10).fill(10_000), [100, 110, 90, 95, 105, 100, 100, 80, 120, 100], 10.39607272547291, 9, 0.3193822032136885],
  ])('given %j and %j, when no cell is small, then it is that of scipy', (reference, window, statistic, degreesOfFreedom, pValue) => {
    const result = contingencyChiSquare(reference, window, 1);
    expect(result.statistic).toBeCloseTo(statistic, 10);
    expect(result.degreesOfFreedom).toBe(degreesOfFreedom);
    expect(result.pValue / pValue).toBeCloseTo(1, 10);
  });

  it('given cells that expect fewer than five rows, then they are pooled into one', () => {
    // expected in the window: 49.5, 30.3, 14.9, 4.2, .6, .5
    expect(contingencyChiSquare([500, 300, 150, 40, 6, 4], [45, 33, 14, 6, 1, 1])).toEqual(contingencyChiSquare([50, 150, 300, 500], [8, 14, 33, 45], 0));
  });

  it('given a pool that still expects too few, then it takes in the smallest cell that is left', () => {
    expect(contingencyChiSquare([500, 300, 200, 3], [50, 30, 20, 1])).toEqual(contingencyChiSquare([203, 300, 500], [21, 30, 50], 0));
  });

  it('given nothing to compare, then the p value is 1', () => {
    const nothing = { statistic: 0, degreesOfFreedom: 0, pValue: 1 };
    expect(contingencyChiSquare([10, 20], [0, 0])).toEqual(nothing);
    expect(contingencyChiSquare([10, 0], [20, 0])).toEqual(nothing);
    expect(contingencyChiSquare([2, 1], [1, 2])).toMatchObject({ degreesOfFreedom: 0, pValue: 1 });
  });

  it('given cells that do not match, then it is refused', () => {
    expect(() => contingencyChiSquare([1], [1, 2])).toThrow('Cells do not match');
  });
});
