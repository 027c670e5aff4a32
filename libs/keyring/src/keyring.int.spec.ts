import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ActorKind, ActorSchema, IncidentClosedSchema } from '@vitae/contracts';
import { ledgerMigrations, migrate, prepareAppend } from '@vitae/event-store';
import { eventually, freshDatabase, type FreshDatabase } from '@vitae/testing';
import { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { Keyring, KeyringUnavailable, keyringMigrations } from './keyring.ts';

let database: FreshDatabase;
let directory: string;
let tenantKeyFile: string;
let pool: Pool;
let keyring: Keyring;
let other: Keyring;

beforeAll(async () => {
  database = await freshDatabase();
  directory = mkdtempSync(join(tmpdir(), 'vitae-keyring-'));
  tenantKeyFile = join(directory, 'tenant.key');
  // Two services that start at the same time on nothing.
  [keyring, other] = (await Promise.all([open(), open()])) as [Keyring, Keyring];
  pool = new Pool({ connectionString: database.url, max: 2 });
});
afterAll(async () => {
  await Promise.all([keyring.close(), other.close(), pool.end()]);
  await database.drop();
  rmSync(directory, { recursive: true });
});

const open = (more: Partial<Parameters<typeof Keyring.open>[0]> = {}) => Keyring.open({ databaseUrl: database.url, tenantKeyFile, create: true, ...more });

const everybody = () => true;
const text = 'Paula wrote this, and "quoted" \\ it\n';
/** A stored payload with the text in it. */
async function written(by: Keyring, person: string, projectId = 'credit'): Promise<string> {
  const closed = create(IncidentClosedSchema, { incidentId: uuidv7(), rootCause: text, lesson: 'none' });
  const attribution = { projectId, actor: create(ActorSchema, { id: person, kind: ActorKind.HUMAN }), reason: '', occurredAt: '2026-11-21T09:00:00.000Z', correlationId: 'c', causationId: '', traceparent: '' };
  const { seal } = await by.sealerFor(attribution);
  const sealed = await seal(prepareAppend({ stream: `governance.Incident-${uuidv7()}`, expected: 'any', subjects: [], events: [closed], attribution }));
  return sealed.events[0]?.payload ?? '';
}
const shown = async (json: string, by = keyring, mayRead: (projectId: string) => boolean = everybody): Promise<unknown> => (JSON.parse(await by.reveal(json, mayRead)) as { rootCause: string }).rootCause;
const keysOf = async (person: string) => (await pool.query<Record<string, unknown>>('select * from keyring.person_key where person = $1 order by key_id', [person])).rows;

describe('the keyring', () => {
  it('seals for one service and opens for another, with one key a person and project, whoever asks first', async () => {
    const payloads = await Promise.all([keyring, other, keyring, other].map((one) => written(one, 'paula')));
    expect(await Promise.all(payloads.map((payload) => shown(payload)))).toEqual([text, text, text, text]);
    expect(await keysOf('paula')).toHaveLength(1);
    await written(keyring, 'paula', 'fraud');
    expect(await keysOf('paula')).toHaveLength(2);
  });

  it('keeps no key in clear: neither in its tables nor in a message', async () => {
    await written(keyring, 'karl');
    const [row] = await keysOf('karl');
    const wrapped = row?.['wrapped_key'] as Buffer;
    expect(wrapped).toHaveLength(12 + 32 + 16);
    const tenantKey = Buffer.from(readFileSync(tenantKeyFile, 'utf8').split(' ')[1] ?? '', 'base64url');
    expect(tenantKey).toHaveLength(32);
    expect(wrapped.includes(tenantKey)).toBe(false);
  });

  it('shows what a reader may not see as withheld, by the project of the key and not of the place', async () => {
    const payload = await written(keyring, 'paula');
    expect(await shown(payload, keyring, (projectId) => projectId !== 'credit')).toBe('[withheld]');
  });

  it('shows a text whose key was destroyed as erased, everywhere and at once, and leaves other people alone', async () => {
    const [mine, elsewhere, theirs] = await Promise.all([written(keyring, 'erwin'), written(other, 'erwin', 'fraud'), written(keyring, 'karl')]);
    const erasureId = uuidv7();
    const destroyed = await keyring.destroy('erwin', erasureId);
    expect(destroyed).toHaveLength(2);
    for (const reader of [keyring, other]) {
      expect(await shown(mine, reader)).toBe('[erased]');
      expect(await shown(elsewhere, reader)).toBe('[erased]');
      expect(await shown(theirs, reader)).toBe(text);
    }
    expect((await keysOf('erwin')).map((row) => [row['wrapped_key'], row['erasure_id']])).toEqual([[null, erasureId], [null, erasureId]]);
  });

  it('leaves nothing of a destroyed key in the table’s file after a sweep', async () => {
    await written(keyring, 'emil');
    const wrapped = (await keysOf('emil'))[0]?.['wrapped_key'];
    const isInFile = async () => {
      await pool.query('checkpoint');
      const { rows } = await pool.query<{ found: boolean }>(`select position($1::bytea in pg_read_binary_file(pg_relation_filepath('keyring.person_key'))) > 0 as found`, [wrapped]);
      return rows[0]?.found;
    };
    expect(await isInFile()).toBe(true);
    await keyring.destroy('emil', uuidv7());
    // A transaction that is open anywhere in this database (autovacuum's, too) may keep the old row for that moment.
    await eventually(async () => {
      await keyring.sweep();
      expect(await isInFile()).toBe(false);
    });
  });

  it('destroys once for an erasure, also when the person has written since', async () => {
    await written(keyring, 'frieda');
    const erasureId = uuidv7();
    const destroyed = await keyring.destroy('frieda', erasureId);
    const later = await written(other, 'frieda');
    expect(await keyring.destroy('frieda', erasureId)).toEqual(destroyed);
    expect(await shown(later)).toBe(text);
    expect(await keyring.destroy('frieda', uuidv7())).toHaveLength(1);
    expect(await shown(later)).toBe('[erased]');
  });

  it('cannot be made to bring a key back, to move it or to forget it', async () => {
    await written(keyring, 'gustav');
    await keyring.destroy('gustav', uuidv7());
    for (const statement of [
      `update keyring.person_key set wrapped_key = '\\x00', destroyed_at = null, erasure_id = null where person = 'gustav'`,
      `update keyring.person_key set person = 'dana' where person = 'karl'`,
      `delete from keyring.person_key where person = 'gustav'`,
      'truncate keyring.person_key',
    ]) {
      await expect(pool.query(statement)).rejects.toMatchObject({ code: 'VT002' });
    }
  });

  it('does not open what was moved or made up: it shows it as unreadable', async () => {
    const payload = await written(keyring, 'paula');
    const elsewhere = payload.replaceAll(/(enc:v1:[0-9a-f-]{36}:)[0-9a-f-]{36}/g, `$1${uuidv7()}`);
    expect(await shown(elsewhere)).toBe('[unreadable]');
    expect(await shown(payload.replaceAll(/enc:v1:[0-9a-f-]{36}/g, `enc:v1:${uuidv7()}`))).toBe('[unreadable]');
    // Another person's row with this one's wrapped key: the wrapping knows whose it is.
    const swapped = await written(keyring, 'heidi');
    await pool.query(`update keyring.person_key set wrapped_key = (select wrapped_key from keyring.person_key where person = 'karl') where person = 'heidi'`);
    expect(await shown(swapped)).toBe('[unreadable]');
  });

  it('gives a request another fingerprint for each person, and after an erasure', async () => {
    const request = randomBytes(32).toString('hex');
    const of = async (id: string, kind = ActorKind.HUMAN) => (await keyring.sealerFor({ projectId: 'credit', actor: create(ActorSchema, { id, kind }) })).fingerprint(request);
    const first = await of('ida');
    expect(await of('ida')).toBe(first);
    expect(new Set([request, first, await of('karl')]).size).toBe(3);
    await keyring.destroy('ida', uuidv7());
    expect(await of('ida')).not.toBe(first);
    expect(await of('ledger', ActorKind.SYSTEM)).toBe(request);
  });

  it('wraps every key anew after the tenant key was rotated, so that the old version may go', async () => {
    const payload = await written(keyring, 'paula');
    appendFileSync(tenantKeyFile, `2 ${randomBytes(32).toString('base64url')}\n`);
    const rotated = await open();
    try {
      const damaged = (await keysOf('heidi')).map((row) => row['key_id']);
      const before = await rotated.rewrap();
      expect(before.wrapped).toBeGreaterThan(1);
      expect(before.left).toEqual(damaged);
      expect(await rotated.rewrap()).toEqual({ wrapped: 0, left: damaged });
      writeFileSync(tenantKeyFile, readFileSync(tenantKeyFile, 'utf8').split('\n').slice(1).join('\n'));
      expect(await shown(payload, rotated)).toBe(text);
      expect(await shown(payload, keyring)).toBe(text); // it ran all the time, and reads the file again
      await keyring.check();
    } finally {
      await rotated.close();
    }
  });

  it('does not make a new tenant key while keys depend on a lost one', async () => {
    await expect(open({ tenantKeyFile: join(directory, 'lost.key') })).rejects.toThrow(/lost\.key is missing, and \d+ keys/);
  });

  it('will not lie in the database of the ledger', async () => {
    const ledger = await freshDatabase();
    await migrate(ledger.url, ledgerMigrations);
    await expect(open({ databaseUrl: ledger.url })).rejects.toThrow('needs a database of its own');
    await ledger.drop();
  });

  it('stores nothing and says so when its database is away', async () => {
    const gone = await freshDatabase();
    const away = await open({ databaseUrl: gone.url, tenantKeyFile: join(directory, 'away.key') });
    const payload = await written(away, 'paula');
    await gone.vanish();
    try {
      await expect(written(away, 'paula')).rejects.toThrow(KeyringUnavailable);
      await expect(away.reveal(payload, everybody)).rejects.toThrow(KeyringUnavailable);
      await expect(away.check()).rejects.toThrow(KeyringUnavailable);
    } finally {
      await away.close();
    }
  });

  it('lets every service seal and open, and only the ledger destroy', async () => {
    const [ledger, roles] = await Promise.all([freshDatabase(), freshDatabase()]);
    await migrate(ledger.url, ledgerMigrations); // makes the roles, which belong to the cluster
    await migrate(roles.url, keyringMigrations);
    const client = new Pool({ connectionString: roles.url, max: 1 });
    const as = async (role: string, statement: string): Promise<string> => {
      await client.query(`set role ${role}`);
      return client.query(statement).then(() => 'done', (error: { code: string }) => error.code).finally(() => client.query('reset role'));
    };
    const insert = `insert into keyring.person_key (key_id, project_id, person, tenant_key_version, wrapped_key) values (gen_random_uuid(), 'credit', 'paula', 1, '\\x00')`;
    const destroy = `update keyring.person_key set wrapped_key = null, destroyed_at = now(), erasure_id = gen_random_uuid() where person = 'paula' and destroyed_at is null`;
    try {
      expect(await as('vitae_governance', insert)).toBe('done');
      expect(await as('vitae_governance', 'select wrapped_key from keyring.person_key')).toBe('done');
      expect(await as('vitae_governance', destroy)).toBe('42501');
      expect(await as('vitae_auditor', 'select from keyring.person_key')).toBe('42501');
      expect(await as('vitae_ledger', destroy)).toBe('done');
      expect(await as('vitae_ledger', 'vacuum (full) keyring.person_key')).toBe('done');
      for (const role of ['vitae_governance', 'vitae_ledger']) {
        for (const statement of ['delete from keyring.person_key', 'truncate keyring.person_key', `update keyring.person_key set person = 'x'`, 'alter table keyring.person_key disable trigger all']) {
          expect([role, statement, await as(role, statement)]).toEqual([role, statement, '42501']);
        }
      }
    } finally {
      await client.end();
      await Promise.all([ledger.drop(), roles.drop()]);
    }
  });
});
