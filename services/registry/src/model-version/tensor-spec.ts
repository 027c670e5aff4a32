/** One input or output of a model, in the words of the Open Inference Protocol v2. */
export interface Tensor {
  readonly name: string;
  /** e.g. FP32, INT64, BYTES. */
  readonly datatype: string;
  /** -1 is a dimension of any length. */
  readonly shape: readonly number[];
}

/** An input or output as ONNX Runtime describes it; one that is no tensor has neither type nor shape. */
export interface OnnxValue {
  readonly name: string;
  readonly isTensor: boolean;
  readonly type?: string;
  /** A name or an empty text stands for a dimension of any length. */
  readonly shape?: readonly (number | string)[];
}

const DATATYPES: Readonly<Record<string, string>> = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
  string: 'BYTES',
};

/** The protocol's description of an ONNX value; undefined for what the protocol cannot carry (sequences, maps, exotic types). */
export function tensorOf({ name, isTensor, type = '', shape = [] }: OnnxValue): Tensor | undefined {
  const datatype = DATATYPES[type];
  if (!isTensor || datatype === undefined) return undefined;
  return { name, datatype, shape: shape.map((length) => (typeof length === 'number' && length >= 0 ? length : -1)) };
}
