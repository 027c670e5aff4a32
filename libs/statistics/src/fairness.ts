import type { Confusion } from './classification.ts';
import { wilson, type Proportion } from './proportion.ts';

/** How a classifier treats one group. A rate without rows to define it is null. */
export type GroupRates = {
  readonly group: string;
  /** Labelled rows of the group. */
  readonly n: number;
  /** Rows whose label is 1. */
  readonly positives: number;
  /** Share predicted 1. */
  readonly selectionRate: Proportion | null;
  /** True positive rate: share predicted 1 among the labels 1. */
  readonly tpr: Proportion | null;
  /** False positive rate: share predicted 1 among the labels 0. */
  readonly fpr: Proportion | null;
  /** Large enough to enter the comparison. */
  readonly compared: boolean;
};

/**
 * Differences between the groups, largest minus smallest, 0 (equal) to 1. Null when fewer than two compared groups have the rate.
 * Groups are not ordered into privileged and not, as AIF360 and Clarify do; the names are Fairlearn's.
 */
export type Fairness = {
  readonly groups: readonly GroupRates[];
  /** Of the selection rates. */
  readonly demographicParityDifference: number | null;
  /** Smallest selection rate over the largest, 1 is equal; the four-fifths rule flags under .8. Null when nobody is selected. */
  readonly demographicParityRatio: number | null;
  /** Of the true positive rates. */
  readonly equalOpportunityDifference: number | null;
  /** The larger of the differences of true and of false positive rates. */
  readonly equalizedOddsDifference: number | null;
};

/** A group under either number is reported and not compared: its rates are mostly chance. */
export type GroupSize = { readonly minRows: number; readonly minPositives: number };

export const DEFAULT_GROUP_SIZE: GroupSize = { minRows: 100, minPositives: 20 };

/** Compares groups by their confusion counts, which add up over windows. Groups in the order given. */
export function fairness(groups: Readonly<Record<string, Confusion>>, size: GroupSize = DEFAULT_GROUP_SIZE): Fairness {
  const rates = Object.entries(groups).map(([group, counts]) => ratesOf(group, counts, size));
  const compared = rates.filter((group) => group.compared);
  const selection = spread(compared.map(({ selectionRate }) => selectionRate));
  const tpr = spread(compared.map((group) => group.tpr));
  const fpr = spread(compared.map((group) => group.fpr));
  return {
    groups: rates,
    demographicParityDifference: selection && selection.max - selection.min,
    demographicParityRatio: selection && selection.max > 0 ? selection.min / selection.max : null,
    equalOpportunityDifference: tpr && tpr.max - tpr.min,
    equalizedOddsDifference: tpr && fpr && Math.max(tpr.max - tpr.min, fpr.max - fpr.min),
  };
}

function ratesOf(group: string, counts: Confusion, { minRows, minPositives }: GroupSize): GroupRates {
  const { truePositives, falsePositives, falseNegatives, trueNegatives } = counts;
  const positives = truePositives + falseNegatives;
  const negatives = falsePositives + trueNegatives;
  const n = positives + negatives;
  return {
    group,
    n,
    positives,
    selectionRate: wilson(truePositives + falsePositives, n),
    tpr: wilson(truePositives, positives),
    fpr: wilson(falsePositives, negatives),
    compared: n >= minRows && positives >= minPositives,
  };
}

function spread(rates: readonly (Proportion | null)[]): { min: number; max: number } | null {
  const values = rates.filter((rate) => rate !== null).map(({ value }) => value);
  return values.length < 2 ? null : { min: Math.min(...values), max: Math.max(...values) };
}
