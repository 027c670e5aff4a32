import type { Measured, MeasuredSlice } from './measured.ts';

/** A bound that a metric must keep, on all rows or on one slice. */
export interface Threshold {
  readonly metric: string;
  readonly op: 'at-least' | 'at-most';
  readonly value: number;
  /** Empty: all rows. */
  readonly slice: string;
  readonly severity: 'error' | 'warning';
}

export interface JudgedThreshold {
  readonly threshold: Threshold;
  readonly outcome: 'passed' | 'failed' | 'not-measured';
  readonly measured?: Measured;
  /** The bound lies within the 95 % interval: other rows of the same kind might give the other outcome. */
  readonly close: boolean;
}

export type Verdict = 'passed' | 'failed' | 'inconclusive';

export interface Judgement {
  readonly thresholds: readonly JudgedThreshold[];
  readonly missingMetrics: readonly string[];
  readonly verdict: Verdict;
}

/** What a suite asks of results. */
export interface Demands {
  readonly metrics: readonly string[];
  readonly thresholds: readonly Threshold[];
}

/**
 * Judges what was measured by what a suite asks for. A threshold is judged by the value itself, and whether its bound
 * lies in the interval is said beside it: asking for the whole interval would fail every small test split.
 *
 *   failed        a threshold of severity error is not met
 *   inconclusive  none of these, and one of them, or a metric that the suite asks for, could not be measured
 *   passed        otherwise; warnings that are not met do not change it
 */
export function judge({ metrics, thresholds }: Demands, results: { readonly metrics: readonly Measured[]; readonly slices: readonly MeasuredSlice[] }): Judgement {
  const judged = thresholds.map((threshold) => judgeThreshold(threshold, results));
  const missingMetrics = metrics.filter((name) => !results.metrics.some((one) => one.name === name));
  const errors = judged.filter(({ threshold }) => threshold.severity === 'error');
  const failed = errors.some(({ outcome }) => outcome === 'failed');
  const unknown = missingMetrics.length > 0 || errors.some(({ outcome }) => outcome === 'not-measured');
  return { thresholds: judged, missingMetrics, verdict: failed ? 'failed' : unknown ? 'inconclusive' : 'passed' };
}

function judgeThreshold(threshold: Threshold, { metrics, slices }: { readonly metrics: readonly Measured[]; readonly slices: readonly MeasuredSlice[] }): JudgedThreshold {
  const where = threshold.slice === '' ? metrics : (slices.find(({ slice }) => slice === threshold.slice)?.metrics ?? []);
  const measured = where.find(({ name }) => name === threshold.metric);
  if (!measured) return { threshold, outcome: 'not-measured', close: false };
  const { value, lower, upper } = measured;
  const met = threshold.op === 'at-least' ? value >= threshold.value : value <= threshold.value;
  const close = lower !== undefined && upper !== undefined && lower < threshold.value && threshold.value < upper;
  return { threshold, outcome: met ? 'passed' : 'failed', measured, close };
}
