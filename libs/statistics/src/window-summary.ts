import { isMissing, lowerBound, type FeatureBaseline } from './bins.ts';

/**
 * What one window keeps of one feature: integer counts in the bins of its baseline, and nothing of any row.
 * Its size does not depend on the rows. Plain data; survives JSON unchanged.
 *
 * Every counted row is in exactly one place, so the parts always add up to the rows (`rowsIn`).
 */
export type NumericSummary = {
  readonly kind: 'numeric';
  /** Rows in each bin of the baseline. */
  readonly counts: number[];
  /** Rows under the smallest reference value (-Infinity too). */
  below: number;
  /** Rows over the largest reference value (Infinity too). */
  above: number;
  /** Rows without a value: null, undefined, NaN. */
  missing: number;
  /** Rows whose value is no number, such as "12" or true. */
  typeErrors: number;
};

export type CategoricalSummary = {
  readonly kind: 'categorical';
  /** Rows in each category of the baseline. */
  readonly counts: number[];
  /** OTHER: rows with a category that has no bin. */
  other: number;
  /** Rows without a value: null, undefined, NaN. The empty string is a category. */
  missing: number;
  /** Rows whose value is an array or object. */
  typeErrors: number;
};

export type WindowSummary = NumericSummary | CategoricalSummary;

/** The summary of no rows: the neutral element of `mergeSummaries`. */
export function emptySummary(baseline: FeatureBaseline): WindowSummary {
  const counts = baseline.counts.map(() => 0);
  return baseline.kind === 'numeric'
    ? { kind: 'numeric', counts, below: 0, above: 0, missing: 0, typeErrors: 0 }
    : { kind: 'categorical', counts, other: 0, missing: 0, typeErrors: 0 };
}

/** The reference itself, in the form of a window. */
export function referenceSummary(baseline: FeatureBaseline): WindowSummary {
  const { missing } = baseline;
  const counts = [...baseline.counts];
  return baseline.kind === 'numeric'
    ? { kind: 'numeric', counts, below: 0, above: 0, missing, typeErrors: 0 }
    : { kind: 'categorical', counts, other: baseline.other, missing, typeErrors: 0 };
}

/**
 * Counts one value. It changes `summary` in place, the only function here that changes its argument,
 * because ingestion calls it for every value of every row. Takes O(log bins), allocates nothing for numbers and strings.
 *
 * @param value whatever arrived: nothing is refused, the unusable is counted as such.
 * @throws TypeError when the summary was not made for this baseline.
 */
export function addValue(baseline: FeatureBaseline, summary: WindowSummary, value: unknown): void {
  if (baseline.kind === 'numeric' && summary.kind === 'numeric') {
    if (isMissing(value)) summary.missing += 1;
    else if (typeof value !== 'number' && typeof value !== 'bigint') summary.typeErrors += 1;
    else {
      const number = Number(value);
      const bin = lowerBound(baseline.edges, number);
      if (number < baseline.min) summary.below += 1;
      else if (bin === baseline.edges.length) summary.above += 1;
      else increment(summary.counts, bin);
    }
  } else if (baseline.kind === 'categorical' && summary.kind === 'categorical') {
    if (isMissing(value)) summary.missing += 1;
    else if (!isCategory(value)) summary.typeErrors += 1;
    else {
      const category = String(value);
      const bin = lowerBound(baseline.categories, category);
      if (baseline.categories[bin] === category) increment(summary.counts, bin);
      else summary.other += 1;
    }
  } else {
    throw new TypeError(`A ${summary.kind} summary cannot count values for a ${baseline.kind} baseline.`);
  }
}

/** The summary of a whole column. */
export function summarise(baseline: FeatureBaseline, values: Iterable<unknown>): WindowSummary {
  const summary = emptySummary(baseline);
  for (const value of values) addValue(baseline, summary, value);
  return summary;
}

/**
 * The summary of the rows of both. Commutative and associative; merging parts equals one pass over all rows.
 * Both MUST come from the same baseline: different kinds or bin numbers are refused, but two baselines
 * with equally many bins cannot be told apart here. Key summaries by their baseline.
 *
 * @throws TypeError when the two cannot come from one baseline.
 */
export function mergeSummaries(a: WindowSummary, b: WindowSummary): WindowSummary {
  if (a.counts.length === b.counts.length) {
    const counts = a.counts.map((count, bin) => count + (b.counts[bin] ?? 0));
    const missing = a.missing + b.missing;
    const typeErrors = a.typeErrors + b.typeErrors;
    if (a.kind === 'numeric' && b.kind === 'numeric') {
      return { kind: 'numeric', counts, below: a.below + b.below, above: a.above + b.above, missing, typeErrors };
    }
    if (a.kind === 'categorical' && b.kind === 'categorical') {
      return { kind: 'categorical', counts, other: a.other + b.other, missing, typeErrors };
    }
  }
  throw new TypeError(`Summaries of different baselines do not merge: ${a.kind} with ${a.counts.length} bins, ${b.kind} with ${b.counts.length}.`);
}

/** All rows counted, with a value or without. */
export function rowsIn(summary: WindowSummary): number {
  const binned = summary.counts.reduce((sum, count) => sum + count, 0);
  const outside = summary.kind === 'numeric' ? summary.below + summary.above : summary.other;
  return binned + outside + summary.missing + summary.typeErrors;
}

function isCategory(value: unknown): value is string | number | boolean | bigint {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint';
}

function increment(counts: number[], bin: number): void {
  counts[bin] = (counts[bin] ?? 0) + 1;
}
