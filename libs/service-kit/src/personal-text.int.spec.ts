import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, Module, Param, Post, Res, Sse } from '@nestjs/common';
import { IncidentClosedSchema, type IncidentClosed } from '@vitae/contracts';
import { streamName, type Decider, type RecordedEvent } from '@vitae/event-store';
import { Keyring } from '@vitae/keyring';
import { as, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import type { Response } from 'express';
import { of, type Observable } from 'rxjs';
import { Pool } from 'pg';
import { v7 as uuid } from 'uuid';
import { z } from 'zod';
import { baseConfig, boot, changed, Context, Known, Ledger, type BaseConfig, type CommandContext, type Running, type ServiceDefinition, type ViewTransaction } from './index.ts';

// A service as small as one can be: incidents that are closed with a root cause and a lesson, and a view that has them.
interface Close {
  readonly type: 'CloseIncident';
  readonly incidentId: string;
  readonly rootCause: string;
  readonly lesson: string;
}
const incident: Decider<boolean, Close, IncidentClosed> = {
  category: 'governance.Incident',
  initial: false,
  decide: ({ type: _, ...said }, closed) => (closed ? [] : [create(IncidentClosedSchema, said)]),
  evolve: () => true,
};

async function projectIncidents({ sql }: ViewTransaction, events: readonly RecordedEvent<IncidentClosed>[]): Promise<void> {
  for (const { event, reason } of events) {
    await sql.query('insert into kit_personal.incident (id, root_cause, lesson, reason) values ($1, $2, $3, $4)', [event.incidentId, event.rootCause, event.lesson, reason]);
  }
}

const closure = z.strictObject({ rootCause: z.string(), lesson: z.string() });

@Controller('v1/projects/:projectId/incidents/:id')
@Known('a spec')
class IncidentController {
  constructor(private readonly ledger: Ledger) {}

  @Post('closure')
  async close(@Param('id') incidentId: string, @Body({ schema: closure }) body: z.infer<typeof closure>, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    const handled = await this.ledger.handle(
      incident,
      { stream: streamName(incident.category, incidentId), command: { type: 'CloseIncident', incidentId, ...body }, context, subjects: [] },
      projectIncidents,
    );
    return changed(res, handled, { id: incidentId });
  }

  @Get()
  async read(@Param('id') id: string) {
    return (await this.ledger.sql.query('select * from kit_personal.incident where id = $1', [id]))[0];
  }

  @Get('lesson')
  async lesson(@Param('id') id: string): Promise<string> {
    return (await this.ledger.sql.query<{ lesson: string }>('select lesson from kit_personal.incident where id = $1', [id]))[0]?.lesson ?? '';
  }

  @Sse('feed')
  feed(@Param('id') id: string): Promise<Observable<{ data: object }>> {
    return this.read(id).then((data) => of({ data: data ?? {} }));
  }
}

@Module({ controllers: [IncidentController] })
class PersonalModule {}

let directory: string;
let database: FreshDatabase;
let keys: FreshDatabase;
let nats: FreshNats;
let service: Running;
let pool: Pool;
let logged = '';

const definition = (): ServiceDefinition<BaseConfig> => ({
  name: 'kit-personal',
  module: PersonalModule,
  config: baseConfig,
  database: { schema: 'kit_personal', migrations: pathToFileURL(`${directory}/migrations/`), entities: [] },
});
const environment = (more: NodeJS.ProcessEnv = {}) => ({ ...specAccess(), PORT: '0', DATABASE_URL: database.url, NATS_URL: nats.url, LOG_LEVEL: 'trace', ...more });
const withKeys = () => environment({ KEYRING_DATABASE_URL: keys.url, VITAE_TENANT_KEY_FILE: join(directory, 'tenant.key') });

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vitae-personal-'));
  mkdirSync(join(directory, 'migrations'));
  writeFileSync(join(directory, 'migrations/0001-incident.sql'), 'create table kit_personal.incident (id uuid primary key, root_cause text, lesson text, reason text);');
  [database, keys, nats] = await Promise.all([freshDatabase(), freshDatabase(), freshNats()]);
  const log = new Writable({ write: (line: Buffer, _encoding, done) => ((logged += line.toString()), done()) });
  service = await boot(definition(), withKeys(), { log });
  pool = new Pool({ connectionString: database.url, max: 2 });
  pool.on('error', () => undefined);
});
afterAll(async () => {
  await service.stop();
  await pool.end();
  await nats.drop();
  await Promise.all([database.drop(), keys.drop()]);
  rmSync(directory, { recursive: true });
});

const said = { rootCause: 'Zwetschge "mixed up" the\ncurrency', lesson: 'ask Zwetschge twice' };
const close = (id: string, body: object = said, { headers = {}, at = service, project = 'credit' }: { headers?: Record<string, string>; at?: Running; project?: string } = {}) =>
  fetch(`${at.url}/v1/projects/${project}/incidents/${id}/closure`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: as('human/paula'), 'vitae-reason': encodeURIComponent('Zwetschge told me'), ...headers },
    body: JSON.stringify(body),
  });
const get = async (path: string, { at = service, project = 'credit', who = as('human/reader') } = {}) => {
  const response = await fetch(`${at.url}/v1/projects/${project}/incidents/${path}`, { headers: { authorization: who } });
  return { status: response.status, headers: response.headers, text: await response.text() };
};
/** Every row of every table of the database, as text. */
async function everything(): Promise<string> {
  const tables = await pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const rows = await Promise.all(tables.rows.map(({ name }) => pool.query<{ row: string }>(`select t::text as row from ${name} t`)));
  return rows.flatMap((result) => result.rows.map(({ row }) => row)).join('\n');
}

describe('what a person wrote', () => {
  it('is stored sealed, in the ledger and in views, and shown as it was written', async () => {
    const id = uuid();
    expect((await close(id, said, { headers: { 'idempotency-key': id } })).ok).toBe(true);
    const stored = await everything();
    expect(stored).toContain(id);
    expect(stored).not.toMatch(/Zwetschge/);
    expect(logged).not.toMatch(/Zwetschge/);
    const shown = await get(id);
    expect(JSON.parse(shown.text)).toEqual({ id, root_cause: said.rootCause, lesson: said.lesson, reason: 'Zwetschge told me' });
    expect(shown.headers.get('cache-control')).toBe('no-store');
  });

  it('is shown in texts and in server-sent events, too', async () => {
    const id = uuid();
    await close(id);
    expect((await get(`${id}/lesson`)).text).toBe(said.lesson);
    expect((await get(`${id}/feed`)).text).toContain(JSON.stringify(said.rootCause).slice(1, -1));
  });

  it('leaves no fingerprint of the request by which it could be guessed', async () => {
    const id = uuid();
    await close(id, said, { headers: { 'idempotency-key': 'guess' } });
    expect((await close(id, said, { headers: { 'idempotency-key': 'guess' } })).ok).toBe(true); // the same request is known again
    expect((await close(id, { ...said, lesson: 'another' }, { headers: { 'idempotency-key': 'guess' } })).status).toBe(422);
    const bare = createHash('sha256').update(`POST /v1/projects/credit/incidents/${id}/closure\n`).update(JSON.stringify(said)).digest('hex');
    const { rows } = await pool.query<{ fingerprint: string }>(`select fingerprint from ledger.batch where idempotency_key like '%/guess'`);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.fingerprint).not.toBe(bare);
  });

  it('is not shown in another project, wherever somebody put it', async () => {
    const id = uuid();
    await close(id);
    expect(JSON.parse((await get(id, { project: 'fraud' })).text)).toMatchObject({ root_cause: '[withheld]', lesson: '[withheld]', reason: '[withheld]' });
  });

  it('is not shown to who may not read it', async () => {
    const id = uuid();
    await close(id);
    const auditor = await get(id, { who: as('human/audrey', { roles: ['auditor'] }) });
    expect(JSON.parse(auditor.text)).toEqual({ id, root_cause: '[withheld]', lesson: '[withheld]', reason: '[withheld]' });
  });

  it('is not opened for whoever sends the sealed text back', async () => {
    const id = uuid();
    await close(id);
    const { rows } = await pool.query<{ lesson: string }>('select lesson from kit_personal.incident where id = $1', [id]);
    const sealed = rows[0]?.lesson ?? '';
    const sent = [
      await close(uuid(), { rootCause: sealed, lesson: 'x' }),
      await close(uuid(), { rootCause: 'x', lesson: 'x' }, { headers: { 'vitae-reason': encodeURIComponent(`see ${sealed}`) } }),
      await fetch(`${service.url}/v1/projects/credit/incidents/${uuid()}/closure`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: as('human/eve') },
        body: JSON.stringify({ rootCause: sealed, lesson: 'x' }).replace('enc:', '\\u0065nc:'),
      }),
    ];
    for (const response of sent) {
      expect(response.status).toBe(400);
      expect(((await response.json()) as { type: string }).type).toBe('https://vitae.dev/problems/sealed-text-sent');
    }
  });

  it('is shown as erased once the key is destroyed, at once and by a service that knew the key', async () => {
    const id = uuid();
    await close(id, said, { headers: { authorization: as('human/erwin') } });
    expect(JSON.parse((await get(id)).text)).toMatchObject({ lesson: said.lesson });
    const keyring = await Keyring.open({ databaseUrl: keys.url, tenantKeyFile: join(directory, 'tenant.key') });
    await keyring.destroy('erwin', uuid());
    await keyring.close();
    expect(JSON.parse((await get(id)).text)).toEqual({ id, root_cause: '[erased]', lesson: '[erased]', reason: '[erased]' });
  });
});

describe('a keyring that is away', () => {
  it('costs an answer its texts and nothing else, refuses what would have to be sealed, and shows in readyz', async () => {
    const gone = await freshDatabase();
    const id = uuid();
    const lonely = await boot(definition(), environment({ KEYRING_DATABASE_URL: gone.url, VITAE_TENANT_KEY_FILE: join(directory, 'lonely.key'), LOG_LEVEL: 'silent' }));
    try {
      expect((await close(id, said, { at: lonely })).ok).toBe(true);
      await gone.vanish();
      const shown = await get(id, { at: lonely });
      expect([shown.status, JSON.parse(shown.text)]).toEqual([200, { id, root_cause: '[unreadable]', lesson: '[unreadable]', reason: '[unreadable]' }]);
      const refused = await close(uuid(), said, { at: lonely });
      expect([refused.status, ((await refused.json()) as { type: string }).type]).toEqual([503, 'https://vitae.dev/problems/keyring-unavailable']);
      expect(await everything()).not.toMatch(/Zwetschge/);
      expect(await (await fetch(`${lonely.url}/readyz`)).text()).toMatch(/keyring: the keyring cannot be used/);
      // What a service does of its own accord needs no key.
      expect((await close(uuid(), said, { at: lonely, headers: { authorization: as('service/governance') } })).ok).toBe(true);
    } finally {
      await lonely.stop();
    }
  });
});

describe('a service without a keyring', () => {
  it('runs in local mode, keeps the text as it is, and shows nothing of what was sealed elsewhere', async () => {
    const id = uuid();
    await close(id);
    const bare = await boot(definition(), environment({ LOG_LEVEL: 'silent' }));
    try {
      expect(JSON.parse((await get(id, { at: bare })).text)).toMatchObject({ lesson: '[unreadable]' });
      const clear = uuid();
      await close(clear, { rootCause: 'plain', lesson: 'plain' }, { at: bare });
      expect(await everything()).toContain(',plain,plain,');
    } finally {
      await bare.stop();
    }
  });

  it('does not start in cluster mode, nor on half of the settings', async () => {
    const cluster = { ...environment(), VITAE_MODE: 'cluster', OIDC_ISSUER: 'https://id.example' };
    await expect(boot(definition(), cluster)).rejects.toThrow(/KEYRING_DATABASE_URL is missing[^]*VITAE_TENANT_KEY_FILE is missing/);
    await expect(boot(definition(), environment({ KEYRING_DATABASE_URL: keys.url }))).rejects.toThrow(/VITAE_TENANT_KEY_FILE is missing.*come together/);
    await expect(boot(definition(), environment({ KEYRING_DATABASE_URL: database.url, VITAE_TENANT_KEY_FILE: join(directory, 'tenant.key') }))).rejects.toThrow(/needs a database of its own.*Correct KEYRING_DATABASE_URL/);
  });
});
