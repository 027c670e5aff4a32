import { describe, expect, it } from '@jest/globals';
import type { Binary } from '@vitae/statistics';
import { measure } from './measure.ts';

/** Rows of one group: how many of each (label, prediction). */
const rows = (group: string, counts: Readonly<Record<'tp' | 'fp' | 'fn' | 'tn', number>>): { group: string; label: Binary; prediction: Binary }[] =>
  (['tp', 'fp', 'fn', 'tn'] as const).flatMap((kind) =>
    Array.from({ length: counts[kind] }, () => ({ group, label: kind === 'tp' || kind === 'fn' ? 1 : 0, prediction: kind === 'tp' || kind === 'fp' ? 1 : 0 }) as const),
  );
const measured = (all: ReturnType<typeof rows>, scores?: readonly number[]) =>
  measure({ task: 'binary-classification', slices: {}, labels: all.map(({ label }) => label), predictions: all.map(({ prediction }) => prediction), scores, groups: { sex: all.map(({ group }) => group) } });
const values = (metrics: readonly { name: string; value: number }[]) => Object.fromEntries(metrics.map(({ name, value }) => [name, value]));

const women = rows('female', { tp: 6, fp: 4, fn: 4, tn: 16 });
const men = rows('male', { tp: 8, fp: 2, fn: 2, tn: 8 });

describe('What a classifier measures', () => {
  it('is computed overall, by group and between groups', () => {
    const { task, rowCount, metrics, groups } = measured([...women, ...men]);
    expect([task, rowCount]).toEqual(['binary-classification', 50]);
    expect(values(metrics)).toEqual({
      accuracy: 38 / 50,
      f1: 28 / 40,
      precision: 14 / 20,
      recall: 14 / 20,
      'equal_opportunity_difference:sex': expect.closeTo(0.8 - 0.6, 12),
      'equal_opportunity_ratio:sex': expect.closeTo(0.75, 12),
      'demographic_parity_difference:sex': expect.closeTo(0.5 - 1 / 3, 12),
      'demographic_parity_ratio:sex': expect.closeTo(2 / 3, 12),
      'equalized_odds_difference:sex': expect.closeTo(0.8 - 0.6, 12),
      'equalized_odds_ratio:sex': expect.closeTo(0.75, 12),
      'predictive_parity_difference:sex': expect.closeTo(0.8 - 0.6, 12),
      'predictive_parity_ratio:sex': expect.closeTo(0.75, 12),
    });
    expect(groups.map(({ metrics: of, ...group }) => ({ ...group, metrics: values(of) }))).toEqual([
      { attribute: 'sex', group: 'female', rowCount: 30, positiveCount: 10, metrics: { tpr: 0.6, fpr: 0.2, selection_rate: 1 / 3, accuracy: 22 / 30, ppv: 0.6 } },
      { attribute: 'sex', group: 'male', rowCount: 20, positiveCount: 10, metrics: { tpr: 0.8, fpr: 0.2, selection_rate: 0.5, accuracy: 0.8, ppv: 0.8 } },
    ]);
  });

  it('has an interval where one is known', () => {
    const [accuracy] = measured([...women, ...men]).metrics;
    expect(accuracy).toEqual({ name: 'accuracy', value: 0.76, lower: expect.closeTo(0.6259, 4), upper: expect.closeTo(0.857, 4) });
  });

  it('includes ranking and calibration when the model gives probabilities', () => {
    const all = rows('all', { tp: 1, fp: 0, fn: 1, tn: 2 });
    expect(values(measured(all, [0.9, 0.4, 0.5, 0.1]).metrics)).toMatchObject({ auc: 0.75, log_loss: expect.closeTo(-(Math.log(0.9) + Math.log(0.4) + Math.log(0.5) + Math.log(0.9)) / 4, 12) });
  });

  it('leaves out what the rows do not define, rather than calling it 0', () => {
    const few = rows('other', { tp: 4, fp: 0, fn: 0, tn: 15 });
    expect(values(measured([...women, ...few]).metrics)).not.toHaveProperty('equal_opportunity_difference:sex');
    const oneClass = rows('all', { tp: 0, fp: 2, fn: 0, tn: 3 });
    expect(values(measured(oneClass, [0.6, 0.7, 0.1, 0.2, 0.3]).metrics)).not.toHaveProperty('auc');
    expect(measured(oneClass).groups[0]?.metrics.map(({ name }) => name)).toEqual(['fpr', 'selection_rate', 'accuracy', 'ppv']);
  });

  it('is not compared between groups that are too small, and still reported', () => {
    const few = rows('other', { tp: 4, fp: 0, fn: 0, tn: 15 });
    const { metrics, groups } = measured([...women, ...few]);
    expect(metrics.map(({ name }) => name).filter((name) => name.includes(':'))).toEqual([]);
    expect(groups.map(({ group, rowCount }) => [group, rowCount])).toEqual([['female', 30], ['other', 19]]);
  });

  it('includes how well groups are calibrated, when the model gives probabilities', () => {
    const all = [...women, ...men];
    const { metrics, groups } = measured(all, all.map(({ label, group }) => (group === 'male' ? label : label * 0.5 + 0.25)));
    expect(groups.map(({ metrics: of }) => values(of)['calibration_gap'])).toEqual([expect.closeTo((0.75 * 10 + 0.25 * 20) / 30 - 1 / 3, 12), 0]);
    expect(values(metrics)['calibration_difference:sex']).toBeCloseTo((0.75 * 10 + 0.25 * 20) / 30 - 1 / 3, 12);
  });

  it('is measured on slices, and on none of fewer than 20 rows', () => {
    const all = [...women, ...men];
    const labels = all.map(({ label }) => label);
    const places = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
    const { slices } = measure({ task: 'binary-classification', labels, predictions: labels, groups: {}, slices: { first: places(0, 20), few: places(0, 19), none: [] } });
    expect(slices.map(({ slice, rowCount, metrics }) => [slice, rowCount, values(metrics)['accuracy']])).toEqual([['first', 20, 1], ['few', 19, undefined], ['none', 0, undefined]]);
  });
});

describe('What a classifier of several classes measures', () => {
  const measuredClasses = measure({ task: 'multiclass-classification', classes: ['a', 'b', 'c'], labels: [0, 0, 1, 1, 2, 2], predictions: [0, 1, 1, 1, 2, 0], scores: [0.9, 0.4, 0.8, 0.7, 0.6, 0.3], groups: { sex: ['f', 'f', 'f', 'm', 'm', 'm'] }, slices: {} });
  it('is accuracy, macro F1 and log loss, and accuracy by group', () => {
    expect(values(measuredClasses.metrics)).toEqual({
      accuracy: 4 / 6,
      macro_f1: expect.closeTo((0.5 + 0.8 + 2 / 3) / 3, 12),
      log_loss: expect.closeTo(-[0.9, 0.4, 0.8, 0.7, 0.6, 0.3].reduce((sum, p) => sum + Math.log(p), 0) / 6, 12),
    });
    expect(measuredClasses.groups.map(({ group, positiveCount, metrics }) => [group, positiveCount, values(metrics)])).toEqual([['f', 0, { accuracy: 2 / 3 }], ['m', 0, { accuracy: 2 / 3 }]]);
  });
});

describe('What a regressor measures', () => {
  const labels = Array.from({ length: 40 }, (_, i) => i);
  const sex = labels.map((i) => (i < 20 ? 'f' : 'm'));
  const { metrics, groups } = measure({ task: 'regression', labels, predictions: labels.map((label) => label + (label < 20 ? 1 : -3)), groups: { sex }, slices: {} });
  it('is mae, rmse and r2 with intervals, and how far it is off by group and to which side', () => {
    const variance = labels.reduce((sum, label) => sum + (label - 19.5) ** 2, 0) / 40;
    expect(values(metrics)).toEqual({ mae: 2, rmse: expect.closeTo(Math.sqrt(5), 12), r2: expect.closeTo(1 - 5 / variance, 12), 'mae_difference:sex': 2 });
    expect(metrics.find(({ name }) => name === 'mae')).toMatchObject({ lower: expect.closeTo(2 - 1.96 * Math.sqrt(40 / 39 / 40), 3), upper: expect.closeTo(2 + 1.96 * Math.sqrt(40 / 39 / 40), 3) });
    expect(groups.map(({ metrics: of }) => values(of))).toEqual([{ mae: 1, mean_error: 1 }, { mae: 3, mean_error: -3 }]);
  });
  it('has no interval of one row, and nothing of numbers that are too large for it', () => {
    const of = (label: number, prediction: number) => measure({ task: 'regression', labels: [label], predictions: [prediction], groups: { sex: ['f'] }, slices: {} });
    expect(of(3, 1).metrics).toEqual([{ name: 'mae', value: 2 }, { name: 'rmse', value: 2 }]);
    expect(of(3, 1).groups[0]?.metrics).toEqual([{ name: 'mae', value: 2 }]);
    expect(of(1e300, -1e300).metrics).toEqual([{ name: 'mae', value: 2e300 }]);
  });
});
