import type { Tensor } from '../model-version/tensor-spec.ts';
import { refuse } from './evaluation.ts';

/** A column of the data, as its profile describes it. */
export interface FeedColumn {
  readonly name: string;
  readonly dataType: string;
  readonly kind: 'numeric' | 'categorical';
}

/** How a value leaves the file: as a JavaScript number, bigint, boolean or text. */
export type CastName = 'DOUBLE' | 'BIGINT' | 'BOOLEAN' | 'VARCHAR';

/** How one input is filled: from the column of its name, cast on the way out of the file. */
export interface FedInput {
  readonly name: string;
  readonly datatype: string;
  readonly cast: CastName;
  /** One value for each row, with or without a second dimension of 1. */
  readonly rank: 1 | 2;
}

/** How a model is fed from a dataset. */
export interface Feed {
  readonly inputs: readonly FedInput[];
  /** The model takes one row at a time. */
  readonly singleRows: boolean;
}

const INTEGER = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT)$/;

/**
 * Finds a column for each input, by name. Integers are never made of fractions, numbers never of text; text is made
 * of anything.
 * @throws Refused INPUT_UNMATCHED, naming every input without a fit.
 */
export function planFeed(inputs: readonly Tensor[], columns: readonly FeedColumn[]): Feed {
  const byName = new Map(columns.map((column) => [column.name, column]));
  const faults: string[] = [];
  const fed = inputs.flatMap((input): FedInput[] => {
    const column = byName.get(input.name);
    const cast = column && castFor(input.datatype, column);
    const rank = rankOf(input.shape);
    if (!column) faults.push(`${input.name} (no column has this name)`);
    else if (!cast) faults.push(`${input.name} (${input.datatype}, and the column is ${column.dataType})`);
    else if (!rank) faults.push(`${input.name} (shape ${JSON.stringify(input.shape)}, and a column gives one value for each row)`);
    return cast && rank ? [{ name: input.name, datatype: input.datatype, cast, rank }] : [];
  });
  if (faults.length > 0) {
    throw refuse('INPUT_UNMATCHED', `The data cannot feed the model's inputs ${faults.join(', ')}. Evaluate on data with the columns that the model was trained on.`);
  }
  return { inputs: fed, singleRows: inputs.some(({ shape }) => shape[0] === 1) };
}

function castFor(datatype: string, { dataType, kind }: FeedColumn): CastName | undefined {
  switch (datatype) {
    case 'BYTES':
      return 'VARCHAR';
    case 'FP32':
    case 'FP64':
      return kind === 'numeric' ? 'DOUBLE' : undefined;
    case 'INT64':
    case 'INT32':
    case 'INT16':
    case 'INT8':
      return INTEGER.test(dataType) ? 'BIGINT' : undefined;
    case 'BOOL':
      return dataType === 'BOOLEAN' ? 'BOOLEAN' : undefined;
    default:
      return undefined;
  }
}

/** [rows] or [rows, 1], where the number of rows is free or 1. */
function rankOf([rows, width, ...more]: readonly number[]): 1 | 2 | undefined {
  if ((rows !== -1 && rows !== 1) || more.length > 0) return undefined;
  if (width === undefined) return 1;
  return width === 1 || width === -1 ? 2 : undefined;
}

/** A value as DuckDB gives it, by the cast. */
export type FedValue = number | bigint | boolean | string | null;
export type TensorData = Float32Array | Float64Array | BigInt64Array | Int32Array | Int16Array | Int8Array | Uint8Array | string[];

/**
 * A batch of one column as a tensor's data. What is missing becomes NaN in fractions and the empty text in texts, as
 * a client would send it; integers and booleans have no such value.
 * @throws Refused INPUT_VALUE_MISSING.
 */
export function tensorData({ name, datatype }: Pick<FedInput, 'name' | 'datatype'>, values: readonly FedValue[]): TensorData {
  const present = (): (number | bigint | boolean | string)[] =>
    values.map((value) => {
      if (value === null) throw refuse('INPUT_VALUE_MISSING', `The column ${name} has empty values, and the model's input ${name} (${datatype}) cannot be empty. Fill them, or export the model with an input that can.`);
      return value;
    });
  switch (datatype) {
    case 'BYTES':
      return values.map((value) => String(value ?? ''));
    case 'FP32':
      return Float32Array.from(values, (value) => Number(value ?? Number.NaN));
    case 'FP64':
      return Float64Array.from(values, (value) => Number(value ?? Number.NaN));
    case 'INT64':
      return BigInt64Array.from(present(), BigInt);
    case 'INT32':
      return Int32Array.from(present(), Number);
    case 'INT16':
      return Int16Array.from(present(), Number);
    case 'INT8':
      return Int8Array.from(present(), Number);
    case 'BOOL':
      return Uint8Array.from(present(), Number);
    default:
      throw refuse('INPUT_UNMATCHED', `The model's input ${name} is ${datatype}, which cannot be filled from a column. Export the model with another type.`);
  }
}
