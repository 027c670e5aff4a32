import { describe, expect, it } from '@jest/globals';
import { fitCategorical, fitNumeric } from './bins.ts';

describe('fitting numeric bins', () => {
  it('given fewer bins than values, when fitted, then edges are the quantiles that numpy calls inverted_cdf', () => {
    // numpy.quantile(range(1, 11), [.25, .5, .75, 1], method="inverted_cdf") = [3, 5, 8, 10]
    const baseline = fitNumeric([7, 3, 10, 1, 9, 2, 8, 6, 4, 5], 4);
    expect(baseline).toEqual({ kind: 'numeric', min: 1, edges: [3, 5, 8, 10], counts: [3, 2, 3, 2], missing: 0 });
  });

  it('given 10,000 distinct values, when fitted, then each of the 100 bins holds 100 of them', () => {
    const baseline = fitNumeric(Array.from({ length: 10_000 }, (_, i) => Math.sqrt(i)));
    expect(baseline.counts).toEqual(new Array(100).fill(100));
  });

  it('given few distinct values, when fitted, then each has its own bin, however rare', () => {
    const baseline = fitNumeric([...new Array<number>(998).fill(0), 1, 2]);
    expect(baseline).toEqual({ kind: 'numeric', min: 0, edges: [0, 1, 2], counts: [998, 1, 1], missing: 0 });
  });

  it('given a constant, when fitted, then there is one bin', () => {
    expect(fitNumeric([5, 5, 5])).toEqual({ kind: 'numeric', min: 5, edges: [5], counts: [3], missing: 0 });
  });

  it('given many rows with one value, when fitted, then equal quantiles collapse and edges stay strictly increasing', () => {
    const baseline = fitNumeric([...new Array<number>(700).fill(0), ...Array.from({ length: 300 }, (_, i) => i + 1)], 10);
    expect(baseline.edges).toEqual([0, 100, 200, 300]);
    expect(baseline.counts).toEqual([700, 100, 100, 100]);
  });

  it('given missing values, when fitted, then they are counted and not binned', () => {
    expect(fitNumeric([1, null, 2, undefined, NaN])).toEqual({ kind: 'numeric', min: 1, edges: [1, 2], counts: [1, 1], missing: 3 });
  });

  it('given nothing to fit, or an infinite value, when fitted, then it is refused', () => {
    expect(() => fitNumeric([null, NaN])).toThrow('the reference has no value');
    expect(() => fitNumeric([1, Infinity])).toThrow('an infinite value');
    expect(() => fitNumeric([1], 0)).toThrow('maxBins is 0');
  });
});

describe('fitting categorical bins', () => {
  it('given categories, when fitted, then they are in order with their counts, numbers and booleans by their text', () => {
    expect(fitCategorical(['b', 'a', 'b', true, 7, null, ''])).toEqual({
      kind: 'categorical',
      categories: ['', '7', 'a', 'b', 'true'],
      counts: [1, 1, 1, 2, 1],
      other: 0,
      missing: 1,
    });
  });

  it('given more categories than the cap, when fitted, then the most frequent keep a bin and the rest are OTHER', () => {
    expect(fitCategorical(['rare', 'z', 'z', 'z', 'a', 'a', 'b', 'b', 'odd'], 2)).toEqual({
      kind: 'categorical',
      categories: ['a', 'z'],
      counts: [2, 3],
      other: 4,
      missing: 0,
    });
  });

  it('given no value, when fitted, then it is refused', () => {
    expect(() => fitCategorical([null])).toThrow('the reference has no value');
  });
});
