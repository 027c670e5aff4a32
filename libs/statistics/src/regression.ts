import { mean, normalDifference, normalEstimate, standardError, type DifferenceEstimate, type Estimate } from './interval.ts';

/** How far a regressor is off: mean absolute error, root mean squared error, share of the labels' variance explained. */
export const REGRESSION_METRICS = ['mae', 'rmse', 'r2'] as const;
export type RegressionMetric = (typeof REGRESSION_METRICS)[number];

/**
 * A metric with what each row moves it by (its influence function, to first order). The spread of these gives the
 * interval, and of two models' on the same rows the interval of their difference.
 *
 * @returns null for no rows, and for r2 when all labels are equal.
 */
export function regressionMetric(metric: RegressionMetric, labels: readonly number[], predictions: readonly number[]): { readonly value: number; readonly influences: readonly number[] } | null {
  if (labels.length !== predictions.length) throw new RangeError(`${labels.length} labels do not match ${predictions.length} predictions.`);
  if (labels.length === 0) return null;
  const errors = labels.map((label, row) => label - (predictions[row] ?? Number.NaN));
  const squares = errors.map((error) => error * error);
  const meanSquare = mean(squares);
  switch (metric) {
    case 'mae': {
      const sizes = errors.map(Math.abs);
      return { value: mean(sizes), influences: sizes };
    }
    case 'rmse': {
      const value = Math.sqrt(meanSquare);
      return { value, influences: squares.map((square) => (value === 0 ? 0 : (square - meanSquare) / (2 * value))) };
    }
    case 'r2': {
      const centre = mean(labels);
      const spread = labels.map((label) => (label - centre) ** 2);
      const variance = mean(spread);
      if (variance === 0) return null;
      const value = 1 - meanSquare / variance;
      return { value, influences: squares.map((square, row) => -(square - (1 - value) * (spread[row] ?? 0)) / variance) };
    }
  }
}

/** With the 95 % interval by the normal distribution; errors are not below 0. */
export function regressionEstimate(metric: RegressionMetric, labels: readonly number[], predictions: readonly number[]): Estimate | null {
  const found = regressionMetric(metric, labels, predictions);
  const estimate = found && normalEstimate(found.value, standardError(found.influences));
  if (!estimate) return null;
  return metric === 'r2' ? { ...estimate, high: Math.min(1, estimate.high) } : { ...estimate, low: Math.max(0, estimate.low) };
}

/** The first model's metric minus the second's, on the same rows. */
export function regressionDifference(metric: RegressionMetric, labels: readonly number[], first: readonly number[], second: readonly number[]): DifferenceEstimate | null {
  const [a, b] = [regressionMetric(metric, labels, first), regressionMetric(metric, labels, second)];
  return a && b && normalDifference(a.value - b.value, standardError(a.influences.map((influence, row) => influence - (b.influences[row] ?? 0))));
}
