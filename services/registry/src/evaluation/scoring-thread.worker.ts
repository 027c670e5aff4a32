// The thread in which a model is run while it is measured: onnxruntime-node computes synchronously, so a large split would
// otherwise hold up every other request. One batch after the other, until it is told to close.
// Runs as it is from source (types are stripped) and as built, so it uses erasable syntax only and imports no sibling.
import { parentPort, workerData } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';

export interface ThreadData {
  readonly path: string;
}
/** One input of a batch, in the words of ONNX Runtime. */
export interface BatchInput {
  readonly name: string;
  readonly type: string;
  readonly data: ArrayLike<number | bigint | string>;
  readonly shape: readonly number[];
}
/** By output's name: its values, flat. */
export type BatchAnswer = Readonly<Record<string, ArrayLike<number | bigint | string>>>;
export type ToThread = { readonly type: 'run'; readonly inputs: readonly BatchInput[]; readonly outputs: readonly string[] } | { readonly type: 'close' };
export type FromThread =
  | { readonly type: 'opened' }
  | { readonly type: 'unreadable'; readonly message: string }
  | { readonly type: 'answer'; readonly outputs: BatchAnswer }
  | { readonly type: 'failure'; readonly message: string };

const port = parentPort;
if (!port) throw new Error('scoring-thread is started by scoring-session');
const tell = (message: FromThread): void => port.postMessage(message);

try {
  const session = await ort.InferenceSession.create((workerData as ThreadData).path, { executionProviders: ['cpu'], intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 });
  port.on('message', (message: ToThread) => {
    if (message.type === 'close') void session.release().finally(() => port.close());
    else
      run(session, message.inputs, message.outputs).then(
        (outputs) => tell({ type: 'answer', outputs }),
        (error: unknown) => tell({ type: 'failure', message: (error as Error).message }),
      );
  });
  tell({ type: 'opened' });
} catch (error) {
  tell({ type: 'unreadable', message: (error as Error).message });
  port.close();
}

async function run(session: ort.InferenceSession, inputs: readonly BatchInput[], outputs: readonly string[]): Promise<BatchAnswer> {
  // The constructor has one overload for each type; that data and type agree is the feed's promise.
  const make = ort.Tensor as unknown as new (type: string, data: BatchInput['data'], dims: readonly number[]) => ort.Tensor;
  const answer = await session.run(Object.fromEntries(inputs.map(({ name, type, data, shape }) => [name, new make(type, data, shape)])), [...outputs]);
  return Object.fromEntries(outputs.map((name) => [name, (answer[name] as ort.Tensor).data as BatchInput['data']]));
}
