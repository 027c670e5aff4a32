import { dirname } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { artefactNotOnnx, artefactNotTensors } from './model-version-refusal.ts';
import { tensorOf, type OnnxValue, type Tensor } from './tensor-spec.ts';

/** What an ONNX model takes and gives. */
export interface ModelInterface {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

/**
 * Opens the file as a model for as long as `use` takes. On the CPU and with one thread: the registry looks at
 * models, it does not serve them.
 *
 * @param digest names the file in refusals.
 * @throws Refused ARTEFACT_NOT_ONNX.
 */
export async function withOnnxModel<T>(path: string, digest: string, use: (session: InferenceSession) => Promise<T>): Promise<T> {
  const { InferenceSession } = await import('onnxruntime-node'); // 100 MB that a service without models need not hold
  const session = await InferenceSession.create(path, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
  }).catch((error: { readonly message?: string }) => {
    throw artefactNotOnnx(digest, (error.message ?? '').replaceAll(path, digest).replaceAll(`${dirname(path)}/`, '').split('\n', 1)[0] ?? '');
  });
  try {
    return await use(session);
  } finally {
    await session.release();
  }
}

/** @throws Refused ARTEFACT_NOT_ONNX, ARTEFACT_NOT_TENSORS. */
export function readInterface(path: string, digest: string): Promise<ModelInterface> {
  return withOnnxModel(path, digest, async (session) => ({
    inputs: tensors(session.inputMetadata, digest),
    outputs: tensors(session.outputMetadata, digest),
  }));
}

function tensors(values: readonly OnnxValue[], digest: string): Tensor[] {
  if (values.length === 0) throw artefactNotTensors(digest, []);
  const known = values.map((value) => ({ value, tensor: tensorOf(value) }));
  const unknown = known.filter(({ tensor }) => tensor === undefined).map(({ value }) => value.name);
  if (unknown.length > 0) throw artefactNotTensors(digest, unknown);
  return known.flatMap(({ tensor }) => tensor ?? []);
}
