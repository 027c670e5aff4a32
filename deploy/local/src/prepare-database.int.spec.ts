import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import pg from 'pg';
import { startPostgres, type PostgresServer } from './postgres-server.ts';
import { applyMigrations, openLogins, type DatabaseUrls } from './prepare-database.ts';
import { repositoryRoot } from './repository.ts';

let directory: string;
let server: PostgresServer;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vitae-prepare-'));
  server = await startPostgres({ dataDir: join(directory, 'postgres'), database: 'postgres', durable: false });
});
afterAll(async () => {
  await server?.stop('immediate');
  rmSync(directory, { recursive: true, force: true });
});

async function ask<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, options: '-c vitae.projects=*' });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

let databases = 0;
/** An empty database on the server; its address as the superuser, or as the owner that is given. */
async function emptyDatabase(owner?: { readonly name: string; readonly password: string }): Promise<string> {
  const name = `prepare_${(databases += 1)}`;
  await ask(server.url, `create database ${name} ${owner ? `owner ${owner.name}` : ''}`);
  const url = new URL(server.url);
  url.pathname = name;
  if (owner) Object.assign(url, { username: owner.name, password: owner.password });
  return url.href;
}
const loginFile = (): string => join(directory, `logins-${(databases += 1)}.json`);

/** Who owns the tables and functions in our schemas: one line for each owner. */
const owners = (url: string): Promise<{ owner: string }[]> =>
  ask(url, `select distinct pg_get_userbyid(o.owner) as owner from (
      select relowner as owner, relnamespace as schema from pg_class where relkind in ('r', 'p', 'v', 'm', 'S')
      union all select proowner, pronamespace from pg_proc union all select nspowner, oid from pg_namespace
    ) o join pg_namespace n on n.oid = o.schema
    where n.nspname in ('ledger', 'messaging', 'access', 'registry', 'governance', 'deployment', 'monitoring', 'webhooks')`);

const append = (stream: string): string =>
  `select ledger.append(p_stream => '${stream}', p_expected => -1, p_project_id => 'p', p_subjects => '{}', p_metadata => '{"actor":{"id":"dana"}}',
    p_id => gen_random_uuid(), p_type => 't', p_payload => '{}', p_more_ids => null, p_more_types => null, p_more_payloads => null,
    p_idempotency_key => null, p_fingerprint => null)`;

async function expectSeparate(url: string, urls: DatabaseUrls | undefined): Promise<void> {
  expect(await owners(url)).toEqual([{ owner: 'vitae_owner' }]);
  expect(urls).toBeDefined();
  await ask(urls!.registry, append('registry.Model-1'));
  await expect(ask(urls!.registry, append('governance.UseCase-1'))).rejects.toMatchObject({ code: 'VT003' });
  await expect(ask(urls!.registry, 'delete from ledger.event')).rejects.toMatchObject({ code: '42501' });
}

describe('preparing a database', () => {
  // First, because the cluster has no roles yet.
  it('makes the roles once when several databases of one cluster are prepared at the same moment', async () => {
    const urls = await Promise.all(Array.from({ length: 5 }, () => emptyDatabase()));
    await Promise.all(urls.map((url) => applyMigrations(url)));
    const roles = await ask<{ rolname: string; rolcanlogin: boolean }>(server.url, `select rolname, rolcanlogin from pg_roles where rolname ~ '^vitae_' order by 1`);
    expect(roles.map(({ rolname }) => rolname)).toEqual(['vitae_auditor', 'vitae_deployment', 'vitae_governance', 'vitae_ledger', 'vitae_monitoring', 'vitae_owner', 'vitae_registry']);
    expect(roles.some(({ rolcanlogin }) => rolcanlogin)).toBe(false);
    for (const url of urls) expect(await owners(url)).toEqual([{ owner: 'vitae_owner' }]);
  });

  it('gives each service a login, keeps the passwords to itself, and finds them again', async () => {
    const url = await emptyDatabase();
    const file = loginFile();
    expect(await applyMigrations(url)).toContain('registry/0001-registry.sql');
    const urls = await openLogins(url, file);
    await expectSeparate(url, urls);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await applyMigrations(url)).toEqual([]);
    expect(await openLogins(url, file)).toEqual(urls);
    await ask(server.url, `drop role ${new URL(urls!.auditor).username}`); // another cluster, the same file
    await ask((await openLogins(url, file))!.auditor, 'select from ledger.event');
  });

  it('gives two clones on one server logins of their own', async () => {
    const url = await emptyDatabase();
    await applyMigrations(url);
    const one = await openLogins(url, loginFile());
    const two = await openLogins(url, loginFile());
    expect(two!.registry).not.toBe(one!.registry);
    await expectSeparate(url, one);
    await expectSeparate(url, two);
  });

  it('hands a database from before the roles over to them, with what is in it', async () => {
    const url = await emptyDatabase();
    await asBeforeTheRoles(url);
    expect(await owners(url)).toEqual([{ owner: 'postgres' }]);
    await ask(url, `insert into ledger.event (seq, id, stream, revision, type, project_id, subjects, payload, metadata)
      values (nextval('ledger.event_seq'), gen_random_uuid(), 'registry.Model-1', 1, 't', 'p', '{}', '{}', '{"actor":{"id":"dana"}}');
      insert into ledger.unsequenced select seq from ledger.event`);
    await ask(url, `insert into registry.version_counter values ('dataset/p/a', 7)`);
    await applyMigrations(url);
    const urls = await openLogins(url, loginFile());
    await expectSeparate(url, urls);
    expect(await ask(urls!.registry, `select revision from ledger.event where stream = 'registry.Model-1' order by 1`)).toEqual([{ revision: 1 }, { revision: 2 }]);
    expect(await ask(urls!.registry, `update registry.version_counter set last_version = 8 returning scope`)).toEqual([{ scope: 'dataset/p/a' }]);
    expect(await ask(urls!.ledger, 'select ledger.sequence(10)')).toEqual([{ sequence: 2 }]);
  });

  it('makes the role of a service that a later migration has brought', async () => {
    const url = await emptyDatabase();
    const file = loginFile();
    await applyMigrations(url);
    await openLogins(url, file);
    const services = await ask<{ list: string }>(url, `select string_agg(format('(%L, %L)', service, schema), ', ') as list from ledger.services()`);
    await ask(url, `set role vitae_owner; create schema postbox; create table postbox.migration (name text); create table postbox.letter (n integer, project_id text);
      create or replace function ledger.services() returns table (service name, schema name) language sql immutable as $$ values ${services[0]!.list}, ('postbox', 'postbox') $$;
      select ledger.grant_rights('ledger')`); // as every migration ends, without the right to make roles
    await expectSeparate(url, await openLogins(url, file));
    await ask(url, `create role postbox_login login password 'secret' in role vitae_postbox`);
    const login = Object.assign(new URL(url), { username: 'postbox_login', password: 'secret' }).href;
    await ask(login, `${append('postbox.Letter-1')}; insert into postbox.letter values (1, 'p')`);
    await expect(ask(login, append('registry.Model-1'))).rejects.toMatchObject({ code: 'VT003' });
  });

  describe('as somebody who is not superuser', () => {
    it('goes on with the one login when he may not make roles', async () => {
      const landlord = { name: 'landlord', password: 'of-the-house' };
      await ask(server.url, `create role landlord login password 'of-the-house'`);
      const url = await emptyDatabase(landlord);
      expect(await applyMigrations(url)).toContain('ledger/0004-roles.sql');
      const file = loginFile();
      expect(await openLogins(url, file)).toBeUndefined();
      expect(await owners(url)).toEqual([{ owner: 'landlord' }]);
      await ask(url, append('registry.Model-1'));
      await ask(url, append('governance.UseCase-1'));
      await expect(ask(url, 'delete from ledger.event')).rejects.toMatchObject({ code: 'VT002' }); // the triggers hold
    });

    it('gives each service its login when he may, and also later', async () => {
      const landlady = { name: 'landlady', password: 'of-the-house' };
      await ask(server.url, `create role landlady login password 'of-the-house'`);
      const url = await emptyDatabase(landlady);
      await applyMigrations(url);
      expect(await openLogins(url, loginFile())).toBeUndefined();
      await ask(server.url, `alter role landlady createrole;
        grant vitae_owner, vitae_registry, vitae_governance, vitae_deployment, vitae_monitoring, vitae_ledger, vitae_auditor to landlady with admin option`);
      await expectSeparate(url, await openLogins(url, loginFile()));
      expect(await applyMigrations(url)).toEqual([]);
    });
  });
});

/** All migrations from before 0004, as a single superuser applied them. */
async function asBeforeTheRoles(url: string): Promise<void> {
  const before = {
    ledger: ['libs/event-store/migrations/0001-ledger.sql'],
    messaging: ['libs/messaging/migrations/0001-consumers.sql'],
    registry: ['services/registry/migrations/0001-registry.sql'],
    governance: ['services/governance/migrations/0001-views.sql'],
  };
  for (const [schema, files] of Object.entries(before)) {
    await ask(url, `create schema ${schema}; create table ${schema}.migration (name text primary key, sha256 text not null, applied_at timestamptz not null default now())`);
    for (const file of files) {
      const text = readFileSync(join(repositoryRoot, file), 'utf8');
      const sha256 = createHash('sha256').update(text).digest('hex');
      await ask(url, `${text}; insert into ${schema}.migration (name, sha256) values ('${file.split('/').at(-1)}', '${sha256}')`);
    }
  }
}
