import type { Binary } from '@vitae/statistics';

/** Rows with what was true and what the model said, column by column and in one order. */
export type ScoredRows = BinaryRows | MulticlassRows | RegressionRows;

interface Rows {
  /** Each protected column's values. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** Each slice's rows, by their place. */
  readonly slices: Readonly<Record<string, readonly number[]>>;
}

export interface BinaryRows extends Rows {
  readonly task: 'binary-classification';
  readonly labels: readonly Binary[];
  readonly predictions: readonly Binary[];
  /** Probability of 1; undefined when the model gives none. */
  readonly scores?: readonly number[] | undefined;
}

export interface MulticlassRows extends Rows {
  readonly task: 'multiclass-classification';
  /** Labels and predictions are places in it. */
  readonly classes: readonly string[];
  readonly labels: readonly number[];
  readonly predictions: readonly number[];
  /** The probability given to what was true; undefined when the model gives none. */
  readonly scores?: readonly number[] | undefined;
}

export interface RegressionRows extends Rows {
  readonly task: 'regression';
  readonly labels: readonly number[];
  readonly predictions: readonly number[];
}

/** Only these rows, without groups and slices. */
export function rowsAt(rows: ScoredRows, places: readonly number[]): ScoredRows {
  const pick = <T extends number>(values: readonly T[], otherwise: T): T[] => places.map((place) => values[place] ?? otherwise);
  const none = { groups: {}, slices: {} };
  switch (rows.task) {
    case 'binary-classification':
      return { task: rows.task, labels: pick(rows.labels, 0), predictions: pick(rows.predictions, 0), scores: rows.scores && pick(rows.scores, 0), ...none };
    case 'multiclass-classification':
      return { task: rows.task, classes: rows.classes, labels: pick(rows.labels, 0), predictions: pick(rows.predictions, 0), scores: rows.scores && pick(rows.scores, 0), ...none };
    case 'regression':
      return { task: rows.task, labels: pick(rows.labels, 0), predictions: pick(rows.predictions, 0), ...none };
  }
}

/** The places of each value, values in their order. */
export function placesOf(values: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const places = new Map<string, number[]>();
  values.forEach((value, place) => {
    const known = places.get(value);
    if (known) known.push(place);
    else places.set(value, [place]);
  });
  return new Map([...places].sort(([a], [b]) => (a < b ? -1 : 1)));
}
