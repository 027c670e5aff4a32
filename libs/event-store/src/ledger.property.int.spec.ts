import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ActorKind, ActorSchema, UseCaseSubmittedSchema } from '@vitae/contracts';
import { freshDatabase, type FreshDatabase } from '@vitae/testing';
import fc from 'fast-check';
import { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { append, groupCommit, ledgerMigrations, migrate, pooledSql, readRaw, readStream, RevisionConflict, transactOn, type AppendRequest, type ExpectedRevision, type RawEntry } from './index.ts';

/** One thing that may happen to a ledger. */
type Step =
  | { readonly do: 'append'; readonly stream: number; readonly expected: ExpectedRevision; readonly events: number; readonly way: 'transaction' | 'group' }
  | { readonly do: 'give up'; readonly stream: number; readonly events: number } // appends, projects, and rolls back
  | { readonly do: 'sequence'; readonly limit: number }
  | { readonly do: 'rebuild' };

const STREAMS = 4;
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      stream: fc.nat(STREAMS - 1),
      expected: fc.oneof(fc.nat(6), fc.constantFrom<ExpectedRevision>('noStream', 'exists', 'any')),
      events: fc.integer({ min: 1, max: 4 }),
      way: fc.constantFrom('transaction' as const, 'group' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('give up' as const), stream: fc.nat(STREAMS - 1), events: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('sequence' as const), limit: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'rebuild' as const }) },
);

let database: FreshDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await freshDatabase();
  await migrate(database.url, ledgerMigrations);
  pool = new Pool({ connectionString: database.url, max: 12 });
  pool.on('error', () => undefined);
  await pool.query('create table public.length (stream text primary key, events integer not null)');
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const request = (stream: string, expected: ExpectedRevision, events: number): AppendRequest => ({
  stream,
  expected,
  events: Array.from({ length: events }, () => create(UseCaseSubmittedSchema, { useCaseId: uuidv7() })),
  attribution: {
    projectId: 'credit', actor: create(ActorSchema, { id: 'dana', kind: ActorKind.HUMAN }), reason: 'a property', occurredAt: '2026-11-20T09:00:00.000Z', correlationId: 'c', causationId: '', traceparent: '',
  },
  subjects: [`stream:${stream.slice(-36)}`],
});

const met = (expected: ExpectedRevision, revision: number): boolean =>
  typeof expected === 'number' ? revision === expected : expected === 'noStream' ? revision === 0 : expected === 'any' || revision > 0;

/** The view of these properties: how long each stream is. */
const project = (sql: { query(text: string, values: readonly unknown[]): Promise<unknown> }, stream: string, events: number) =>
  sql.query('insert into public.length (stream, events) values ($1, $2) on conflict (stream) do update set events = length.events + excluded.events', [stream, events]);

async function ledgerOf(streams: readonly string[]): Promise<readonly RawEntry[]> {
  const all = await readRaw(pool, { from: 0, limit: 1_000_000 });
  expect(all.map(({ index }) => index)).toEqual(all.map((_, i) => i)); // dense, whatever happened before
  return all.filter(({ stream }) => streams.includes(stream));
}

const lengths = async (streams: readonly string[]): Promise<readonly number[]> => {
  const { rows } = await pool.query<{ stream: string; events: number }>('select stream, events from public.length where stream = any($1)', [streams]);
  return streams.map((stream) => rows.find((row) => row.stream === stream)?.events ?? 0);
};

describe('a ledger, whatever happens to it in whatever order', () => {
  it('accepts what the model accepts, refuses what it refuses, and its view is what a rebuild from its entries gives', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const streams = Array.from({ length: STREAMS }, () => `governance.UseCase-${uuidv7()}`);
        const model = streams.map(() => 0);
        const group = groupCommit(pool, { project: async (sql, accepted) => { for (const [first, ...more] of accepted) await project(sql, first?.stream ?? '', 1 + more.length); } });
        for (const one of steps) {
          const stream = 'stream' in one ? (streams[one.stream] as string) : '';
          switch (one.do) {
            case 'append': {
              const wanted = request(stream, one.expected, one.events);
              const appended = one.way === 'group'
                ? group.append(wanted)
                : transactOn(pool)(async ({ sql }) => {
                    const recorded = await append(sql, wanted);
                    await project(sql, stream, recorded.length);
                    return recorded;
                  });
              const before = model[one.stream] as number;
              if (met(one.expected, before)) {
                expect((await appended).map(({ revision }) => revision)).toEqual(Array.from({ length: one.events }, (_, i) => before + i + 1));
                model[one.stream] = before + one.events;
              } else {
                await expect(appended).rejects.toMatchObject({ name: 'RevisionConflict', actual: before });
              }
              break;
            }
            case 'give up':
              await expect(
                transactOn(pool)(async ({ sql }) => {
                  await append(sql, request(stream, 'any', one.events));
                  await project(sql, stream, one.events);
                  throw new Error('gave up');
                }),
              ).rejects.toThrow('gave up');
              break;
            case 'sequence':
              await pool.query('select ledger.sequence($1)', [one.limit]);
              break;
            case 'rebuild': {
              while (((await pool.query<{ n: number }>('select ledger.sequence(100) as n')).rows[0]?.n ?? 0) > 0);
              const entries = await ledgerOf(streams);
              expect(streams.map((name) => entries.filter((entry) => entry.stream === name).length)).toEqual(await lengths(streams));
            }
          }
        }
        expect(await lengths(streams)).toEqual(model);
        for (const [i, stream] of streams.entries()) {
          expect((await readStream(pooledSql(pool), stream)).map(({ revision }) => revision)).toEqual(Array.from({ length: model[i] as number }, (_, n) => n + 1));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('keeps its order when everything happens at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
        const streams = Array.from({ length: STREAMS }, () => `governance.UseCase-${uuidv7()}`);
        const group = groupCommit(pool, { maxBatch: 4 });
        const acknowledged: { stream: string; revision: number; id: string }[] = [];
        await Promise.all(
          steps.map(async (one) => {
            if (one.do === 'sequence' || one.do === 'rebuild') return void (await pool.query('select ledger.sequence(3)'));
            const stream = streams[one.stream] as string;
            if (one.do === 'give up') {
              return transactOn(pool)(async ({ sql }) => { await append(sql, request(stream, 'any', one.events)); throw new Error('gave up'); }).catch((error: Error) => expect(error.message).toMatch(/gave up|at revision|deadlock/));
            }
            const wanted = request(stream, one.expected, one.events);
            const appended = one.way === 'group' ? group.append(wanted) : transactOn(pool)(({ sql }) => append(sql, wanted));
            await appended.then(
              (recorded) => acknowledged.push(...recorded.map(({ revision, id }) => ({ stream, revision, id }))),
              (error: unknown) => expect(error).toBeInstanceOf(RevisionConflict),
            );
          }),
        );
        while (((await pool.query<{ n: number }>('select ledger.sequence(100) as n')).rows[0]?.n ?? 0) > 0);
        const entries = await ledgerOf(streams);
        for (const stream of streams) {
          const there = entries.filter((entry) => entry.stream === stream);
          expect(there.map(({ revision }) => revision)).toEqual(there.map((_, i) => i + 1)); // each stream in its order, without a hole
          const told = acknowledged.filter((one) => one.stream === stream).sort((a, b) => a.revision - b.revision);
          expect(there.map(({ id }) => id)).toEqual(told.map(({ id }) => id)); // exactly what was acknowledged
        }
      }),
      { numRuns: 25 },
    );
  });
});
