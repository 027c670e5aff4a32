import { describe, expect, it } from '@jest/globals';
import type { Binary } from '@vitae/statistics';
import { measure } from './measure.ts';

/** Rows of one group: how many of each (label, prediction). */
const rows = (group: string, counts: Readonly<Record<'tp' | 'fp' | 'fn' | 'tn', number>>): { group: string; label: Binary; prediction: Binary }[] =>
  (['tp', 'fp', 'fn', 'tn'] as const).flatMap((kind) =>
    Array.from({ length: counts[kind] }, () => ({ group, label: kind === 'tp' || kind === 'fn' ? 1 : 0, prediction: kind === 'tp' || kind === 'fp' ? 1 : 0 }) as const),
  );
const measured = (all: ReturnType<typeof rows>, scores?: readonly number[]) =>
  measure({ labels: all.map(({ label }) => label), predictions: all.map(({ prediction }) => prediction), scores, groups: { sex: all.map(({ group }) => group) } });
const values = (metrics: readonly { name: string; value: number }[]) => Object.fromEntries(metrics.map(({ name, value }) => [name, value]));

const women = rows('female', { tp: 6, fp: 4, fn: 4, tn: 16 });
const men = rows('male', { tp: 8, fp: 2, fn: 2, tn: 8 });

describe('What a classifier measures', () => {
  it('is computed overall, by group and between groups', () => {
    const { rowCount, metrics, groups } = measured([...women, ...men]);
    expect(rowCount).toBe(50);
    expect(values(metrics)).toEqual({
      accuracy: 38 / 50,
      f1: 28 / 40,
      'equal_opportunity_difference:sex': expect.closeTo(0.8 - 0.6, 12),
      'demographic_parity_difference:sex': expect.closeTo(0.5 - 1 / 3, 12),
    });
    expect(groups.map(({ metrics: of, ...group }) => ({ ...group, metrics: values(of) }))).toEqual([
      { attribute: 'sex', group: 'female', rowCount: 30, positiveCount: 10, metrics: { tpr: 0.6, fpr: 0.2, selection_rate: 1 / 3, accuracy: 22 / 30 } },
      { attribute: 'sex', group: 'male', rowCount: 20, positiveCount: 10, metrics: { tpr: 0.8, fpr: 0.2, selection_rate: 0.5, accuracy: 0.8 } },
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
    expect(measured(oneClass).groups[0]?.metrics.map(({ name }) => name)).toEqual(['fpr', 'selection_rate', 'accuracy']);
  });
});
