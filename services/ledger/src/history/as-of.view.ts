import { readHead, rfc3339, type Sql } from '@vitae/event-store';
import { Problem } from '@vitae/service-kit';
import { z } from 'zod';
import { ledgerIndex, time } from './event-filter.ts';

/** `?asOf=<index>` or `?asOf=<RFC 3339 time>`; absent: now. */
export const asOf = z.union([ledgerIndex, time], 'expected an index such as 1234, or a time such as 2026-03-03T12:00:00Z').optional();
export type AsOfQuery = z.infer<typeof asOf>;

/**
 * The prefix of the ledger that an answer rests on: everything up to and with `index`. Whoever asks again with this
 * index gets the same answer for ever, and can have it proven.
 */
export interface AsOf {
  /** -1: the ledger had no event yet. */
  readonly index: number;
  /** When that event got its index, RFC 3339; absent for -1. */
  readonly sequencedAt?: string;
}

/**
 * A time means the greatest index that the ledger had then (`ledger.index_at`).
 * @throws Problem 404 `beyond-the-ledger` for an index that is not given yet.
 */
export async function resolveAsOf(sql: Sql, asked: AsOfQuery): Promise<AsOf> {
  const index = await indexAsked(sql, asked);
  if (index < 0) return { index: -1 };
  const [entry] = await sql.query<{ at: string }>('select sequenced_at::text as at from ledger.entry where index = $1', [index]);
  if (!entry) {
    const { nextIndex } = await readHead(sql);
    throw new Problem(404, 'beyond-the-ledger', 'The ledger is not that long', `There is no index ${index} yet: the last one is ${nextIndex - 1}. Ask as of that, or of a time.`);
  }
  return { index, sequencedAt: rfc3339(entry.at) };
}

async function indexAsked(sql: Sql, asked: AsOfQuery): Promise<number> {
  if (typeof asked === 'number') return asked;
  const [row] =
    asked === undefined
      ? await sql.query<{ index: string }>('select next_index - 1 as index from ledger.head')
      : await sql.query<{ index: string }>('select ledger.index_at($1) as index', [asked]);
  return Number(row?.index ?? -1);
}

/** The index that the ledger had at a time. */
export const indexAt = (sql: Sql, at: string): Promise<number> => indexAsked(sql, at);
