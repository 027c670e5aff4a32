import type { Binary } from './classification.ts';
import { normalDifference, normalEstimate, type DifferenceEstimate, type Estimate } from './interval.ts';

/**
 * What each row adds to the area under the ROC curve (DeLong, DeLong and Clarke-Pearson 1988): for a positive row the
 * share of negatives that score less, for a negative row the share of positives that score more; ties count half. Found
 * in the sorted scores of the other class, so in n log n, as by the mean ranks of Sun and Xu (2014).
 */
export type Placements = { readonly auc: number; readonly positives: readonly number[]; readonly negatives: readonly number[] };

/** @returns null when one of the classes is missing. */
export function placements(labels: readonly Binary[], scores: readonly number[]): Placements | null {
  if (labels.length !== scores.length) throw new RangeError(`${labels.length} labels do not match ${scores.length} scores.`);
  const of = (label: Binary): number[] => scores.filter((_, row) => labels[row] === label);
  const [ones, zeros] = [of(1), of(0)];
  if (ones.length === 0 || zeros.length === 0) return null;
  const [sortedOnes, sortedZeros] = [Float64Array.from(ones).sort(), Float64Array.from(zeros).sort()];
  const positives = ones.map((score) => shareBelow(sortedZeros, score));
  const negatives = zeros.map((score) => 1 - shareBelow(sortedOnes, score));
  return { auc: positives.reduce((sum, value) => sum + value, 0) / ones.length, positives, negatives };
}

/** Of sorted scores; equal ones count half. */
function shareBelow(sorted: Float64Array, score: number): number {
  return (firstNotBelow(sorted, (one) => one < score) + firstNotBelow(sorted, (one) => one <= score)) / 2 / sorted.length;
}

/** How many at the beginning are below. */
function firstNotBelow(sorted: Float64Array, below: (one: number) => boolean): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (below(sorted[middle] ?? Infinity)) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** The area with its 95 % interval, within 0 and 1. @returns null with fewer than two rows of a class. */
export function aucEstimate(labels: readonly Binary[], scores: readonly number[]): Estimate | null {
  const of = placements(labels, scores);
  const estimate = of && normalEstimate(of.auc, Math.sqrt(covariance(of, of)));
  return estimate && { value: estimate.value, low: Math.max(0, estimate.low), high: Math.min(1, estimate.high) };
}

/** DeLong's test of two score lists for the same rows: the first's area minus the second's. */
export function aucDifference(labels: readonly Binary[], first: readonly number[], second: readonly number[]): DifferenceEstimate | null {
  const [a, b] = [placements(labels, first), placements(labels, second)];
  if (!a || !b) return null;
  const variance = covariance(a, a) + covariance(b, b) - 2 * covariance(a, b);
  return normalDifference(a.auc - b.auc, Math.sqrt(Math.max(0, variance < 1e-18 ? 0 : variance)));
}

/** Of two areas of the same rows; with itself the variance. */
function covariance(a: Placements, b: Placements): number {
  return sampleCovariance(a.positives, b.positives, a.auc, b.auc) / a.positives.length + sampleCovariance(a.negatives, b.negatives, a.auc, b.auc) / a.negatives.length;
}

function sampleCovariance(x: readonly number[], y: readonly number[], meanOfX: number, meanOfY: number): number {
  if (x.length < 2) return Infinity;
  return x.reduce((sum, value, i) => sum + (value - meanOfX) * ((y[i] ?? 0) - meanOfY), 0) / (x.length - 1);
}
