import { describe, expect, it } from '@jest/globals';
import { aucDifference, mcNemar, regressionDifference, seededRandom, type Binary } from '@vitae/statistics';
import { compareVersions } from './compare.ts';
import type { BinaryRows, MulticlassRows, RegressionRows } from './scored-rows.ts';

// Rows of one seed: what is tested is that the right statistic gets the right rows; its numbers are tested where it lives.
const random = seededRandom(3);
const labels = Array.from({ length: 200 }, (): Binary => (random() < 0.4 ? 1 : 0));
const sex = labels.map(() => (random() < 0.5 ? 'f' : 'm'));
const scored = (noise: number): BinaryRows => {
  const scores = labels.map((label) => Math.min(1, Math.max(0, 0.3 + 0.4 * label + noise * (random() - 0.5))));
  return { task: 'binary-classification', labels, scores, predictions: scores.map((score): Binary => (score >= 0.5 ? 1 : 0)), groups: { sex }, slices: {} };
};
const [good, poor] = [scored(0.5), scored(1.8)];

describe('Versions on the same rows', () => {
  it('are held against the baseline metric by metric, each by its own test', () => {
    const [differences = []] = compareVersions(poor, [good]);
    expect(differences.map(({ metric, method }) => [metric, method])).toEqual([
      ['accuracy', 'mcnemar-mid-p'],
      ['auc', 'delong'],
      ['f1', 'bootstrap'],
      ['log_loss', 'influence'],
      ['demographic_parity_difference:sex', 'bootstrap'],
      ['equal_opportunity_difference:sex', 'bootstrap'],
      ['equalized_odds_difference:sex', 'bootstrap'],
      ['predictive_parity_difference:sex', 'bootstrap'],
    ]);
    const only = (these: BinaryRows, others: BinaryRows) => labels.filter((label, row) => these.predictions[row] === label && others.predictions[row] !== label).length;
    expect(differences[0]).toMatchObject({ value: (only(good, poor) - only(poor, good)) / 200, pValue: mcNemar(only(good, poor), only(poor, good)).midP });
    expect(differences[1]).toMatchObject({ value: aucDifference(labels, good.scores ?? [], poor.scores ?? [])?.value });
    for (const { value, lower, upper, adjustedPValue, pValue } of differences) {
      expect(lower).toBeLessThanOrEqual(value);
      expect(upper).toBeGreaterThanOrEqual(value);
      expect(adjustedPValue).toBeGreaterThanOrEqual(pValue);
    }
    expect(differences[0]?.value).toBeGreaterThan(0.05);
    expect(differences[0]?.adjustedPValue).toBeLessThan(0.01);
  });

  it('are asked for more, the more of them are compared', () => {
    const [alone = []] = compareVersions(poor, [good]);
    const [among = []] = compareVersions(poor, [good, scored(0.6), scored(1.7)]);
    expect(among.map(({ pValue }) => pValue)).toEqual(alone.map(({ pValue }) => pValue));
    expect(among[0]?.adjustedPValue).toBeGreaterThanOrEqual(alone[0]?.adjustedPValue ?? 1);
  });

  it('show no difference when they answer alike', () => {
    const [differences = []] = compareVersions(good, [good]);
    expect(differences.every(({ value, pValue, adjustedPValue }) => value === 0 && pValue === 1 && adjustedPValue === 1)).toBe(true);
  });

  it('are not compared between groups that are too small, or by what one of them does not give', () => {
    const few = { ...good, groups: { sex: labels.map((_, row) => (row < 10 ? 'f' : 'm')) } };
    const { scores: _, ...unsure } = few;
    expect(compareVersions(few, [unsure])[0]?.map(({ metric }) => metric)).toEqual(['accuracy', 'f1']);
  });

  it('are compared by the names of their classes, in whatever order these are', () => {
    const places = labels.map((_, row) => row % 3);
    const one: MulticlassRows = { task: 'multiclass-classification', classes: ['a', 'b', 'c'], labels: places, predictions: places.map((place, row) => (row % 10 === 0 ? (place + 1) % 3 : place)), groups: {}, slices: {} };
    const turned = (place: number): number => (place + 1) % 3;
    const other: MulticlassRows = { ...one, classes: ['c', 'a', 'b'], labels: one.labels.map(turned), predictions: one.predictions.map(turned) };
    expect(compareVersions(one, [other])[0]).toMatchObject([{ metric: 'accuracy', value: 0, pValue: 1 }, { metric: 'macro_f1', value: 0 }]);
    const right: MulticlassRows = { ...one, predictions: places };
    expect(compareVersions(one, [right])[0]).toMatchObject([{ metric: 'accuracy', value: expect.closeTo(0.1, 12) }, { metric: 'macro_f1', value: expect.closeTo(0.1, 1) }]);
  });

  it('that answer numbers are compared by their errors', () => {
    const numbers = labels.map((label, row) => label + row / 10);
    const rows = (off: number): RegressionRows => ({ task: 'regression', labels: numbers, predictions: numbers.map((number, row) => number + off * Math.sin(row)), groups: {}, slices: {} });
    const [one, two] = [rows(1), rows(2)];
    const expected = regressionDifference('mae', numbers, one.predictions, two.predictions);
    expect(compareVersions(two, [one])[0]).toMatchObject([{ metric: 'mae', value: expected?.value, lower: expected?.low, pValue: expected?.pValue }, { metric: 'rmse' }, { metric: 'r2' }]);
    expect(() => compareVersions(one, [good])).toThrow(RangeError);
  });
});
