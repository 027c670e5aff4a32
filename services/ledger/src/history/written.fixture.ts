import { create, type Message } from '@bufbuild/protobuf';
import { ActorKind, ActorSchema } from '@vitae/contracts';
import { append, transactOn, type RecordedEvent, type Sql } from '@vitae/event-store';
import type { Pool } from 'pg';

export interface Writing {
  readonly stream: string;
  readonly events: readonly Message[];
  readonly projectId?: string;
  readonly actor?: string;
  readonly subjects?: readonly string[];
  readonly reason?: string;
}

/** Appends events for a spec, as a service would. */
export const write = (pool: Pool, writing: Writing): Promise<readonly RecordedEvent[]> => transactOn(pool)(({ sql }) => appended(sql, writing));

/** The same by a transaction that is long: resolves with what ends it. */
export async function writeLate(pool: Pool, writing: Writing): Promise<() => Promise<void>> {
  let commit: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (commit = resolve));
  let ended: Promise<void> = Promise.resolve();
  await new Promise<void>((resolve, reject) => {
    ended = transactOn(pool)(async ({ sql }) => {
      await appended(sql, writing);
      resolve();
      await held;
    });
    ended.catch(reject);
  });
  return () => {
    commit();
    return ended;
  };
}

const appended = (sql: Sql, { stream, events, projectId = 'credit', actor = 'dana', subjects = [], reason = 'a spec' }: Writing): Promise<readonly RecordedEvent[]> =>
  append(sql, {
    stream,
    expected: 'any',
    events,
    subjects,
    attribution: {
      projectId,
      actor: create(ActorSchema, { id: actor, kind: ActorKind.HUMAN }),
      reason,
      occurredAt: '2026-11-20T09:00:00.000Z',
      correlationId: 'c',
      causationId: '',
      traceparent: '',
    },
  });

/** Gives everything that was written its index. */
export async function sequence(pool: Pool, limit = 1_000): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ n: number }>('select ledger.sequence($1) as n', [limit]);
    if ((rows[0]?.n ?? 0) < limit) return;
  }
}

/** Notes for the history what fills a block, as the sequencer does behind its work. Answers how many entries. */
export async function note(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ n: number }>('select ledger.note_entries() as n');
  return rows[0]?.n ?? 0;
}
