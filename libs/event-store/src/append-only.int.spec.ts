import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { freshDatabase, type FreshDatabase } from '@vitae/testing';
import { Client } from 'pg';
import { ledgerMigrations, migrate } from './migrate.ts';

/** What may change, and why. Every other table in the schema is append-only, those of later migrations too. */
const mayChange = [
  'ledger.head', // how far the sequencer is
  'ledger.migration', // written by the owner alone
  'ledger.noted', // how far behind it the index of the history is
  'ledger.unsequenced', // a queue
];

let database: FreshDatabase;
/** The superuser, who may do everything that the triggers do not refuse. */
let superuser: Client;

beforeAll(async () => {
  database = await freshDatabase();
  await migrate(database.url, ledgerMigrations);
  superuser = new Client({ connectionString: database.url });
  await superuser.connect();
});
afterAll(async () => {
  await superuser?.end();
  await database?.drop();
});
beforeEach(async () => void (await superuser.query('reset all')));

async function tables(): Promise<readonly string[]> {
  const { rows } = await superuser.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c where c.relnamespace = 'ledger'::regnamespace and c.relkind in ('r', 'p') order by 1`,
  );
  return rows.map(({ name }) => name);
}

/** Tables and partitions of the schema on which UPDATE, DELETE or TRUNCATE meets no trigger that fires always. */
async function unprotected(): Promise<readonly string[]> {
  const { rows } = await superuser.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c
     where c.relnamespace = 'ledger'::regnamespace and c.relkind in ('r', 'p') and not exists (
       select from pg_trigger t
       where t.tgrelid = c.oid and t.tgfoid = 'ledger.refuse_change'::regproc and t.tgenabled = 'A'
         and t.tgtype & 1 = 0 and t.tgtype & 2 = 2 -- for each statement, before
         and t.tgtype & 8 = 8 and t.tgtype & 16 = 16 and t.tgtype & 32 = 32) -- delete, update, truncate
     order by 1`,
  );
  return rows.map(({ name }) => name);
}

const attempt = (sql: string): Promise<string> => superuser.query(sql).then(() => 'ok', (error: { code?: string }) => error.code ?? String(error));

async function changesTo(table: string): Promise<readonly string[]> {
  const { rows } = await superuser.query<{ column: string }>(`select quote_ident(attname) as column from pg_attribute where attrelid = $1::regclass and attnum = 1`, [table]);
  const { column } = rows[0]!; // every table of the ledger has one
  return [`update ${table} set ${column} = ${column}`, `delete from ${table}`, `truncate ${table} cascade`];
}

describe('what was appended', () => {
  it('is guarded in every table but those that may change', async () => {
    expect(await unprotected()).toEqual(mayChange);
  });

  it.each([['as ever', 'reset all'], ['while it plays a replica', 'set session_replication_role = replica']])('is not changed by the superuser %s', async (_, before) => {
    await superuser.query(before);
    for (const table of (await tables()).filter((name) => !mayChange.includes(name))) {
      for (const change of await changesTo(table)) expect([change, await attempt(change)]).toEqual([change, 'VT002']);
    }
  });

  // What the transparency log is for: triggers stop mistakes, not whoever owns the machine.
  it('is changed by a superuser who takes the guard away', async () => {
    await superuser.query('begin');
    await superuser.query('alter table ledger.event disable trigger append_only');
    expect(await attempt('delete from ledger.event')).toBe('ok');
    await superuser.query('rollback');
    expect(await attempt('delete from ledger.event')).toBe('VT002');
  });
});

describe('a table with partitions', () => {
  beforeAll(async () => {
    await superuser.query(`
      create table ledger.parted (n integer primary key) partition by range (n);
      create table ledger.parted_1 partition of ledger.parted for values from (0) to (10);
      select ledger.protect('ledger.parted');
      insert into ledger.parted values (1)`);
  });
  afterAll(async () => void (await superuser.query('drop table ledger.parted')));

  it('is guarded with those that it has', async () => {
    for (const table of ['ledger.parted', 'ledger.parted_1']) {
      for (const change of await changesTo(table)) expect([change, await attempt(change)]).toEqual([change, 'VT002']);
    }
    expect(await unprotected()).toEqual(mayChange);
  });

  it('guards the rows of one that is made later, and all of it when told to', async () => {
    await superuser.query('create table ledger.parted_2 partition of ledger.parted for values from (10) to (20); insert into ledger.parted values (11)');
    await superuser.query('set session_replication_role = replica');
    expect(await attempt('update ledger.parted_2 set n = 12')).toBe('VT002');
    expect(await attempt('delete from ledger.parted_2')).toBe('VT002');
    await superuser.query('reset all');
    expect(await unprotected()).toEqual([...mayChange, 'ledger.parted_2'].sort()); // so the first spec would have failed
    await superuser.query(`select ledger.protect('ledger.parted')`);
    expect(await attempt('truncate ledger.parted_2')).toBe('VT002');
    expect(await unprotected()).toEqual(mayChange);
  });

  it('takes rows as before', async () => {
    expect(await attempt('insert into ledger.parted values (2), (12)')).toBe('ok');
  });
});
