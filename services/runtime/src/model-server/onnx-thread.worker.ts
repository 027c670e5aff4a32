// The thread in which one model lives: onnxruntime-node computes synchronously, so a slow model would otherwise hold
// up every other endpoint and the health checks. One request after the other, until it is told to close.
// Runs as it is from source (types are stripped) and as built, so it uses erasable syntax only and imports no sibling.
import { parentPort, workerData } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';
import type { Tensor, TensorData, TensorSpec } from './tensor.ts';

export interface ThreadData {
  readonly bytes: Uint8Array;
  /** Threads that ONNX Runtime itself may use for one request. */
  readonly threads: number;
}
export type ToThread = { readonly type: 'run'; readonly id: number; readonly tensors: readonly Tensor[]; readonly outputs: readonly string[] } | { readonly type: 'close' };
export type FromThread =
  | { readonly type: 'opened'; readonly inputs: readonly TensorSpec[]; readonly outputs: readonly TensorSpec[] }
  | { readonly type: 'unreadable'; readonly message: string }
  | { readonly type: 'answer'; readonly id: number; readonly tensors: readonly Tensor[] }
  | { readonly type: 'failure'; readonly id: number; readonly message: string };

/** ONNX Runtime's words for the protocol's datatypes. */
const datatypes: Readonly<Record<string, string>> = {
  bool: 'BOOL', uint8: 'UINT8', uint16: 'UINT16', uint32: 'UINT32', uint64: 'UINT64',
  int8: 'INT8', int16: 'INT16', int32: 'INT32', int64: 'INT64', float32: 'FP32', float64: 'FP64', string: 'BYTES', float16: 'FP16',
};
const types = Object.fromEntries(Object.entries(datatypes).map(([type, datatype]) => [datatype, type]));

const port = parentPort;
if (!port) throw new Error('onnx-thread is started by onnx-session');
const tell = (message: FromThread): void => port.postMessage(message);
const { bytes, threads } = workerData as ThreadData;

try {
  const session = await ort.InferenceSession.create(bytes, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 4, // what goes wrong is thrown as well; printing it would only bypass the log
  });
  port.on('message', (message: ToThread) => {
    if (message.type === 'close') void session.release().finally(() => port.close());
    else
      run(session, message.tensors, message.outputs).then(
        (tensors) => tell({ type: 'answer', id: message.id, tensors }),
        (error: unknown) => tell({ type: 'failure', id: message.id, message: (error as Error).message }),
      );
  });
  tell({ type: 'opened', inputs: specs(session.inputMetadata), outputs: specs(session.outputMetadata) });
} catch (error) {
  tell({ type: 'unreadable', message: (error as Error).message });
  port.close();
}

async function run(session: ort.InferenceSession, tensors: readonly Tensor[], outputs: readonly string[]): Promise<Tensor[]> {
  const answer = await session.run(Object.fromEntries(tensors.map((tensor) => [tensor.name, toOrt(tensor)])), [...outputs]);
  return outputs.map((name) => {
    const tensor = answer[name];
    if (!tensor) throw new Error(`the model gave no output ${name}`);
    return { name, datatype: datatypes[tensor.type] ?? tensor.type, shape: tensor.dims, data: tensor.data as TensorData };
  });
}

function toOrt({ datatype, shape, data }: Tensor): ort.Tensor {
  const type = types[datatype];
  if (type === undefined) throw new Error(`no tensor of ${datatype} can be made`);
  // The constructor has one overload for each datatype; that data and datatype agree is the codec's promise.
  const make = ort.Tensor as unknown as new (type: string, data: TensorData, dims: readonly number[]) => ort.Tensor;
  return new make(type, data, shape);
}

/** Outputs that are no tensors (maps, sequences) are left out: the protocol has no form for them. */
function specs(metadata: readonly ort.InferenceSession.ValueMetadata[]): TensorSpec[] {
  return metadata.flatMap((value) => {
    if (!value.isTensor) return [];
    const [first] = value.shape;
    return [
      {
        name: value.name,
        datatype: datatypes[value.type] ?? value.type,
        // A dimension without a fixed length has a name, which may be empty.
        shape: value.shape.map((length) => (typeof length === 'number' && length >= 0 ? length : -1)),
        ...(typeof first === 'string' ? { rows: first } : {}),
      },
    ];
  });
}
