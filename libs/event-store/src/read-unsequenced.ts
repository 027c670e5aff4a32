import { recordedFrom, type EventRow, type RecordedEvent } from './recorded-event.ts';
import type { Sql } from './sql.ts';

/** What is committed and has no index yet, in the order in which it will be looked at. */
export async function readUnsequenced(sql: Sql): Promise<readonly RecordedEvent[]> {
  const rows = await sql.query<EventRow>(
    `select null as index, e.id, e.stream, e.revision, e.type, e.project_id, e.subjects::text as subjects,
       e.payload::text as payload, e.metadata::text as metadata, e.recorded_at::text as recorded_at
     from ledger.unsequenced u cross join lateral unnest(u.seq || u.more) as w (seq) join ledger.event e on e.seq = w.seq order by e.seq`,
  );
  return rows.map(recordedFrom);
}
