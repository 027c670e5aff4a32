import { describe, expect, it } from '@jest/globals';
import { accuracy, addConfusions, auc, brier, confusion, f1, logLoss, precision, recall, type Binary } from './classification.ts';

// Expected values: scikit-learn 1.9.1, sklearn.metrics.
const labels: Binary[] = [0, 0, 1, 1, 0, 1, 1, 0, 1, 0];
const scores = [0.1, 0.4, 0.35, 0.8, 0.4, 0.4, 0.9, 0.2, 0.65, 0.65];
const predictions = scores.map((score): Binary => (score >= 0.4 ? 1 : 0));

describe('classification metrics', () => {
  it('given labels and predictions, then counts and rates are those of scikit-learn', () => {
    const counts = confusion(labels, predictions);
    expect(counts).toEqual({ truePositives: 4, falsePositives: 3, falseNegatives: 1, trueNegatives: 2 });
    expect(accuracy(counts)).toBe(0.6);
    expect(precision(counts)).toBeCloseTo(0.5714285714285714, 14);
    expect(recall(counts)).toBe(0.8);
    expect(f1(counts)).toBeCloseTo(0.6666666666666666, 14);
  });

  it('given scores with ties, then AUC, log loss and Brier score are those of scikit-learn', () => {
    expect(auc(labels, scores)).toBeCloseTo(0.78, 14);
    expect(logLoss(labels, scores)).toBeCloseTo(0.5125377278440018, 14);
    expect(brier(labels, scores)).toBeCloseTo(0.17475, 14);
  });

  it('given sure scores, then one mistake costs log loss a finite price', () => {
    expect(logLoss([1, 0, 1], [1, 0, 0])).toBeCloseTo(12.014551129705717, 12);
  });

  it('given a perfect, a reversed and a constant score, then AUC is 1, 0 and one half', () => {
    expect(auc([0, 0, 1], [1, 2, 3])).toBe(1);
    expect(auc([1, 1, 0], [1, 2, 3])).toBe(0);
    expect(auc([1, 0, 0, 1, 0], [7, 7, 7, 7, 7])).toBe(0.5);
  });

  it('given labels that come in parts, then their counts add up to those of one pass', () => {
    const parts = addConfusions(confusion(labels.slice(0, 3), predictions.slice(0, 3)), confusion(labels.slice(3), predictions.slice(3)));
    expect(parts).toEqual(confusion(labels, predictions));
  });

  it('given data that do not define a metric, then it is null', () => {
    const none = confusion([], []);
    expect([accuracy(none), precision(none), recall(none), f1(none), auc([], []), logLoss([], []), brier([], [])]).toEqual(new Array(7).fill(null));
    expect(auc([1, 1], [0.2, 0.9])).toBeNull();
    expect(f1(confusion([0, 0], [0, 0]))).toBeNull();
  });

  it('given rows that do not match, or a score that is no number, then it is refused', () => {
    expect(() => confusion([1], [])).toThrow('1 labels do not match 0 predictions.');
    expect(() => auc([1, 0], [0.3, NaN])).toThrow('The score of row 1 is not a number.');
  });
});
