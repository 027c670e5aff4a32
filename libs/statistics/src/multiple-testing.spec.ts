import { describe, expect, it } from '@jest/globals';
import { benjaminiHochberg } from './multiple-testing.ts';

const closeTo = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 12));

describe('Benjamini-Hochberg', () => {
  it("given the p values of scipy's own test, then the q values are those", () => {
    // scipy, stats/tests/test_morestats.py::TestFDRControl
    expect(benjaminiHochberg([0.005, 0.009, 0.019, 0.022, 0.051, 0.101, 0.361, 0.387])).toEqual(
      closeTo([0.036, 0.036, 0.044, 0.044, 0.0816, 0.13466666666666666, 0.387, 0.387]),
    );
  });

  it('given p values in any order, then the q values come in that order', () => {
    // scipy 1.17.1: scipy.stats.false_discovery_control
    expect(benjaminiHochberg([0.361, 0.005, 0.387, 0.009, 0.101, 0.019, 0.051, 0.022])).toEqual(
      closeTo([0.387, 0.036, 0.387, 0.036, 0.13466666666666666, 0.044, 0.0816, 0.044]),
    );
  });

  it('given ties, then they share a q value', () => {
    expect(benjaminiHochberg([0.5, 0.01, 0.01, 0.9])).toEqual(closeTo([2 / 3, 0.02, 0.02, 0.9]));
    expect(benjaminiHochberg([0.01, 0.02, 0.03, 0.04, 0.05])).toEqual(closeTo([0.05, 0.05, 0.05, 0.05, 0.05]));
  });

  it('given none, then there are none; given no p value, then it is refused', () => {
    expect(benjaminiHochberg([])).toEqual([]);
    expect(() => benjaminiHochberg([0.1, NaN])).toThrow('A p value lies between 0 and 1; got NaN.');
  });
});
