import { z } from 'zod';
import { BadValue, jsonValues, valuesOf, type Datatype, type Tensor, type TensorSpec } from './tensor.ts';

/** What the protocol's callers are told: `{"error": message}` with this status. */
export class InferenceRefused extends Error {
  override readonly name = 'InferenceRefused';
  constructor(
    readonly status: 400 | 404 | 413 | 415 | 422 | 429 | 503,
    message: string,
  ) {
    super(message);
  }
}

/** A model as `GET /v2/models/{m}` tells of it and as requests are checked against it. */
export interface ModelMetadata {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

const parameters = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional();

/** `POST …/infer`, Open Inference Protocol v2. `data` may be nested as `shape` says, or flat; row-major. */
export const InferenceRequest = z.strictObject({
  id: z.string().max(200).optional(),
  parameters,
  inputs: z
    .array(
      z.strictObject({
        name: z.string(),
        shape: z.array(z.int().min(0)).max(16),
        datatype: z.string(),
        parameters,
        data: z.array(z.unknown()),
      }),
    )
    .min(1),
  outputs: z.array(z.strictObject({ name: z.string(), parameters })).min(1).optional(),
});
export type InferenceRequest = z.infer<typeof InferenceRequest>;
type RequestInput = InferenceRequest['inputs'][number];

/** Reads a body. Throws InferenceRefused (400), naming the first fault. */
export function parseInference(body: string): InferenceRequest {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (error) {
    throw new InferenceRefused(400, `the body is not JSON: ${(error as Error).message}`);
  }
  const parsed = InferenceRequest.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.join('.');
  throw new InferenceRefused(400, `the request is not of the Open Inference Protocol v2: ${where ? `${where}: ` : ''}${issue?.message ?? 'invalid'}`);
}

/**
 * The request's tensors, each checked against the model: every input once and no other, its datatype, rank,
 * fixed dimensions, as many values as the shape says, and the same number of rows in all. Throws InferenceRefused (400).
 */
export function tensorsFor(request: InferenceRequest, { inputs }: ModelMetadata): Tensor[] {
  const given = new Map<string, RequestInput>();
  for (const input of request.inputs) {
    if (given.has(input.name)) throw new InferenceRefused(400, `input ${input.name} is given twice`);
    given.set(input.name, input);
  }
  const unknown = [...given.keys()].filter((name) => !inputs.some((spec) => spec.name === name));
  if (unknown.length > 0) throw new InferenceRefused(400, `the model has no input ${unknown.join(', ')}; it has ${inputs.map(({ name }) => name).join(', ')}`);
  const missing = inputs.filter(({ name }) => !given.has(name));
  if (missing.length > 0) throw new InferenceRefused(400, `the request lacks the input ${missing.map(({ name }) => name).join(', ')}`);
  sameRows(inputs, (name) => given.get(name)?.shape[0]);
  return inputs.map((spec) => tensorOf(given.get(spec.name) as RequestInput, spec));
}

/** ONNX Runtime would repeat a single row to fit the others, and answer something nobody asked. */
function sameRows(inputs: readonly TensorSpec[], rowsOf: (name: string) => number | undefined): void {
  const first = new Map<string, TensorSpec>();
  for (const spec of inputs) {
    if (spec.rows === undefined) continue;
    const other = first.get(spec.rows) ?? spec;
    first.set(spec.rows, other);
    const [here, there] = [rowsOf(spec.name), rowsOf(other.name)];
    if (here !== there) throw new InferenceRefused(400, `input ${spec.name} has ${here} rows and input ${other.name} has ${there}; send the same number in all`);
  }
}

function tensorOf({ name, shape, datatype, data }: RequestInput, spec: TensorSpec): Tensor {
  if (!carried(spec.datatype)) throw new InferenceRefused(400, `input ${name} is ${spec.datatype}, which JSON cannot carry; the model cannot be asked over this protocol`);
  if (datatype !== spec.datatype) throw new InferenceRefused(400, `input ${name} has datatype ${datatype}; the model takes ${spec.datatype}`);
  const fits = shape.length === spec.shape.length && spec.shape.every((length, i) => length === -1 || length === shape[i]);
  if (!fits) throw new InferenceRefused(400, `input ${name} has shape [${shape.join(', ')}]; the model takes [${spec.shape.join(', ')}], where -1 is any length`);
  const flat = flatten(name, data, shape);
  const size = shape.reduce((product, length) => product * length, 1);
  if (flat.length !== size) throw new InferenceRefused(400, `input ${name} has ${flat.length} values; its shape [${shape.join(', ')}] asks for ${size}`);
  try {
    return { name, datatype, shape, data: valuesOf(spec.datatype, flat) };
  } catch (error) {
    if (error instanceof BadValue) throw new InferenceRefused(400, `input ${name}: ${error.message}`);
    throw error;
  }
}

/** Row-major values of nested data, whose nesting must be that of the shape; flat data as it is. */
function flatten(name: string, data: readonly unknown[], shape: readonly number[]): readonly unknown[] {
  if (!data.some(Array.isArray)) return data;
  let level: readonly unknown[] = [data];
  for (const length of shape) {
    if (!level.every((part): part is unknown[] => Array.isArray(part) && part.length === length)) {
      throw new InferenceRefused(400, `the data of input ${name} is not nested as its shape [${shape.join(', ')}] says; nest it so, or send it flat`);
    }
    level = level.flat();
  }
  return level;
}

/** What the protocol tells of a model: without what only the checks need. */
export const described = (specs: readonly TensorSpec[]): Pick<TensorSpec, 'name' | 'datatype' | 'shape'>[] => specs.map(({ name, datatype, shape }) => ({ name, datatype, shape }));

/** Names of the outputs that are asked for; all when none are named. Throws InferenceRefused (400). */
export function outputsFor(request: InferenceRequest, { outputs }: ModelMetadata): string[] {
  const names = outputs.map(({ name }) => name);
  const asked = request.outputs?.map(({ name }) => name) ?? names;
  const unknown = asked.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new InferenceRefused(400, `the model has no output ${unknown.join(', ')}; it has ${names.join(', ')}`);
  return asked;
}

export interface InferenceResponse {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[]; readonly datatype: string; readonly data: readonly unknown[] }[];
}

/** The protocol's answer, data flat. Throws InferenceRefused (422) when the model gave a value that JSON has no form for. */
export function responseOf(model: { readonly name: string; readonly version: number }, id: string, outputs: readonly Tensor[]): InferenceResponse {
  return {
    model_name: model.name,
    model_version: String(model.version),
    id,
    outputs: outputs.map((output) => {
      const { name, datatype, shape } = output;
      try {
        return { name, shape, datatype, data: jsonValues(output) };
      } catch (error) {
        if (error instanceof BadValue) throw new InferenceRefused(422, `output ${name}: ${error.message}; look at the values that were sent`);
        throw error;
      }
    }),
  };
}

const JSON_CARRIES: ReadonlySet<string> = new Set<Datatype>(['BOOL', 'UINT8', 'UINT16', 'UINT32', 'UINT64', 'INT8', 'INT16', 'INT32', 'INT64', 'FP32', 'FP64', 'BYTES']);
const carried = (datatype: string): datatype is Datatype => JSON_CARRIES.has(datatype);
