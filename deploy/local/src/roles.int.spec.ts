import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres, type PostgresServer } from './postgres-server.ts';
import { applyMigrations, openLogins, type DatabaseUrls } from './prepare-database.ts';

let directory: string;
let server: PostgresServer;
let urls: DatabaseUrls;
let sessions: Record<Who, pg.Client>;

/** Who tries, his own schema's table and one that is somebody else's. */
const people = {
  registry: { own: 'registry.model', other: 'governance.use_case' },
  governance: { own: 'governance.use_case', other: 'deployment.environment' },
  deployment: { own: 'deployment.environment', other: 'monitoring.alert' },
  monitoring: { own: 'monitoring.alert', other: 'webhooks.webhook' },
  ledger: { own: 'webhooks.webhook', other: 'registry.model' },
  auditor: { own: 'registry.model', other: 'webhooks.webhook' },
} as const;
type Who = keyof typeof people;
const everybody = Object.keys(people) as Who[];
const appenders = everybody.filter((who) => who !== 'auditor');

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vitae-roles-'));
  server = await startPostgres({ dataDir: join(directory, 'postgres'), durable: false });
  await applyMigrations(server.url);
  const opened = await openLogins(server.url, join(directory, 'logins.json'));
  urls = opened!; // the superuser may make logins
  sessions = Object.fromEntries(await Promise.all(everybody.map(async (who) => [who, await session(urls[who])]))) as typeof sessions;
  await asSuperuser(`${appendTo('registry.Model-1')}; ${appendTo('governance.UseCase-1')}; select ledger.sequence(10)`);
});
afterAll(async () => {
  await Promise.all(Object.values(sessions ?? {}).map((client) => client.end()));
  await server?.stop('immediate');
  rmSync(directory, { recursive: true, force: true });
});

/** At work for every project: what else there is, project-wall.int.spec.ts tries. */
async function session(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString, options: '-c vitae.projects=*' });
  await client.connect();
  return client;
}

async function asSuperuser<Row extends object = object>(sql: string, url = server.url): Promise<Row[]> {
  const client = await session(url);
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** `ok`, or the SQLSTATE of the refusal. Leaves nothing behind. */
async function attempt(client: pg.Client, sql: string): Promise<string> {
  await client.query('begin');
  try {
    await client.query(sql);
    return 'ok';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    await client.query('rollback; reset all; reset role; discard temp');
  }
}

/** In the words of the table below. */
function attemptAs(who: Who, words: string): Promise<string> {
  const { own, other } = people[who];
  const neighbour = other.split('.', 1)[0]!.replace('webhooks', 'ledger'); // the schema's service
  const filled = words
    .replaceAll('{own}', own).replaceAll('{other}', other).replaceAll('{login}', sessions[who].user ?? '')
    .replaceAll('{own stream}', `${who}.Thing-1`).replaceAll('{other stream}', `${neighbour}.Thing-1`);
  const [, way, streams = ''] = /^(append|append next|append in one batch) to (.*)$/.exec(filled) ?? [];
  const appends: Readonly<Record<string, (streams: string) => string>> = { append: appendTo, 'append next': appendNextTo, 'append in one batch': (all) => appendBatchTo(...all.split(',')) };
  return attempt(sessions[who], appends[way ?? '']?.(streams) ?? filled);
}

const metadata = `'{"actor":{"id":"dana"}}'`;
const appendTo = (stream: string): string =>
  `select ledger.append(p_stream => '${stream}', p_expected => -1, p_project_id => 'p', p_subjects => '{model:1}', p_metadata => ${metadata},
    p_id => gen_random_uuid(), p_type => 't', p_payload => '{}', p_more_ids => null, p_more_types => null, p_more_payloads => null,
    p_idempotency_key => null, p_fingerprint => null)`;
/** Fails with NOTHING where it stores nothing. */
const appendNextTo = (stream: string): string =>
  `select 1 / (ledger.append_next(p_stream => '${stream}', p_expected => 0, p_project_id => 'p', p_subjects => 'model:1', p_metadata => ${metadata},
    p_id => gen_random_uuid(), p_type => 't', p_payload => '{}') is not null)::integer`;
function appendBatchTo(...streams: string[]): string {
  const each = (value: string): string => `array[${streams.map(() => value).join()}]`;
  return `select ledger.append_batch(p_streams => '{${streams.join()}}', p_expected => ${each('-1')}, p_project_ids => ${each(`'p'`)},
    p_subjects => ${each(`'model:1'`)}, p_metadata => ${each(`${metadata}::json`)}, p_firsts => array[${streams.map((_, i) => i + 1).join()}], p_ids => ${each('gen_random_uuid()')}, p_types => ${each(`'t'`)},
    p_payloads => ${each(`json '{}'`)})`;
}

const NO = '42501'; // insufficient_privilege
const MUST_NOT = 'VT003'; // not the service's stream
const NOTHING = '22012'; // division_by_zero: no time at which it was recorded

// What each role may, and by which code of PostgreSQL it is refused. `service` is each of registry, governance,
// deployment and monitoring. {own} and {other}: a table of the role's own schema and of another's.
type Row = readonly [sql: string, service: string, ledger: string, auditor: string];
const rights: readonly Row[] = [
  //                                                                                service    ledger     auditor
  // the ledger is read
  ['select from ledger.event',                                                      'ok',      'ok',      'ok'],
  ['select from ledger.entry, ledger.entry_subject, ledger.batch, ledger.head',     'ok',      'ok',      'ok'],
  ['select from ledger.checkpoint, ledger.tile, ledger.cosignature',                NO,        'ok',      'ok'],
  ['select ledger.index_at(now())',                                                 'ok',      'ok',      'ok'],
  ['select from ledger.concern, ledger.noted',                                      'ok',      'ok',      'ok'],
  ['select from ledger.event for update',                                           NO,        NO,        NO],
  ['select nextval($$ledger.event_seq$$)',                                          NO,        NO,        NO],
  ['select setval($$ledger.event_seq$$, 1)',                                        NO,        NO,        NO],
  // and grows through its functions, to one's own streams
  ['append to {own stream}',                                                        'ok',      'ok',      NO],
  ['append to {other stream}',                                                      MUST_NOT,  MUST_NOT,  NO],
  ['append to console.Thing-1',                                                     MUST_NOT,  MUST_NOT,  NO],
  ['append to owner.Thing-1',                                                       MUST_NOT,  MUST_NOT,  NO],
  ['append to ',                                                                    MUST_NOT,  MUST_NOT,  NO],
  ['append next to {own stream}',                                                   'ok',      'ok',      NO],
  ['append next to {other stream}',                                                 NOTHING,   NOTHING,   NO],
  ['append next to owner.Thing-1',                                                  NOTHING,   NOTHING,   NO],
  ['append next to ',                                                               NOTHING,   NOTHING,   NO],
  ['append in one batch to {own stream}',                                           'ok',      'ok',      NO],
  ['append in one batch to {own stream},{other stream}',                            MUST_NOT,  MUST_NOT,  NO],
  ['select ledger.sequence(10)',                                                    NO,        'ok',      NO],
  ['select ledger.sequence_entries(10)',                                            NO,        'ok',      NO],
  ['select ledger.note_entries()',                                                  NO,        'ok',      NO],
  ['select ledger.separate_roles()',                                                NO,        NO,        NO],
  ['select ledger.grant_rights($$ledger$$)',                                        NO,        NO,        NO],
  ['select ledger.protect($$ledger.event$$)',                                       NO,        NO,        NO],
  // nobody becomes somebody else
  ['set role vitae_owner',                                                          NO,        NO,        NO],
  ['set role postgres',                                                             NO,        NO,        NO],
  ['set session authorization postgres',                                            NO,        NO,        NO],
  ['set session_replication_role = replica',                                        NO,        NO,        NO],
  ['grant vitae_owner to {login}',                                                  NO,        NO,        NO],
  ['alter role {login} superuser',                                                  NO,        NO,        NO],
  ['create role another',                                                           NO,        NO,        NO],
  // makes something where others look for names
  ['create function public.f() returns int language sql as $$ select 1 $$',         NO,        NO,        NO],
  ['create table ledger.mine ()',                                                   NO,        NO,        NO],
  ['create function ledger.mine() returns int language sql as $$ select 1 $$',      NO,        NO,        NO],
  ['create schema mine',                                                            NO,        NO,        NO],
  ['create temp table event () inherits (ledger.event)',                            NO,        NO,        NO],
  ['create event trigger t on ddl_command_end execute function ledger.refuse_change()', NO,    NO,        NO],
  // or reaches what lies outside of the database
  [`copy (select 1) to program 'cat'`,                                              NO,        NO,        NO],
  [`select pg_read_file('PG_VERSION')`,                                             NO,        NO,        NO],
  // a service writes its own schema, and reads and writes no other
  ['select from {own}',                                                             'ok',      'ok',      'ok'],
  ['insert into {own} select * from {own}',                                         'ok',      'ok',      NO],
  ['update {own} set revision = revision',                                          'ok',      'ok',      NO],
  ['delete from {own}',                                                             'ok',      'ok',      NO],
  ['truncate {own} cascade',                                                        NO,        NO,        NO],
  ['alter table {own} add column more text',                                        NO,        NO,        NO],
  ['drop table {own} cascade',                                                      NO,        NO,        NO],
  ['select from {other}',                                                           NO,        NO,        NO],
  ['insert into {other} select * from {other}',                                     NO,        NO,        NO],
  ['update {other} set revision = 1',                                               NO,        NO,        NO],
  ['delete from {other}',                                                           NO,        NO,        NO],
  ['select from ledger.migration, messaging.migration',                             'ok',      'ok',      'ok'],
  ['delete from messaging.migration',                                               NO,        NO,        NO],
  // bookmarks: see below
  ['delete from messaging.bookmark',                                                NO,        NO,        NO],
  ['update messaging.parked set error = $$$$',                                      NO,        NO,        NO],
  ['delete from messaging.parked',                                                  NO,        NO,        NO],
  // what harms nobody
  ['select pg_advisory_xact_lock(1)',                                               'ok',      'ok',      'ok'],
  ['create temp table mine ()',                                                     'ok',      'ok',      'ok'],
];

// People and tokens. governance tells names and keeps the tokens, the ledger erases; everybody else calls two functions.
type AccessRow = readonly [sql: string, service: string, governance: string, ledger: string, auditor: string];
const accessRights: readonly AccessRow[] = [
  //                                                                                service    govern.    ledger     auditor
  [`select access.pseudonym_of('https://issuer.test', 'dana', 'Dana', '')`,         'ok',      'ok',      'ok',      NO],
  [`select access.use_api_token('aaaaaaaaaaaa', '\\x00')`,                          'ok',      'ok',      'ok',      NO],
  ['select from access.migration',                                                  'ok',      'ok',      'ok',      NO],
  ['select name, mail from access.person',                                          NO,        'ok',      NO,        NO],
  ['update access.person set name = $$$$',                                          NO,        NO,        NO,        NO],
  [`insert into access.person (id, name, mail) values ('me', '', '')`,              NO,        NO,        NO,        NO],
  ['select from access.account',                                                    NO,        NO,        NO,        NO],
  [`update access.account set person_id = 'me'`,                                    NO,        NO,        NO,        NO],
  [`select access.erase_person('dana')`,                                            NO,        NO,        'ok',      NO],
  [`select access.new_pseudonym('dana')`,                                           NO,        NO,        NO,        NO],
  ['select id, name, owner, last_used_at from access.api_token',                    NO,        'ok',      NO,        NO],
  ['select secret_hash from access.api_token',                                      NO,        NO,        NO,        NO],
  ['select * from access.api_token',                                                NO,        NO,        NO,        NO],
  [`update access.api_token set permissions = '{}'`,                                NO,        NO,        NO,        NO],
  [`update access.api_token set expires_at = now()`,                                NO,        NO,        NO,        NO],
  ['update access.api_token set revoked_at = now()',                                NO,        'ok',      NO,        NO],
  ['delete from access.api_token',                                                  NO,        NO,        NO,        NO],
  ['update access.rate set points = 0',                                             'ok',      'ok',      'ok',      NO],
  ['select access.grant_rights()',                                                  NO,        NO,        NO,        NO],
  ['create table access.mine ()',                                                   NO,        NO,        NO,        NO],
];

/** Nobody but the owner may do any of this to any table of the ledger. {table}, and {column}: its first one. */
const changes = [
  'update {table} set {column} = {column}',
  'delete from {table}',
  'truncate {table} cascade',
  'merge into {table} t using (values (1)) v on false when not matched by source then delete',
  'alter table {table} add column more text',
  'alter table {table} owner to {login}',
  'alter table {table} disable trigger all',
  'alter table {table} enable row level security',
  'drop table {table} cascade',
  'create trigger mine before insert on {table} for each row execute function suppress_redundant_updates_trigger()',
  'create rule mine as on insert to {table} do instead nothing',
  'create index on {table} ({column})',
  'create temp table child () inherits ({table})',
  'lock table {table} in share mode',
  'grant all on {table} to {login}; delete from {table}',
];
const growth = ['insert into {table} select * from {table} where false', 'copy {table} from stdin'];
/** node-postgres has nothing to copy and says so: whoever hears this was let in. */
const LET_IN = '57014';

async function ledgerTables(): Promise<{ table: string; column: string }[]> {
  return asSuperuser(
    `select c.oid::regclass::text as table, quote_ident(a.attname) as column
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum = 1
     where c.relnamespace = 'ledger'::regnamespace and c.relkind in ('r', 'p') order by 1`,
  );
}

const on = ({ table, column }: { table: string; column: string }, sql: string): string => sql.replaceAll('{table}', table).replaceAll('{column}', column);

describe('what each role may', () => {
  it.each(rights)('%s (a service: %s, ledger: %s, auditor: %s)', async (sql, service, ledger, auditor) => {
    const outcomes = Object.fromEntries(await Promise.all(everybody.map(async (who) => [who, await attemptAs(who, sql)])));
    expect(outcomes).toEqual({ registry: service, governance: service, deployment: service, monitoring: service, ledger, auditor });
  });

  it.each(accessRights)('%s (a service: %s, governance: %s, ledger: %s, auditor: %s)', async (sql, service, governance, ledger, auditor) => {
    const outcomes = Object.fromEntries(await Promise.all(everybody.map(async (who) => [who, await attemptAs(who, sql)])));
    expect(outcomes).toEqual({ registry: service, governance, deployment: service, monitoring: service, ledger, auditor });
  });

  it.each(everybody)('%s changes no table of the ledger', async (who) => {
    const done: string[] = [];
    for (const table of await ledgerTables()) {
      for (const change of changes) {
        const outcome = await attemptAs(who, on(table, change));
        if (outcome !== NO) done.push(`${on(table, change)}: ${outcome}`);
      }
    }
    // It may vacuum the inbox that it empties (MAINTAIN), which brings the right to lock it.
    expect(done).toEqual(who === 'ledger' ? ['lock table ledger.unsequenced in share mode: ok'] : []);
  });

  it.each(everybody)('%s puts rows into no table of the ledger but those that are its own', async (who) => {
    const letIn: string[] = [];
    for (const table of await ledgerTables()) {
      for (const change of growth) {
        const outcome = await attemptAs(who, on(table, change));
        if (outcome !== NO) letIn.push(`${table.table} ${outcome}`);
      }
    }
    const signed = ['ledger.checkpoint', 'ledger.cosignature', 'ledger.tile'].flatMap((table) => [`${table} ok`, `${table} ${LET_IN}`]);
    expect(letIn).toEqual(who === 'ledger' ? signed : []);
  });

  it.each(everybody)('%s cannot take the role of any other', async (who) => {
    const others = ['owner', ...everybody].filter((other) => other !== who);
    for (const other of others) expect([other, await attemptAs(who, `set role vitae_${other}`)]).toEqual([other, NO]);
  });

  it('appends as who logged in, whichever role was taken', async () => {
    expect(await attemptAs('registry', `set role vitae_registry; ${appendTo('registry.Model-1')}`)).toBe('ok');
    expect(await attemptAs('registry', `set role vitae_registry; ${appendTo('governance.UseCase-1')}`)).toBe(MUST_NOT);
    const superuser = await session(server.url);
    try {
      // Even somebody who may take any role appends with his own rights; what he took away from himself he has to give back.
      expect(await attempt(superuser, `set session authorization ${sessions.registry.user}; ${appendTo('governance.UseCase-1')}`)).toBe(MUST_NOT);
    } finally {
      await superuser.end();
    }
  });

  it.each(appenders)('%s moves the bookmarks of its own consumers only', async (who) => {
    const client = sessions[who];
    const other = who === 'registry' ? 'governance' : 'registry';
    await asSuperuser(`insert into messaging.bookmark values ('${other}.spec', 5) on conflict do nothing`);
    await client.query(`insert into messaging.bookmark values ('${who}.spec', 5) on conflict do nothing`);
    const moved = await client.query<{ consumer: string }>(`update messaging.bookmark set next_index = 6 returning consumer`);
    expect(new Set(moved.rows.map(({ consumer }) => consumer.split('.')[0]))).toEqual(new Set([who]));
    expect(await attempt(client, `insert into messaging.bookmark values ('${other}.more', 0)`)).toBe(NO);
    expect(await attempt(client, `update messaging.bookmark set consumer = '${other}.more' where consumer = '${who}.spec'`)).toBe(NO);
    expect(await attempt(client, `insert into messaging.parked values ('${other}.spec', 0, gen_random_uuid(), 't', 'e', 1)`)).toBe(NO);
    expect(await attempt(client, `insert into messaging.parked values ('${who}.spec', 0, gen_random_uuid(), 't', 'e', 1)`)).toBe('ok');
  });

  it('shows the auditor every bookmark', async () => {
    await asSuperuser(`insert into messaging.bookmark values ('registry.spec', 5), ('ledger.spec', 5) on conflict do nothing`);
    const { rows } = await sessions.auditor.query(`select consumer from messaging.bookmark where consumer in ('registry.spec', 'ledger.spec')`);
    expect(rows).toHaveLength(2);
  });
});

describe('the functions that run as the owner', () => {
  it('look for every name in the catalog first and in the session last', async () => {
    const open = await asSuperuser(
      `select p.oid::regprocedure::text as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
       where p.prosecdef and n.nspname not in ('pg_catalog', 'information_schema')
         and not coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false)`,
    );
    expect(open).toEqual([]);
  });

  // Before pg_temp stood last in the functions' search_path, the attacker's types were run as the owner, and a function
  // that asked pg_namespace for the owner believed the attacker's table.
  const traps = {
    'tables named like those of the catalog': ['pg_namespace', 'pg_class', 'pg_roles', 'pg_authid', 'pg_auth_members', 'pg_proc']
      .map((name) => `create temp table ${name} as select * from pg_catalog.pg_namespace; update pg_temp.${name} set nspowner = '{role}'::regrole; grant select on pg_temp.${name} to public`)
      .join('; '),
    'tables named like those of the ledger': ['event', 'entry', 'head', 'unsequenced', 'batch', 'entry_subject']
      .map((name) => `create temp table ${name} as select 1 as revision, 1 as next_index; grant all on pg_temp.${name} to public`)
      .join('; '),
    'types with a check of the attacker': `
      create function pg_temp.spring(text) returns boolean language plpgsql as $$ begin raise exception 'run as %', current_user using errcode = 'TRAP1'; end $$;
      ${['timestamptz', 'uuid', 'text', 'name', 'regclass'].map((name) => `create domain pg_temp.${name} as pg_catalog.${name} check (pg_temp.spring(value::pg_catalog.text))`).join('; ')}`,
    'a search_path of the attacker': `set search_path = pg_temp, public, pg_catalog`,
  };

  it.each(Object.entries(traps))('are not deceived by %s', async (_, trap) => {
    for (const who of ['registry', 'ledger'] as const) {
      const client = await session(urls[who]); // a new session each time, in which no function was compiled before
      const set = trap.replaceAll('{role}', client.user ?? '');
      try {
        expect(await attempt(client, `${set}; ${appendTo(`${who}.Thing-9`)}`)).toBe('ok');
        expect(await attempt(client, `${set}; ${appendBatchTo(`${who}.Thing-9`)}`)).toBe('ok');
        expect(await attempt(client, `${set}; ${appendNextTo(`${who}.Thing-10`)}`)).toBe('ok');
        expect(await attempt(client, `${set}; ${appendTo('governance.UseCase-1')}`)).toBe(MUST_NOT);
        expect(await attempt(client, `${set}; select ledger.index_at(now())`)).toBe('ok');
        expect(await attempt(client, `${set}; select from ledger.concern`)).toBe('ok');
        if (who === 'ledger') expect(await attempt(client, `${set}; select ledger.sequence(10), ledger.note_entries(), (select count(*) from ledger.sequence_entries(10))`)).toBe('ok');
      } finally {
        await client.end();
      }
    }
  });
});
