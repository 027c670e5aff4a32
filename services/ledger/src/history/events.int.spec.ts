import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ModelRegisteredSchema, UseCaseApprovedSchema, UseCaseSubmittedSchema, VariantReadySchema } from '@vitae/contracts';
import { ledgerMigrations, migrate, pooledSql, type Sql } from '@vitae/event-store';
import { freshDatabase, type FreshDatabase } from '@vitae/testing';
import fc from 'fast-check';
import { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { EventFilter } from './event-filter.ts';
import { LAST_INDEX, readEvents, revisionAt, type Span } from './event-search.view.ts';
import { eventPage, type HistoryPage } from './events.view.ts';
import { indexOf, type HistoryItem } from './history-item.ts';
import { note, sequence, write, writeLate } from './written.fixture.ts';

const PROJECTS = ['credit', 'fraud', 'empty'];
const ACTORS = ['dana', 'erin', 'nobody'];
const SUBJECTS = ['model:a', 'model:b', 'model:none'];
const STREAMS = ['governance.UseCase-1', 'governance.UseCase-2', 'registry.Model-1', 'deployment.Endpoint-1', 'registry.Model-404'];
const TYPES = ['vitae.governance.v1.UseCaseSubmitted', 'vitae.registry.v1.ModelRegistered', 'vitae.governance.', 'vitae.registry.', 'vitae.monitoring.', 'vitae.deployment.v1.VariantReady'];
const EVENTS = 700; // two blocks are noted, the rest is looked through as it is

let database: FreshDatabase;
let pool: Pool;
let sql: Sql;
let all: readonly HistoryItem[];

beforeAll(async () => {
  database = await freshDatabase();
  await migrate(database.url, ledgerMigrations);
  pool = new Pool({ connectionString: database.url, max: 4, options: '-c plan_cache_mode=force_generic_plan' });
  pool.on('error', () => undefined);
  sql = pooledSql(pool);
  const id = uuidv7();
  const kinds = [
    { stream: 'governance.UseCase-1', event: create(UseCaseSubmittedSchema, { useCaseId: id }) },
    { stream: 'governance.UseCase-2', event: create(UseCaseApprovedSchema, { useCaseId: id }) },
    { stream: 'registry.Model-1', event: create(ModelRegisteredSchema, { modelId: id, name: 'm', task: 't', useCaseId: id }) },
    { stream: 'deployment.Endpoint-1', event: create(VariantReadySchema, { endpointId: id, variantId: id }) },
  ];
  const late: (() => Promise<void>)[] = [];
  for (let i = 0; i < EVENTS; i += 1) {
    // The kinds come in runs, so that whole blocks of the ledger lack some of them.
    const { stream, event } = kinds[Math.floor(i / 90) % kinds.length] as (typeof kinds)[number];
    const subjects = [...(i % 2 ? ['model:a'] : []), ...(i % 7 === 0 ? ['model:b'] : [])];
    const writing = { stream, events: [event], projectId: i % 3 ? 'credit' : 'fraud', actor: i % 11 ? 'dana' : 'erin', subjects };
    // Some are committed when what was numbered after them has its index.
    if (i % 50 === 20 || i % 50 === 40) late.push(await writeLate(pool, { ...writing, stream: `governance.Late-${i}` }));
    else await write(pool, writing);
    if (i % 50 !== 49) continue;
    await sequence(pool, i % 100 === 99 ? 7 : 1_000);
    for (const commit of late.splice(0)) await commit();
  }
  await sequence(pool);
  expect(await note(pool)).toBe(512);
  all = await readEvents(sql, {}, { from: 0, to: LAST_INDEX, order: 'asc', limit: EVENTS + 1 });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

/** The filter in words of the events alone. */
function holds({ projectId, stream, subject, type, actor }: EventFilter, { envelope }: HistoryItem): boolean {
  return (
    (projectId === undefined || envelope.projectId === projectId) &&
    (stream === undefined || envelope.stream === stream) &&
    (subject === undefined || envelope.subjects.includes(subject)) &&
    (type === undefined || (type.endsWith('.') ? envelope.type.startsWith(type) : envelope.type === type)) &&
    (actor === undefined || envelope.actor.id === actor)
  );
}
const expected = (filter: EventFilter, { from, to, order, limit }: Span): readonly HistoryItem[] => {
  const found = all.filter((item) => holds(filter, item) && indexOf(item) >= from && indexOf(item) <= to);
  return (order === 'asc' ? found : found.reverse()).slice(0, limit);
};

const some = (values: readonly string[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
const filters = fc.record({ projectId: some(PROJECTS), stream: some(STREAMS), subject: some(SUBJECTS), type: some(TYPES), actor: some(ACTORS) });
const spans = fc.record({
  from: fc.nat(EVENTS + 5),
  to: fc.oneof(fc.nat(EVENTS + 5), fc.constant(LAST_INDEX)),
  order: fc.constantFrom('asc' as const, 'desc' as const),
  limit: fc.integer({ min: 1, max: 120 }),
});

describe('the events of the ledger', () => {
  it('are all there, in order', () => {
    expect(all.map(indexOf)).toEqual(Array.from({ length: EVENTS }, (_, i) => i));
  });

  it('are found by any filter over any span as looking through all of them finds them', async () => {
    await fc.assert(
      fc.asyncProperty(filters, spans, async (filter, span) => {
        expect((await readEvents(sql, filter, span)).map(indexOf)).toEqual(expected(filter, span).map(indexOf));
      }),
      { numRuns: 300 },
    );
  });

  it('are turned over in full pages, forwards and backwards, without one twice or missing', async () => {
    await fc.assert(
      fc.asyncProperty(filters, spans, async (filter, { order, limit: most }) => {
        const limit = Math.max(most, 20);
        const told: number[][] = [];
        let span: Span = { from: 0, to: LAST_INDEX, order, limit };
        let page: HistoryPage;
        do {
          page = await eventPage(sql, filter, span);
          if (page.next !== undefined) expect(page.items).toHaveLength(limit);
          expect(page.previous).toBe(told.length === 0 || page.items.length === 0 ? undefined : indexOf(page.items[0] as HistoryItem));
          told.push(page.items.map(indexOf));
          span = order === 'asc' ? { ...span, from: page.next ?? 0 } : { ...span, to: page.next ?? 0 };
        } while (page.next !== undefined);
        expect(told.flat()).toEqual(expected(filter, { from: 0, to: LAST_INDEX, order, limit: EVENTS }).map(indexOf));

        // And back again from the last page's first event.
        let { previous } = page;
        for (let i = told.length - 2; i >= 0; i -= 1) {
          const back: HistoryPage = await eventPage(sql, filter, { from: 0, to: LAST_INDEX, order, limit }, previous);
          expect(back.items.map(indexOf)).toEqual(told[i]);
          expect(back.next).toBe(previous);
          previous = back.previous;
        }
        expect(previous).toBeUndefined();
      }),
      { numRuns: 60 },
    );
  });

  it('know which revision their stream had at any index', async () => {
    for (const stream of STREAMS) {
      for (const index of [-1, 0, 44, 89, 90, 250, EVENTS - 1, LAST_INDEX]) {
        expect(await revisionAt(sql, stream, index)).toBe(all.filter((item) => item.envelope.stream === stream && indexOf(item) <= index).length);
      }
    }
  });

  it('are told also when no build knows their type', async () => {
    await pool.query(
      `select ledger.append('future.Thing-1', 0, 'credit', array['model:z'], $1, gen_random_uuid(), 'vitae.future.v9.ThingDone', '{"what":"it"}', null, null, null, null, null)`,
      [JSON.stringify({ actor: { id: 'dana', kind: 'ACTOR_KIND_HUMAN' }, occurredAt: '2026-11-20T09:00:00Z' })],
    );
    await sequence(pool);
    const [item] = await readEvents(sql, { type: 'vitae.future.' }, { from: 0, to: LAST_INDEX, order: 'asc', limit: 2 });
    expect(item).toMatchObject({ envelope: { type: 'vitae.future.v9.ThingDone', index: String(EVENTS) }, payload: { what: 'it' } });
  });

  it('are noted whatever is written for the actor', async () => {
    const odd = [
      String.raw`{"actor":{"id":"a\u0000b"},"occurredAt":"2026-11-20T09:00:00Z"}`, // an id that no text can hold
      String.raw`{"actor":{"id":"\ud800"},"occurredAt":"2026-11-20T09:00:00Z"}`, // half a character
      `{"occurredAt":"2026-11-20T09:00:00Z"}`,
      `[1]`,
    ];
    for (const metadata of odd) {
      const id = uuidv7();
      await pool.query(`select ledger.append($2, 0, 'odd', '{}', $1, $3, 'vitae.governance.v1.UseCaseSubmitted', '{}', null, null, null, null, null)`, [metadata, `governance.UseCase-${id}`, id]);
    }
    const fill = `select ledger.append('governance.Filler-' || i, 0, 'fill', '{}', '{}', gen_random_uuid(), 'vitae.governance.v1.UseCaseSubmitted', '{}', null, null, null, null, null) from generate_series(1, 256) i`;
    await pool.query(fill);
    await sequence(pool);
    expect(await note(pool)).toBeGreaterThanOrEqual(256);
    const { rows } = await pool.query<{ block: string }>(`select n.index / 256 as block from ledger.entry n join ledger.event e on e.seq = n.seq where e.project_id = 'odd'`);
    const blocks = await pool.query<{ block: string }>(`select block from ledger.entry_block where facet = 'odd governance'`);
    expect(rows).toHaveLength(odd.length);
    expect(new Set(blocks.rows.map(({ block }) => block))).toEqual(new Set(rows.map(({ block }) => block)));
  });

  it('are noted once by any number of replicas, and none twice', async () => {
    const fill = `select ledger.append('governance.More-' || i, 0, 'more', '{model:more}', '{}', gen_random_uuid(), 'vitae.governance.v1.UseCaseSubmitted', '{}', null, null, null, null, null) from generate_series(1, 1024) i`;
    await pool.query(fill);
    await sequence(pool);
    const noted = await Promise.all([note(pool), note(pool), note(pool), note(pool)]);
    expect(noted.reduce((sum, n) => sum + n, 0) % 256).toBe(0);
    expect(await note(pool)).toBe(0);
    const [row] = await sql.query<{ n: string }>(`select count(*) as n from ledger.concern where subject = 'model:more'`);
    expect(Number(row?.n)).toBe(1024);
  });
});
