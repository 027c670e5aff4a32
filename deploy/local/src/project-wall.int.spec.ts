import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { startPostgres, type PostgresServer } from './postgres-server.ts';
import { applyMigrations, openLogins, type DatabaseUrls } from './prepare-database.ts';

let directory: string;
let server: PostgresServer;
let urls: DatabaseUrls;
let admin: pg.Client;
let registry: pg.Client;
let auditor: pg.Client;

const uuid = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vitae-wall-'));
  server = await startPostgres({ dataDir: join(directory, 'postgres'), durable: false });
  await applyMigrations(server.url);
  urls = (await openLogins(server.url, join(directory, 'logins.json')))!; // the superuser may make logins
  [admin, registry, auditor] = await Promise.all([session(server.url), session(urls.registry), session(urls.auditor)]);
  await admin.query(rows);
});
afterAll(async () => {
  await Promise.all([admin, registry, auditor].map((client) => client?.end()));
  await server?.stop('immediate');
  rmSync(directory, { recursive: true, force: true });
});

async function session(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  return client;
}

const tool = (n: number, project: string): string =>
  `insert into registry.tool (id, project_id, name, stream, revision, registered_at, registered_by, updated_at) values ('${uuid(n)}', '${project}', 't${n}', 's', 1, now(), 'dana', now())`;
const model = (n: number, project: string): string =>
  `insert into registry.model (id, project_id, name, stream, revision, description, task, use_case_id, registered_at, registered_by, updated_at) values ('${uuid(n)}', '${project}', 'm${n}', 's', 1, '', 't', '${uuid(n)}', now(), 'dana', now())`;
const alias = (model: number, name: string): string => `insert into registry.model_alias (model_id, alias, allowed) values ('${uuid(model)}', '${name}', '[]')`;

const append = (stream: string, project: string): string =>
  `select ledger.append(p_stream => '${stream}', p_expected => 0, p_project_id => '${project}', p_subjects => '{model:1}', p_metadata => '{}',
    p_id => gen_random_uuid(), p_type => 't', p_payload => '{}', p_more_ids => null, p_more_types => null, p_more_payloads => null, p_idempotency_key => null, p_fingerprint => null)`;
const appendNext = (stream: string, project: string): string => `select ledger.append_next('${stream}', 0, '${project}', 'model:1', '{}', gen_random_uuid(), 't', '{}') at`;
const appendBatch = (...projects: string[]): string => {
  const each = (value: (project: string) => string): string => `array[${projects.map(value).join()}]`;
  return `select * from ledger.append_batch(${each((project) => `'registry.Batch-${project}'`)}, ${each(() => '0')}, ${each((project) => `'${project}'`)}, ${each(() => `'model:1'`)}, ${each(() => `json '{}'`)},
    array[${projects.map((_, i) => i + 1).join()}], ${each(() => 'gen_random_uuid()')}, ${each(() => `'t'`)}, ${each(() => `json '{}'`)})`;
};

/** Of project p: a tool, a model with an alias, an event. Of q as well. */
const rows = ['p', 'q']
  .flatMap((project, n) => [tool(n + 1, project), model(n + 1, project), alias(n + 1, `of-${project}`), append(`registry.Thing-${project}`, project)])
  .concat('select ledger.sequence(10)')
  .join('; ');

/** How many rows, or the SQLSTATE of the refusal. Leaves nothing behind. */
async function attempt(client: pg.Client, projects: string | undefined, sql: string): Promise<number | string> {
  await client.query('begin');
  try {
    if (projects !== undefined) await client.query(`select set_config('vitae.projects', $1, true)`, [projects]);
    const answers = [await client.query(sql)].flat();
    return answers.at(-1)?.rowCount ?? 0;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    await client.query('rollback');
  }
}

const NO = '42501'; // insufficient_privilege, which is also said of a row that is not the project's
const ELSEWHERE = 'VT001'; // the stream is at another revision

describe('what the registry\'s login sees and writes', () => {
  //  projects    attempt                                                                            rows, or the refusal
  const table: readonly (readonly [projects: string | undefined, sql: string, outcome: number | string])[] = [
    [undefined,   'select from registry.tool',                                                       0],
    ['',          'select from registry.tool',                                                       0],
    ['p',         'select from registry.tool',                                                       1],
    ['p,q',       'select from registry.tool',                                                       2],
    ['*',         'select from registry.tool',                                                       2],
    ['p*',        'select from registry.tool',                                                       0],
    [`p' or true`, 'select from registry.tool',                                                      0],
    ['p',         `select from registry.tool where project_id = 'q'`,                                0],
    ['p',         `select from registry.tool where id = '${uuid(2)}' or true`,                       1],
    // writes
    ['p',         tool(3, 'p'),                                                                      1],
    ['p',         tool(3, 'q'),                                                                      NO],
    [undefined,   tool(3, 'p'),                                                                      NO],
    ['p',         `update registry.tool set project_id = 'q'`,                                       NO],
    ['p',         `update registry.tool set name = 'mine' where project_id = 'q'`,                   0],
    ['p',         `delete from registry.tool`,                                                       1],
    ['p',         `select from registry.tool where id = '${uuid(2)}' for update`,                    0],
    ['p',         `${tool(2, 'p')} on conflict (id) do update set name = excluded.name`,             NO],
    ['p',         `merge into registry.tool t using (values (1)) v on true when matched then delete`, NO], // the other's row is not passed over
    ['p',         `merge into registry.tool t using (values (1)) v on project_id = 'p' when matched then delete`, 1],
    // rows whose project is that of another row
    ['p',         'select from registry.model_alias',                                                1],
    [undefined,   'select from registry.model_alias',                                                0],
    ['p',         alias(1, 'more'),                                                                  1],
    ['p',         alias(2, 'more'),                                                                  NO],
    ['*',         alias(2, 'more'),                                                                  1],
    ['p',         `update registry.model_alias set model_id = '${uuid(2)}'`,                         NO],
    // the ledger
    [undefined,   'select from ledger.event',                                                        0],
    ['p',         'select from ledger.event',                                                        1],
    ['*',         'select from ledger.event',                                                        2],
    ['p',         `select from ledger.concern c join ledger.entry n using (index) join ledger.event e using (seq) where c.subject = 'model:1'`, 1],
    ['p',         append('registry.Thing-1', 'p'),                                                   1],
    ['p',         append('registry.Thing-1', 'q'),                                                   NO],
    [undefined,   append('registry.Thing-1', 'p'),                                                   NO],
    ['p',         appendNext('registry.Thing-1', 'p'),                                               1],
    ['p',         appendNext('registry.Thing-1', 'q'),                                               NO],
    ['p',         appendBatch('p'),                                                                  1],
    ['p',         appendBatch('p', 'q'),                                                             NO],
    ['p,q',       appendBatch('p', 'q'),                                                             1],
    ['p',         append('registry.Thing-q', 'p'),                                                   ELSEWHERE],
    // around the wall
    ['p',         'set local row_security = off; select from registry.tool',                         NO],
    ['p',         'alter table registry.tool no force row level security',                           NO],
    ['p',         'alter table registry.tool disable row level security',                            NO],
    ['p',         'drop policy projects on registry.tool',                                           NO],
    ['p',         'create policy mine on registry.tool using (true)',                                NO],
    ['p',         'set local role vitae_owner',                                                      NO],
    ['p',         `select ledger.separate_projects('registry')`,                                     NO],
    ['p',         'create temp view mine as select * from registry.tool; select from mine',          1],
    ['p',         `prepare mine as select from registry.tool; select set_config('vitae.projects', 'q', true); execute mine`, 1],
  ];
  it.each(table.map(([projects, sql, outcome]) => ({ projects, sql, outcome, words: sql.replace(/\s+/g, ' ').slice(0, 100) })))('for $projects: $words -> $outcome', async ({ projects, sql, outcome }) => {
    expect(await attempt(registry, projects, sql)).toBe(outcome);
  });

  it('is what was asked for last: a plan that was made for another project is made for this one', async () => {
    const named = { name: 'tools', text: 'select project_id from registry.tool' };
    for (const project of ['p', 'q', '', 'p', 'q']) {
      await registry.query(`select set_config('vitae.projects', $1, false)`, [project]);
      expect((await registry.query(named)).rows).toEqual(project === '' ? [] : [{ project_id: project }]);
    }
  });

  it('survives a transaction when it was SET, and does not when it was SET LOCAL', async () => {
    const seen = async (): Promise<number | null> => (await registry.query('select from registry.tool')).rowCount;
    await registry.query(`begin; set local vitae.projects = '*'; commit`);
    await registry.query(`set vitae.projects = 'p'`);
    await registry.query(`begin; set local vitae.projects = '*'`);
    expect(await seen()).toBe(2);
    await registry.query('commit');
    expect(await seen()).toBe(1);
    await registry.query('reset vitae.projects');
    expect(await seen()).toBe(0);
  });

  it('does not end at a partition or a view, whatever was granted on it', async () => {
    await admin.query(`set role vitae_owner;
      create table registry.parted (id integer, project_id text) partition by list (project_id);
      create table registry.parted_q partition of registry.parted for values in ('q');
      create view registry.all_tools as select * from registry.tool;
      select ledger.grant_rights('registry'); insert into registry.parted values (1, 'q'); reset role`);
    try {
      expect(await attempt(registry, 'q', 'select from registry.parted')).toBe(1);
      expect(await attempt(registry, 'p', 'select from registry.parted')).toBe(0);
      expect(await attempt(registry, 'q', 'select from registry.parted_q')).toBe(NO);
      expect(await attempt(registry, 'p', 'select from registry.all_tools')).toBe(1);
      await admin.query('grant select on registry.parted_q to vitae_registry'); // as somebody might, by mistake
      expect(await attempt(registry, 'p', 'select from registry.parted_q')).toBe(0);
    } finally {
      await admin.query('drop table registry.parted; drop view registry.all_tools');
    }
  });

  it('is nothing of a table that does not say whose its rows are', async () => {
    await admin.query(`set role vitae_owner; create table registry.forgotten (id integer); insert into registry.forgotten values (1); select ledger.grant_rights('registry'); reset role`);
    try {
      expect(await attempt(registry, '*', 'select from registry.forgotten')).toBe(0);
      expect(await attempt(registry, '*', 'insert into registry.forgotten values (2)')).toBe(NO);
      await admin.query(`comment on table registry.forgotten is 'project: none, because a spec says so'; set role vitae_owner; select ledger.grant_rights('registry'); reset role`);
      expect(await attempt(registry, undefined, 'select from registry.forgotten')).toBe(1);
    } finally {
      await admin.query('drop table registry.forgotten');
    }
  });
});

describe('who is at work for no project', () => {
  it('is the auditor, who reads everything, and the owner, as whom nobody logs in', async () => {
    for (const table of ['registry.tool', 'registry.model_alias', 'ledger.event']) {
      expect(await attempt(auditor, undefined, `select from ${table}`)).toBe(2);
      expect(await attempt(admin, undefined, `set local role vitae_owner; select from ${table}`)).toBe(2);
      expect(await attempt(admin, undefined, `set local role vitae_registry; select from ${table}`)).toBe(0);
    }
    expect(await attempt(auditor, '*', tool(3, 'p'))).toBe(NO);
  });

  it('is not the one login that is owner and service in one: FORCE holds him', async () => {
    await admin.query(`create role landlord login password 'of-the-house'`);
    await admin.query('create database house owner landlord');
    const url = Object.assign(new URL(server.url), { username: 'landlord', password: 'of-the-house', pathname: '/house' }).href;
    await applyMigrations(url);
    const client = await session(url);
    try {
      expect(await attempt(client, '*', `${rows}; select from registry.tool`)).toBe(2);
      expect(await attempt(client, '*', `${rows}; set local vitae.projects = 'p'; select from registry.tool`)).toBe(1);
      expect(await attempt(client, '*', `${rows}; set local vitae.projects = 'p'; select from ledger.event`)).toBe(1);
      expect(await attempt(client, 'p', append('registry.Thing-1', 'p'))).toBe(1);
      expect(await attempt(client, 'p', append('registry.Thing-1', 'q'))).toBe(NO);
      expect(await attempt(client, '*', `${rows}; set local vitae.projects = ''; select from generate_series(1, ledger.index_at('infinity') + 1)`)).toBe(2); // the place of the last of all
      expect(await attempt(client, '*', `${rows}; set local vitae.projects = 'p'; select ledger.index_at('infinity'); select from registry.tool`)).toBe(1);
    } finally {
      await client.end();
    }
  });
});

// Nothing of what follows is true by chance: each of these was tried above with a table that is not as it should be.
describe('the catalogue, after the migrations of all services', () => {
  /** Tables whose rows are of no project, and why everybody who may read them may see all of them. */
  const ofNoProject = {
    'governance.delegation': 'whose delegate somebody is must be known wherever they judge',
    'governance.linked_account': 'which accounts are one human must be known wherever they judge',
    'governance.policy_set': 'the policies of the gates hold for the whole installation',
    'ledger.batch': 'keys that begin with the project, and digests',
    'ledger.checkpoint': 'public',
    'ledger.cosignature': 'public',
    'ledger.entry': 'numbers',
    'ledger.entry_block': 'in which block of the ledger to look; what is there is asked of ledger.event',
    'ledger.entry_subject': 'at which index to look; what is there is asked of ledger.event',
    'ledger.head': 'a number',
    'ledger.noted': 'a number',
    'ledger.origin': 'a name',
    'ledger.tile': 'public',
    'ledger.unsequenced': 'numbers',
    'messaging.bookmark': 'of consumers, each of which sees its own',
    'messaging.parked': 'of consumers, each of which sees its own',
    'monitoring.inference_mark': 'how far a stream of all projects was read',
    'monitoring.parked_inference': 'places in a stream of all projects',
    'registry.linked_account': 'which accounts are one human must be known wherever they judge',
    'registry.openlineage_push': 'how far one server was told of everything',
    'registry.version_counter': 'a number for each name',
  };
  const ours = `select oid from pg_namespace where nspname in ('ledger', 'messaging') or nspname in (select s.schema from ledger.services() s)`;
  const list = async (sql: string): Promise<unknown[]> => (await admin.query<[unknown]>({ text: sql, rowMode: 'array' })).rows.map(([first]) => first);

  it('has every table of a project behind the wall, and every other one in the list', async () => {
    expect(
      await list(`select c.oid::regclass::text from pg_class c where c.relnamespace in (${ours}) and c.relkind in ('r', 'p') and c.relname <> 'migration'
        and not (c.relrowsecurity and c.relforcerowsecurity and exists (select from pg_policy y where y.polrelid = c.oid and y.polname = 'projects' and y.polcmd = '*' and y.polroles = '{0}' and y.polwithcheck is null)) order by 1`),
    ).toEqual(Object.keys(ofNoProject));
  });

  it('opens it to nobody but the owner and the auditor', async () => {
    expect(
      await list(`select distinct concat_ws(' ', y.polname, y.polroles::regrole[], y.polcmd) from pg_policy y join pg_class c on c.oid = y.polrelid
        where c.relnamespace in (${ours}) and c.relnamespace <> 'messaging'::regnamespace and y.polname <> 'projects' order by 1`),
    ).toEqual(['auditor {vitae_auditor} r', 'owner {vitae_owner} *', 'owner {vitae_owner} r', 'owner_himself {vitae_owner} a']);
  });

  it('has no role that passes it: superuser, BYPASSRLS, owner, or a member of one', async () => {
    const roles = `select r.oid from pg_roles r where r.rolname in (${Object.values(urls).map((url) => `'${new URL(url).username}'`).join()}) or r.rolname in (select 'vitae_' || s.service from ledger.services() s) or r.rolname in ('vitae_auditor')`;
    expect(await list(`select rolname from pg_roles where (oid in (${roles}) or rolname = 'vitae_owner') and (rolsuper or rolbypassrls or rolcreaterole or rolreplication)`)).toEqual([]);
    expect(await list(`select r.rolname from pg_roles r, pg_roles mighty where r.oid in (${roles}) and (mighty.rolsuper or mighty.rolbypassrls or mighty.rolname = 'vitae_owner') and pg_has_role(r.oid, mighty.oid, 'member')`)).toEqual([]);
    expect(await list(`select rolcanlogin from pg_roles where rolname = 'vitae_owner'`)).toEqual([false]);
    expect(await list(`select distinct relowner::regrole::text from pg_class where relnamespace in (${ours})`)).toEqual(['vitae_owner']);
  });

  it('grants nothing on a partition, has no view that asks as its owner, and no materialised one', async () => {
    expect(await list(`select oid::regclass::text from pg_class where relnamespace in (${ours}) and relispartition and exists (select from aclexplode(relacl) a where a.grantee <> relowner)`)).toEqual([]);
    expect(await list(`select oid::regclass::text from pg_class where relnamespace in (${ours}) and (relkind = 'm' or relkind = 'v' and not coalesce('security_invoker=true' = any (reloptions), false))`)).toEqual([]);
  });

  it('finds rows by the index over tags all the same', async () => {
    await admin.query('analyze registry.model');
    await registry.query(`begin; set local vitae.projects = 'p'; set local enable_seqscan = off; set local enable_indexscan = off`);
    const { rows: plan } = await registry.query<{ 'QUERY PLAN': string }>(`explain select from registry.model where tags @> '{"a":"b"}'`);
    await registry.query('rollback');
    expect(plan.map((line) => line['QUERY PLAN']).join('\n')).toContain('Bitmap Index Scan on model_tags');
  });
});
