import { create, type Message } from '@bufbuild/protobuf';
import { ActorKind, ActorSchema } from '@vitae/contracts';
import { append, transactOn, type RecordedEvent } from '@vitae/event-store';
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
export const write = (pool: Pool, { stream, events, projectId = 'credit', actor = 'dana', subjects = [], reason = 'a spec' }: Writing): Promise<readonly RecordedEvent[]> =>
  transactOn(pool)((tx) =>
    append(tx.sql, {
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
    }),
  );

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
