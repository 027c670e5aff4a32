import { describe, expect, it } from '@jest/globals';
import reference from '../fixtures/paired-and-fairness.json' with { type: 'json' };
import { bootstrapCounts, quantile } from './bootstrap.ts';
import { f1, type Binary } from './classification.ts';
import { aucDifference, aucEstimate } from './delong.ts';
import { mean, normalDifference, normalEstimate, standardError } from './interval.ts';
import { mcNemar, pairedShareDifference } from './mcnemar.ts';
import { confusionMatrix, macroF1, matrixAccuracy, surprise } from './multiclass.ts';
import { holm } from './multiple-testing.ts';
import { REGRESSION_METRICS, regressionDifference, regressionEstimate } from './regression.ts';
import { binomialFrom, seededRandom, xoshiro128 } from './seeded-random.ts';

// Expected values: fixtures/paired-and-fairness.json, which says how it was made.
const near = (value: number, digits = 9) => expect.closeTo(value, digits);

describe('McNemar on paired answers', () => {
  it.each(reference.mcnemar)('given $onlyFirst and $onlySecond rows on which one is right, then both p values are those of statsmodels and scipy', ({ onlyFirst, onlySecond, exact, midP }) => {
    expect(mcNemar(onlyFirst, onlySecond)).toEqual({ exact: near(exact), midP: near(midP) });
    expect(mcNemar(onlySecond, onlyFirst)).toEqual(mcNemar(onlyFirst, onlySecond));
  });
  it.each(reference.paired_share)('given $onlyFirst and $onlySecond of $rows rows, then the difference has its interval', ({ onlyFirst, onlySecond, rows, value, low, high }) => {
    expect(pairedShareDifference(onlyFirst, onlySecond, rows)).toEqual({ value: near(value), low: near(low), high: near(high) });
  });
  it('given no rows, then there is no difference', () => expect(pairedShareDifference(0, 0, 0)).toBeNull());
});

describe("DeLong's test", () => {
  const { labels, first, second, ...expected } = reference.delong;
  const truth = labels as Binary[];
  it('given scores with ties, then the area, its interval and the difference are those of the definition', () => {
    expect(aucEstimate(truth, first)).toEqual({ value: near(expected.auc), low: near(expected.low), high: near(expected.high) });
    expect(aucDifference(truth, first, second)).toEqual({ value: near(expected.difference), low: near(expected.differenceLow), high: near(expected.differenceHigh), pValue: near(expected.pValue) });
  });
  it('given the same scores twice, then there is no difference and no doubt', () => expect(aucDifference(truth, first, first)).toEqual({ value: 0, low: 0, high: 0, pValue: 1 }));
  it('given one class only, or one row of a class, then nothing is claimed', () => {
    expect(aucEstimate([1, 1], [0.1, 0.2])).toBeNull();
    expect(aucEstimate([1, 0, 0], [0.1, 0.2, 0.3])).toBeNull();
    expect(aucDifference([0, 0], [1, 2], [2, 1])).toBeNull();
  });
  it('given lists of different lengths, then it refuses', () => expect(() => aucEstimate([1, 0], [0.5])).toThrow(RangeError));
});

describe("Holm's adjustment", () => {
  it('gives what statsmodels gives', () => expect(holm(reference.holm.p)).toEqual(reference.holm.adjusted.map((p) => near(p))));
  it('keeps a lone p value, and refuses what is none', () => {
    expect(holm([0.03])).toEqual([0.03]);
    expect(holm([])).toEqual([]);
    expect(() => holm([1.1])).toThrow(RangeError);
  });
});

describe('Regression', () => {
  const { labels, first, second, ...expected } = reference.regression;
  it('given predictions, then the values are those of scikit-learn', () => {
    for (const metric of REGRESSION_METRICS) expect(regressionEstimate(metric, labels, first)?.value).toBeCloseTo(expected[metric], 10);
  });
  it('given predictions, then the interval of mae is that of statsmodels', () => {
    const [low = 0, high = 0] = expected.maeInterval;
    expect(regressionEstimate('mae', labels, first)).toMatchObject({ low: near(low), high: near(high) });
  });
  it.each(REGRESSION_METRICS)('given two models on the same rows, then the difference in %s has interval and p value', (metric) => {
    const { value, interval: [low = 0, high = 0], pValue } = expected[`${metric}Difference`];
    expect(regressionDifference(metric, labels, first, second)).toEqual({ value: near(value), low: near(low), high: near(high), pValue: near(pValue) });
  });
  it('given labels that are all equal, then nothing can be explained', () => {
    expect(regressionEstimate('r2', [2, 2, 2], [1, 2, 3])).toBeNull();
    expect(regressionEstimate('mae', [], [])).toBeNull();
    expect(regressionEstimate('rmse', [1, 2], [1, 2])).toEqual({ value: 0, low: 0, high: 0 });
  });
});

describe('Several classes', () => {
  const { labels, predictions, probabilities, ...expected } = reference.multiclass;
  it('given labels and predictions, then macro F1, accuracy and log loss are those of scikit-learn', () => {
    const matrix = confusionMatrix(labels, predictions, 4);
    expect(macroF1(matrix, 4)).toBeCloseTo(expected.macroF1, 12);
    const { right, rows } = matrixAccuracy(matrix, 4);
    expect(right / rows).toBeCloseTo(expected.accuracy, 12);
    expect(mean(probabilities.map((of, row) => surprise(of[labels[row] ?? 0] ?? 0)))).toBeCloseTo(expected.logLoss, 9);
  });
  it('passes over classes that nobody has', () => {
    expect(macroF1(confusionMatrix([0, 0], [0, 0], 3), 3)).toBe(1);
    expect(macroF1([], 0)).toBeNull();
  });
});

describe('The bootstrap of counts', () => {
  const { low, high, ...cells } = reference.bootstrap_f1;
  const counts = [cells.tp, cells.fp, cells.fn, cells.tn];
  const f1Of = ([truePositives = 0, falsePositives = 0, falseNegatives = 0, trueNegatives = 0]: readonly number[]) => [f1({ truePositives, falsePositives, falseNegatives, trueNegatives })];
  it('given F1, then its interval is that of scipy, within what seeds differ', () => {
    expect(bootstrapCounts(counts, f1Of)).toMatchObject([{ value: 120 / 175, low: expect.closeTo(low, 2), high: expect.closeTo(high, 2) }]);
  });
  it('gives the same each time', () => expect(bootstrapCounts(counts, f1Of)).toEqual(bootstrapCounts(counts, f1Of)));
  it('given a million rows, then it costs no more and the interval is as narrow as it should be', () => {
    const [found] = bootstrapCounts([500_000, 500_000], ([a = 0, b = 0]) => [a / (a + b) - 0.5]);
    expect(found).toMatchObject({ value: 0, low: expect.closeTo(-0.00098, 4), high: expect.closeTo(0.00098, 4) });
    expect(found?.pValue).toBeGreaterThan(0.8);
  });
  it('given what is never on the other side of 0, then the p value is small and not 0', () => {
    expect(bootstrapCounts([90, 10], ([a = 0, b = 0]) => [(a - b) / (a + b)])[0]?.pValue).toBeCloseTo(2 / 2001, 12);
  });
  it('given what the rows or most resamples do not define, then nothing is claimed of it, and the rest stays', () => {
    expect(bootstrapCounts([1, 99], ([a = 0, b = 0]) => [a > 0 ? 1 : null, b > 0 ? 2 : null])).toMatchObject([null, { value: 2, low: 2, high: 2 }]);
    expect(bootstrapCounts([0, 9], ([a = 0]) => [a > 0 ? 1 : null])).toEqual([null]);
  });
  it('takes quantiles as numpy does', () => {
    expect(quantile([1, 2, 3, 4], 0.25)).toBe(1.75);
    expect(quantile([7], 0.9)).toBe(7);
  });
});

describe('Seeded random numbers', () => {
  it('are those of xoshiro128**', () => {
    const next = xoshiro128(1, 2, 3, 4);
    expect(reference.xoshiro128.map(next)).toEqual(reference.xoshiro128);
  });
  it('are between 0 and 1, and others for another seed', () => {
    const [one, other] = [seededRandom(1), seededRandom(2)];
    const drawn = Array.from({ length: 1_000 }, one);
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...drawn)).toBeLessThan(1);
    expect(mean(drawn)).toBeCloseTo(0.5, 1);
    expect(drawn).not.toEqual(Array.from({ length: 1_000 }, other));
  });
  it.each([[10, 0.3], [2_000, 0.004], [2_000, 0.97], [100_000, 0.4]])('given %s trials at %s, then successes have the mean and spread of a binomial', (n, p) => {
    const random = seededRandom(11);
    const drawn = Array.from({ length: 4_000 }, () => binomialFrom(random, n, p));
    const deviation = Math.sqrt(n * p * (1 - p));
    expect(Math.abs(mean(drawn) - n * p)).toBeLessThan((4 * deviation) / Math.sqrt(4_000));
    expect(Math.sqrt(mean(drawn.map((one) => (one - n * p) ** 2))) / deviation).toBeCloseTo(1, 1);
  });
  it('know the sure cases', () => {
    const random = seededRandom(1);
    expect([binomialFrom(random, 5, 0), binomialFrom(random, 5, 1), binomialFrom(random, 0, 0.5)]).toEqual([0, 5, 0]);
  });
});

describe('Intervals by the normal distribution', () => {
  it('need two rows', () => {
    expect(standardError([1])).toBe(Infinity);
    expect(normalEstimate(1, Infinity)).toBeNull();
  });
  it('say 0 of a difference that every row shows', () => expect(normalDifference(0.5, 0)).toEqual({ value: 0.5, low: 0.5, high: 0.5, pValue: 0 }));
});
