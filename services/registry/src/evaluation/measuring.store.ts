import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { PairedDifference } from './compare.ts';
import { refuse } from './evaluation.ts';
import type { Measurement } from './measured.ts';
import type { ScoredRows } from './scored-rows.ts';

export interface MeasuredSideBySide {
  /** Of each, in the order given. */
  readonly measured: readonly Measurement[];
  /** Of each but the first, which they are held against. */
  readonly differences: readonly (readonly PairedDifference[])[];
}

/** From source (specs) as from the build: the thread's file lies beside this one. */
const THREAD = new URL(import.meta.url.endsWith('.ts') ? './measuring-thread.worker.ts' : './measuring-thread.worker.js', import.meta.url);

/**
 * Measures what was scored on the same rows, in a thread of its own.
 *
 * @throws Refused COMPARISON_UNFIT when two do different things.
 */
export async function measureSideBySide(scored: readonly ScoredRows[]): Promise<MeasuredSideBySide> {
  const [one, other] = [...new Set(scored.map(({ task }) => task))];
  if (other) throw refuse('COMPARISON_UNFIT', `One version does ${one}, another ${other}: they have no metric in common. Compare versions that answer alike.`);
  const thread = new Worker(THREAD, { workerData: scored, execArgv: [], name: 'vitae-measuring' });
  const ended = once(thread, 'exit');
  const answer = Promise.withResolvers<MeasuredSideBySide>();
  thread.once('message', answer.resolve);
  thread.once('error', answer.reject);
  thread.once('exit', (code) => answer.reject(new Error(`the measuring thread ended with ${code} and no answer`)));
  try {
    return await answer.promise;
  } finally {
    await ended;
  }
}
