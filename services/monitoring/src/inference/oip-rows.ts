/**
 * Reads rows out of Open Inference Protocol v2 bodies: one input for each column, the first dimension counts the rows.
 * Whatever arrives, nothing throws: a body that cannot be read is `undefined`, and counted as such.
 */

/** The columns of a request by name, each with one value for each row. */
export interface RequestRows {
  /** The protocol's own id; absent when the caller gave none. */
  readonly id?: string;
  readonly rows: number;
  readonly columns: readonly (readonly [name: string, values: readonly unknown[]])[];
}

export interface ResponseRows {
  readonly id?: string;
  readonly rows: number;
  /** The output `label`, one value for each row; absent when the model has no such output. */
  readonly predictions?: readonly unknown[];
}

/** Inputs wider than one value for each row, such as embeddings, are no columns and are passed over. */
export function readRequest(body: string): RequestRows | undefined {
  const message = parse(body);
  const tensors = message && tensorsOf(message['inputs']);
  const rows = tensors && rowsOf(tensors);
  if (!message || !tensors || rows === undefined) return undefined;
  const columns = tensors.filter(({ values }) => values.length === rows).map(({ name, values }) => [name, values] as const);
  return { ...idOf(message), rows, columns };
}

export function readResponse(body: string): ResponseRows | undefined {
  const message = parse(body);
  const tensors = message && tensorsOf(message['outputs']);
  const rows = tensors && rowsOf(tensors);
  if (!message || !tensors || rows === undefined) return undefined;
  const label = tensors.find(({ name, values }) => name === 'label' && values.length === rows);
  return { ...idOf(message), rows, ...(label ? { predictions: label.values } : {}) };
}

interface Tensor {
  readonly name: string;
  readonly rows: number;
  /** Row-major and flat. */
  readonly values: readonly unknown[];
}

function parse(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined; // not JSON: the caller counts it
  }
}

function tensorsOf(value: unknown): Tensor[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const tensors = value.map(tensorOf);
  return tensors.every((tensor) => tensor !== undefined) ? tensors : undefined;
}

/** Undefined where name, shape and data do not agree. */
function tensorOf(value: unknown): Tensor | undefined {
  if (!isRecord(value)) return undefined;
  const { name, shape, data } = value;
  if (typeof name !== 'string' || !Array.isArray(data) || !Array.isArray(shape) || shape.length === 0) return undefined;
  if (!shape.every((length): length is number => Number.isInteger(length) && length >= 0)) return undefined;
  const values: unknown[] = data.some(Array.isArray) ? data.flat(shape.length) : data;
  const size = shape.reduce((product, length) => product * length, 1);
  return size === values.length ? { name, rows: shape[0] ?? 0, values } : undefined;
}

/** The rows on which all tensors agree; undefined when they do not, or there is none. */
function rowsOf(tensors: readonly Tensor[]): number | undefined {
  const rows = tensors[0]?.rows ?? 0;
  return rows > 0 && tensors.every((tensor) => tensor.rows === rows) ? rows : undefined;
}

/** What labels may name a request by. An id that is none of this is as good as none. */
export const usableId = /^[^\x00-\x1f\x7f-\x9f]{1,256}$/;

function idOf(message: Record<string, unknown>): { id?: string } {
  const { id } = message;
  return typeof id === 'string' && usableId.test(id) ? { id } : {};
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
