import { setTimeout as sleep } from 'node:timers/promises';
import { IsolationLevel } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { readHead, readLedger, readUnsequenced, type RecordedEvent, type Sql } from '@vitae/event-store';
import { openDatabase, sqlOf, type ViewTransaction } from '../database.ts';
import type { ServiceDefinition } from '../definition.ts';
import { compareTables, type TableComparison } from './compare-tables.ts';
import { greenOf, notePosition, openGreen, quoted, swapTables } from './green-schema.ts';
import { consumersOf, projectEvent, tablesOf, type Projection } from './projection.ts';

export interface RebuildOptions {
  /** False: compares, and leaves the views as they are. */
  readonly swap: boolean;
  /** Called after each page, and waited for. */
  readonly onProgress?: (progress: { readonly index: number; readonly of: number }) => void | Promise<void>;
  /** Stops after the page at hand; the next run goes on there. */
  readonly signal?: AbortSignal;
  /** Events in one transaction; 500 unless told. */
  readonly page?: number;
}

export interface RebuildReport {
  readonly service: string;
  /** The index that a rebuild which was interrupted had reached; 0 for a new one. */
  readonly resumedAt: number;
  /** Indices below this are in the new views. */
  readonly upTo: number;
  readonly swapped: boolean;
  readonly tables: readonly TableComparison[];
}

/** The rebuild cannot be done now; the views are as they were. What was rebuilt so far is kept for the next run. */
export class RebuildNotPossible extends Error {
  override readonly name = 'RebuildNotPossible';
}

/** Most events that are applied while the views are locked. */
const MOST_LOCKED = 5_000;
/** Longest that a swap waits for the tables at a time, in milliseconds. Under deadlock_timeout, so that no command is its victim. */
const LOCK_MS = 200;
const LOCK_ATTEMPTS = 150;

/**
 * Makes a service's views anew from the ledger, beside those that serve:
 *
 *   tables of the same migrations in <schema>_green
 *   ──► events from index 0, page by page, each page with its position in one transaction
 *   ──► in one snapshot: what is still missing, compare with the views that serve (and roll that back)
 *   ──► in one transaction: lock the views, what is still missing, exchange the tables
 *
 * Nothing reacts: only projections run. A consumer's view is applied as far as its bookmark and no further, so the consumer
 * goes on where it was, and what it set off is neither done again nor forgotten. The service runs all the while; it waits
 * for the exchange, and for nothing else. Killed at any point, it has changed nothing that serves, and the next run goes on.
 *
 * @param url of the database, with the owner of the service's schema as its user, or a member of that role.
 * @throws RebuildNotPossible
 */
export async function rebuildViews(definition: ServiceDefinition, url: string, { swap, onProgress, signal, page = 500 }: RebuildOptions): Promise<RebuildReport> {
  const { name, database } = definition;
  const projections = database?.projections ?? [];
  if (!database || projections.length === 0) throw new RebuildNotPossible(`${name} has no views that can be rebuilt from the ledger`);
  const tables = tablesOf(projections);
  const { schema } = database;
  // One connection: it holds the lock that lets one rebuild run at a time.
  const orm = await openDatabase(`${name}-rebuild`, url, { DATABASE_POOL_SIZE: 1 }, { ...database, schema: greenOf(schema) });
  try {
    const sql = sqlOf(orm.em.fork());
    await actAsOwner(sql, schema);
    const [lock] = await sql.query<{ mine: boolean }>(`select pg_try_advisory_lock(hashtextextended($1, 0)) as mine`, [`vitae rebuild ${schema}`]);
    const session = await sessionOf(sql);
    if (!lock?.mine) throw new RebuildNotPossible(`the views of ${name} are being rebuilt already; wait for that to end`);

    const resumedAt = await inGreen(orm.em, session, (tx) => openGreen(tx.sql, database));
    let next = resumedAt;
    const catchUp = async (): Promise<void> => {
      for (;;) {
        if (signal?.aborted) throw new RebuildNotPossible(`the rebuild was stopped at index ${next}; run it again and it goes on there`);
        const { nextIndex } = await readHead(sql);
        const bookmarks = await bookmarksOf(sql, projections, false);
        const target = Math.min(nextIndex, ...bookmarks.values());
        if (next >= target) return;
        next = await inGreen(orm.em, session, async (tx) => {
          const events = await readLedger(tx.sql, { from: next, limit: Math.min(page, target - next) });
          for (const event of events) await applying(event, () => projectEvent(projections, tx, event, () => true));
          await notePosition(tx.sql, schema, next + events.length);
          return next + events.length;
        });
        await onProgress?.({ index: next, of: target });
      }
    };
    await catchUp();
    const compared = await compare(orm.em, session, schema, projections, tables, next);
    if (!swap) return { service: name, resumedAt, swapped: false, ...compared };
    for (let attempt = 1; ; attempt += 1) {
      await catchUp();
      const upTo = await exchange(orm.em, session, schema, projections, tables, next);
      if (upTo !== undefined) return { service: name, resumedAt, swapped: true, upTo, tables: compared.tables };
      if (attempt >= LOCK_ATTEMPTS) throw new RebuildNotPossible(`the views of ${name} were in use at each of ${attempt} tries to exchange them; run it again at a quieter time`);
      await sleep(50);
    }
  } finally {
    await orm.close(true);
  }
}

/** In a snapshot of everything: applies what the green tables lack, compares, and takes it back. */
async function compare(em: EntityManager, session: number, schema: string, projections: readonly Projection[], tables: readonly string[], next: number): Promise<{ upTo: number; tables: readonly TableComparison[] }> {
  let found: { upTo: number; tables: readonly TableComparison[] } | undefined;
  const takeBack = new Error('only looked');
  await inGreen(
    em,
    session,
    async (tx) => {
      const upTo = await applyRest(tx, projections, next, await bookmarksOf(tx.sql, projections, false));
      found = { upTo, tables: await compareTables(tx.sql, schema, tables) };
      throw takeBack;
    },
    IsolationLevel.REPEATABLE_READ,
  ).catch((error: unknown) => {
    if (error !== takeBack) throw error;
  });
  if (!found) throw new Error('the comparison ended without an answer');
  return found;
}

/** Answers the index up to which the new views are; undefined when the tables could not be had for the moment. */
async function exchange(em: EntityManager, session: number, schema: string, projections: readonly Projection[], tables: readonly string[], next: number): Promise<number | undefined> {
  try {
    return await inGreen(em, session, async (tx) => {
      await tx.sql.query(`set local lock_timeout = ${LOCK_MS}`);
      // Bookmarks first, as a consumer takes them. Then nobody is within a command or an event that touches the views.
      const bookmarks = await bookmarksOf(tx.sql, projections, true);
      await tx.sql.query(`lock table ${tables.map((table) => `${quoted(schema)}.${quoted(table)}`).join(', ')} in access exclusive mode`);
      await tx.sql.query('set local lock_timeout = 0');
      const upTo = await applyRest(tx, projections, next, bookmarks);
      await swapTables(tx.sql, schema, tables);
      return upTo;
    });
  } catch (error) {
    if (codeOf(error) === '55P03') return undefined; // lock_not_available
    throw error;
  }
}

/** What is committed and not in the green tables yet, whether it has its index or not, in order. */
async function applyRest(tx: ViewTransaction, projections: readonly Projection[], next: number, bookmarks: ReadonlyMap<string, number>): Promise<number> {
  // First those without an index: one that gets its index meanwhile is then among the others.
  const waiting = await readUnsequenced(tx.sql);
  const placed = await readLedger(tx.sql, { from: next, limit: MOST_LOCKED + 1 });
  if (placed.length > MOST_LOCKED) {
    throw new RebuildNotPossible(`more than ${MOST_LOCKED} events would have to be applied while the views are locked: a consumer of the service is far behind, or much is being written. Wait until it has caught up, and run it again`);
  }
  const known = new Set(placed.map(({ id }) => id));
  for (const event of [...placed, ...waiting.filter(({ id }) => !known.has(id))]) {
    await applying(event, () => projectEvent(projections, tx, event, (consumer) => event.index !== undefined && event.index < (bookmarks.get(consumer) ?? 0)));
  }
  return next + placed.length;
}

/** Where each consumer is; 0 for one that never ran. `locked`: and stays. */
async function bookmarksOf(sql: Sql, projections: readonly Projection[], locked: boolean): Promise<ReadonlyMap<string, number>> {
  const consumers = consumersOf(projections);
  const rows = await sql.query<{ consumer: string; next_index: string }>(
    `select consumer, next_index from messaging.bookmark where consumer = any($1) order by consumer ${locked ? 'for update' : ''}`,
    [consumers],
  );
  const found = new Map(rows.map((row) => [row.consumer, Number(row.next_index)]));
  return new Map(consumers.map((consumer) => [consumer, found.get(consumer) ?? 0]));
}

async function applying(event: RecordedEvent, work: () => Promise<void>): Promise<void> {
  await work().catch((cause: unknown) => {
    throw new RebuildNotPossible(`event ${event.index ?? event.id} (${event.type}) cannot be applied: ${(cause as Error).message}`, { cause });
  });
}

/** In the session that holds the lock and the owner's role. One that broke is replaced by the pool, and the new one has neither. */
function inGreen<T>(em: EntityManager, session: number, work: (tx: ViewTransaction) => Promise<T>, isolationLevel = IsolationLevel.READ_COMMITTED): Promise<T> {
  return em.fork({ clear: true, useContext: false }).transactional(
    async (inner) => {
      const sql = sqlOf(inner);
      if ((await sessionOf(sql)) !== session) throw new RebuildNotPossible('the connection to the database broke; run the rebuild again and it goes on where it was');
      return work({ em: inner, sql });
    },
    { isolationLevel },
  );
}

async function sessionOf(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ pid: number }>('select pg_backend_pid() as pid');
  return row?.pid ?? 0;
}

/** What is made belongs to whom the schema belongs to, so that the service keeps its rights. */
async function actAsOwner(sql: Sql, schema: string): Promise<void> {
  const [found] = await sql.query<{ owner: string }>('select pg_get_userbyid(nspowner) as owner from pg_namespace where nspname = $1', [schema]);
  if (!found) throw new RebuildNotPossible(`there is no schema ${schema}: start the service once, or apply its migrations`);
  await sql.query(`set role ${quoted(found.owner)}`).catch((cause: unknown) => {
    throw codeOf(cause) === '42501' ? new RebuildNotPossible(`the schema ${schema} belongs to ${found.owner}; run this with a DATABASE_URL whose user is a member of that role`, { cause }) : cause;
  });
}

/** MikroORM wraps what the driver says. */
function codeOf(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return code;
  }
  return undefined;
}
