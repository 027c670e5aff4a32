import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { freshDatabase, type FreshDatabase } from '@vitae/testing';
import { Pool, type PoolClient } from 'pg';
import { ledgerMigrations, migrate, readRaw, replay, type RawEntry } from './index.ts';

let database: FreshDatabase;
let pool: Pool;
let client: PoolClient;

beforeEach(async () => {
  database = await freshDatabase();
  await migrate(database.url, ledgerMigrations);
  pool = new Pool({ connectionString: database.url, max: 4 });
  pool.on('error', () => undefined);
  client = await pool.connect();
});
afterEach(async () => {
  client.release();
  await pool.end();
  await database.drop();
});

/** So many events of one stream, as the append functions would have stored them. */
const store = (to: Pool | PoolClient, events: number, payload = '{"riskTier":"HIGH"}', subjects: readonly string[] = ['model:m-1', 'use-case:u-1']) =>
  to.query(
    `with stored as (
       insert into ledger.event (seq, id, stream, revision, type, project_id, subjects, payload, metadata)
       select nextval('ledger.event_seq'), uuidv7(), s.stream, r.revision, 'vitae.governance.v1.UseCaseDrafted', 'credit', $2::text[], $3::json, '{"reason":"a \\"spec\\" with ü"}'
       from (select 'governance.UseCase-' || uuidv7() as stream) s cross join generate_series(1, $1::integer) r (revision)
       returning seq
     )
     insert into ledger.unsequenced (seq) select seq from stored`,
    [events, subjects, payload],
  );

async function sequence(): Promise<void> {
  for (let n = 1; n > 0; ) ({ n } = (await pool.query<{ n: number }>('select ledger.sequence(5000) as n')).rows[0] as { n: number });
}

const fields = ({ index, id, stream, revision, type, projectId, subjects, payload, metadata, recordedAt }: RawEntry): RawEntry => ({
  index, id, stream, revision, type, projectId, subjects, payload, metadata, recordedAt,
});

async function replayed(from: number, to = Number.POSITIVE_INFINITY): Promise<readonly RawEntry[]> {
  const all: RawEntry[] = [];
  for await (const entries of replay(client, { from, to })) all.push(...entries.map(fields));
  return all;
}

const stored = (from: number, to: number) => readRaw(pool, { from, limit: to - from });

describe('replay', () => {
  it('brings the same entries as readRaw, page after page, from any index to any other', async () => {
    await store(pool, 25_000);
    await sequence();
    const all = await stored(0, 30_000);
    expect(all).toHaveLength(25_000);
    expect(await replayed(0)).toEqual(all);
    expect(await replayed(4_998)).toEqual(all.slice(4_998));
    expect(await replayed(0, 10_000)).toEqual(all.slice(0, 10_000));
    expect(await replayed(3, 10_004)).toEqual(all.slice(3, 10_004));
    expect(await replayed(10, 13)).toEqual(all.slice(10, 13));
  });

  it('brings nothing from an empty ledger, from beyond the end, and from an index to itself', async () => {
    expect(await replayed(0)).toEqual([]);
    await store(pool, 3);
    await sequence();
    expect(await replayed(3)).toEqual([]);
    expect(await replayed(7)).toEqual([]);
    expect(await replayed(1, 1)).toEqual([]);
    expect(await replayed(2, 1)).toEqual([]);
  });

  it('brings what was committed late where it was ordered, however far behind its number lies', async () => {
    const late = await pool.connect();
    const later = await pool.connect();
    await store(pool, 5);
    await late.query('begin');
    await store(late, 3);
    await store(pool, 10); // near: between these and those lies what has another index
    await later.query('begin');
    await store(later, 2);
    await store(pool, 12_000);
    await sequence();
    await late.query('commit');
    await sequence();
    await store(pool, 9_000);
    await sequence();
    await later.query('commit');
    await store(pool, 100);
    await late.query('begin');
    await store(late, 1);
    await late.query('rollback'); // a number that nobody has
    await store(pool, 1);
    await sequence();
    const numbers = (await pool.query<{ seq: string }>('select seq from ledger.entry order by index')).rows.map(({ seq }) => Number(seq));
    expect(numbers).not.toEqual([...numbers].sort((a, b) => a - b));
    late.release();
    later.release();
    const all = await stored(0, 30_000);
    expect(all).toHaveLength(21_121);
    expect(await replayed(0)).toEqual(all);
    expect(await replayed(12_015)).toEqual(all.slice(12_015));
  });

  it('leaves out what has no index yet, also between two that have', async () => {
    const late = await pool.connect();
    await store(pool, 2);
    await late.query('begin');
    await store(late, 2);
    await store(pool, 2);
    await sequence();
    await late.query('commit');
    late.release();
    expect(await replayed(0)).toEqual(await stored(0, 10));
    expect(await replayed(0)).toHaveLength(4);
  });

  it('brings payloads of megabytes, any script, and any number of subjects', async () => {
    await store(pool, 1, `{"text":"${'Ü€漢😀'.repeat(300_000)}"}`, []);
    await store(pool, 2, '{"text":"naïve"}', ['model:m-1']);
    await store(pool, 1, `{"text":"${'x'.repeat(5_000_000)}"}`, ['model:m-1', 'model:m-2', 'endpoint:e.1_a-B']);
    await store(pool, 1, '{}');
    await sequence();
    const all = await stored(0, 10);
    expect(all.map(({ subjects }) => subjects)).toEqual(['', 'model:m-1', 'model:m-1', 'model:m-1 model:m-2 endpoint:e.1_a-B', 'model:m-1 use-case:u-1']);
    expect(await replayed(0)).toEqual(all);
  });

  it('tells the microsecond at which each was recorded, before and after 2000, too', async () => {
    await store(pool, 6);
    await sequence();
    await pool.query(`alter table ledger.event disable trigger all`);
    await pool.query(
      `update ledger.event e set recorded_at = (array['2026-11-27 12:00:00.000001+00', '2026-11-27 12:00:00.9+00', '2026-11-27 12:00:01+00', '1999-12-31 23:59:59.999999+00', '1969-07-20 20:17:40.5+00', '2100-02-28 23:59:59.123456+00'])[e.revision]::timestamptz`,
    );
    expect((await replayed(0)).map(({ recordedAt }) => recordedAt)).toEqual([
      '2026-11-27T12:00:00.000001Z', '2026-11-27T12:00:00.900000Z', '2026-11-27T12:00:01.000000Z', '1999-12-31T23:59:59.999999Z', '1969-07-20T20:17:40.500000Z', '2100-02-28T23:59:59.123456Z',
    ]);
  });

  it('leaves a free connection to whoever stops early', async () => {
    await store(pool, 25_000);
    await sequence();
    for await (const entries of replay(client, { from: 0, to: 25_000 })) {
      expect(entries).toHaveLength(2_500);
      break;
    }
    expect((await client.query<{ answer: number }>('select 42 as answer')).rows).toEqual([{ answer: 42 }]);
    expect(await replayed(24_999)).toHaveLength(1);
  });

  it('tells of an error when what came before was taken, and leaves a connection that works', async () => {
    await store(pool, 15_000);
    await sequence();
    await pool.query('alter table ledger.event disable trigger all; delete from ledger.event where revision = 12001');
    const pages: number[] = [];
    const through = async (): Promise<void> => {
      for await (const entries of replay(client, { from: 0, to: 15_000 })) pages.push(entries.length);
    };
    await expect(through()).rejects.toThrow('from index 10000 to 12499 the ledger has only 2499 events');
    expect(pages).toEqual([2_500, 2_500, 2_500, 2_500]);

    const locking = await pool.connect();
    await locking.query('begin; lock table ledger.entry in access exclusive mode');
    await client.query('set statement_timeout = 100');
    await expect(replayed(0)).rejects.toMatchObject({ code: '57014' });
    await locking.query('rollback');
    locking.release();
    expect(await replayed(5, 10)).toHaveLength(5);
  });

  it('throws when an entry or an event is missing, and does not pass on what is left as if it were all', async () => {
    await store(pool, 10_005);
    await sequence();
    await pool.query('alter table ledger.event disable trigger all; alter table ledger.entry disable trigger all');
    await pool.query('delete from ledger.event where revision = 5');
    await expect(replayed(0, 10)).rejects.toThrow('from index 0 to 9 the ledger has only 9 events');
    await pool.query('delete from ledger.entry where index in (4, 9999)');
    await expect(replayed(0, 10)).rejects.toThrow('from index 0 to 9 the ledger has only 9 entries');
    await expect(replayed(4, 5)).rejects.toThrow('from index 4 to 4 the ledger has only 0 entries');
    await expect(replayed(5, 10_000)).rejects.toThrow('from index 5 to 9999 the ledger has only 9994 entries'); // the last of a page is no end
    await expect(replayed(9_999)).rejects.toThrow('from index 9999 to 10004 the ledger has only 5 entries');
    expect(await replayed(10_000)).toHaveLength(5);
  });
});
