import { describe, expect, it } from '@jest/globals';
import reference from '../fixtures/paired-and-fairness.json' with { type: 'json' };
import { calibrationGap, comparedGroups, fairnessEstimate, FAIRNESS_MEASURES, fairnessValue, largestGap } from './fairness-measures.ts';
import { newcombe, shareRatio, wilson } from './proportion.ts';

// Confusion counts by group of Fairlearn's test fixture, as in fairness.spec.ts.
const aa = { truePositives: 15, falsePositives: 7, falseNegatives: 7, trueNegatives: 7 };
const ba = { truePositives: 18, falsePositives: 6, falseNegatives: 5, trueNegatives: 6 };

describe('What is compared between groups', () => {
  it("given Fairlearn's fixture, then all measures are by its definitions", () => {
    expect(Object.fromEntries(FAIRNESS_MEASURES.map((measure) => [measure, fairnessValue(measure, [aa, ba])]))).toEqual({
      demographic_parity_difference: expect.closeTo(0.07460317460317456, 14),
      demographic_parity_ratio: expect.closeTo(0.8912037037037037, 14),
      equal_opportunity_difference: expect.closeTo(0.10079051383399218, 14),
      equal_opportunity_ratio: expect.closeTo(0.8712121212121212, 14),
      equalized_odds_difference: expect.closeTo(0.10079051383399218, 14),
      equalized_odds_ratio: expect.closeTo(0.8712121212121212, 14),
      predictive_parity_difference: expect.closeTo(18 / 24 - 15 / 22, 14),
      predictive_parity_ratio: expect.closeTo(15 / 22 / (18 / 24), 14),
    });
  });

  it('given three groups, then the two that are furthest apart count', () => {
    const between = { truePositives: 16, falsePositives: 7, falseNegatives: 7, trueNegatives: 6 };
    expect(fairnessEstimate('demographic_parity_difference', [aa, between, ba])).toEqual(fairnessEstimate('demographic_parity_difference', [ba, aa]));
  });

  it('has an interval within what the measure can be', () => {
    const difference = fairnessEstimate('demographic_parity_difference', [aa, ba]);
    const [high, low] = [wilson(24, 35), wilson(22, 36)];
    if (!high || !low) throw new Error('both have rows');
    expect(difference).toEqual({ value: fairnessValue('demographic_parity_difference', [aa, ba]), low: 0, high: newcombe(high, low).high });
    expect(fairnessEstimate('demographic_parity_ratio', [aa, ba])).toEqual({ value: expect.closeTo(0.8912, 4), low: shareRatio({ successes: 22, n: 36 }, { successes: 24, n: 35 })?.low, high: 1 });
  });

  it('says nothing of one group, of a group without rows for a rate, and of a ratio to nothing', () => {
    const nobody = { truePositives: 0, falsePositives: 0, falseNegatives: 10, trueNegatives: 10 };
    const noPositives = { truePositives: 0, falsePositives: 5, falseNegatives: 0, trueNegatives: 5 };
    expect(fairnessEstimate('demographic_parity_difference', [aa])).toBeNull();
    expect(fairnessEstimate('equal_opportunity_difference', [aa, noPositives])).toBeNull();
    expect(fairnessEstimate('equalized_odds_difference', [aa, noPositives])).toBeNull();
    expect(fairnessEstimate('demographic_parity_ratio', [nobody, nobody])).toBeNull();
    expect(fairnessEstimate('demographic_parity_difference', [nobody, nobody])).toMatchObject({ value: 0 });
  });

  it('leaves out groups that are too small', () => {
    const large = { truePositives: 40, falsePositives: 30, falseNegatives: 20, trueNegatives: 60 };
    expect(comparedGroups([aa, large, ba])).toEqual([large]);
    expect(comparedGroups([aa, large], { minRows: 20, minPositives: 5 })).toEqual([aa, large]);
  });

  it.each(reference.two_shares)('given $a of $n and $b of $m, then the intervals are those of statsmodels', ({ a, n, b, m, difference, ratio }) => {
    const [first, second] = [wilson(a, n), wilson(b, m)];
    if (!first || !second) throw new Error('both have rows');
    const of = newcombe(first, second);
    expect([of.low, of.high]).toEqual(difference.map((bound) => expect.closeTo(bound, 9)));
    const quotient = shareRatio({ successes: a, n }, { successes: b, n: m });
    expect(quotient && [quotient.low, quotient.high]).toEqual(ratio?.map((bound) => expect.closeTo(bound, 9)) ?? null);
  });
});

describe('Calibration by group', () => {
  it('is the mean score above the share of labels 1', () => {
    expect(calibrationGap([1, 0, 0, 1], [0.9, 0.3, 0.2, 0.8])?.value).toBeCloseTo(0.05, 12);
    expect(calibrationGap([1], [0.9])).toBeNull();
  });
  it('differs by the gap between the furthest groups', () => {
    const gaps = [{ value: 0.1, low: 0, high: 0.2 }, { value: -0.2, low: -0.3, high: -0.1 }, { value: 0, low: -1, high: 1 }];
    expect(largestGap(gaps)).toEqual({ value: expect.closeTo(0.3, 12), low: expect.closeTo(0.3 - Math.hypot(0.1, 0.1), 12), high: expect.closeTo(0.3 + Math.hypot(0.1, 0.1), 12) });
    expect(largestGap(gaps.slice(1, 2))).toBeNull();
  });
});
