import { describe, expect, it } from '@jest/globals';
import { fairness } from './fairness.ts';
import { wilson } from './proportion.ts';

// Confusion counts by group of Fairlearn's test fixture (y_t, y_p by g_1, test/unit/metrics/data_for_test.py).
const groups = {
  aa: { truePositives: 15, falsePositives: 7, falseNegatives: 7, trueNegatives: 7 },
  ba: { truePositives: 18, falsePositives: 6, falseNegatives: 5, trueNegatives: 6 },
};
const anySize = { minRows: 1, minPositives: 1 };

describe('fairness of a classifier between groups', () => {
  it("given Fairlearn's fixture, then the differences and the ratio are Fairlearn's", () => {
    expect(fairness(groups, anySize)).toMatchObject({
      demographicParityDifference: expect.closeTo(0.07460317460317456, 14),
      demographicParityRatio: expect.closeTo(0.8912037037037037, 14),
      equalOpportunityDifference: expect.closeTo(0.10079051383399218, 14),
      equalizedOddsDifference: expect.closeTo(0.10079051383399218, 14),
    });
  });

  it('given a group, then it is reported with its rates and their intervals', () => {
    expect(fairness(groups, anySize).groups[0]).toEqual({
      group: 'aa',
      n: 36,
      positives: 22,
      selectionRate: wilson(22, 36),
      tpr: wilson(15, 22),
      fpr: wilson(7, 14),
      compared: true,
    });
  });

  it('given groups that are too small, then they are reported and not compared', () => {
    const large = { truePositives: 40, falsePositives: 30, falseNegatives: 20, trueNegatives: 60 };
    const result = fairness({ ...groups, large });
    expect(result.groups.map(({ group, compared }) => [group, compared])).toEqual([['aa', false], ['ba', false], ['large', true]]);
    expect(result).toMatchObject({
      demographicParityDifference: null,
      demographicParityRatio: null,
      equalOpportunityDifference: null,
      equalizedOddsDifference: null,
    });
  });

  it('given false positive rates that differ more than true positive rates, then equalized odds takes the larger', () => {
    const result = fairness(
      {
        a: { truePositives: 50, falsePositives: 10, falseNegatives: 50, trueNegatives: 90 },
        b: { truePositives: 60, falsePositives: 40, falseNegatives: 40, trueNegatives: 60 },
      },
      anySize,
    );
    expect(result.equalOpportunityDifference).toBeCloseTo(0.1, 14);
    expect(result.equalizedOddsDifference).toBeCloseTo(0.3, 14);
  });

  it('given that nobody is selected, then parity has a difference of 0 and no ratio', () => {
    const refused = { truePositives: 0, falsePositives: 0, falseNegatives: 10, trueNegatives: 10 };
    expect(fairness({ a: refused, b: refused }, anySize)).toMatchObject({ demographicParityDifference: 0, demographicParityRatio: null });
  });
});
