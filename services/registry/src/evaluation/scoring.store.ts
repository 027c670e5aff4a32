import type { DuckDBValue } from '@duckdb/node-api';
import type { Binary } from '@vitae/statistics';
import type { InferenceSession, Tensor as OnnxTensor } from 'onnxruntime-node';
import { readRows, type DatasetFile, type RowQuery, type Workspace } from '../dataset-version/dataset-file.store.ts';
import { withOnnxModel } from '../model-version/onnx-model.store.ts';
import type { Tensor } from '../model-version/tensor-spec.ts';
import { refuse } from './evaluation.ts';
import { planFeed, tensorData, type Feed, type FeedColumn, type FedInput, type FedValue } from './feed.ts';
import type { ScoredRows } from './measure.ts';
import { classesFrom, classesOf, classifierOutputs, labelOf, scoresOf, type ClassifierOutputs } from './model-output.ts';

/** A model file and what it takes and gives. */
export interface ScoredModel {
  /** MUST have been proven against its digest. */
  readonly path: string;
  readonly digest: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

/** The rows to score, and which columns say what is true of them. */
export interface LabelledData {
  readonly file: DatasetFile;
  readonly columns: readonly FeedColumn[];
  readonly labelColumn: string;
  readonly protectedColumns: readonly string[];
  readonly split?: RowQuery['split'];
}

/** The name of the group of rows whose protected column is empty. */
const UNKNOWN_GROUP = '(empty)';

/**
 * Runs the model on every row of the split, in batches as they come out of the file. Only labels, answers and groups
 * are kept in memory, never the rows.
 */
export async function score(model: ScoredModel, data: LabelledData, workspace: Workspace): Promise<ScoredRows> {
  const feed = planFeed(model.inputs, data.columns);
  const outputs = classifierOutputs(model.outputs);
  const labels: Binary[] = [];
  const predictions: Binary[] = [];
  const scores: number[] = [];
  const groups: Record<string, string[]> = Object.fromEntries(data.protectedColumns.map((column) => [column, []]));
  const query: RowQuery = {
    columns: [
      ...feed.inputs.map(({ name, cast }) => ({ name, cast })),
      { name: data.labelColumn, cast: 'VARCHAR' },
      ...data.protectedColumns.map((name) => ({ name, cast: 'VARCHAR' as const })),
    ],
    types: new Map(data.columns.map(({ name, dataType }) => [name, dataType])),
    split: data.split,
  };
  await withOnnxModel(model.path, model.digest, (session) =>
    readRows(data.file, query, workspace, async (columns) => {
      const inputs = columns.slice(0, feed.inputs.length) as readonly (readonly FedValue[])[];
      const [truth = [], ...grouped] = columns.slice(feed.inputs.length);
      for (const label of truth) labels.push(labelOf(label as string | null, data.labelColumn));
      for (const [i, column] of data.protectedColumns.entries()) {
        for (const value of (grouped[i] ?? []) as readonly DuckDBValue[]) groups[column]?.push(value === null || value === '' ? UNKNOWN_GROUP : String(value));
      }
      for (const answer of await answers(session, feed, outputs, inputs, truth.length)) {
        predictions.push(...answer.predictions);
        scores.push(...(answer.scores ?? []));
      }
    }),
  );
  return { labels, predictions, scores: outputs.scores === undefined ? undefined : scores, groups };
}

interface Answer {
  readonly predictions: readonly Binary[];
  readonly scores?: readonly number[];
}

async function answers(session: InferenceSession, feed: Feed, outputs: ClassifierOutputs, columns: readonly (readonly FedValue[])[], rows: number): Promise<Answer[]> {
  const size = feed.singleRows ? 1 : rows;
  const found: Answer[] = [];
  for (let start = 0; start < rows; start += size) {
    const feeds = await tensors(feed.inputs, columns.map((column) => column.slice(start, start + size)), size);
    const results = await session.run(feeds).catch((error: { readonly message?: string }) => {
      throw refuse('MODEL_FAILED', `The model broke off on rows of this split: ${(error.message ?? '').split('\n', 1)[0]?.slice(0, 300)}. Try it outside with the same rows.`);
    });
    found.push(answerOf(outputs, results, size));
  }
  return found;
}

function answerOf({ label, scores }: ClassifierOutputs, results: InferenceSession.ReturnType, rows: number): Answer {
  const valuesOf = (name: string) => {
    const { data, dims } = results[name] as OnnxTensor;
    return { data: data as ArrayLike<number | bigint | string>, shape: dims };
  };
  const probabilities = scores === undefined ? undefined : scoresOf(valuesOf(scores));
  const predictions = label === undefined ? classesFrom(probabilities ?? []) : classesOf(valuesOf(label));
  if (predictions.length !== rows || (probabilities && (probabilities.length !== rows || probabilities.some(Number.isNaN)))) {
    throw refuse('OUTPUT_UNSUPPORTED', `The model gave ${predictions.length} answers for ${rows} rows, or a probability that is no number. Export it so that each row gets one answer.`);
  }
  return { predictions, ...(probabilities ? { scores: probabilities } : {}) };
}

const TYPES: Readonly<Record<string, OnnxTensor.Type>> = {
  BYTES: 'string',
  FP32: 'float32',
  FP64: 'float64',
  INT64: 'int64',
  INT32: 'int32',
  INT16: 'int16',
  INT8: 'int8',
  BOOL: 'bool',
};

async function tensors(inputs: readonly FedInput[], columns: readonly (readonly FedValue[])[], rows: number): Promise<Record<string, OnnxTensor>> {
  const { Tensor } = await import('onnxruntime-node');
  return Object.fromEntries(
    inputs.map((input, i) => {
      const data = tensorData(input, columns[i] ?? []);
      return [input.name, new Tensor(TYPES[input.datatype] ?? 'float32', data, input.rank === 2 ? [rows, 1] : [rows])];
    }),
  );
}
