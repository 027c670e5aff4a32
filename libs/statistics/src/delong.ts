import type { Binary } from './classification.ts';
import { normalDifference, normalEstimate, type DifferenceEstimate, type Estimate } from './interval.ts';

/**
 * What each row adds to the area under the ROC curve (DeLong, DeLong and Clarke-Pearson 1988): for a positive row the
 * share of negatives that score less, for a negative row the share of positives that score more; ties count half. By
 * mean ranks, so in n log n (Sun and Xu 2014).
 */
export type Placements = { readonly auc: number; readonly positives: readonly number[]; readonly negatives: readonly number[] };

/** @returns null when one of the classes is missing. */
export function placements(labels: readonly Binary[], scores: readonly number[]): Placements | null {
  if (labels.length !== scores.length) throw new RangeError(`${labels.length} labels do not match ${scores.length} scores.`);
  const of = (label: Binary): number[] => scores.filter((_, row) => labels[row] === label);
  const [ones, zeros] = [of(1), of(0)];
  if (ones.length === 0 || zeros.length === 0) return null;
  const among = midRanks([...ones, ...zeros]);
  const [amongOnes, amongZeros] = [midRanks(ones), midRanks(zeros)];
  const positives = ones.map((_, i) => ((among[i] ?? 0) - (amongOnes[i] ?? 0)) / zeros.length);
  const negatives = zeros.map((_, j) => 1 - ((among[ones.length + j] ?? 0) - (amongZeros[j] ?? 0)) / ones.length);
  return { auc: positives.reduce((sum, value) => sum + value, 0) / ones.length, positives, negatives };
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

/** Ranks from 1, tied values sharing their mean rank. */
function midRanks(values: readonly number[]): Float64Array {
  const order = values.map((_, i) => i).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const ranks = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end < order.length && values[order[end] ?? 0] === values[order[start] ?? 0]) end += 1;
    for (let i = start; i < end; i += 1) ranks[order[i] ?? 0] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}
