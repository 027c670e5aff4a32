import './telemetry.ts';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { freshDatabase, freshNats, type FreshDatabase, type FreshNats, specAccess } from '@vitae/testing';
import { Client } from 'pg';
import { baseConfig, boot, type ServiceDefinition } from './index.ts';

@Module({})
class Nothing {}

let database: FreshDatabase;
let broker: FreshNats;
let migrations: string;
let service: ServiceDefinition;

beforeAll(async () => {
  migrations = await mkdtemp(join(tmpdir(), 'vitae-migrations-'));
  await writeFile(join(migrations, '0001-thing.sql'), 'create table registry.thing (id integer);');
  service = { name: 'registry', module: Nothing, config: baseConfig, database: { schema: 'registry', migrations: pathToFileURL(`${migrations}/`), entities: [] } };
  [database, broker] = await Promise.all([freshDatabase(), freshNats()]);
});
afterAll(async () => {
  await broker?.stop();
  await database?.drop();
  await rm(migrations, { recursive: true });
});

const start = (how: 'apply' | 'check', url = database.url) =>
  boot(service, { ...specAccess(), PORT: '0', LOG_LEVEL: 'silent', DATABASE_URL: url, NATS_URL: broker.url, VITAE_MIGRATIONS: how });

async function ask<Row extends object>(sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

// In this order: each finds the database as the one before left it.
describe('a service that only checks its migrations', () => {
  it('does not start on a database that lacks some, says which and what to run, and changes nothing', async () => {
    await expect(start('check')).rejects.toThrow(
      /^registry cannot start: its database lacks ledger\/0001-ledger\.sql, .*registry\/0001-thing\.sql, and VITAE_MIGRATIONS is "check"\. Apply them as the owner .*migrate\.js/,
    );
    expect(await ask(`select nspname from pg_namespace where nspname in ('ledger', 'messaging', 'registry')`)).toEqual([]);
  });

  it('starts when somebody has applied them, with a login that may not', async () => {
    const one = await start('apply');
    await one.stop();
    const login = `registry_${Date.now()}`;
    await ask(`create role ${login} login password 'secret' in role vitae_registry`);
    try {
      const url = Object.assign(new URL(database.url), { username: login, password: 'secret' }).href;
      const running = await start('check', url);
      await running.stop();
      await writeFile(join(migrations, '0002-more.sql'), 'alter table registry.thing add column name text;');
      await expect(start('check', url)).rejects.toThrow('its database lacks registry/0002-more.sql,');
    } finally {
      await ask(`drop role ${login}`);
    }
  });
});
