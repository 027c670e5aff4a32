import { chiSquareTail } from './chi-square.ts';

/** 97.5 % quantile of the standard normal distribution. */
export const Z95 = 1.959963984540054;

/** A number with its 95 % interval. */
export type Estimate = { readonly value: number; readonly low: number; readonly high: number };

/** An estimate of a difference, with the two-sided p value of there being none. */
export type DifferenceEstimate = Estimate & { readonly pValue: number };

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Standard error of a mean, from the spread of what each row adds to it (n - 1 in the denominator). For other
 * statistics give what each row moves them by (their influence function). Infinite for fewer than two rows.
 */
export function standardError(influences: readonly number[]): number {
  const n = influences.length;
  if (n < 2) return Infinity;
  const centre = mean(influences);
  return Math.sqrt(influences.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (n - 1) / n);
}

/** value ± z * standard error. @returns null without a finite error. */
export function normalEstimate(value: number, error: number): Estimate | null {
  return Number.isFinite(value) && Number.isFinite(error) ? { value, low: value - Z95 * error, high: value + Z95 * error } : null;
}

/** With the p value of z = difference / error. No spread at all: 1 for no difference, 0 for one that every row shows. */
export function normalDifference(value: number, error: number): DifferenceEstimate | null {
  const estimate = normalEstimate(value, error);
  if (!estimate) return null;
  return { ...estimate, pValue: error === 0 ? (value === 0 ? 1 : 0) : twoSided(value / error) };
}

/** Probability that a standard normal number is at least this far from 0. */
export const twoSided = (z: number): number => chiSquareTail(z * z, 1);
