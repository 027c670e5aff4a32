import { Worker } from 'node:worker_threads';
import type { FromThread, ThreadData, ToThread } from './onnx-thread.worker.ts';
import type { ModelMetadata } from './open-inference.ts';
import type { Tensor } from './tensor.ts';

/** A model in memory, in a thread of its own. Takes any number of requests at once and computes them in turn. */
export interface Session extends ModelMetadata {
  /** Rejects with SessionLost, or with what the model said when it cannot compute these values. */
  run(tensors: readonly Tensor[], outputs: readonly string[]): Promise<readonly Tensor[]>;
  /** Frees the memory. MUST NOT be called while a run is on. */
  release(): Promise<void>;
  /** Resolves when the thread ended without being told to: every run on it has been rejected. */
  readonly lost: Promise<SessionLost>;
}

/** The model's thread ended under the request. Another try may well succeed. */
export class SessionLost extends Error {
  override readonly name = 'SessionLost';
}

interface Waiting {
  resolve(tensors: readonly Tensor[]): void;
  reject(error: Error): void;
}

/** From source (specs) as from the build: the thread's file lies beside this one. */
const THREAD = new URL(import.meta.url.endsWith('.ts') ? './onnx-thread.worker.ts' : './onnx-thread.worker.js', import.meta.url);

/** Loads an ONNX file. Rejects with ONNX Runtime's words for bytes that are none. */
export async function openSession(bytes: Uint8Array, { threads }: { readonly threads: number }): Promise<Session> {
  const thread = new Worker(THREAD, { workerData: { bytes, threads } satisfies ThreadData, execArgv: [], name: 'vitae-model' });
  const waiting = new Map<number, Waiting>();
  const opened = Promise.withResolvers<ModelMetadata>();
  const lost = Promise.withResolvers<SessionLost>();
  const ended = Promise.withResolvers<void>();
  let closing = false;

  thread.on('message', (message: FromThread) => {
    switch (message.type) {
      case 'opened':
        return opened.resolve(message);
      case 'unreadable':
        closing = true;
        return opened.reject(new Error(message.message));
      case 'answer':
        waiting.get(message.id)?.resolve(message.tensors);
        break;
      case 'failure':
        waiting.get(message.id)?.reject(new Error(message.message));
        break;
    }
    waiting.delete(message.id);
  });
  let cause: unknown;
  thread.on('error', (error) => (cause = error));
  thread.on('exit', (code) => {
    const error = new SessionLost(`the model's thread ended by itself (${cause instanceof Error ? cause.message : `exit ${code}`})`, { cause });
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    opened.reject(error);
    if (!closing) lost.resolve(error);
    ended.resolve();
  });

  const say = (message: ToThread): void => thread.postMessage(message);
  let next = 0;
  return {
    ...(await opened.promise),
    lost: lost.promise,
    run: (tensors, outputs) =>
      new Promise((resolve, reject) => {
        const id = (next += 1);
        waiting.set(id, { resolve, reject });
        say({ type: 'run', id, tensors, outputs });
      }),
    async release() {
      closing = true;
      say({ type: 'close' });
      await ended.promise;
    },
  };
}
