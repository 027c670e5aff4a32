import type { Confusion } from './classification.ts';
import { DEFAULT_GROUP_SIZE, type GroupSize } from './fairness.ts';
import { mean, normalEstimate, standardError, type Estimate } from './interval.ts';
import { newcombe, shareRatio, wilson } from './proportion.ts';

/**
 * What is compared between groups, by Fairlearn's names and definitions: the largest rate minus the smallest, or the
 * smallest over the largest. Demographic parity looks at the share predicted 1, equal opportunity at the true positive
 * rate, equalized odds at the worse of true and false positive rates, predictive parity at the share of right answers
 * among the rows predicted 1. A demographic parity ratio under .8 is what the four-fifths rule flags.
 */
export const FAIRNESS_MEASURES = [
  'demographic_parity_difference',
  'demographic_parity_ratio',
  'equal_opportunity_difference',
  'equal_opportunity_ratio',
  'equalized_odds_difference',
  'equalized_odds_ratio',
  'predictive_parity_difference',
  'predictive_parity_ratio',
] as const;
export type FairnessMeasure = (typeof FAIRNESS_MEASURES)[number];

type Share = { readonly successes: number; readonly n: number };
type Rate = (counts: Confusion) => Share;

const selection: Rate = ({ truePositives, falsePositives, falseNegatives, trueNegatives }) => ({ successes: truePositives + falsePositives, n: truePositives + falsePositives + falseNegatives + trueNegatives });
const truePositiveRate: Rate = ({ truePositives, falseNegatives }) => ({ successes: truePositives, n: truePositives + falseNegatives });
const falsePositiveRate: Rate = ({ falsePositives, trueNegatives }) => ({ successes: falsePositives, n: falsePositives + trueNegatives });
const positivePredictiveValue: Rate = ({ truePositives, falsePositives }) => ({ successes: truePositives, n: truePositives + falsePositives });

const RATES: Readonly<Record<string, readonly Rate[]>> = {
  demographic_parity: [selection],
  equal_opportunity: [truePositiveRate],
  equalized_odds: [truePositiveRate, falsePositiveRate],
  predictive_parity: [positivePredictiveValue],
};

/** Groups that are large enough to be compared. */
export function comparedGroups(groups: readonly Confusion[], { minRows, minPositives }: GroupSize = DEFAULT_GROUP_SIZE): Confusion[] {
  return groups.filter((group) => selection(group).n >= minRows && truePositiveRate(group).n >= minPositives);
}

/**
 * One measure between groups, all of which are compared.
 * @returns null for fewer than two groups, when one of them has no row to define a rate, and for the ratio to 0.
 */
export function fairnessValue(measure: FairnessMeasure, groups: readonly Confusion[]): number | null {
  return worst(measure, groups)?.value ?? null;
}

/**
 * With its 95 % interval: between the two groups that are furthest apart, Newcombe's for a difference and Walter's for
 * a ratio. That these two were chosen for being furthest apart is not in it, so with many groups it is too narrow.
 */
export function fairnessEstimate(measure: FairnessMeasure, groups: readonly Confusion[]): Estimate | null {
  const found = worst(measure, groups);
  if (!found) return null;
  const { value, largest, smallest } = found;
  if (isRatio(measure)) {
    const ratio = shareRatio(smallest, largest);
    return ratio && { value, low: ratio.low, high: Math.min(1, ratio.high) };
  }
  const [high, low] = [wilson(largest.successes, largest.n), wilson(smallest.successes, smallest.n)];
  if (!high || !low) return null;
  const between = newcombe(high, low);
  return { value, low: Math.max(0, between.low), high: Math.min(1, between.high) };
}

const isRatio = (measure: FairnessMeasure): boolean => measure.endsWith('_ratio');

interface Extremes {
  readonly value: number;
  readonly largest: Share;
  readonly smallest: Share;
}

/** Of the rates that the measure looks at the one with the groups furthest apart. */
function worst(measure: FairnessMeasure, groups: readonly Confusion[]): Extremes | null {
  const rates = RATES[measure.replace(/_(difference|ratio)$/, '')] ?? [];
  const found = rates.map((rate) => extremes(groups.map(rate), isRatio(measure)));
  return found.reduce<Extremes | null>((worse, one) => {
    if (worse === null || one === null) return null;
    return (isRatio(measure) ? one.value < worse.value : one.value > worse.value) ? one : worse;
  }, found[0] ?? null);
}

function extremes(shares: readonly Share[], ratio: boolean): Extremes | null {
  if (shares.length < 2 || shares.some(({ n }) => n === 0)) return null;
  const by = (order: 1 | -1) => shares.reduce((found, share) => (order * (share.successes / share.n - found.successes / found.n) > 0 ? share : found));
  const [largest, smallest] = [by(1), by(-1)];
  const [high, low] = [largest.successes / largest.n, smallest.successes / smallest.n];
  if (ratio && high === 0) return null;
  return { value: ratio ? low / high : high - low, largest, smallest };
}

/**
 * Calibration in the large: the mean score minus the share of labels 1, with its 95 % interval. Above 0 the model
 * promises too much. @returns null for fewer than two rows.
 */
export function calibrationGap(labels: readonly number[], scores: readonly number[]): Estimate | null {
  const gaps = scores.map((score, row) => score - (labels[row] ?? 0));
  return gaps.length < 2 ? null : normalEstimate(mean(gaps), standardError(gaps));
}

/** The largest of several gaps minus the smallest, with the interval of independent groups. */
export function largestGap(gaps: readonly Estimate[]): Estimate | null {
  if (gaps.length < 2) return null;
  const by = (order: 1 | -1) => gaps.reduce((found, gap) => (order * (gap.value - found.value) > 0 ? gap : found));
  const [largest, smallest] = [by(1), by(-1)];
  const value = largest.value - smallest.value;
  const radius = Math.hypot(largest.high - largest.value, smallest.value - smallest.low);
  return { value, low: Math.max(0, value - radius), high: value + radius };
}
