import { setTimeout as sleep } from 'node:timers/promises';

/** How long anything may take to recover, in milliseconds: far more than it needs on a busy machine. Not a measure. */
const PATIENCE_MS = 180_000;

/** Asks until the answer is something else than false or undefined. An error counts as "not yet". */
export async function until<T>(what: string, ask: () => Promise<T | false | undefined>, { patienceMs = PATIENCE_MS, everyMs = 50 } = {}): Promise<T> {
  const end = performance.now() + patienceMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== false && answer !== undefined) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) throw new Error(`waited ${Math.round(patienceMs / 1000)} s in vain until ${what}`, { cause: last });
    await sleep(everyMs);
  }
}
