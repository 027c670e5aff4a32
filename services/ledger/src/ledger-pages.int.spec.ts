import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { UseCaseSubmittedSchema } from '@vitae/contracts';
import { create } from '@bufbuild/protobuf';
import { ledgerMigrations, migrate, readRaw } from '@vitae/event-store';
import { freshDatabase, type FreshDatabase } from '@vitae/testing';
import { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { LedgerConfig } from './config.ts';
import { sequence, write } from './history/written.fixture.ts';
import { LedgerPages } from './ledger-pages.store.ts';

let database: FreshDatabase;
let pool: Pool;
let pages: LedgerPages;

beforeAll(async () => {
  database = await freshDatabase();
  await migrate(database.url, ledgerMigrations);
  pool = new Pool({ connectionString: database.url, max: 2 });
  const events = Array.from({ length: 30 }, () => create(UseCaseSubmittedSchema, { useCaseId: uuidv7() }));
  await write(pool, { stream: 'governance.UseCase-1', events });
  await sequence(pool);
  pages = new LedgerPages({ DATABASE_URL: database.url } as LedgerConfig);
  pages.keep(await readRaw(pool, { from: 0, limit: 10 })); // the others were ordered by another replica
});
afterAll(async () => {
  await pages.onApplicationShutdown();
  await pool.end();
  await database.drop();
});

const indices = (entries: readonly { readonly index: number }[]): number[] => entries.map(({ index }) => index);
const from = (first: number, end: number): number[] => Array.from({ length: end - first }, (_, i) => first + i);

describe('pages of the ledger', () => {
  it('give who goes on by himself what is at hand, and then what the ledger has', async () => {
    const first = await pages.page(0, 20);
    expect([indices(first.entries), first.end]).toEqual([from(0, 10), true]);
    const next = await pages.page(10, 15);
    expect([indices(next.entries), next.end]).toEqual([from(10, 25), false]);
  });

  it('are whole for who needs all of them, whatever is at hand', async () => {
    const other = new LedgerPages({ DATABASE_URL: database.url } as LedgerConfig);
    other.keep(await readRaw(pool, { from: 5, limit: 5 }));
    for (const [first, limit, end] of [[0, 30, 30], [5, 20, 25], [7, 100, 30], [30, 5, 30]] as const) {
      expect(indices(await other.all(first, limit))).toEqual(from(first, end));
    }
    await other.onApplicationShutdown();
  });
});
