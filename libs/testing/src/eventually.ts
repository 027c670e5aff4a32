import { setTimeout as sleep } from 'node:timers/promises';

export interface Patience {
  /** How long to go on before the last failure is thrown, in ms. Default 20 000: a limit for what is broken, never a measure. */
  readonly timeout?: number;
  /** Between two tries, in ms. Default 25. */
  readonly every?: number;
}

/** Repeats an assertion until it passes and returns what it returned. Throws its last error when it never does. */
export async function eventually<T>(assertion: () => T | Promise<T>, { timeout = 20_000, every = 25 }: Patience = {}): Promise<T> {
  const end = performance.now() + timeout;
  for (;;) {
    try {
      return await assertion();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await sleep(every);
  }
}
