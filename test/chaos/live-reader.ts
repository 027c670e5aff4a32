import { setTimeout as sleep } from 'node:timers/promises';
import { readRaw } from '@vitae/event-store';
import type { Pool } from 'pg';
import type { Page } from './history.ts';
import type { Dice } from './random.ts';

/** A reader of the ledger that goes on all the time, and writes down what it saw. */
export interface LiveReader {
  readonly pages: readonly Page[];
  stop(): Promise<void>;
}

/** Reads on from where it is, and now and then what it has read before, once more. What is away comes back. */
export function readOn(pool: Pool, chance: Dice): LiveReader {
  const pages: Page[] = [];
  let next = 0;
  let stopping = false;
  const life = (async () => {
    while (!stopping) {
      try {
        const again = next > 0 && chance.roll() < 0.3;
        const from = again ? chance.from(0, next - 1) : next;
        const { rows } = await pool.query<{ head: string }>('select next_index as head from ledger.head');
        const entries = await readRaw(pool, { from, limit: again ? 100 : 1_000 });
        pages.push({ from, ids: entries.map(({ id }) => id), head: Number(rows[0]?.head) });
        if (!again) next += entries.length;
      } catch {
        // PostgreSQL is down, or our connection was cut
      }
      await sleep(30);
    }
  })();
  return {
    pages,
    stop: async () => {
      stopping = true;
      await life;
    },
  };
}
