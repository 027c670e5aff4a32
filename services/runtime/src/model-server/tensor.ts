/** The datatypes of the Open Inference Protocol that JSON can carry exactly. FP16 and BF16 it cannot. */
export type Datatype = 'BOOL' | 'UINT8' | 'UINT16' | 'UINT32' | 'UINT64' | 'INT8' | 'INT16' | 'INT32' | 'INT64' | 'FP32' | 'FP64' | 'BYTES';

/** One input or output of a model, as the protocol tells of it. */
export interface TensorSpec {
  readonly name: string;
  /** A Datatype, or the protocol's name of one that JSON cannot carry (FP16, BF16). */
  readonly datatype: string;
  /** -1 is a dimension of any length. */
  readonly shape: readonly number[];
  /** The model's name for its first dimension when that is of any length; often ''. Inputs that share it must agree on it. */
  readonly rows?: string;
}

export type TensorData =
  | Uint8Array | Uint16Array | Uint32Array | BigUint64Array
  | Int8Array | Int16Array | Int32Array | BigInt64Array
  | Float32Array | Float64Array | readonly string[];

/** Values in row-major order with their shape: what goes into a model and comes out of it. */
export interface Tensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** A value that its datatype cannot hold. */
export class BadValue extends Error {
  override readonly name = 'BadValue';
}

const integers = {
  UINT8: [Uint8Array, 0, 2 ** 8 - 1],
  UINT16: [Uint16Array, 0, 2 ** 16 - 1],
  UINT32: [Uint32Array, 0, 2 ** 32 - 1],
  INT8: [Int8Array, -(2 ** 7), 2 ** 7 - 1],
  INT16: [Int16Array, -(2 ** 15), 2 ** 15 - 1],
  INT32: [Int32Array, -(2 ** 31), 2 ** 31 - 1],
} as const;

/**
 * Reads flat JSON values as a datatype.
 * @throws BadValue for a value of another type, out of range, or too large to be exact in JSON (beyond 2^53).
 */
export function valuesOf(datatype: Datatype, values: readonly unknown[]): TensorData {
  switch (datatype) {
    case 'BYTES':
      return values.map((value, i) => (typeof value === 'string' ? value : refuse(value, i, 'a string')));
    case 'BOOL':
      return Uint8Array.from(values, (value, i) => (typeof value === 'boolean' ? Number(value) : refuse(value, i, 'true or false')));
    case 'FP32':
      // A double beyond the largest float would silently become infinite.
      return Float32Array.from(values, (value, i) => (typeof value === 'number' && Number.isFinite(Math.fround(value)) ? value : refuse(value, i, 'a number that fits into 32 bits')));
    case 'FP64':
      return Float64Array.from(values, (value, i) => (typeof value === 'number' ? value : refuse(value, i, 'a number')));
    case 'INT64':
      return BigInt64Array.from(values.map((value, i) => BigInt(whole(value, i, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER))));
    case 'UINT64':
      return BigUint64Array.from(values.map((value, i) => BigInt(whole(value, i, 0, Number.MAX_SAFE_INTEGER))));
    default: {
      const [array, least, most] = integers[datatype];
      return array.from(values.map((value, i) => whole(value, i, least, most)));
    }
  }
}

/**
 * A tensor's values as flat JSON values.
 * @throws BadValue for what JSON has no exact form for: NaN, infinities, integers beyond 2^53.
 */
export function jsonValues({ datatype, data }: Pick<Tensor, 'datatype' | 'data'>): (number | string | boolean)[] {
  if (datatype === 'BOOL') return Array.from(data as Uint8Array, Boolean);
  return Array.from(data as ArrayLike<number | bigint | string>, (value, i) => {
    if (typeof value === 'string') return value;
    const number = Number(value);
    if (typeof value === 'bigint' ? !Number.isSafeInteger(number) : !Number.isFinite(number)) {
      throw new BadValue(`element ${i} is ${value}, which JSON cannot carry`);
    }
    return number;
  });
}

const whole = (value: unknown, i: number, least: number, most: number): number =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most ? value : refuse(value, i, `a whole number from ${least} to ${most}`);

function refuse(value: unknown, i: number, expected: string): never {
  throw new BadValue(`element ${i} is ${String(JSON.stringify(value)).slice(0, 60)}; expected ${expected}`);
}
