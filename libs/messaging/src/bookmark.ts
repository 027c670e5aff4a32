import type { RecordedEvent, Sql } from '@vitae/event-store';

/** The index that the consumer takes next; 0 for a new one. */
export async function openBookmark(sql: Sql, consumer: string): Promise<number> {
  await sql.query(`insert into messaging.bookmark (consumer, next_index) values ($1, 0) on conflict do nothing`, [consumer]);
  const [row] = await sql.query<{ next_index: string }>(
    `select next_index from messaging.bookmark where consumer = $1`,
    [consumer],
  );
  return Number(row?.next_index ?? 0);
}

/**
 * Moves the bookmark past consecutive events, inside the transaction of their effect. False when it was past the first
 * already: the row's lock makes a second replica wait for the first, and then see that.
 */
export async function advanceBookmark(sql: Sql, consumer: string, events: readonly { readonly index?: number }[]): Promise<boolean> {
  const moved = await sql.query(
    `update messaging.bookmark set next_index = $2::bigint + $3 where consumer = $1 and next_index = $2 returning next_index`,
    [consumer, events[0]?.index, events.length],
  );
  return moved.length === 1;
}

/** Sets an event aside and moves past it, in one transaction. */
export async function park(
  sql: Sql,
  consumer: string,
  event: RecordedEvent,
  error: Error,
  attempts: number,
): Promise<void> {
  if (!(await advanceBookmark(sql, consumer, [event]))) return;
  await sql.query(
    `insert into messaging.parked (consumer, index, event_id, type, error, attempts) values ($1, $2, $3, $4, $5, $6)`,
    [consumer, event.index, event.id, event.type, error.message, attempts],
  );
}

export async function countParked(sql: Sql, consumer: string): Promise<number> {
  const [row] = await sql.query<{ n: string }>(`select count(*) as n from messaging.parked where consumer = $1`, [consumer]);
  return Number(row?.n ?? 0);
}
