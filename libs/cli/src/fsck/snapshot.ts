import { LOG_KEY_ROTATED } from '@vitae/transparency';
import pg from 'pg';
import { CannotRun } from '../outcome.ts';
import type { EntryRow } from './entry-check.ts';
import type { CheckpointRow, RotationRow } from './checkpoint-check.ts';
import type { StreamRow } from './stream-check.ts';

/** The ledger's tables at one moment, read page by page. Everything is what the rows say, nothing is believed. */
export interface Snapshot {
  /** Which of the tables exist: the transparency log's came later than the others. */
  readonly tables: ReadonlySet<string>;
  /** One connection: questions asked at the same time are answered one after the other. */
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

/**
 * Opens one read-only REPEATABLE READ transaction: all pages come from the same moment while others go on writing.
 * Nothing that the database's owner can set for a role or a database makes it see less: rows hidden by a policy are an
 * error, names mean PostgreSQL's own functions and operators, and no time-out ends a long read.
 *
 * @throws CannotRun when the database does not answer or holds no ledger.
 */
export async function openSnapshot(connectionString: string): Promise<Snapshot> {
  const client = new pg.Client({ connectionString, options: '-c vitae.projects=*' }); // every project: a check of the whole
  client.on('error', () => undefined); // the statement at hand rejects, too
  await client.connect().catch((cause: Error) => {
    throw new CannotRun(`the database does not answer: ${cause.message || (cause as { code?: string }).code}`, { cause });
  });
  const close = (): Promise<void> => client.end();
  try {
    await client.query(`
      set statement_timeout = 0; set transaction_timeout = 0; set idle_in_transaction_session_timeout = 0; set lock_timeout = 0;
      set search_path = pg_catalog; set row_security = off; set jit = off; set timezone = 'UTC'; set datestyle = 'ISO'`);
    await client.query('begin isolation level repeatable read read only');
    const { rows } = await client.query<{ relname: string }>(`select relname from pg_class where relnamespace = to_regnamespace('ledger')`);
    const tables = new Set(rows.map((row) => row.relname));
    if (!tables.has('event') || !tables.has('entry')) {
      throw new CannotRun('this database holds no ledger: there is no table ledger.event. Is it the right one, and migrated?');
    }
    let last: Promise<unknown> = Promise.resolve();
    const query = <Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> => {
      const result = last.then(async () => (await client.query<Row>(text, [...values])).rows);
      last = result.catch(() => undefined);
      return result;
    };
    return { tables, query, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Null columns: an entry's event is not there. */
interface EntryColumns {
  readonly index: string;
  readonly seq: string;
  readonly sequenced_at: string;
  readonly id: string | null;
  readonly stream: string;
  readonly revision: number;
  readonly type: string;
  readonly project_id: string;
  readonly subjects: string[];
  readonly payload: string;
  readonly metadata: string;
  readonly recorded_at: string;
}

/** The next entries by index, each with its event. */
export async function entriesAfter({ query }: Snapshot, index: number, limit: number): Promise<EntryRow[]> {
  const rows = await query<EntryColumns>(
    `select n.index, n.seq, n.sequenced_at::text as sequenced_at, e.id, e.stream, e.revision, e.type, e.project_id, e.subjects,
       e.payload::text as payload, e.metadata::text as metadata, e.recorded_at::text as recorded_at
     from ledger.entry n left join ledger.event e on e.seq = n.seq
     where n.index > $1 order by n.index limit $2`,
    [index, limit],
  );
  return rows.map(({ id, project_id, recorded_at, sequenced_at, index: at, seq, ...event }) => ({
    index: Number(at),
    seq,
    sequencedAt: rfc3339(sequenced_at),
    event: id === null ? undefined : { ...event, id, projectId: project_id, recordedAt: rfc3339(recorded_at) },
  }));
}

/** The numbers of the events that have no index yet: a row for what was stored together. */
export const WAITING = 'select w.seq from ledger.unsequenced u cross join lateral unnest(u.seq || u.more) as w (seq)';

/** The next event rows by stream, revision and seq, whether they have an index or not. */
export async function streamRowsAfter({ query }: Snapshot, after: StreamRow | undefined, limit: number): Promise<StreamRow[]> {
  const rows = await query<{ stream: string; revision: number; seq: string; id: string; index: string | null; waiting: boolean }>(
    `select e.stream, e.revision, e.seq, e.id, n.index, e.seq = any (array(${WAITING})) as waiting
     from (
       select e.stream, e.revision, e.seq, e.id from ledger.event e
       where (e.stream, e.revision, e.seq) > ($1, $2, $3) order by e.stream, e.revision, e.seq limit $4
     ) e left join ledger.entry n on n.seq = e.seq
     order by e.stream, e.revision, e.seq`,
    [after?.stream ?? '', after?.revision ?? 0, after?.seq ?? 0, limit],
  );
  return rows.map(({ index, ...row }) => ({ ...row, index: index === null ? undefined : Number(index) }));
}

/** The events that say that the log's key changed, in ledger order. */
export async function rotations({ query }: Snapshot): Promise<RotationRow[]> {
  const rows = await query<{ index: string; payload: string }>(
    'select n.index, e.payload::text as payload from ledger.event e join ledger.entry n on n.seq = e.seq where e.type = $1 order by n.index',
    [LOG_KEY_ROTATED],
  );
  return rows.map(({ index, payload }) => ({ index: Number(index), payload }));
}

/** Stored checkpoints with a size above `after` and up to `upTo`, smallest first. */
export async function checkpointsBetween({ query, tables }: Snapshot, after: number, upTo: number): Promise<CheckpointRow[]> {
  if (!tables.has('checkpoint')) return [];
  const rows = await query<{ size: string; root: Buffer; note: string }>(
    'select size, root, note from ledger.checkpoint where size > $1 and size <= $2 order by size',
    [after, upTo],
  );
  return rows.map((row) => ({ ...row, size: Number(row.size) }));
}

/** The largest stored checkpoints over more than `size` events. */
export async function largestCheckpoints({ query, tables }: Snapshot, size: number): Promise<CheckpointRow[]> {
  if (!tables.has('checkpoint')) return [];
  const rows = await query<{ size: string; root: Buffer; note: string }>('select size, root, note from ledger.checkpoint where size > $1 order by size desc limit 100', [size]);
  return rows.map((row) => ({ ...row, size: Number(row.size) }));
}

/** Stored tiles of one level from `n` on, by their number. */
export async function tilesFrom({ query, tables }: Snapshot, level: number, n: number, limit: number): Promise<Map<number, Buffer>> {
  if (!tables.has('tile')) return new Map();
  const rows = await query<{ n: string; hashes: Buffer }>('select n, hashes from ledger.tile where level = $1 and n >= $2 and n < $3', [level, n, n + limit]);
  return new Map(rows.map((row) => [Number(row.n), row.hashes]));
}

/** A time as PostgreSQL prints it in this session: ISO, UTC, no zeros at the end. Quicker than to_char in the database. */
function rfc3339(printed: string): string {
  const [date = '', time = ''] = printed.replace(/\+00$/, '').split(' ');
  const [whole = '', fraction = ''] = time.split('.');
  return `${date}T${whole}.${fraction.padEnd(6, '0')}Z`;
}
