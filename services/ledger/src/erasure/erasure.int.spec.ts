import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { create, type Message } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { ActorKind, ActorSchema, IncidentClosedSchema, LINKED_ACCOUNTS_STREAM, PeopleLinkedSchema, RetirementCompletedSchema, RetirementProposedSchema } from '@vitae/contracts';
import { appendPrepared, handle, prepareAppend, readRaw, transactOn } from '@vitae/event-store';
import { Keyring } from '@vitae/keyring';
import { LEDGER_STREAM } from '@vitae/messaging';
import { boot, type Running } from '@vitae/service-kit';
import { as, eventually, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import { appendLeaves, emptyFrontier, leafHash, logEntry, rootOf } from '@vitae/transparency';
import { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { ledger } from '../app.module.ts';
import { erasure } from './erasure.ts';
import { erasureStream } from './erasure.handler.ts';
import type { ErasureItem } from './erasures.view.ts';

let directory: string;
let database: FreshDatabase;
let keys: FreshDatabase;
let broker: FreshNats;
let pool: Pool;
let keyPool: Pool;
let keyring: Keyring;
let services: Running[];
let logged = '';

const log = new Writable({ write: (line: Buffer, _encoding, done) => ((logged += line.toString()), done()) });
const environment = () => ({
  ...specAccess(), PORT: '0', DATABASE_URL: database.url, NATS_URL: broker.url, LOG_LEVEL: 'trace', VITAE_DATA_DIR: join(directory, 'data'),
  KEYRING_DATABASE_URL: keys.url, VITAE_TENANT_KEY_FILE: join(directory, 'tenant.key'),
});
const start = async () => (services = await Promise.all([boot(ledger, environment(), { log }), boot(ledger, environment(), { log })])); // two replicas
const stop = () => Promise.all(services.map((service) => service.stop()));

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vitae-erasure-'));
  [database, keys, broker] = await Promise.all([freshDatabase(), freshDatabase(), freshNats()]);
  await start();
  pool = new Pool({ connectionString: database.url, max: 4 });
  keyPool = new Pool({ connectionString: keys.url, max: 2 });
  for (const one of [pool, keyPool]) one.on('error', () => undefined);
  keyring = await Keyring.open({ databaseUrl: keys.url, tenantKeyFile: join(directory, 'tenant.key') });
});
afterAll(async () => {
  await stop();
  await Promise.all([keyring.close(), pool.end(), keyPool.end()]);
  await broker.drop();
  await Promise.all([database.drop(), keys.drop()]);
  rmSync(directory, { recursive: true });
});

/** As another service appends: sealed. */
const write = async (person: string, event: Message, { projectId = 'credit', kind = ActorKind.HUMAN, reason = 'because of Zwetschge' } = {}) => {
  const attribution = { projectId, actor: create(ActorSchema, { id: person, kind }), reason, occurredAt: '2026-11-21T09:00:00.000Z', correlationId: 'c', causationId: '', traceparent: '' };
  const { seal } = await keyring.sealerFor(attribution);
  const prepared = await seal(prepareAppend({ stream: `governance.Incident-${uuidv7()}`, expected: 'noStream', subjects: [], events: [event], attribution }));
  const [recorded] = await transactOn(pool)((tx) => appendPrepared(tx.sql, prepared));
  if (!recorded) throw new Error('nothing was appended');
  return recorded;
};
/** As a service does at a login. In a spec's database a pseudonym is the subject, unless that is taken. */
const seen = async (subject: string, name: string, mail: string) =>
  (await pool.query<{ id: string }>(`select access.pseudonym_of('https://issuer.test', $1, $2, $3) as id`, [subject, name, mail])).rows[0]?.id;
const closed = () => create(IncidentClosedSchema, { incidentId: uuidv7(), rootCause: 'Zwetschge mixed them up', lesson: 'ask Zwetschge' });

type Who = Parameters<typeof as>[0];

const ask = async <Body>(path: string, { who = 'human/rita', method = 'GET', reason, body, at = 0 }: { who?: Who | null; method?: string; reason?: string; body?: object; at?: number } = {}) => {
  const response = await fetch(`${services[at]?.url}${path}`, {
    method,
    headers: { ...(who ? { authorization: as(who) } : {}), ...(reason ? { 'vitae-reason': encodeURIComponent(reason) } : {}), ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, body: (await response.json()) as Body };
};
const request = (person: string, who: Who = 'human/rita') => ask('/v1/erasures', { who, method: 'POST', reason: 'Zwetschge asked for it', body: { person } });
const approve = (person: string, who: Who = 'human/olga', at = 0) => ask<{ type?: string }>(`/v1/erasures/${person}/approval`, { who, method: 'POST', at });
const status = (person: string) => ask<ErasureItem>(`/v1/erasures/${person}`);
const erased = (person: string) => eventually(async () => {
  const { body } = await status(person);
  expect(body.state).toBe('erased');
  return body;
});
const payloadAt = async (index: number, projectId = 'credit') => (await ask<{ payload: Record<string, string>; envelope: Record<string, string> }>(`/v1/projects/${projectId}/events/${index}`)).body;
const indexOf = (id: string) => eventually(async () => {
  const { rows } = await pool.query<{ index: string }>('select n.index from ledger.entry n join ledger.event e on e.seq = n.seq where e.id = $1', [id]);
  expect(rows).toHaveLength(1);
  return Number(rows[0]?.index);
});

/** Every row of every table of a database, as text. */
async function tables(of: Pool): Promise<string> {
  const { rows } = await of.query<{ name: string }>(`select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`);
  const results = await Promise.all(rows.map(({ name }) => of.query<{ row: string }>(`select t::text as row from ${name} t`)));
  return results.flatMap((result) => result.rows.map(({ row }) => row)).join('\n');
}
async function messages(): Promise<string> {
  const nats = await connect({ servers: broker.url });
  try {
    const manager = await jetstreamManager(nats);
    const { state } = await manager.streams.info(LEDGER_STREAM);
    const all = await Promise.all(Array.from({ length: state.messages }, (_, i) => manager.streams.getMessage(LEDGER_STREAM, { seq: i + 1 })));
    return all.flatMap((message) => [...(message?.header ?? [])].map(([name, values]) => `${name}: ${decodeURIComponent(values.join())}`).concat(message?.string() ?? '')).join('\n');
  } finally {
    await nats.close();
  }
}
const files = (): string =>
  readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1')).join('\n');
const leaves = async (size: number) => (await readRaw(pool, { from: 0, limit: size })).map((row) => logEntry({ ...row, subjects: row.subjects === '' ? [] : row.subjects.split(' ') }));

describe('an erasure', () => {
  it('makes all that one person wrote unreadable, in every project, and leaves the rest and every proof as they were', async () => {
    expect(await seen('paula', 'Paula Zwetschge', 'paula@zwetschge.test')).toBe('paula');
    const [first, second, elsewhere, other] = [await write('paula', closed()), await write('paula', closed()), await write('paula', closed(), { projectId: 'fraud' }), await write('dana', closed())];
    const [i, j, k, d] = await Promise.all([first, second, elsewhere, other].map(({ id }) => indexOf(id)));
    expect((await payloadAt(i!)).payload).toMatchObject({ rootCause: 'Zwetschge mixed them up', lesson: 'ask Zwetschge' });
    expect((await ask(`/v1/erasures/paula/preview`)).body).toEqual({
      person: 'paula', keys: 2, events: 3, texts: 9,
      projects: [{ projectId: 'credit', events: 2, texts: 6 }, { projectId: 'fraud', events: 1, texts: 3 }],
    });
    const size = Math.max(i!, j!, k!, d!) + 1;
    const before = await leaves(size);

    expect((await request('paula')).status).toBe(201);
    expect(await approve('paula', 'human/rita')).toMatchObject({ status: 403, body: { type: 'https://vitae.dev/problems/four-eyes' } });
    expect((await status('paula')).body).toMatchObject({ state: 'requested', steps: [{ event: 'ErasureRequested', by: 'rita', reason: 'Zwetschge asked for it' }] });
    expect((await payloadAt(i!)).payload).toMatchObject({ lesson: 'ask Zwetschge' }); // one person is not enough
    expect((await approve('paula')).status).toBe(200);
    const item = await erased('paula');
    expect(item.steps.map(({ event, by }) => [event, by])).toEqual([['ErasureRequested', 'rita'], ['ErasureApproved', 'olga'], ['PersonalTextErased', 'ledger']]);
    expect(item.keyIds).toHaveLength(2);

    for (const [index, project] of [[i, 'credit'], [j, 'credit'], [k, 'fraud']] as const) {
      const { payload, envelope } = await payloadAt(index!, project);
      expect([payload['rootCause'], payload['lesson'], envelope['reason']]).toEqual(['[erased]', '[erased]', '[erased]']);
    }
    expect((await payloadAt(d!)).payload).toMatchObject({ lesson: 'ask Zwetschge' });
    expect((await ask(`/v1/erasures/paula/preview`)).body).toMatchObject({ keys: 0, events: 0, texts: 0 });
    // Of the person a stranger is left, and no account leads to it.
    const { rows } = await pool.query(`select name, mail, erased_at is not null as erased, (select count(*)::integer from access.account where person_id = id) as accounts from access.person where id = 'paula'`);
    expect(rows).toEqual([{ name: '', mail: '', erased: true, accounts: 0 }]);

    const after = await leaves(size);
    expect(after).toEqual(before);
    expect(rootOf(appendLeaves(emptyFrontier, after.map(leafHash)))).toEqual(rootOf(appendLeaves(emptyFrontier, before.map(leafHash))));
  });

  it('leaves no plaintext anywhere: tables, keys, JetStream, logs, files', async () => {
    await eventually(async () => expect(await messages()).toContain('PersonalTextErased'));
    const places = { tables: await tables(pool), keys: await tables(keyPool), messages: await messages(), logged, files: files() };
    expect(places.messages).toContain('enc:v1:');
    expect(places.logged).toContain('personal text was erased');
    expect(places.files).not.toBe('');
    for (const [place, text] of Object.entries(places)) expect([place, text.includes('Zwetschge')]).toEqual([place, false]);
    expect(places.logged).not.toContain('could not be swept');
    expect(places.tables).not.toContain('paula@');
    // The keys that are gone are nowhere: what is left of them is who and when.
    const { rows } = await keyPool.query(`select wrapped_key from keyring.person_key where person = 'paula'`);
    expect(rows).toEqual([{ wrapped_key: null }, { wrapped_key: null }]);
  });

  it('takes who comes back with the same account for somebody new', async () => {
    const again = await seen('paula', 'Paula', 'paula@example.test');
    expect(again).toMatch(/^psn_[0-9a-f]{32}$/);
    expect(await seen('paula', 'Paula', 'paula@example.test')).toBe(again);
  });

  it('reaches what others have cited', async () => {
    const proposed = create(RetirementProposedSchema, { retirementId: uuidv7(), modelVersionId: uuidv7(), modelId: uuidv7(), version: 1, criterion: 'worth', lesson: 'Zwetschge knew', proposedBy: 'quentin' });
    const { lesson } = (await write('quentin', proposed)).event as typeof proposed;
    const { retirementId, modelVersionId, modelId, version } = proposed;
    const completed = await write('governance', create(RetirementCompletedSchema, { retirementId, modelVersionId, modelId, version, archiveLocation: 'there', lesson }), { kind: ActorKind.SYSTEM, reason: 'archived' });
    const index = await indexOf(completed.id);
    expect((await payloadAt(index)).payload).toMatchObject({ lesson: 'Zwetschge knew' });
    await request('quentin');
    await approve('quentin');
    await erased('quentin');
    expect(await payloadAt(index)).toMatchObject({ payload: { lesson: '[erased]' }, envelope: { reason: 'archived' } });
  });

  it('waits for a legal hold to be lifted', async () => {
    await write('hannah', closed());
    const hold = (method: string, reason = 'proceedings 4 O 12/26') => ask('/v1/erasures/hannah/hold', { who: 'human/lena', method, reason });
    expect((await hold('POST')).status).toBe(200);
    await request('hannah');
    expect(await approve('hannah')).toMatchObject({ status: 409, body: { type: 'https://vitae.dev/problems/erasure-held' } });
    expect((await keyring.liveKeys('hannah'))).toHaveLength(1);
    expect((await hold('DELETE', 'proceedings have ended')).status).toBe(200);
    await approve('hannah');
    await erased('hannah');
  });

  it('is asked for by humans, with a reason', async () => {
    expect(await request('ida', 'service/governance')).toMatchObject({ status: 403, body: { type: 'https://vitae.dev/problems/permission-missing' } });
    expect(await ask('/v1/erasures', { who: 'human/rita', method: 'POST', body: { person: 'ida' } })).toMatchObject({ status: 422, body: { reason: 'reason-required' } });
    expect(await ask('/v1/erasures', { who: null, method: 'POST', reason: 'x', body: { person: 'ida' } })).toMatchObject({ status: 401 });
    expect(await status('ida')).toMatchObject({ status: 404, body: { reason: 'erasure-not-found' } });
    expect(await ask('/v1/erasures?limit=2')).toMatchObject({ status: 200, body: { items: [{}, {}], next: expect.any(String) } });
  });

  it('takes two humans: who is known by governance as one person under two accounts is one', async () => {
    await request('irma', 'human/rita');
    const attribution = { projectId: 'vitae', actor: create(ActorSchema, { id: 'adam', kind: ActorKind.HUMAN }), reason: '', occurredAt: '2026-11-21T09:00:00.000Z', correlationId: 'c', causationId: '', traceparent: '' };
    const linked = create(PeopleLinkedSchema, { linkId: uuidv7(), people: ['r2', 'rita'], linkedBy: 'adam' });
    await transactOn(pool)((tx) => appendPrepared(tx.sql, prepareAppend({ stream: LINKED_ACCOUNTS_STREAM, expected: 'noStream', subjects: [], events: [linked], attribution })));
    expect(await approve('irma', 'human/r2')).toMatchObject({ status: 403, body: { reason: 'four-eyes' } });
    expect(await ask('/v1/erasures/irma/refusal', { who: 'human/r2', method: 'POST', reason: 'not needed' })).toMatchObject({ status: 200 });
  });

  it('is done once, whichever replica hears of it and however often', async () => {
    await write('klaus', closed());
    await request('klaus');
    await Promise.all([approve('klaus', 'human/olga', 0), approve('klaus', 'human/marc', 1)]);
    await erased('klaus');
    await Promise.all([approve('klaus', 'human/olga', 0), approve('klaus', 'human/olga', 1)]);
    const { rows } = await pool.query(`select type from ledger.event where stream = $1 order by revision`, [erasureStream('klaus')]);
    expect(rows.map(({ type }: { type: string }) => type.split('.').at(-1))).toEqual(['ErasureRequested', 'ErasureApproved', 'PersonalTextErased']);
  });

  it('is finished after the keyring refused to destroy', async () => {
    await write('maria', closed());
    await request('maria');
    await keyPool.query(`create function broken() returns trigger language plpgsql as $$ begin raise exception 'the disk is full'; end $$`);
    await keyPool.query('create trigger broken before update on keyring.person_key execute function broken()');
    try {
      expect((await approve('maria')).status).toBe(200);
      await eventually(() => expect(logged).toContain('erasures met an obstacle'));
      expect((await status('maria')).body.state).toBe('approved');
    } finally {
      await keyPool.query('drop function broken cascade');
    }
    await approve('maria'); // wakes it; it would look by itself
    await erased('maria');
  });
});

describe('an erasure whose service dies', () => {
  /** Writes, and has two people decide, while no service runs: as if all had died with the commit. */
  async function decided(person: string): Promise<{ erasureId: string; eventId: string }> {
    const erasureId = uuidv7();
    const { id } = await write(person, closed());
    const by = (name: string) => ({ id: name, human: true, accounts: [name] });
    const order = async (name: string, command: Parameters<typeof erasure.decide>[0]) =>
      handle(transactOn(pool), erasure, {
        stream: erasureStream(person), subjects: [], command,
        attribution: { projectId: 'vitae', actor: create(ActorSchema, { id: name, kind: ActorKind.HUMAN }), reason: '', occurredAt: '2026-11-21T09:00:00.000Z', correlationId: 'c', causationId: '', traceparent: '' },
      });
    await order('rita', { type: 'RequestErasure', erasureId, person, by: by('rita'), reason: 'asked' });
    await order('olga', { type: 'ApproveErasure', by: by('olga') });
    return { erasureId, eventId: id };
  }

  it('after the approval: is carried out by the next one that starts', async () => {
    await stop();
    const { eventId } = await decided('nora');
    expect(await keyring.liveKeys('nora')).toHaveLength(1);
    await start();
    await erased('nora');
    expect(await keyring.liveKeys('nora')).toEqual([]);
    expect((await payloadAt(await indexOf(eventId))).payload).toMatchObject({ lesson: '[erased]' });
  });

  it('after the keys were destroyed: is recorded with those keys, and takes none that came since', async () => {
    await stop();
    const { erasureId } = await decided('otto');
    const destroyed = await keyring.destroy('otto', erasureId);
    await write('otto', closed());
    await start();
    expect((await erased('otto')).keyIds).toEqual(destroyed);
    expect(await keyring.liveKeys('otto')).toHaveLength(1);
  });
});

describe('a ledger without a keyring', () => {
  it('says that nothing can be erased, instead of pretending', async () => {
    const bare = await boot(ledger, { ...environment(), KEYRING_DATABASE_URL: '', VITAE_TENANT_KEY_FILE: '', VITAE_DATA_DIR: join(directory, randomBytes(4).toString('hex')) });
    try {
      const response = await fetch(`${bare.url}/v1/erasures`, { method: 'POST', headers: { authorization: as('human/rita'), 'vitae-reason': 'x', 'content-type': 'application/json' }, body: '{"person":"paula"}' });
      expect([response.status, ((await response.json()) as { type: string }).type]).toEqual([409, 'https://vitae.dev/problems/keyring-missing']);
    } finally {
      await bare.stop();
    }
  });
});
