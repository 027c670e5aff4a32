import type { Sql } from '@vitae/event-store';

/**
 * How far an incarnation of the inference stream has been counted: the sequence of its last counted message.
 *
 * A store that vanished comes back as another incarnation, whose sequences start from 1 again; it has a mark of its own.
 * A store that lost its tail is the same incarnation with fewer messages than were counted: its mark goes back to what is
 * there, so that new messages under used sequences are not taken for old ones. Messages counted before are recognised by
 * their exchange.
 */
export async function openMark(sql: Sql, { incarnation, last }: { readonly incarnation: string; readonly last: number }): Promise<number> {
  await sql.query('insert into monitoring.inference_mark (incarnation, sequence) values ($1, 0) on conflict do nothing', [incarnation]);
  const [row] = await sql.query<{ sequence: string }>(
    'update monitoring.inference_mark set sequence = least(sequence, $2) where incarnation = $1 returning sequence',
    [incarnation, last],
  );
  return Number(row?.sequence ?? 0);
}

/** The mark, locked until the transaction ends: whoever counts the same messages at the same time waits here, and then sees them counted. */
export async function lockMark(sql: Sql, incarnation: string): Promise<number> {
  const [row] = await sql.query<{ sequence: string }>('select sequence from monitoring.inference_mark where incarnation = $1 for update', [incarnation]);
  if (!row) throw new Error(`the inference stream ${incarnation} has no mark: it was not opened`);
  return Number(row.sequence);
}

export async function moveMark(sql: Sql, incarnation: string, sequence: number): Promise<void> {
  await sql.query('update monitoring.inference_mark set sequence = $2 where incarnation = $1', [incarnation, sequence]);
}

/** Sets a message aside. */
export async function parkMessage(sql: Sql, incarnation: string, sequence: number, error: Error): Promise<void> {
  await sql.query('insert into monitoring.parked_inference (incarnation, sequence, error) values ($1, $2, $3) on conflict do nothing', [incarnation, sequence, error.message]);
}

export async function countParked(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ n: string }>('select count(*) as n from monitoring.parked_inference');
  return Number(row?.n ?? 0);
}
