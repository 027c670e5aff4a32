import { TILE_WIDTH } from '@vitae/transparency';
import type { Report } from './fault.ts';
import { WAITING, type Snapshot } from './snapshot.ts';

export interface Counts {
  readonly events: number;
  readonly entries: number;
  readonly waiting: number;
  readonly tiles: number;
  readonly checkpoints: number;
  /** The largest size with a stored checkpoint; 0 without one. */
  readonly newestCheckpoint: number;
}

/** More of one kind are not told: the first ones show where to look. */
const MOST_ROWS = 100;

export async function countRows({ query, tables }: Snapshot): Promise<Counts> {
  const of = (table: string): string => (tables.has(table) ? `(select count(*) from ledger.${table})` : '0');
  const newest = tables.has('checkpoint') ? '(select coalesce(max(size), 0) from ledger.checkpoint)' : '0';
  const [row] = await query<Record<keyof Counts, string>>(
    `select ${of('event')} as events, ${of('entry')} as entries, (select count(*) from (${WAITING}) w) as waiting, ${of('tile')} as tiles,
       ${of('checkpoint')} as checkpoints, ${newest} as "newestCheckpoint"`,
  );
  const number = (name: keyof Counts): number => Number(row?.[name] ?? 0);
  return { events: number('events'), entries: number('entries'), waiting: number('waiting'), tiles: number('tiles'), checkpoints: number('checkpoints'), newestCheckpoint: number('newestCheckpoint') };
}

/** The head MUST be one row that stands behind the last entry, `size` being how many there are. */
export async function checkHead({ query }: Snapshot, size: number, report: Report): Promise<void> {
  const rows = await query<{ next_index: string }>('select next_index from ledger.head');
  if (rows.length !== 1) report({ kind: 'head-moved', message: `ledger.head has ${rows.length} rows instead of one` });
  for (const { next_index } of rows) {
    if (Number(next_index) !== size) report({ kind: 'head-moved', index: Number(next_index), message: `ledger.head says that index ${next_index} comes next, but the entries end with index ${size - 1}` });
  }
}

/** What waits for an index MUST be an event. */
export async function checkWaiting({ query }: Snapshot, report: Report): Promise<void> {
  const rows = await query<{ seq: string }>(
    `select w.seq from (${WAITING}) w left join ledger.event e on e.seq = w.seq where e.seq is null order by w.seq limit ${MOST_ROWS}`,
  );
  for (const { seq } of rows) report({ kind: 'waiting-without-event', message: `event number ${seq} waits for an index, but is not there` });
}

/** An event's id is unique. */
export async function checkIds({ query }: Snapshot, report: Report): Promise<void> {
  const rows = await query<{ id: string; times: string }>(`select e.id, count(*) as times from ledger.event e group by e.id having count(*) > 1 order by e.id limit ${MOST_ROWS}`);
  for (const { id, times } of rows) report({ kind: 'event-doubled', id, message: `event ${id} is there ${times} times` });
}

/** Rows of one query that the other does not have: index or block, and under what name. */
function difference({ query }: Snapshot, one: string, other: string): Promise<{ at: string; name: string }[]> {
  return query(`${one} except ${other} order by 1, 2 limit ${MOST_ROWS}`);
}

/** Entries from here on are not noted yet, and looked through as they are (0005-history.sql). */
const NOT_NOTED = '(select t.next_index from ledger.noted t)';

/** The index of subjects MUST say what the noted events say: no more, no less. */
export async function checkSubjects(snapshot: Snapshot, report: Report): Promise<void> {
  if (!snapshot.tables.has('entry_subject') || !snapshot.tables.has('noted')) return;
  const told = `select n.index as at, s.subject collate "C" as name from ledger.entry n join ledger.event e on e.seq = n.seq cross join lateral unnest(e.subjects) as s (subject) where n.index < ${NOT_NOTED}`;
  const indexed = 'select x.index as at, x.subject as name from ledger.entry_subject x';
  for (const { at, name } of await difference(snapshot, told, indexed)) {
    report({ kind: 'subject-missing', index: Number(at), message: `ledger.entry_subject does not list index ${at} under ${name}, which its event names` });
  }
  for (const { at, name } of await difference(snapshot, indexed, told)) {
    report({ kind: 'subject-surplus', index: Number(at), message: `ledger.entry_subject lists index ${at} under ${name}, which its event does not name` });
  }
}

/** Entries in a block of ledger.entry_block (0005-history.sql). */
const BLOCK = 256;

/** What the history finds events by: which blocks of entries hold events of a project, type, service or actor. */
export async function checkBlocks(snapshot: Snapshot, report: Report): Promise<void> {
  if (!snapshot.tables.has('entry_block') || !snapshot.tables.has('noted')) return;
  // The rule of 0005-history.sql once more: what wrote these rows can be replaced, too.
  const told = `select d.block as at, f.facet collate "C" as name from (
      select distinct n.index / ${BLOCK} as block, e.project_id as project, e.type, split_part(e.type, '.', 2) as service, (e.metadata #>> '{actor,id}') collate "C" as actor
      from ledger.entry n join ledger.event e on e.seq = n.seq where n.index < ${NOT_NOTED}
    ) d cross join lateral unnest(array[
      project, project || ' ' || type, project || ' ' || service, project || ' @' || actor, '* ' || type, '* ' || service, '* @' || actor
    ]) as f (facet) where f.facet is not null`;
  const indexed = 'select x.block as at, x.facet as name from ledger.entry_block x';
  for (const { at, name } of await difference(snapshot, told, indexed)) {
    report({ kind: 'block-missing', index: Number(at) * BLOCK, message: `ledger.entry_block does not list the entries from index ${Number(at) * BLOCK} on under "${name}": the history does not find such events there` });
  }
  for (const { at, name } of await difference(snapshot, indexed, told)) {
    report({ kind: 'block-surplus', index: Number(at) * BLOCK, message: `ledger.entry_block lists the entries from index ${Number(at) * BLOCK} on under "${name}", of which none is` });
  }
}

/** There MUST be no tile over more than `size` entries, and none twice. */
export async function checkTileNumbers({ query, tables }: Snapshot, size: number, report: Report): Promise<void> {
  if (!tables.has('tile')) return;
  const rows = await query<{ level: number; n: string; times: string }>(
    `select t.level, t.n, count(*) as times from ledger.tile t group by t.level, t.n
     having count(*) > 1 or (t.n + 1)::numeric * ${TILE_WIDTH}::numeric ^ (t.level + 1) > $1 order by 1, 2 limit ${MOST_ROWS}`,
    [size],
  );
  for (const { level, n, times } of rows) {
    const what = times === '1' ? `is stored, but the ledger ends with index ${size - 1}` : `is stored ${times} times`;
    report({ kind: 'tile-surplus', index: Number(n) * TILE_WIDTH ** (level + 1), message: `the tile ${n} of level ${level} ${what}` });
  }
}

/** What a witness cosigned MUST still be there. */
export async function checkCosignatures({ query, tables }: Snapshot, report: Report): Promise<void> {
  if (!tables.has('cosignature') || !tables.has('checkpoint')) return;
  const rows = await query<{ size: string; witness: string }>(
    `select s.size, min(s.witness) as witness from ledger.cosignature s left join ledger.checkpoint c on c.size = s.size
     where c.size is null group by s.size order by s.size limit ${MOST_ROWS}`,
  );
  for (const { size, witness } of rows) report({ kind: 'checkpoint-missing', index: Number(size), message: `checkpoint ${size} was deleted: ${witness} cosigned it` });
}

/** Tables that only grow, each with a trigger that refuses everything else. */
const GUARDED = ['event', 'entry', 'entry_subject', 'entry_block', 'batch', 'origin', 'tile', 'checkpoint', 'cosignature'];

/**
 * The tables MUST be tables, and the trigger that refuses UPDATE, DELETE and TRUNCATE MUST stand and fire; since
 * 0004-roles.sql for a replication role, too, which is how a trigger is passed by without touching it.
 */
export async function checkGuards({ query, tables }: Snapshot, report: Report): Promise<void> {
  const rows = await query<{ relname: string; is_table: boolean; guarded: boolean }>(
    `select c.relname, c.relkind in ('r', 'p') as is_table, exists (
       select from pg_trigger t join pg_proc p on p.oid = t.tgfoid
       where t.tgrelid = c.oid and (t.tgenabled = 'A' or t.tgenabled = 'O' and to_regprocedure('ledger.protect(regclass)') is null) and t.tgtype & 56 = 56 /* delete, update, truncate */
         and p.proname = 'refuse_change' and position('raise exception' in p.prosrc) > 0
     ) as guarded
     from pg_class c where c.relnamespace = 'ledger'::regnamespace and c.relname = any ($1) order by c.relname`,
    [GUARDED.filter((table) => tables.has(table))],
  );
  for (const { relname, is_table, guarded } of rows) {
    if (!is_table) report({ kind: 'guard-off', message: `ledger.${relname} is not a table: what it shows can be anything` });
    else if (!guarded) report({ kind: 'guard-off', message: `nothing refuses changes of ledger.${relname}: its trigger is disabled, gone, or does nothing` });
  }
}
