/**
 * Bins are fitted once, on the reference, and then fixed. Every replica only increments integers in
 * them, so two summaries merge by addition: exact, commutative and the same on every replay. (Quantile
 * sketches such as KLL are randomised: replicas and replays disagree bit by bit.)
 *
 * A baseline is plain data: it survives JSON unchanged and is stored whole with the event that activates it.
 */

/** Bins for a feature measured by a number. */
export type NumericBaseline = {
  readonly kind: 'numeric';
  /** Smallest reference value. Bin 0 holds [min, edges[0]]; anything under it counts as `below`. */
  readonly min: number;
  /**
   * Upper bound, INCLUSIVE, of each bin; strictly increasing; every edge is a value seen in the reference.
   * Bin i > 0 holds (edges[i-1], edges[i]]; anything over the last edge counts as `above`.
   */
  readonly edges: readonly number[];
  /** Reference rows in each bin; as long as `edges`, each at least 1. */
  readonly counts: readonly number[];
  /** Reference rows without a value. */
  readonly missing: number;
};

/** Bins for a feature that names one of several categories. */
export type CategoricalBaseline = {
  readonly kind: 'categorical';
  /** The categories that have a bin, strictly increasing by UTF-16 code unit. */
  readonly categories: readonly string[];
  /** Reference rows in each category; as long as `categories`, each at least 1. */
  readonly counts: readonly number[];
  /** OTHER: reference rows whose category fell outside the cap. */
  readonly other: number;
  /** Reference rows without a value. */
  readonly missing: number;
};

export type FeatureBaseline = NumericBaseline | CategoricalBaseline;

/** Null, undefined and NaN are a missing value, as in pandas. */
export function isMissing(value: unknown): value is null | undefined {
  return value === null || value === undefined || (typeof value === 'number' && Number.isNaN(value));
}

/**
 * Bins of about equal reference mass: edge i is the i/maxBins quantile of the reference by the inverse of its
 * distribution function (Hyndman and Fan, 1996, type 1; numpy `inverted_cdf`), so that an edge is always a real value.
 * Equal quantiles collapse into one edge. With at most `maxBins` distinct values each value has its own bin,
 * so that a rare code is not swallowed by its neighbour.
 *
 * Equal mass, not equal width, because one outlier stretches equal-width bins until they see nothing.
 *
 * @param values the reference column. Missing values are counted, not binned.
 * @param maxBins at least 1. 100 keeps the Kolmogorov-Smirnov bound within about .01 of the truth.
 * @throws RangeError when no value is present, or one is infinite (it could not be stored as JSON).
 */
export function fitNumeric(values: readonly (number | null | undefined)[], maxBins = 100): NumericBaseline {
  mustBePositiveInteger('maxBins', maxBins);
  const sorted = Float64Array.from(values.filter((value): value is number => !isMissing(value))).sort();
  const min = sorted[0];
  const max = sorted[sorted.length - 1];
  if (min === undefined || max === undefined) throw new RangeError('No bins can be fitted: the reference has no value. Leave this feature out of the baseline.');
  if (!Number.isFinite(min) || !Number.isFinite(max)) throw new RangeError('No bins can be fitted: the reference holds an infinite value. Remove it or count it as missing.');

  const edges = distinctUpTo(maxBins, sorted) ?? quantileEdges(maxBins, sorted);
  const counts = edges.map((edge, bin) => rankOf(edge, sorted) - (bin === 0 ? 0 : rankOf(edges[bin - 1] ?? min, sorted)));
  return { kind: 'numeric', min, edges, counts, missing: values.length - sorted.length };
}

/**
 * One bin for each category of the reference. Over the cap the most frequent categories keep a bin
 * (ties: the smaller by code unit) and the rest are OTHER. Numbers and booleans are categories by their text.
 *
 * @throws RangeError when no value is present.
 */
export function fitCategorical(values: readonly (string | number | boolean | null | undefined)[], maxCategories = 1000): CategoricalBaseline {
  mustBePositiveInteger('maxCategories', maxCategories);
  const rows = new Map<string, number>();
  let missing = 0;
  for (const value of values) {
    if (isMissing(value)) missing += 1;
    else rows.set(String(value), (rows.get(String(value)) ?? 0) + 1);
  }
  if (rows.size === 0) throw new RangeError('No bins can be fitted: the reference has no value. Leave this feature out of the baseline.');

  const byFrequency = [...rows].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const kept = byFrequency.slice(0, maxCategories).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    kind: 'categorical',
    categories: kept.map(([category]) => category),
    counts: kept.map(([, count]) => count),
    other: byFrequency.slice(maxCategories).reduce((sum, [, count]) => sum + count, 0),
    missing,
  };
}

/**
 * Index of the first element that is not smaller than the target (`length` when all are smaller).
 * `sorted` MUST be strictly increasing. For edges this is the bin, because an edge belongs to its bin.
 */
export function lowerBound<T extends number | string>(sorted: ArrayLike<T>, target: T): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const element = sorted[middle];
    if (element !== undefined && element < target) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The distinct values in order, or undefined when there are more than `limit`. */
function distinctUpTo(limit: number, sorted: Float64Array): number[] | undefined {
  const distinct: number[] = [];
  for (const value of sorted) {
    if (value === distinct.at(-1)) continue;
    if (distinct.length === limit) return undefined;
    distinct.push(value);
  }
  return distinct;
}

function quantileEdges(bins: number, sorted: Float64Array): number[] {
  const edges: number[] = [];
  for (let bin = 1; bin <= bins; bin += 1) {
    const edge = sorted[Math.ceil((bin * sorted.length) / bins) - 1];
    if (edge !== undefined && edge !== edges.at(-1)) edges.push(edge);
  }
  return edges;
}

/** How many of the sorted values are at most `value`. */
function rankOf(value: number, sorted: Float64Array): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? Infinity) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function mustBePositiveInteger(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`${name} is ${value}; it must be an integer of at least 1.`);
}
