import { FAIRNESS_MEASURES, REGRESSION_METRICS } from '@vitae/statistics';
import type { FeedColumn } from '../evaluation/feed.ts';
import { sliceFault } from '../evaluation/slice.ts';
import type { SuiteContent } from './suite-content.ts';

/** What a suite needs to know of the data that it names. */
export interface SuiteData {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly labelColumn: string;
  readonly splits: readonly { readonly name: string }[];
  readonly columns: readonly FeedColumn[];
  readonly protectedColumns: readonly string[];
}

/** Metrics of all rows and of slices. */
export const OVERALL_METRICS: readonly string[] = ['accuracy', 'auc', 'f1', 'precision', 'recall', 'log_loss', 'brier', 'macro_f1', ...REGRESSION_METRICS];
/** Metrics between the groups of a protected column: `<measure>:<column>`. */
export const GROUP_MEASURES: readonly string[] = [...FAIRNESS_MEASURES, 'calibration_difference', 'accuracy_difference', 'mae_difference'];

/**
 * All that keeps a suite from being published: a revision that anybody can run MUST be runnable for good, for it never
 * changes. What an LLM suite measures has whatever names its tools give.
 */
export function suiteFaults(content: SuiteContent, data: ReadonlyMap<string, SuiteData>): string[] {
  const faults: string[] = [];
  if (content.thresholds.length === 0) faults.push('it has no threshold, so nothing could fail');
  const slices = new Set(content.slices.map(({ name }) => name));
  for (const { slice } of content.thresholds) if (slice !== '' && !slices.has(slice)) faults.push(`a threshold names the slice ${slice}, which it does not have`);
  if (content.judge && content.kind === 'tabular') faults.push('a tabular suite has no judge');
  if (content.judge && !(content.judge.scale.from < content.judge.scale.to)) faults.push('the scale of the judge ends before it begins');
  if (content.kind === 'tabular' && content.datasets.length === 0) faults.push('it names no data to run on');
  for (const { datasetVersionId, split } of content.datasets) {
    const known = data.get(datasetVersionId);
    if (!known) faults.push(`there is no dataset version ${datasetVersionId} in this project`);
    else faults.push(...faultsOn(content, known, split));
  }
  return [...new Set(faults)];
}

function faultsOn({ kind, metrics, thresholds, slices }: SuiteContent, { name, version, labelColumn, splits, columns, protectedColumns }: SuiteData, split: string): string[] {
  const named = `${name} version ${version}`;
  const faults: string[] = [];
  if (split !== '' && !splits.some((one) => one.name === split)) faults.push(`${named} has no split named ${split}`);
  if (kind === 'llm') return faults;
  if (labelColumn === '') faults.push(`${named} names no label column`);
  for (const slice of slices) {
    const fault = sliceFault(slice, columns);
    if (fault) faults.push(`the slice ${fault}`);
  }
  const fits = (metric: string, slice: string): boolean => {
    if (OVERALL_METRICS.includes(metric)) return true;
    const [measure = '', ...column] = metric.split(':');
    return slice === '' && GROUP_MEASURES.includes(measure) && protectedColumns.includes(column.join(':'));
  };
  for (const { metric, slice } of [...thresholds, ...metrics.map((metric) => ({ metric, slice: '' }))]) {
    if (!fits(metric, slice)) faults.push(`${metric}${slice === '' ? '' : ` of the slice ${slice}`} is not measured on ${named}`);
  }
  return faults;
}
