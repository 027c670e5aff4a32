import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres, type PostgresServer } from './postgres-server.ts';
import { applyMigrations, openLogins, type DatabaseUrls } from './prepare-database.ts';
import { prepareKeyring } from './prepare-keyring.ts';

let directory: string;
let server: PostgresServer;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vitae-prepare-keyring-'));
  server = await startPostgres({ dataDir: join(directory, 'postgres'), durable: false });
});
afterAll(async () => {
  await server?.stop('immediate');
  rmSync(directory, { recursive: true, force: true });
});

/** The rows, or PostgreSQL's code for why not. */
async function ask(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await client.query(sql).then(({ rows }) => rows as unknown, (error: { code: string }) => error.code);
  } finally {
    await client.end();
  }
}
const prepare = async (env: NodeJS.ProcessEnv = {}) => {
  await applyMigrations(server.url);
  const logins = await openLogins(server.url, join(directory, 'logins.json'));
  return { logins, ...(await prepareKeyring(server.url, logins, directory, env)) };
};

describe('prepareKeyring', () => {
  it('puts the keys beside the ledger, where each service may seal and the ledger alone destroy; again and again', async () => {
    await prepare();
    const { urls } = (await prepare()) as { urls: DatabaseUrls };
    expect(new URL(urls.registry).pathname).toBe('/vitae_keys');
    const insert = `insert into keyring.person_key (key_id, project_id, person, tenant_key_version, wrapped_key) values (gen_random_uuid(), 'credit', 'paula', 1, '\\x00')`;
    const destroy = `update keyring.person_key set wrapped_key = null, destroyed_at = now(), erasure_id = gen_random_uuid() where person = 'paula' returning person`;
    expect(await ask(urls.registry, insert)).toEqual([]);
    expect(await ask(urls.governance, 'select person from keyring.person_key')).toEqual([{ person: 'paula' }]);
    expect(await ask(urls.registry, destroy)).toBe('42501'); // insufficient_privilege
    expect(await ask(urls.auditor, 'select person from keyring.person_key')).toBe('42501');
    expect(await ask(urls.ledger, destroy)).toEqual([{ person: 'paula' }]);
    expect(await ask(server.url, `select to_regnamespace('keyring') as here`)).toEqual([{ here: null }]);
  });

  it('uses the database and the tenant key that somebody names', async () => {
    expect(await prepare({ KEYRING_DATABASE_URL: 'postgresql://elsewhere/keys', VITAE_TENANT_KEY_FILE: '/run/secrets/tenant.key' })).toMatchObject({
      urls: 'postgresql://elsewhere/keys',
      tenantKeyFile: '/run/secrets/tenant.key',
    });
  });

  it('says what to do when it may not make the database', async () => {
    await ask(server.url, `create role modest login password 'modest'`);
    await ask(server.url, 'create database modest owner modest');
    const url = new URL(server.url);
    Object.assign(url, { username: 'modest', password: 'modest', pathname: 'modest' });
    await expect(prepareKeyring(url.href, undefined, directory, {})).rejects.toThrow(/modest_keys, and it cannot be made: permission denied.*KEYRING_DATABASE_URL/);
    await ask(server.url, 'create database modest_keys owner modest');
    expect(await prepareKeyring(url.href, undefined, directory, {})).toEqual({ urls: url.href.replace(/modest$/, 'modest_keys'), tenantKeyFile: join(directory, 'keys', 'tenant.key') });
  });
});
