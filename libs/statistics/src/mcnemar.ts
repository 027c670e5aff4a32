import { logGamma } from './incomplete-gamma.ts';
import { Z95, type Estimate } from './interval.ts';

/**
 * McNemar's test: do two classifiers that saw the same rows err equally often? Only the rows count on which exactly
 * one is right; under the hypothesis each falls to either with probability one half.
 */
export type McNemar = {
  /** Two-sided, by the binomial distribution; never too small, often too large. */
  readonly exact: number;
  /** The exact one less half of the probability of just this outcome (Lancaster): right on average. Judge by this one. */
  readonly midP: number;
};

/** @param onlyFirst rows on which only the first is right; @param onlySecond those on which only the second is. */
export function mcNemar(onlyFirst: number, onlySecond: number): McNemar {
  const n = onlyFirst + onlySecond;
  const k = Math.min(onlyFirst, onlySecond);
  if (n === 0) return { exact: 1, midP: 1 };
  const here = Math.exp(logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1) - n * Math.LN2);
  let [term, tail] = [here, 0];
  for (let i = k; i >= 0 && term > tail * Number.EPSILON; i -= 1) {
    tail += term;
    term *= i / (n - i + 1);
  }
  return { exact: Math.min(1, 2 * tail), midP: Math.min(1, 2 * tail - here) };
}

/**
 * How much more often the first is right, with a 95 % interval for paired rows: Wald's with 1/2 added to each of the
 * four kinds of rows (Agresti and Min 2005), which holds its level also for few rows.
 */
export function pairedShareDifference(onlyFirst: number, onlySecond: number, rows: number): Estimate | null {
  if (rows === 0) return null;
  const [b, c, n] = [onlyFirst + 0.5, onlySecond + 0.5, rows + 2];
  const centre = (b - c) / n;
  const radius = Z95 * Math.sqrt((b + c) / n - centre * centre) / Math.sqrt(n);
  return { value: (onlyFirst - onlySecond) / rows, low: Math.max(-1, centre - radius), high: Math.min(1, centre + radius) };
}
