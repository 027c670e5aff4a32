import './telemetry.ts';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { defineEntity, EntityManager, p } from '@mikro-orm/postgresql';
import { Body, Controller, Get, Inject, Injectable, Module, Param, Post, Query, Res } from '@nestjs/common';
import { ModelRegisteredSchema, type ModelRegistered } from '@vitae/contracts';
import { aggregateId, Refused, streamName, type Decider, type RecordedEvent } from '@vitae/event-store';
import { as, eventually, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import type { Response } from 'express';
import { v7 as uuid } from 'uuid';
import { z } from 'zod';
import { describeApi } from './describe-api.ts';
import {
  baseConfig,
  boot,
  changed,
  CONFIG,
  Consumers,
  Context,
  created,
  etag,
  Known,
  Ledger,
  LedgerConsumer,
  Needs,
  Problem,
  projectId,
  Readiness,
  type BaseConfig,
  type CommandContext,
  type LedgerHandler,
  type Running,
  type ServiceDefinition,
  type ViewTransaction,
} from './index.ts';

// A service as small as one can be: an aggregate that is named and renamed, one view, one consumer.
type Command = { type: 'NameModel'; modelId: string; name: string } | { type: 'RenameModel'; name: string };
type State = { name: string; modelId: string } | undefined;

const decider: Decider<State, Command, ModelRegistered> = {
  category: 'registry.Model',
  initial: undefined,
  decide(command, state) {
    if (command.name === 'forbidden') throw new Refused('NAME_NOT_ALLOWED', 'The name forbidden is not allowed. Choose another one.', 422);
    if (command.type === 'RenameModel' && !state) throw new Refused('MODEL_UNKNOWN', 'There is no such model.', 404);
    if (state?.name === command.name) return [];
    const modelId = command.type === 'NameModel' ? command.modelId : (state?.modelId ?? '');
    return [create(ModelRegisteredSchema, { modelId, name: command.name, task: 'binary-classification', useCaseId: modelId })];
  },
  evolve: (_state, event) => ({ name: event.name, modelId: event.modelId }),
};

const ModelRow = defineEntity({
  name: 'ModelRow',
  tableName: 'model',
  properties: { id: p.uuid().primary(), projectId: p.string(), name: p.string(), revision: p.integer() },
});

async function project({ em }: ViewTransaction, events: readonly RecordedEvent<ModelRegistered>[]): Promise<void> {
  for (const { event, projectId, revision } of events) {
    await em.upsert(ModelRow, { id: event.modelId, projectId, name: event.name, revision });
    if (event.name === 'breaks the view') throw new Error('the view is broken');
  }
}

/** Released by the spec: what a request waits for. */
const gate = { entered: () => {}, open: Promise.resolve() };

const Named = z.strictObject({ name: z.string().min(1).max(50), tags: z.array(z.strictObject({ key: z.string() })).optional() });

@Controller('v1/projects/:projectId/models')
@Needs('model.register')
class ModelController {
  constructor(
    private readonly ledger: Ledger,
    private readonly em: EntityManager,
  ) {}

  @Post()
  async register(@Context() context: CommandContext, @Body({ schema: Named }) body: z.infer<typeof Named>, @Res({ passthrough: true }) res: Response) {
    const modelId = uuid();
    const handled = await this.ledger.handle(
      decider,
      { stream: streamName('registry.Model', modelId), command: { type: 'NameModel', modelId, name: body.name }, context, subjects: [`model:${modelId}`] },
      project,
    );
    const id = aggregateId(handled.stream);
    return created(res, handled, `/v1/projects/${context.projectId}/models/${id}`, { id });
  }

  @Post(':id/rename')
  async rename(@Param('id') id: string, @Context() context: CommandContext, @Body({ schema: Named }) body: z.infer<typeof Named>, @Res({ passthrough: true }) res: Response) {
    const handled = await this.ledger.handle(
      decider,
      { stream: streamName('registry.Model', id), command: { type: 'RenameModel', name: body.name }, context, subjects: [`model:${id}`] },
      project,
    );
    return changed(res, handled, { id });
  }

  @Get(':id')
  async read(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: z.uuid() }) id: string, @Res({ passthrough: true }) res: Response) {
    const row = await this.em.findOne(ModelRow, { id, projectId: project });
    if (!row) throw new Problem(404, 'model-not-found', 'Model not found', `There is no model ${id} in project ${project}.`);
    res.set('ETag', etag(row.revision));
    return { id: row.id, name: row.name };
  }

  @Get()
  async list(@Query({ schema: z.strictObject({ limit: z.coerce.number().int().max(10).default(5) }) }) query: { limit: number }) {
    return { limit: query.limit };
  }
}

@Controller('v1/slow')
@Known('a spec')
class SlowController {
  @Get()
  async slow() {
    gate.entered();
    await gate.open;
    return { finished: true };
  }

  @Get('broken')
  broken() {
    throw new Error('the secret table is gone');
  }
}

@LedgerConsumer({ name: 'kit-spec.names' })
class Names implements LedgerHandler {
  async handle(event: RecordedEvent, { sql }: ViewTransaction): Promise<void> {
    if (event.type !== 'vitae.registry.v1.ModelRegistered') return; // the access log is in the ledger, too
    const { name } = event.event as ModelRegistered;
    if (name === 'poison') throw new Error('cannot take poison');
    await sql.query('insert into kit_spec.seen (name, traceparent) values ($1, $2)', [name, event.traceparent]);
  }
}

@Injectable()
class Extra {
  static available = true;
  constructor(readiness: Readiness, @Inject(CONFIG) config: BaseConfig) {
    readiness.register('extra', async () => {
      if (!Extra.available) throw new Error('it is away');
      return { dataDir: config.VITAE_DATA_DIR };
    });
  }
}

/** What the spec itself looks through: the first service's own ledger and consumers. */
let inside: { ledger: Ledger; consumers: Consumers };

@Injectable()
class Look {
  constructor(ledger: Ledger, consumers: Consumers) {
    inside ??= { ledger, consumers };
  }
}

@Module({ controllers: [ModelController, SlowController], providers: [Names, Extra, Look] })
class SpecModule {}

const MIGRATION = `
  create table kit_spec.model (id uuid primary key, project_id text not null, name text not null, revision integer not null);
  create table kit_spec.seen (name text not null, traceparent text not null);
`;

const lines: Record<string, unknown>[] = [];
const log = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };

let database: FreshDatabase;
let nats: FreshNats;
let migrations: string;
let definition: ServiceDefinition;
let env: NodeJS.ProcessEnv;
let service: Running;

beforeAll(async () => {
  const started = await Promise.allSettled([freshDatabase(), freshNats(), mkdtemp(join(tmpdir(), 'vitae-kit-'))]);
  const [first, second, third] = started;
  if (first.status === 'fulfilled') database = first.value;
  if (second.status === 'fulfilled') nats = second.value;
  if (third.status === 'fulfilled') migrations = third.value;
  for (const one of started) if (one.status === 'rejected') throw one.reason;
  await writeFile(join(migrations, '0001-kit-spec.sql'), MIGRATION);
  definition = {
    name: 'kit-spec',
    module: SpecModule,
    config: baseConfig,
    database: { schema: 'kit_spec', migrations: pathToFileURL(`${migrations}/`), entities: [ModelRow] },
  };
  env = { ...specAccess(), PORT: '0', DATABASE_URL: database.url, NATS_URL: nats.url, LOG_LEVEL: 'debug' };
  service = await boot(definition, env, { log });
});

afterAll(async () => {
  await service?.stop();
  await Promise.allSettled([database?.drop(), nats?.drop(), rm(migrations, { recursive: true, force: true })]);
});

interface Answer {
  status: number;
  headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a spec asserts on the shape itself
  body: any;
}

async function call(method: string, path: string, options: { body?: unknown; raw?: string; headers?: Record<string, string> } = {}): Promise<Answer> {
  const body = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  const response = await fetch(`${service.url}${path}`, {
    method,
    headers: { authorization: as('human/dana'), ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...options.headers },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const json = (response.headers.get('content-type') ?? '').includes('json');
  return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
}

const models = '/v1/projects/credit/models';
const register = (name: string, headers: Record<string, string> = {}) => call('POST', models, { body: { name }, headers });
const problem = ({ status, body }: Answer) => [status, (body as { type?: string }).type?.replace('https://vitae.dev/problems/', '')];

/** What the sequencer of the ledger service does, once. */
async function sequence(): Promise<void> {
  await inside.ledger.sql.query('select ledger.sequence(1000)');
}

describe('a command', () => {
  it('stores event and view row in one transaction and answers with revision, ETag and Location', async () => {
    const answer = await register('scoring', { 'vitae-reason': 'first%20model', 'vitae-correlation-id': 'job-1' });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({ id: expect.any(String), stream: `registry.Model-${answer.body.id}`, revision: 1 });
    expect(answer.headers.get('etag')).toBe('"1"');
    expect(answer.headers.get('location')).toBe(`${models}/${answer.body.id}`);

    const read = await call('GET', `${models}/${answer.body.id}`);
    expect(read).toMatchObject({ status: 200, body: { id: answer.body.id, name: 'scoring' } });
    expect(read.headers.get('etag')).toBe('"1"');

    const [event] = await inside.ledger.readStream(answer.body.stream);
    expect(event).toMatchObject({ projectId: 'credit', reason: 'first model', correlationId: 'job-1', causationId: '', actor: { id: 'dana' }, subjects: [`model:${answer.body.id}`] });
  });

  it('stores nothing when the view cannot follow', async () => {
    const before = await inside.ledger.sql.query("select count(*) as n from ledger.event where type not like 'vitae.access.%'");
    expect(problem(await register('breaks the view'))).toEqual([500, 'internal']);
    expect(await inside.ledger.sql.query("select count(*) as n from ledger.event where type not like 'vitae.access.%'")).toEqual(before);
    expect(await inside.ledger.sql.query('select 1 from kit_spec.model where name = $1', ['breaks the view'])).toEqual([]);
  });

  it('answers a refusal as a problem with its reason', async () => {
    const answer = await register('forbidden');
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body).toEqual({
      type: 'https://vitae.dev/problems/name-not-allowed',
      title: 'Name not allowed',
      status: 422,
      detail: 'The name forbidden is not allowed. Choose another one.',
      instance: models,
      reason: 'name-not-allowed',
    });
  });

  it('is refused with 412 when If-Match names an old revision, and says which one is current', async () => {
    const { body } = await register('before');
    const rename = (name: string, revision: number) => call('POST', `${models}/${body.id}/rename`, { body: { name }, headers: { 'if-match': `"${revision}"` } });
    const renamed = await rename('after', 1);
    expect([renamed.status, renamed.headers.get('etag')]).toEqual([201, '"2"']);
    const stale = await rename('late', 1);
    expect(problem(stale)).toEqual([412, 'revision-mismatch']);
    expect(stale.body.currentRevision).toBe(2);
  });

  it('gives the same answer, and nothing new, to the same request with the same idempotency key', async () => {
    const key = { 'idempotency-key': 'register-once' };
    const first = await register('once', key);
    const again = await register('once', key);
    expect([again.status, again.body, again.headers.get('location')]).toEqual([201, first.body, first.headers.get('location')]);
    expect(problem(await register('twice', key))).toEqual([422, 'idempotency-key-reused']);
    const other = await call('POST', '/v1/projects/fraud/models', { body: { name: 'once' }, headers: key });
    expect(other.status).toBe(201);
    expect(other.body.id).not.toBe(first.body.id);
  });

  it('decides anew when another writer was first, if the caller named no revision', async () => {
    const { body } = await register('raced');
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => call('POST', `${models}/${body.id}/rename`, { body: { name } })));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(answers.map(({ body }) => body.revision).sort()).toEqual([2, 3, 4, 5]);
  });
});

describe('bad input', () => {
  it.each<[string, () => Promise<Answer>, [number, string]]>([
    ['no credential', () => register('x', { authorization: '' }), [401, 'credential-missing']],
    ['a credential that is none', () => register('x', { authorization: 'dana' }), [401, 'credential-refused']],
    ['a project that is none', () => call('POST', '/v1/projects/Credit/models', { body: { name: 'x' } }), [400, 'project-malformed']],
    ['half of a JSON body', () => call('POST', models, { raw: '{"name":' }), [400, 'malformed-json']],
    ['another content type', () => call('POST', models, { raw: 'name=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } }), [415, 'unsupported-media-type']],
    ['an unknown charset', () => call('POST', models, { raw: '{}', headers: { 'content-type': 'application/json; charset=klingon' } }), [415, 'unsupported-media-type']],
    ['a body of more than 1 MB', () => call('POST', models, { body: { name: 'x'.repeat(1_100_000) } }), [413, 'body-too-large']],
    ['no body', () => call('POST', models), [400, 'invalid-request']],
    ['a thing that is not there', () => call('GET', `${models}/${uuid()}`), [404, 'model-not-found']],
    ['an address that is none', () => call('GET', '/v9/nothing'), [404, 'route-not-found']],
    ['an address that cannot be decoded', () => call('GET', `${models}/%E0%A4%A`), [400, 'bad-request']],
    ['an event that breaks its contract', () => call('POST', `${models}/not-a-uuid/rename`, { body: { name: 'x' } }), [404, 'model-unknown']],
  ])('%s is a problem of its own', async (_name, send, expected) => {
    expect(problem(await send())).toEqual(expected);
  });

  it('is told all at once, each with a pointer', async () => {
    const answer = await call('POST', models, { body: { name: '', colour: 'red', tags: [{ key: 1, 'a/b': 2 }] } });
    expect(problem(answer)).toEqual([400, 'invalid-request']);
    expect(answer.body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual(['/colour', '/name', '/tags/0/a~1b', '/tags/0/key']);
    const query = await call('GET', `${models}?limit=99&x=1`);
    expect(query.body.errors).toEqual([
      { pointer: '/limit', detail: expect.any(String), in: 'query' },
      { pointer: '/x', detail: 'This field is not known here. Remove it.', in: 'query' },
    ]);
    const path = await call('GET', `${models}/seven`);
    expect(path.body.errors).toEqual([{ pointer: '/id', detail: expect.any(String), in: 'path' }]);
  });

  it('never learns what broke inside', async () => {
    const answer = await call('GET', '/v1/slow/broken');
    expect(problem(answer)).toEqual([500, 'internal']);
    expect(JSON.stringify(answer.body)).not.toContain('secret');
    const told = lines.find((line) => line['level'] === 'error' && JSON.stringify(line).includes('the secret table is gone'));
    expect(JSON.stringify(told)).toContain('boot.int.spec');
  });
});

describe('the database', () => {
  it('plans the ledger’s functions once', async () => {
    expect(await inside.ledger.sql.query('show plan_cache_mode')).toEqual([{ plan_cache_mode: 'force_generic_plan' }]);
  });

  it('runs a command’s transaction at READ COMMITTED', async () => {
    const level = await inside.ledger.transact(({ sql }) => sql.query('show transaction_isolation'));
    expect(level).toEqual([{ transaction_isolation: 'read committed' }]);
  });

  it('has the one of two transactions run again that it gave up because each waited for the other', async () => {
    const ids = await Promise.all(['one way', 'the other way'].map(async (name) => String((await register(name)).body.stream).split('Model-')[1] ?? ''));
    let runs = 0;
    let holding = 0;
    let both = (): void => undefined;
    const bothHaveOne = new Promise<void>((resolve) => (both = resolve));
    const lockInTurn = (order: readonly string[]) =>
      inside.ledger.transact(async ({ sql }) => {
        runs += 1;
        if ((await sql.query('select from kit_spec.model where id = $1 for update', [order[0]])).length !== 1) throw new Error('there is no such row');
        holding += 1;
        if (holding === 2) both(); // each has its first row by now, so that neither can have the other's
        await bothHaveOne;
        await sql.query('select from kit_spec.model where id = $1 for update', [order[1]]);
        return 'done';
      });
    expect(await Promise.all([lockInTurn(ids), lockInTurn([...ids].reverse())])).toEqual(['done', 'done']);
    expect(runs).toBeGreaterThan(2); // the one that ran again may meet the other once more
  });

  it('may cut all connections off without harm to the process', async () => {
    const kill = 'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()';
    await inside.ledger.sql.query(kill);
    await eventually(async () => expect((await register('after the cut')).status).toBe(201));
  });
});

describe('what machines ask', () => {
  it('answers /healthz and /readyz with what the service stands on', async () => {
    expect((await call('GET', '/healthz')).body).toEqual({ status: 'ok', service: 'kit-spec' });
    await sequence();
    const body = await eventually(async () => {
      const answer = await call('GET', '/readyz');
      expect(answer.body).toMatchObject({ status: 'ready', consumers: [{ behind: 0 }] });
      return answer.body;
    });
    expect(body).toMatchObject({
      service: 'kit-spec',
      checks: [
        { name: 'database', ok: true },
        { name: 'broker', ok: true },
        { name: 'extra', ok: true, dataDir: '.data' },
        { name: 'consumers', ok: true },
      ],
      consumers: [{ name: 'kit-spec.names', bookmark: expect.any(Number), head: expect.any(Number), behind: 0, parked: 0, caughtUp: true }],
    });
  });

  it('is not ready while a check of the service’s own fails, and says which', async () => {
    Extra.available = false;
    const answer = await call('GET', '/readyz');
    Extra.available = true;
    expect(problem(answer)).toEqual([503, 'not-ready']);
    expect(answer.body.detail).toBe('kit-spec is not ready. extra: it is away.');
  });

  it('is not ready while the broker is away, and again when it is back', async () => {
    await nats.stop('SIGKILL');
    await eventually(async () => expect(problem(await call('GET', '/readyz'))).toEqual([503, 'not-ready']));
    expect((await register('without a broker')).status).toBe(201);
    await nats.restart();
    await eventually(async () => expect((await call('GET', '/readyz')).status).toBe(200));
  });

  it('describes its routes, their headers, bodies and problems', async () => {
    const { body } = await call('GET', '/openapi.json');
    expect(body.info).toMatchObject({ title: 'Vitae kit-spec', version: '0.1.0' });
    const operation = body.paths['/v1/projects/{projectId}/models'].post;
    expect(operation.parameters.map(({ name }: { name: string }) => name)).toEqual(expect.arrayContaining(['Vitae-Reason', 'Idempotency-Key', 'If-Match']));
    expect(operation.security).toEqual([{ token: [] }, { basic: [] }]);
    expect(operation).toMatchObject({ 'x-vitae-access': { type: 'needs', permissions: ['model.register'] }, description: 'Needs model.register.' });
    expect(operation.parameters).toContainEqual({ name: 'projectId', in: 'path', required: true, schema: { type: 'string' } });
    expect(operation.requestBody.content['application/json'].schema).toMatchObject({ type: 'object', required: ['name'], properties: { name: { type: 'string', maxLength: 50 } } });
    expect(operation.responses.default.content['application/problem+json'].schema).toEqual({ $ref: '#/components/schemas/Problem' });
    expect(Object.keys(body.paths)).not.toContain('/healthz');
    expect(JSON.parse(JSON.stringify(await describeApi(definition)))).toEqual(body); // and the same without being started
  });

  it('measures commands and refusals', async () => {
    await register('measured');
    const { body } = await call('GET', '/metrics');
    expect(body).toMatch(/vitae_commands_total\{[^}]*command="NameModel"[^}]*outcome="accepted"[^}]*\} \d/);
    expect(body).toMatch(/vitae_refusals_total\{[^}]*reason="NAME_NOT_ALLOWED"[^}]*\} \d/);
    expect(body).toMatch(/vitae_consumer_lag\{[^}]*consumer="kit-spec.names"[^}]*\} \d/);
  });

  it('sends security headers and names no framework', async () => {
    const { headers } = await call('GET', '/healthz');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('x-powered-by')).toBeNull();
  });
});

describe('a consumer', () => {
  it('takes every event once, in its own transaction, and can be waited for', async () => {
    await register('consumed');
    await sequence();
    expect(await inside.consumers.catchUp(20_000)).toBe(true);
    const seen = await inside.ledger.sql.query<{ name: string }>('select name from kit_spec.seen where name = $1', ['consumed']);
    expect(seen).toEqual([{ name: 'consumed' }]);
  });

  it('says after a bounded wait that it could not catch up', async () => {
    await register('not sequenced yet');
    expect(await inside.consumers.catchUp(50)).toBe(false);
    await sequence();
  });

  it('parks an event that it cannot take, reports it and goes on', async () => {
    await register('poison');
    await register('after the poison');
    await sequence();
    expect(await inside.consumers.catchUp(20_000)).toBe(true);
    expect(await inside.ledger.sql.query('select name from kit_spec.seen where name = $1', ['after the poison'])).toHaveLength(1);
    expect((await call('GET', '/readyz')).body).toMatchObject({ status: 'ready', consumers: [{ name: 'kit-spec.names', parked: 1 }] });
  });
});

describe('a stop', () => {
  it('takes no new connection, finishes the request in flight, and may be asked for twice', async () => {
    const other = await boot(definition, env, { log });
    let open = () => {};
    gate.open = new Promise((resolve) => (open = resolve));
    const entered = new Promise<void>((resolve) => (gate.entered = resolve));
    const slow = fetch(`${other.url}/v1/slow`, { headers: { authorization: as('human/dana') } });
    await entered;
    const stopped = other.stop();
    await eventually(async () => await expect(fetch(`${other.url}/healthz`)).rejects.toThrow('fetch failed'));
    open();
    const answer = await slow;
    expect(await answer.json()).toEqual({ finished: true });
    await stopped;
    await other.stop();
  });

  it('leaves nothing open when the start fails half-way', async () => {
    const busy = new URL(service.url).port;
    await expect(boot(definition, { ...env, PORT: busy }, { log })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('tells in a sentence that the database or the broker is not there', async () => {
    await expect(boot(definition, { ...env, DATABASE_URL: 'postgresql://vitae:s3cret@127.0.0.1:1/vitae' })).rejects.toThrow(
      'kit-spec cannot use PostgreSQL at 127.0.0.1:1/vitae: ',
    );
    await expect(boot(definition, { ...env, NATS_URL: 'nats://127.0.0.1:1' })).rejects.toThrow('kit-spec cannot reach NATS at 127.0.0.1:1: ');
  });
});
