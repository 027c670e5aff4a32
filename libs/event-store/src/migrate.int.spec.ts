import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { freshDatabase, type FreshDatabase } from '@vitae/testing';
import { Client } from 'pg';
import { ledgerMigrations, migrate, pendingMigrations, type Migrations } from './migrate.ts';

let database: FreshDatabase;
let directory: string;
let things: Migrations;

beforeEach(async () => {
  database = await freshDatabase();
  directory = await mkdtemp(join(tmpdir(), 'vitae-migrate-'));
  things = { schema: 'things', directory: pathToFileURL(`${directory}/`) };
  await file('0001-things.sql', 'create table things.thing (id integer)');
});
afterEach(async () => {
  await rm(directory, { recursive: true });
  await database.drop();
});

const file = (name: string, sql: string): Promise<void> => writeFile(join(directory, name), sql);

async function ask<Row extends object>(sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('migrate', () => {
  it('applies what is missing, in order and once', async () => {
    await file('0002-more.sql', 'alter table things.thing add column name text');
    expect(await migrate(database.url, things)).toEqual(['0001-things.sql', '0002-more.sql']);
    expect(await migrate(database.url, things)).toEqual([]);
    await file('0003-last.sql', 'drop table things.thing');
    expect(await migrate(database.url, things)).toEqual(['0003-last.sql']);
  });

  it('leaves nothing of a file that fails, and keeps those before it', async () => {
    await file('0002-wrong.sql', 'create table things.half (); select 1 / 0');
    await expect(migrate(database.url, things)).rejects.toThrow('migration things/0002-wrong.sql failed: division by zero');
    expect(await ask(`select to_regclass('things.thing') is null as no_thing, to_regclass('things.half') is null as no_half`)).toEqual([{ no_thing: false, no_half: true }]);
    expect(await pendingMigrations(database.url, [things])).toEqual(['things/0002-wrong.sql']);
  });

  it('lets one at a time do it', async () => {
    const applied = await Promise.all(Array.from({ length: 6 }, () => migrate(database.url, things)));
    expect(applied.flat()).toEqual(['0001-things.sql']);
  });

  it('refuses a file that was changed after it had been applied', async () => {
    await migrate(database.url, things);
    await file('0001-things.sql', 'create table things.thing (id bigint)');
    await expect(migrate(database.url, things)).rejects.toThrow('migration things/0001-things.sql was changed after it had been applied');
    await expect(pendingMigrations(database.url, [things])).rejects.toThrow('migration things/0001-things.sql was changed after it had been applied');
  });

  it('makes what belongs to the owner of the ledger, also in a schema of its own', async () => {
    await migrate(database.url, ledgerMigrations);
    await migrate(database.url, things);
    expect(await ask(`select distinct pg_get_userbyid(relowner) as owner from pg_class where relnamespace in ('ledger'::regnamespace, 'things'::regnamespace) and relkind in ('r', 'S')`)).toEqual([
      { owner: 'vitae_owner' },
    ]);
  });

  it('tells somebody who is no member of the owner what is missing', async () => {
    await migrate(database.url, ledgerMigrations);
    const login = `tenant_${Date.now()}`;
    await ask(`create role ${login} login password 'secret'`);
    const url = Object.assign(new URL(database.url), { username: login, password: 'secret' }).href;
    await expect(migrate(url, ledgerMigrations)).rejects.toThrow(`the schema ledger belongs to vitae_owner, and ${login} is not a member of that role`);
    await ask(`grant vitae_owner to ${login}`);
    expect(await migrate(url, ledgerMigrations)).toEqual([]);
    await ask(`revoke vitae_owner from ${login}; drop role ${login}`);
  });
});

describe('pendingMigrations', () => {
  it('names what is missing and changes nothing', async () => {
    await file('0002-more.sql', 'alter table things.thing add column name text');
    expect(await pendingMigrations(database.url, [things])).toEqual(['things/0001-things.sql', 'things/0002-more.sql']);
    expect(await ask(`select 1 from pg_namespace where nspname = 'things'`)).toEqual([]);
    await migrate(database.url, things);
    expect(await pendingMigrations(database.url, [things])).toEqual([]);
  });

  it('does not mind a database that is newer', async () => {
    await file('0002-more.sql', 'alter table things.thing add column name text');
    await migrate(database.url, things);
    await rm(join(directory, '0002-more.sql'));
    expect(await pendingMigrations(database.url, [things])).toEqual([]);
  });
});
