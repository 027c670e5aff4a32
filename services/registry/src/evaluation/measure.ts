import { mean, normalEstimate, regressionEstimate, regressionMetric, REGRESSION_METRICS, standardError } from '@vitae/statistics';
import { estimated, estimatedOr, known, type Measured, type MeasuredGroup, type Measurement } from './measured.ts';
import { ofBinary, ofBinaryColumn } from './measure-binary.ts';
import { accuracyOf, ofMulticlass } from './measure-multiclass.ts';
import { placesOf, rowsAt, type ScoredRows } from './scored-rows.ts';

/** A slice of fewer rows is counted and not measured: it would say more of single rows than of the model. */
export const LEAST_SLICE_ROWS = 20;

/**
 * Measures a model: overall, by protected group, between the groups of a column (`<measure>:<column>`) and by slice.
 * A metric that the rows do not define (one class only, fewer than two groups large enough) is left out.
 */
export function measure(rows: ScoredRows): Measurement {
  const byColumn = Object.entries(rows.groups).map(([column, values]) => ofColumn(column, values, rows));
  return {
    task: rows.task,
    rowCount: rows.labels.length,
    metrics: [...overall(rows), ...byColumn.flatMap(({ between }) => between)],
    groups: byColumn.flatMap(({ groups }) => groups),
    slices: Object.entries(rows.slices).map(([slice, places]) => ({
      slice,
      rowCount: places.length,
      metrics: places.length < LEAST_SLICE_ROWS ? [] : overall(rowsAt(rows, places)),
    })),
  };
}

function overall(rows: ScoredRows): Measured[] {
  switch (rows.task) {
    case 'binary-classification':
      return ofBinary(rows);
    case 'multiclass-classification':
      return ofMulticlass(rows);
    case 'regression':
      return REGRESSION_METRICS.flatMap((metric) => estimatedOr(metric, regressionEstimate(metric, rows.labels, rows.predictions), () => regressionMetric(metric, rows.labels, rows.predictions)?.value ?? null));
  }
}

function ofColumn(attribute: string, values: readonly string[], rows: ScoredRows): { between: Measured[]; groups: MeasuredGroup[] } {
  const parts = [...placesOf(values)].map(([group, places]) => ({ group, rows: rowsAt(rows, places) }));
  if (rows.task === 'binary-classification') return ofBinaryColumn(attribute, parts);
  const groups = parts.map((part) => ({ attribute, group: part.group, rowCount: part.rows.labels.length, positiveCount: 0, metrics: ofGroup(part.rows) }));
  const compared = groups.filter(({ rowCount }) => rowCount >= LEAST_SLICE_ROWS).flatMap(({ metrics }) => metrics.slice(0, 1));
  const spread = compared.length < 2 ? null : Math.max(...compared.map(({ value }) => value)) - Math.min(...compared.map(({ value }) => value));
  return { between: known(`${rows.task === 'regression' ? 'mae' : 'accuracy'}_difference:${attribute}`, spread), groups };
}

/** The first is what groups are compared by. */
function ofGroup(rows: ScoredRows): Measured[] {
  if (rows.task !== 'regression') return rows.task === 'multiclass-classification' ? accuracyOf(rows) : [];
  const errors = rows.labels.map((label, row) => (rows.predictions[row] ?? 0) - label);
  return [...estimatedOr('mae', regressionEstimate('mae', rows.labels, rows.predictions), () => mean(errors.map(Math.abs))), ...(errors.length < 2 ? [] : estimated('mean_error', normalEstimate(mean(errors), standardError(errors))))];
}
