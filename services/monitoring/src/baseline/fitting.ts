import { Refused } from '@vitae/event-store';
import { fitCategorical, fitNumeric, type FeatureBaseline } from '@vitae/statistics';
import type { Features } from './reference.ts';

/** One column of the reference data, as its registered profile names its kind. */
export type Column =
  | { readonly name: string; readonly kind: 'numeric'; readonly values: readonly (number | null)[] }
  | { readonly name: string; readonly kind: 'categorical'; readonly values: readonly (string | null)[] };

/** A column that gives no feature, and why. */
export interface LeftOut {
  readonly column: string;
  readonly why: 'empty' | 'identifier';
}

/**
 * Bins of all features together. One event carries them, and a NATS message holds 1 MB: with very many features
 * each gets fewer bins, but never fewer than PSI compares.
 */
const ALL_BINS = 20_000;
const MOST_BINS = 100;
const MOST_CATEGORIES = 1_000;
const FEWEST_BINS = 10;

/** Characters of category names that one event may carry. */
const MOST_TEXT = 400_000;

/**
 * Fits the bins of every column that can be a feature. Left out are columns without a value, and columns of text in which
 * more than half of the values are different: identifiers, whose every new row is news, and which may be names of people
 * that have no business in a ledger.
 *
 * @throws Refused COLUMN_UNFITTABLE for an infinite number, BASELINE_WITHOUT_FEATURES, BASELINE_TOO_LARGE.
 */
export function fitFeatures(columns: readonly Column[]): { readonly features: Features; readonly leftOut: readonly LeftOut[] } {
  const share = Math.max(FEWEST_BINS, Math.floor(ALL_BINS / Math.max(1, columns.length)));
  const features: [string, FeatureBaseline][] = [];
  const leftOut: LeftOut[] = [];
  for (const column of columns) {
    const why = whyNot(column);
    if (why) leftOut.push({ column: column.name, why });
    else features.push([column.name, fit(column, share)]);
  }
  if (features.length === 0) {
    throw new Refused('BASELINE_WITHOUT_FEATURES', `None of the ${columns.length} columns can be watched: they are empty or identifiers. Choose another dataset version or split.`, 422);
  }
  mustFitOneEvent(features);
  return { features, leftOut };
}

function fit(column: Column, share: number): FeatureBaseline {
  if (column.kind === 'categorical') return fitCategorical(column.values, Math.min(MOST_CATEGORIES, share));
  if (column.values.some((value) => value === Infinity || value === -Infinity)) {
    throw new Refused('COLUMN_UNFITTABLE', `Column ${column.name} holds an infinite value, and no bin can hold that. Register a dataset version in which it is missing or a number.`, 422);
  }
  return fitNumeric(column.values, Math.min(MOST_BINS, share));
}

function whyNot(column: Column): LeftOut['why'] | undefined {
  if (column.kind === 'numeric') return column.values.some((value) => value !== null && !Number.isNaN(value)) ? undefined : 'empty';
  const present = column.values.filter((value) => value !== null);
  if (present.length === 0) return 'empty';
  return new Set(present).size > Math.max(50, present.length / 2) ? 'identifier' : undefined;
}

function mustFitOneEvent(features: Features): void {
  const sizes = features
    .map(([name, bins]) => ({ name, size: bins.kind === 'categorical' ? bins.categories.reduce((sum, { length }) => sum + length, 0) : 0 }))
    .sort((a, b) => b.size - a.size);
  const all = sizes.reduce((sum, { size }) => sum + size, 0);
  if (all <= MOST_TEXT) return;
  const largest = sizes.slice(0, 3).map(({ name }) => name).join(', ');
  throw new Refused('BASELINE_TOO_LARGE', `The categories take ${all} characters, and a baseline holds ${MOST_TEXT}. Register a dataset version without the free text in ${largest}.`, 422);
}
