import type { DuckDBValue } from '@duckdb/node-api';
import { readRows, type DatasetFile, type RowQuery, type Workspace } from '../dataset-version/dataset-file.store.ts';
import type { Tensor } from '../model-version/tensor-spec.ts';
import { refuse } from './evaluation.ts';
import { planFeed, tensorData, type Feed, type FeedColumn, type FedInput, type FedValue } from './feed.ts';
import { interpret } from './interpret.ts';
import { modelOutputs, type ModelOutputs } from './model-output.ts';
import type { ScoredRows } from './scored-rows.ts';
import { withScoringThread, type RunBatch } from './scoring-session.store.ts';
import type { BatchAnswer, BatchInput } from './scoring-thread.worker.ts';
import { belongs, castOf, type Slice } from './slice.ts';

/** A model file and what it takes and gives. */
export interface ScoredModel {
  /** MUST have been proven against its digest. */
  readonly path: string;
  readonly digest: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** The task that the model was registered with, in whatever words. */
  readonly task: string;
}

/** The rows to score, and which columns say what is true of them. */
export interface LabelledData {
  readonly file: DatasetFile;
  readonly columns: readonly FeedColumn[];
  readonly labelColumn: string;
  readonly protectedColumns: readonly string[];
  readonly split?: RowQuery['split'];
  readonly slices: readonly Slice[];
}

/** The name of the group of rows whose protected column is empty. */
const UNKNOWN_GROUP = '(empty)';

/**
 * Runs the model on every row of the split, in batches as they come out of the file. Only labels, answers, groups and
 * slices are kept in memory, never the rows.
 */
export async function score(model: ScoredModel, data: LabelledData, workspace: Workspace): Promise<ScoredRows> {
  const feed = planFeed(model.inputs, data.columns);
  const outputs = modelOutputs(model.outputs);
  const labels: (string | null)[] = [];
  const classes: (number | string)[] = [];
  const scores: number[] = [];
  let width = 1;
  const groups: Record<string, string[]> = Object.fromEntries(data.protectedColumns.map((column) => [column, []]));
  const slices: Record<string, number[]> = Object.fromEntries(data.slices.map(({ name }) => [name, []]));
  await withScoringThread(model.path, model.digest, (run) =>
    readRows(data.file, queryOf(feed, data), workspace, async (columns) => {
      const inputs = columns.slice(0, feed.inputs.length) as readonly (readonly FedValue[])[];
      const [truth = [], ...more] = columns.slice(feed.inputs.length);
      for (const [i, column] of data.protectedColumns.entries()) {
        for (const value of (more[i] ?? []) as readonly DuckDBValue[]) groups[column]?.push(value === null || value === '' ? UNKNOWN_GROUP : String(value));
      }
      for (const [i, slice] of data.slices.entries()) {
        for (const [row, value] of (more[data.protectedColumns.length + i] ?? []).entries()) if (belongs(slice, value)) slices[slice.name]?.push(labels.length + row);
      }
      for (const label of truth) labels.push(label as string | null);
      for (const answer of await answers(run, feed, outputs, inputs, truth.length)) {
        for (const one of answer.classes) classes.push(one);
        for (const one of answer.scores) scores.push(one);
        width = answer.width;
      }
    }),
  );
  return interpret({ labels, classes, scores, width, groups, slices }, outputs, data.labelColumn, model.task);
}

const queryOf = (feed: Feed, { columns, labelColumn, protectedColumns, slices, split }: LabelledData): RowQuery => ({
  columns: [
    ...feed.inputs.map(({ name, cast }) => ({ name, cast })),
    { name: labelColumn, cast: 'VARCHAR' },
    ...protectedColumns.map((name) => ({ name, cast: 'VARCHAR' as const })),
    ...slices.map((slice) => ({ name: slice.column, cast: castOf(slice) })),
  ],
  types: new Map(columns.map(({ name, dataType }) => [name, dataType])),
  split,
});

interface Answer {
  readonly classes: readonly (number | string)[];
  readonly scores: readonly number[];
  /** Scores of one row. */
  readonly width: number;
}

async function answers(run: RunBatch, feed: Feed, outputs: ModelOutputs, columns: readonly (readonly FedValue[])[], rows: number): Promise<Answer[]> {
  const size = feed.singleRows ? 1 : rows;
  const wanted = [outputs.label, outputs.scores].flatMap((name) => name ?? []);
  const found: Answer[] = [];
  for (let start = 0; start < rows; start += size) {
    const batch = columns.map((column) => column.slice(start, start + size));
    found.push(answerOf(outputs, await run(feed.inputs.map((input, i) => batchInput(input, batch[i] ?? [], size)), wanted), size));
  }
  return found;
}

function answerOf({ label, scores }: ModelOutputs, results: BatchAnswer, rows: number): Answer {
  const valuesOf = (name: string) => Array.from(results[name] ?? []);
  const classes = label === undefined ? [] : valuesOf(label).map((value) => (typeof value === 'string' ? value : Number(value)));
  const numbers = scores === undefined ? [] : valuesOf(scores).map(Number);
  const width = scores === undefined ? 1 : numbers.length / rows;
  if ((label !== undefined && classes.length !== rows) || !Number.isInteger(width) || width < 1 || numbers.some((number) => !Number.isFinite(number))) {
    throw refuse('OUTPUT_UNSUPPORTED', `The model gave ${classes.length || numbers.length} answers for ${rows} rows, or one that is no number. Export it so that each row gets one answer.`);
  }
  return { classes, scores: numbers, width };
}

const TYPES: Readonly<Record<string, string>> = {
  BYTES: 'string',
  FP32: 'float32',
  FP64: 'float64',
  INT64: 'int64',
  INT32: 'int32',
  INT16: 'int16',
  INT8: 'int8',
  BOOL: 'bool',
};

const batchInput = (input: FedInput, values: readonly FedValue[], rows: number): BatchInput => ({
  name: input.name,
  type: TYPES[input.datatype] ?? 'float32',
  data: tensorData(input, values),
  shape: input.rank === 2 ? [rows, 1] : [rows],
});
