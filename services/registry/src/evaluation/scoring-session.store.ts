import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { artefactNotOnnx } from '../model-version/model-version.ts';
import { refuse } from './evaluation.ts';
import type { BatchAnswer, BatchInput, FromThread, ThreadData, ToThread } from './scoring-thread.worker.ts';

/** Runs one batch. MUST NOT be called again before it answered. @throws Refused MODEL_FAILED. */
export type RunBatch = (inputs: readonly BatchInput[], outputs: readonly string[]) => Promise<BatchAnswer>;

/** From source (specs) as from the build: the thread's file lies beside this one. */
const THREAD = new URL(import.meta.url.endsWith('.ts') ? './scoring-thread.worker.ts' : './scoring-thread.worker.js', import.meta.url);

/**
 * Opens the file as a model, in a thread of its own, for as long as `use` takes.
 *
 * @param digest names the file in refusals.
 * @throws Refused ARTEFACT_NOT_ONNX.
 */
export async function withScoringThread<T>(path: string, digest: string, use: (run: RunBatch) => Promise<T>): Promise<T> {
  const thread = new Worker(THREAD, { workerData: { path } satisfies ThreadData, execArgv: [], name: 'vitae-scoring' });
  const ended = Promise.withResolvers<void>();
  let waiting = Promise.withResolvers<FromThread>();
  let cause: unknown;
  thread.on('message', (message: FromThread) => waiting.resolve(message));
  thread.on('error', (error) => (cause = error));
  thread.on('exit', (code) => {
    waiting.resolve({ type: 'failure', message: `its thread ended (${cause instanceof Error ? cause.message : `exit ${code}`})` });
    ended.resolve();
  });
  const say = (message: ToThread): void => thread.postMessage(message);
  try {
    const opened = await waiting.promise;
    if (opened.type === 'unreadable') throw artefactNotOnnx(digest, opened.message.replaceAll(path, digest).replaceAll(`${dirname(path)}/`, '').split('\n', 1)[0] ?? '');
    if (opened.type !== 'opened') throw failed(opened);
    return await use(async (inputs, outputs) => {
      waiting = Promise.withResolvers<FromThread>();
      say({ type: 'run', inputs, outputs });
      const answer = await waiting.promise;
      if (answer.type !== 'answer') throw failed(answer);
      return answer.outputs;
    });
  } finally {
    say({ type: 'close' });
    await ended.promise;
  }
}

const failed = (said: FromThread) =>
  refuse('MODEL_FAILED', `The model broke off on rows of this split: ${('message' in said ? said.message : '').split('\n', 1)[0]?.slice(0, 300)}. Try it outside with the same rows.`);
