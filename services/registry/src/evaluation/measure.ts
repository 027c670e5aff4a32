import {
  auc,
  confusion,
  f1,
  fairness,
  logLoss,
  wilson,
  type Binary,
  type Confusion,
  type GroupSize,
  type Proportion,
} from '@vitae/statistics';

/** A metric, with its 95 % interval where one is known. */
export interface Measured {
  readonly name: string;
  readonly value: number;
  readonly lower?: number;
  readonly upper?: number;
}

export interface MeasuredGroup {
  readonly attribute: string;
  readonly group: string;
  readonly rowCount: number;
  readonly positiveCount: number;
  readonly metrics: readonly Measured[];
}

export interface Measurement {
  readonly rowCount: number;
  readonly metrics: readonly Measured[];
  readonly groups: readonly MeasuredGroup[];
}

/** Rows with what was true and what the model said, column by column and in one order. */
export interface ScoredRows {
  readonly labels: readonly Binary[];
  readonly predictions: readonly Binary[];
  /** Probability of 1; undefined when the model gives none. */
  readonly scores?: readonly number[] | undefined;
  /** Each protected column's values. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
}

/**
 * Groups under either number are reported and not compared: a rate of a handful of rows is mostly chance. Smaller
 * than the library's default, which is meant for windows of traffic; a test split is what it is. The gate's fairness
 * policy asks for 20 rows as well.
 */
export const COMPARED_GROUP: GroupSize = { minRows: 20, minPositives: 5 };

/**
 * Measures a binary classifier: overall, by protected group, and between the groups of a column
 * (`equal_opportunity_difference:<column>`, `demographic_parity_difference:<column>`). A metric that the rows do
 * not define (one class only, fewer than two groups large enough) is left out: a 0 would read as a result.
 */
export function measure(rows: ScoredRows): Measurement {
  const { labels, predictions, scores } = rows;
  const whole = confusion(labels, predictions);
  const overall = [
    share('accuracy', wilson(whole.truePositives + whole.trueNegatives, labels.length)),
    known('auc', scores ? auc(labels, scores) : null),
    known('f1', f1(whole)),
    known('log_loss', scores ? logLoss(labels, scores) : null),
  ];
  const byColumn = Object.entries(rows.groups).map(([attribute, values]) => ofColumn(attribute, values, rows));
  return {
    rowCount: labels.length,
    metrics: [...overall, ...byColumn.map(({ differences }) => differences)].flat(),
    groups: byColumn.flatMap(({ groups }) => groups),
  };
}

function ofColumn(attribute: string, values: readonly string[], { labels, predictions }: ScoredRows): { differences: Measured[]; groups: MeasuredGroup[] } {
  const counts: Record<string, Confusion> = {};
  for (const group of [...new Set(values)].sort()) {
    const rows = values.flatMap((value, row) => (value === group ? [row] : []));
    counts[group] = confusion(rows.map((row) => labels[row] ?? 0), rows.map((row) => predictions[row] ?? 0));
  }
  const between = fairness(counts, COMPARED_GROUP);
  return {
    differences: [
      ...known(`equal_opportunity_difference:${attribute}`, between.equalOpportunityDifference),
      ...known(`demographic_parity_difference:${attribute}`, between.demographicParityDifference),
    ],
    groups: between.groups.map(({ group, n, positives, tpr, fpr, selectionRate }) => ({
      attribute,
      group,
      rowCount: n,
      positiveCount: positives,
      metrics: [
        ...share('tpr', tpr),
        ...share('fpr', fpr),
        ...share('selection_rate', selectionRate),
        ...share('accuracy', correct(counts[group])),
      ],
    })),
  };
}

function correct(counts: Confusion | undefined): Proportion | null {
  if (!counts) return null;
  const { truePositives, falsePositives, falseNegatives, trueNegatives } = counts;
  return wilson(truePositives + trueNegatives, truePositives + falsePositives + falseNegatives + trueNegatives);
}

const known = (name: string, value: number | null): Measured[] => (value === null ? [] : [{ name, value }]);
const share = (name: string, proportion: Proportion | null): Measured[] =>
  proportion === null ? [] : [{ name, value: proportion.value, lower: proportion.low, upper: proportion.high }];
