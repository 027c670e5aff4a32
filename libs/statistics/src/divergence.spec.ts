import { describe, expect, it } from '@jest/globals';
import { hellinger, jensenShannon, kolmogorovSmirnov, lInfinity, psi, totalVariation } from './divergence.ts';

// Evidently, tests/stattests/test_stattests.py: values 1 to 6, reference against current.
const reference = [16, 18, 16, 14, 12, 12];
const current = [16, 16, 16, 16, 16, 8];

describe('distances between binned counts', () => {
  it("given Evidently's example, then Hellinger is as Evidently has it, and the others are scipy's", () => {
    expect(hellinger(reference, current)).toBeCloseTo(0.06812774370983354, 14); // Evidently: .06812
    expect(totalVariation(reference, current)).toBeCloseTo(0.06818181818181818, 14);
    expect(lInfinity(reference, current)).toBeCloseTo(0.04545454545454547, 14);
    expect(jensenShannon(reference, current, 'e')).toBeCloseTo(0.06804819617703867, 14); // scipy.spatial.distance.jensenshannon
    expect(jensenShannon(reference, current)).toBeCloseTo(0.08173421330573756, 14); // the same, base 2
    expect(psi(reference, current, 0).psi).toBeCloseTo(0.037218381577290835, 14);
    expect(psi(reference, current).psi).toBeCloseTo(0.03451012126325888, 14);
  });

  it('given nothing in common, then the bounded distances are 1', () => {
    for (const distance of [hellinger, totalVariation, lInfinity, jensenShannon]) expect(distance([5, 0], [0, 9])).toBeCloseTo(1, 14);
    expect(jensenShannon([5, 0], [0, 9], 'e')).toBeCloseTo(Math.sqrt(Math.LN2), 14);
  });

  it('given the same shares, then every distance is 0', () => {
    for (const distance of [hellinger, totalVariation, lInfinity, jensenShannon]) expect(distance([1, 2, 0], [10, 20, 0])).toBeCloseTo(0, 7);
    expect(psi([1, 2, 0], [10, 20, 0], 0).psi).toBeCloseTo(0, 14);
  });

  it("given Deequ's categorical example, then L-infinity is its linf_simple", () => {
    // awslabs/deequ, KLLDistanceTest.scala
    expect(lInfinity([10, 20, 25, 10, 5], [11, 20, 25, 10, 10])).toBeCloseTo(0.06015037593984962, 14);
  });

  it('given cells that do not match, or a side without rows, then it is refused', () => {
    expect(() => psi([1, 2], [1, 2, 3])).toThrow('Cells do not match: 2 in the reference, 3 in the window.');
    expect(() => hellinger([1], [0])).toThrow('The window has no rows');
    expect(() => totalVariation([0], [1])).toThrow('The reference has no rows');
  });
});

describe('population stability index', () => {
  it('given an empty cell, then the pseudo-count decides how much it weighs', () => {
    const [before, after] = [[500, 300, 150, 50], [550, 300, 150, 0]];
    expect(psi(before, after).psi).toBeCloseTo(0.23504689991261074, 14);
    expect(psi(before, after, 1).psi).toBeCloseTo(0.2005455349000187, 14); // Fiddler's +1
    expect(psi(before, after, 0).psi).toBe(Infinity);
  });

  it('given small samples, then the corrected PSI is what is left above (B-1)(1/n + 1/m)', () => {
    const { psi: value, corrected, noiseFloor, cells } = psi([250, 250, 250, 250, 0], [70, 40, 45, 45, 0]);
    expect(cells).toBe(4);
    expect(noiseFloor).toBeCloseTo(3 * (1 / 200 + 1 / 1000), 14);
    expect(corrected).toBeCloseTo(value - noiseFloor, 14);
    expect(psi([250, 250], [51, 49]).corrected).toBe(0);
  });
});

describe('Kolmogorov-Smirnov from bins', () => {
  it("given one value in each bin, then the lower bound is the statistic of the values: Deequ's .25", () => {
    // [1, 2, 3, 4] against [2, 3, 4, 5]: awslabs/deequ, KLLDistanceTest.scala
    expect(kolmogorovSmirnov([1, 1, 1, 1, 0], [0, 1, 1, 1, 1])).toEqual({ lower: 0.25, upper: 0.5 });
  });

  it('given values and coarse bins, then the true statistic lies within the bounds', () => {
    // 1..100 against the same plus 2.1: D = .03 (scipy, TestKSTwoSamples); here in bins of ten
    const a = Array.from({ length: 100 }, (_, i) => i + 1);
    const binned = (values: readonly number[]) => Array.from({ length: 11 }, (_, bin) => values.filter((value) => Math.ceil(value / 10) - 1 === bin).length);
    const { lower, upper } = kolmogorovSmirnov(binned(a), binned(a.map((value) => value + 2.1)));
    expect(lower).toBeLessThanOrEqual(0.03);
    expect(upper).toBeGreaterThanOrEqual(0.03);
  });
});
