import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connect } from '@nats-io/transport-node';
import {
  ActorKind,
  ActorSchema,
  CanaryJudgedSchema,
  CanaryVerdict,
  ExternalModelVersionRegisteredSchema,
  GateDecidedSchema,
  GateOutcome,
  ModelDeletedSchema,
  ModelRegisteredSchema,
  ModelRestoredSchema,
  ModelVersionDeletedSchema,
  ModelVersionPurgedSchema,
  ModelVersionReferencedSchema,
  ModelVersionRegisteredSchema,
  ModelVersionRestoredSchema,
  ModelVersionRetiredSchema,
  PolicyOutcome,
} from '@vitae/contracts';
import { append, pooledSql, readHead, readLedger, type RecordedEvent } from '@vitae/event-store';
import { ensureLedgerStream, publishFrom } from '@vitae/messaging';
import { boot, rebuildViews, ServiceToken, type Running } from '@vitae/service-kit';
import { as, eventually, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import pg from 'pg';
import { v7 as uuid } from 'uuid';
import { deployment } from './app.module.ts';
import type { DeploymentConfig } from './config.ts';
import { Runtime } from './endpoint/runtime.client.ts';

const BASE = '/v1/projects/bank';
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

/**
 * The runtime's admin routes, in memory: it loads in no time unless told otherwise. Services never import each other,
 * not even in specs; that the real one answers so is what runtime.int.spec.ts says, and the journey in test/.
 */
interface Route {
  variants: { variantId: string; modelVersionId: string; version: number; weight: number; artefactUrl: string; digest: string }[];
}
const runtime = {
  routes: new Map<string, Route>(),
  history: [] as string[],
  away: false,
  loading: new Set<string>(),
  broken: new Map<string, string>(),
  /** All that ever called, by what they showed. */
  callers: new Set<string>(),
};
async function serveRuntime(req: IncomingMessage): Promise<[number, unknown]> {
  const parts: Buffer[] = [];
  for await (const part of req as AsyncIterable<Buffer>) parts.push(part);
  runtime.callers.add(req.headers.authorization ?? '');
  if (runtime.away) return [503, { title: 'away' }];
  const name = req.url?.split('/')[3];
  if (req.method === 'PUT' && name) {
    const route = JSON.parse(Buffer.concat(parts).toString()) as Route;
    runtime.routes.set(name, route);
    runtime.history.push(`${name}: ${route.variants.map(({ version, weight }) => `v${version} ${weight}`).join(', ')}`);
    return [200, {}];
  }
  const state = (variantId: string) =>
    runtime.broken.has(variantId) ? { state: 'failed', reason: runtime.broken.get(variantId) } : { state: runtime.loading.has(variantId) || runtime.loading.has('*') ? 'loading' : 'ready' };
  return [200, [...runtime.routes].map(([endpointName, { variants }]) => ({ endpointName, variants: variants.map(({ variantId, weight }) => ({ variantId, weight, ...state(variantId) })) }))];
}

let database: FreshDatabase, nats: FreshNats, service: Running, pool: pg.Pool, runtimeServer: Server;
let env: NodeJS.ProcessEnv;
let stopLedger: () => Promise<void>;

beforeAll(async () => {
  const [first, second] = await Promise.allSettled([freshDatabase(), freshNats()]);
  if (first.status === 'fulfilled') database = first.value;
  if (second.status === 'fulfilled') nats = second.value;
  for (const one of [first, second]) if (one.status === 'rejected') throw one.reason;
  runtimeServer = createServer((req, res) => {
    void serveRuntime(req).then(([status, body]) => res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)));
  });
  await new Promise<void>((resolve) => runtimeServer.listen(0, '127.0.0.1', resolve));
  env = {
    ...specAccess(),
    LOG_LEVEL: 'silent',
    PORT: '0',
    DATABASE_URL: database.url,
    NATS_URL: nats.url,
    RUNTIME_URL: `http://127.0.0.1:${(runtimeServer.address() as AddressInfo).port}`,
    REGISTRY_URL: 'http://registry.test',
   
    VITAE_RECONCILE_MS: '100',
  };
  service = await boot(deployment, env);
  pool = new pg.Pool({ connectionString: database.url, max: 3 });
  stopLedger = await keepLedger();
});
afterAll(async () => {
  await service?.stop();
  await stopLedger?.();
  await pool?.end();
  runtimeServer?.closeAllConnections();
  runtimeServer?.close();
  await Promise.allSettled([database?.drop(), nats?.drop()]);
});
beforeEach(() => {
  Object.assign(runtime, { away: false });
  runtime.loading.clear();
  runtime.broken.clear();
});

/** Sequencer and publisher, as the ledger service runs them. */
async function keepLedger(): Promise<() => Promise<void>> {
  const connection = await connect({ servers: new URL(nats.url).host });
  const [origin] = (await pool.query<{ id: string }>('select id from ledger.origin')).rows;
  let published = await ensureLedgerStream(connection, origin?.id ?? '');
  let stopping = false;
  const running = (async () => {
    while (!stopping) {
      await pool.query('select ledger.sequence(1000)');
      const events = await readLedger(pooledSql(pool), { from: published, limit: 200 });
      published += events.length === 0 ? 0 : await publishFrom(connection, events);
      if (events.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  return async () => {
    stopping = true;
    await running;
    await connection.close();
  };
}

interface Answer {
  status: number;
  headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a spec asserts on the shape itself
  body: any;
}
async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}, base = service.url): Promise<Answer> {
  const response = await fetch(`${base}${path}`, {
    method,
    headers: { authorization: as('human/dana'), ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}
const post = (path: string, body: unknown = {}, headers: Record<string, string> = {}) => call('POST', `${BASE}${path}`, body, headers);
const get = (path: string) => call('GET', `${BASE}${path}`);

/** An event of another service, as if it had just been appended there. */
async function happened(stream: string, event: Parameters<typeof append>[1]['events'][number], projectId = 'bank'): Promise<RecordedEvent> {
  const attribution = {
    projectId,
    actor: create(ActorSchema, { id: 'spec', kind: ActorKind.SYSTEM }),
    reason: 'a spec',
    occurredAt: new Date().toISOString(),
    correlationId: uuid(),
    causationId: '',
    traceparent: '',
  };
  const client = await pool.connect();
  try {
    await client.query('begin');
    const [recorded] = await append(pooledSql(client), { stream, expected: 'any', events: [event], attribution, subjects: [] });
    await client.query('commit');
    return recorded as RecordedEvent;
  } finally {
    client.release();
  }
}

async function model(): Promise<string> {
  const modelId = uuid();
  await happened(`registry.Model-${modelId}`, create(ModelRegisteredSchema, { modelId, name: modelId, task: 'binary-classification', useCaseId: uuid() }));
  return modelId;
}
async function modelVersion(modelId: string, version: number): Promise<string> {
  const modelVersionId = uuid();
  await happened(
    `registry.ModelVersion-${modelVersionId}`,
    create(ModelVersionRegisteredSchema, {
      modelVersionId, modelId, version,
      modelName: 'credit',
      artefact: { digest: digest('a'), files: [{ path: 'model.onnx', digest: digest('b'), sizeBytes: 9n }], format: 'onnx' },
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1n, 1n] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1n, 1n] }],
      datasetVersionId: uuid(), datasetDigest: digest('c'),
      source: { repository: 'https://example.org/credit.git', commit: 'abcdef0' },
      contributors: ['ben'],
      useCaseId: uuid(),
    }),
  );
  return modelVersionId;
}
async function permitFor(modelVersionId: string, modelId: string, over: { outcome?: GateOutcome } = {}, subject: object = {}, minutes = 15): Promise<string> {
  const [decisionId, permitId] = [uuid(), uuid()];
  await happened(
    `governance.GateDecision-${decisionId}`,
    create(GateDecidedSchema, {
      decisionId,
      subject: {
        gate: 'promote-production', modelVersionId, modelId, version: 1, artefactDigest: digest('a'), useCaseId: uuid(),
        environment: 'production', environmentClass: 'production', subjectHash: digest('d'), ...subject,
      },
      requestedBy: 'dana', input: '{}', inputHash: digest('e'), inputSchema: 'gate-input/1',
      policySet: 'lifecycle-core', policySetVersion: '1.0.0', policySetHash: digest('f'), engine: 'cel',
      results: [{ policyId: 'POL-001', outcome: PolicyOutcome.PASS }],
      outcome: GateOutcome.ALLOW,
      permit: { permitId, expiresAt: timestampFromDate(new Date(Date.now() + minutes * 60_000)) },
      ...over,
    }),
  );
  return permitId;
}
async function judged(rolloutId: string, step: number, verdict: CanaryVerdict): Promise<void> {
  const counts = { candidateRows: 60n, candidateErrors: verdict === CanaryVerdict.FAIL ? 40n : 10n, stableRows: 300n, stableErrors: 60n, logEValue: verdict === CanaryVerdict.FAIL ? 9.1 : -1.2 };
  await happened(
    `monitoring.Canary-${rolloutId}`,
    create(CanaryJudgedSchema, {
      judgementId: uuid(), rolloutId, step, verdict, ...counts,
      endpointId: uuid(), modelId: uuid(), candidateModelVersionId: uuid(),
      reason: verdict === CanaryVerdict.FAIL ? 'the candidate errs in 40 of 60 rows' : 'no evidence against the candidate',
    }),
  );
}

let serial = 0;
/** An endpoint in production for a model of its own. */
async function endpoint(): Promise<{ id: string; name: string; modelId: string }> {
  const modelId = await model();
  const name = `credit-${(serial += 1)}`;
  const { status, body } = await post('/endpoints', { name, environment: 'production', modelId });
  expect(status).toBe(201);
  return { id: body.id, name, modelId };
}
async function deployed(endpointId: string, modelId: string, version: number): Promise<{ variantId: string; modelVersionId: string }> {
  const modelVersionId = await modelVersion(modelId, version);
  const answer = await post(`/endpoints/${endpointId}/variants`, { modelVersionId, permitId: await permitFor(modelVersionId, modelId) });
  expect(answer.status).toBe(201);
  return { variantId: answer.body.variantId, modelVersionId };
}
const serves = (endpointId: string, ...versions: [number, number][]) =>
  eventually(async () => {
    const { body } = await get(`/endpoints/${endpointId}`);
    expect(body.weights.map(({ version, weight }: { version: number; weight: number }) => [version, weight])).toEqual(versions);
    return body;
  });
const isReady = (endpointId: string, variantId: string) =>
  eventually(async () => expect((await get(`/endpoints/${endpointId}`)).body.variants.find((one: { id: string }) => one.id === variantId)?.state).toBe('ready'));

/** An endpoint's whole history, as an auditor reads it: short names of the events with what tells them apart. */
async function history(subject: string): Promise<RecordedEvent[]> {
  await eventually(async () => expect((await readHead(pooledSql(pool))).unsequenced).toBe(0));
  return [...(await readLedger(pooledSql(pool), { from: 0, limit: 1_000, subject }))];
}
const told = (events: readonly RecordedEvent[]): string[] =>
  events.map(({ type, event }) => {
    const { weights, weight, refusal } = event as { weights?: { version: number; weight: number }[]; weight?: number; refusal?: string };
    const detail = weights?.map((one) => `v${one.version} ${one.weight}`).join(', ') ?? refusal ?? (weight === undefined ? '' : String(weight));
    return `${type.split('.').at(-1)}${detail ? ` ${detail}` : ''}`;
  });

/** What requests can have stored: the reconciler may still be at work on what an earlier one asked for. */
async function stored(): Promise<unknown> {
  const [{ events } = { events: 0 }] = (await pool.query<{ events: number }>(`select count(*)::integer as events from ledger.event where type not like 'vitae.access.%' and metadata -> 'actor' ->> 'id' <> 'deployment'`)).rows;
  const tables = ['environment', 'endpoint', 'variant', 'rollout'];
  const counts = await Promise.all(tables.map(async (table) => (await pool.query(`select count(*)::integer as n from deployment.${table}`)).rows[0].n as number));
  return { events, counts };
}
/** Asserts the problem, that it says what to do, and that nothing was stored. */
async function refused(attempt: () => Promise<Answer>, status: number, slug: string): Promise<Answer> {
  const before = await stored();
  const answer = await attempt();
  expect({ status: answer.status, type: answer.body?.type }).toEqual({ status, type: `https://vitae.dev/problems/${slug}` });
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(answer.body.detail).toMatch(/\S/);
  expect(await stored()).toEqual(before);
  return answer;
}

describe('environments', () => {
  it('are created and listed', async () => {
    const { status, headers, body } = await post('/environments', { name: 'production', class: 'production', driver: 'local', region: 'eu' });
    expect(status).toBe(201);
    expect(body).toMatchObject({ name: 'production', class: 'production', revision: 1, stream: `deployment.Environment-${body.id}` });
    expect(headers.get('location')).toBe(`${BASE}/environments/${body.id}`);
    expect((await call('GET', headers.get('location') ?? '')).body).toMatchObject({ id: body.id, name: 'production', driver: 'local', region: 'eu' });
    await post('/environments', { name: 'staging', class: 'staging' });
    const page = await get('/environments?limit=1');
    expect(page.body).toEqual({ items: [expect.objectContaining({ name: 'production' })], next: body.id });
    expect((await get(`/environments?after=${page.body.next}`)).body.items).toEqual([expect.objectContaining({ name: 'staging' })]);
  });

  it('have one name in a project, and another project has its own', async () => {
    await refused(() => post('/environments', { name: 'production', class: 'staging' }), 409, 'environment-name-taken');
    expect((await call('POST', '/v1/projects/other/environments', { name: 'production', class: 'production' })).status).toBe(201);
  });

  it.each([
    ['an unknown field', { name: 'a', class: 'staging', cluster: 'x' }],
    ['a class that is none', { name: 'a', class: 'prod' }],
    ['a name that is none', { name: 'A B', class: 'staging' }],
    ['no class', { name: 'a' }],
    ['a number for a name', { name: 7, class: 'staging' }],
  ])('refuse %s', (_fault, body) => refused(() => post('/environments', body), 400, 'invalid-request'));
  it('refuse a caller without a name', () => refused(() => post('/environments', { name: 'a', class: 'staging' }, { authorization: '' }), 401, 'credential-missing'));
  it('refuse what is no JSON', () => refused(() => post('/environments', '{'), 400, 'malformed-json'));
  it('refuse a body that is too large', () => refused(() => post('/environments', { name: 'x'.repeat(2_000_000) }), 413, 'body-too-large'));
  it('that are not there are not found', () => refused(() => get(`/environments/${uuid()}`), 404, 'environment-not-found'));
});

describe('endpoints', () => {
  it('are created for a model that the registry told of just now', async () => {
    const modelId = await model();
    const { status, headers, body } = await post('/endpoints', { name: 'first', environment: 'production', modelId }, { 'vitae-reason': 'asked%20by%20risk' });
    expect(status).toBe(201);
    expect(headers.get('etag')).toBe('"1"');
    expect((await call('GET', headers.get('location') ?? '')).body).toMatchObject({ id: body.id, name: 'first', environment: 'production', modelId, variants: [], weights: [] });
    const [recorded] = await eventually(async () => {
      const events = await history(`model:${modelId}`);
      expect(events).toHaveLength(1);
      return events;
    });
    expect(recorded).toMatchObject({ reason: 'asked by risk', actor: { id: 'dana' }, subjects: [`endpoint:${body.id}`, `model:${modelId}`] });
    expect((await get('/endpoints')).body.items).toEqual([expect.objectContaining({ id: body.id })]);
  });

  it('answer a repeated request once', async () => {
    const body = { name: 'repeated', environment: 'production', modelId: await model() };
    const [one, two] = [await post('/endpoints', body, { 'idempotency-key': 'k-1' }), await post('/endpoints', body, { 'idempotency-key': 'k-1' })];
    expect([two.status, two.body]).toEqual([201, one.body]);
    await refused(() => post('/endpoints', { ...body, name: 'other' }, { 'idempotency-key': 'k-1' }), 422, 'idempotency-key-reused');
  });

  it('have one name', async () => {
    const modelId = await model();
    await refused(() => post('/endpoints', { name: 'first', environment: 'production', modelId }), 409, 'endpoint-name-taken');
  });
  it('need an environment', async () => {
    const modelId = await model();
    await refused(() => post('/endpoints', { name: 'x', environment: 'moon', modelId }), 404, 'environment-not-found');
  });
  it('need a model of the project', async () => {
    const modelId = await model();
    await refused(() => post('/endpoints', { name: 'x', environment: 'production', modelId: uuid() }), 404, 'model-not-found');
    await refused(() => call('POST', '/v1/projects/other/endpoints', { name: 'x', environment: 'production', modelId }), 404, 'model-not-found');
  });
  it('refuse unknown fields and wrong types', async () => {
    await refused(() => post('/endpoints', { name: 'x', environment: 'production', modelId: 'm' }), 400, 'invalid-request');
    await refused(() => post('/endpoints', { name: 'x', environment: 'production', modelId: uuid(), replicas: 2 }), 400, 'invalid-request');
  });
  it('that are not there are not found', () => refused(() => get(`/endpoints/${uuid()}`), 404, 'endpoint-not-found'));
});

describe('who may do what', () => {
  type Rights = Parameters<typeof as>[1];
  const emil = (rights: Rights = { roles: ['ml-engineer'] }) => ({ authorization: as('human/emil', rights) });

  it('nobody who is not known, not even to read', async () => {
    const { headers } = await refused(() => call('GET', `${BASE}/endpoints`, undefined, { authorization: '' }), 401, 'credential-missing');
    expect(headers.get('www-authenticate')).toBe('Bearer realm="vitae"');
  });

  it('only who has a role for it, in the projects of the role', async () => {
    await refused(() => post('/environments', { name: 'b', class: 'staging' }, emil()), 403, 'permission-missing');
    const alpha = emil({ roles: ['platform-engineer'], projects: ['alpha'] });
    expect((await call('POST', '/v1/projects/alpha/environments', { name: 'staging', class: 'staging' }, alpha)).status).toBe(201);
    await refused(() => call('POST', '/v1/projects/beta/environments', { name: 'staging', class: 'staging' }, alpha), 403, 'permission-missing');
    await refused(() => call('GET', '/v1/projects/beta/environments', undefined, alpha), 403, 'permission-missing');
  });

  it('an ML engineer rolls out to staging, and not to production', async () => {
    const place = await endpoint();
    const modelVersionId = await modelVersion(place.modelId, 1);
    const toProduction = [
      () => post('/endpoints', { name: 'emils-own', environment: 'production', modelId: place.modelId }, emil()),
      async () => post(`/endpoints/${place.id}/variants`, { modelVersionId, permitId: await permitFor(modelVersionId, place.modelId) }, emil()),
      () => post(`/endpoints/${place.id}/rollouts`, { candidateVariantId: uuid() }, emil()),
    ];
    for (const attempt of toProduction) {
      const { body } = await forbidden(attempt);
      expect(body).toMatchObject({ environmentClass: 'production', projectId: 'bank', detail: expect.stringContaining('in production') });
    }
    const staged = await post('/endpoints', { name: 'emils-own', environment: 'staging', modelId: place.modelId }, emil());
    expect(staged.status).toBe(201);
    expect((await post(`/endpoints/${staged.body.id}/variants`, { modelVersionId }, emil())).status).toBe(201);
    await serves(staged.body.id, [1, 100]);
  });

  /** Whoever is refused by rank leaves nothing behind, no DeploymentRefused either: the audit has it. */
  async function forbidden(attempt: () => Promise<Answer>): Promise<Answer> {
    const before = await counted();
    const answer = await attempt();
    expect({ status: answer.status, type: answer.body?.type }).toEqual({ status: 403, type: 'https://vitae.dev/problems/permission-missing' });
    expect(await counted()).toEqual(before);
    return answer;
  }
  const counted = async () => (await pool.query(`select count(*)::integer as n from ledger.event where metadata -> 'actor' ->> 'id' = 'emil' and type not like 'vitae.access.%'`)).rows;
});

describe('a call to the runtime', () => {
  it('shows who calls', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'vitae-deployment-token-'));
    try {
      const file = join(directory, 'token');
      await writeFile(file, 'deployment itself');
      const settings = { RUNTIME_URL: `http://127.0.0.1:${(runtimeServer.address() as AddressInfo).port}` } as DeploymentConfig;
      await new Runtime(settings, new ServiceToken({ VITAE_MODE: 'cluster', VITAE_SERVICE_TOKEN_FILE: file })).observe();
      expect(runtime.callers.delete('Bearer deployment itself')).toBe(true);

      // and to nobody else: whoever answers at that address cannot send it on
      const elsewhere = createServer((_request, response) => response.writeHead(307, { location: `${settings.RUNTIME_URL}/admin/endpoints` }).end());
      await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
      try {
        const sentOn = { RUNTIME_URL: `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}` } as DeploymentConfig;
        await expect(new Runtime(sentOn, new ServiceToken({ VITAE_MODE: 'cluster', VITAE_SERVICE_TOKEN_FILE: file })).observe()).rejects.toThrow('unexpected redirect');
        expect(runtime.callers.has('Bearer deployment itself')).toBe(false);
      } finally {
        elsewhere.closeAllConnections();
        elsewhere.close();
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe('deploying', () => {
  it('takes a permit, loads the variant, and gives the first one everything when it is seen ready', async () => {
    const { id, name, modelId } = await endpoint();
    runtime.loading.add('*');
    const modelVersionId = await modelVersion(modelId, 1);
    const permitId = await permitFor(modelVersionId, modelId);
    const { status, headers, body } = await post(`/endpoints/${id}/variants`, { modelVersionId, permitId });
    expect(status).toBe(201);
    expect(headers.get('etag')).toBe('"2"');
    expect(body).toMatchObject({ endpointId: id, modelVersionId, version: 1, state: 'deploying' });
    await eventually(() => expect(runtime.history.at(-1)).toBe(`${name}: v1 0`));
    expect(runtime.routes.get(name)?.variants).toEqual([
      { variantId: body.variantId, modelVersionId, version: 1, weight: 0, digest: digest('b'), artefactUrl: `http://registry.test/v1/projects/bank/artefacts/${digest('b')}` },
    ]);
    expect((await get(`/endpoints/${id}`)).body).toMatchObject({ variants: [{ state: 'deploying', weight: 0, permitId }], weights: [] });

    runtime.loading.clear();
    await serves(id, [1, 100]);
    await eventually(async () => expect((await get(`/endpoints/${id}`)).body.observed).toEqual([{ variantId: body.variantId, state: 'ready', weight: 100 }]));
    const events = await eventually(async () => {
      const all = await history(`endpoint:${id}`);
      expect(told(all)).toEqual(['EndpointCreated', 'PermitConsumed', 'VariantDeployed', 'VariantReady', 'TrafficShifted v1 100']);
      return all;
    });
    // One chain of causes and one correlation, from the request to what the runtime was seen to do.
    const [, , accepted, ready, shifted] = events;
    expect(ready).toMatchObject({ causationId: accepted?.id, correlationId: accepted?.correlationId, actor: { id: 'deployment', kind: ActorKind.SYSTEM } });
    expect(shifted).toMatchObject({ causationId: ready?.id, correlationId: accepted?.correlationId, reason: `The runtime serves ${name} so: 100 % to version 1.` });
    for (const event of events) expect(event.subjects).toEqual(expect.arrayContaining([`model:${modelId}`, `endpoint:${id}`]));
    expect(shifted?.subjects).toContain(`model-version:${modelVersionId}`);
  });

  it('needs no permit outside production', async () => {
    const modelId = await model();
    const { body } = await post('/endpoints', { name: 'trial', environment: 'staging', modelId });
    expect((await post(`/endpoints/${body.id}/variants`, { modelVersionId: await modelVersion(modelId, 1) })).status).toBe(201);
    await serves(body.id, [1, 100]);
  });

  it('gives a repeated request the same variant, though its permit is used by then', async () => {
    const { id, modelId } = await endpoint();
    const modelVersionId = await modelVersion(modelId, 1);
    const body = { modelVersionId, permitId: await permitFor(modelVersionId, modelId) };
    const [one, two] = [await post(`/endpoints/${id}/variants`, body, { 'idempotency-key': 'd-1' }), await post(`/endpoints/${id}/variants`, body, { 'idempotency-key': 'd-1' })];
    expect([two.status, two.body.variantId]).toEqual([201, one.body.variantId]);
  });

  describe('is refused, and the refusal is on record,', () => {
    let place: Awaited<ReturnType<typeof endpoint>>;
    let modelVersionId: string;
    beforeAll(async () => {
      place = await endpoint();
      modelVersionId = await modelVersion(place.modelId, 1);
    });
    async function refusedOnRecord(permitId: string | undefined, status: number, slug: string, version = modelVersionId): Promise<void> {
      const before = told(await history(`endpoint:${place.id}`));
      const answer = await post(`/endpoints/${place.id}/variants`, { modelVersionId: version, ...(permitId ? { permitId } : {}) });
      expect({ status: answer.status, type: answer.body.type }).toEqual({ status, type: `https://vitae.dev/problems/${slug}` });
      await eventually(async () => {
        const events = await history(`endpoint:${place.id}`);
        expect(told(events)).toEqual([...before, `DeploymentRefused ${slug}`]);
        expect(events.at(-1)).toMatchObject({ reason: answer.body.detail, actor: { id: 'dana' }, subjects: expect.arrayContaining([`model:${place.modelId}`]) });
      });
      expect((await get(`/endpoints/${place.id}`)).body.variants).toEqual([]);
    }

    it('without a permit', () => refusedOnRecord(undefined, 403, 'permit-missing'));
    it('with a permit that nobody gave', () => refusedOnRecord(uuid(), 403, 'permit-unknown'));
    it('with a denied one', async () => refusedOnRecord(await permitFor(modelVersionId, place.modelId, { outcome: GateOutcome.DENY }), 403, 'permit-unknown'));
    it('with one of another version', async () => refusedOnRecord(await permitFor(await modelVersion(place.modelId, 2), place.modelId), 403, 'permit-mismatch'));
    it('with one for other bytes', async () => refusedOnRecord(await permitFor(modelVersionId, place.modelId, {}, { artefactDigest: digest('9') }), 403, 'permit-mismatch'));
    it('with one for another environment', async () => refusedOnRecord(await permitFor(modelVersionId, place.modelId, {}, { environment: 'staging' }), 403, 'permit-mismatch'));
    it('with one for a place that was called development', async () =>
      refusedOnRecord(await permitFor(modelVersionId, place.modelId, {}, { environmentClass: 'development' }), 403, 'permit-mismatch'));
    it('with one that has expired', async () => refusedOnRecord(await permitFor(modelVersionId, place.modelId, {}, {}, -1), 410, 'permit-expired'));
    it('with one that was used', async () => {
      const permitId = await permitFor(modelVersionId, place.modelId);
      const other = (await post('/endpoints', { name: `other-${place.name}`, environment: 'production', modelId: place.modelId })).body.id;
      expect((await post(`/endpoints/${other}/variants`, { modelVersionId, permitId })).status).toBe(201);
      await refusedOnRecord(permitId, 409, 'permit-used');
    });
    it('of a version of another model', async () => {
      const [elsewhere] = [await model()];
      const version = await modelVersion(elsewhere, 1);
      await refusedOnRecord(await permitFor(version, elsewhere), 409, 'model-mismatch', version);
    });
    it('of a retired version', async () => {
      const version = await modelVersion(place.modelId, 3);
      await happened(`registry.ModelVersion-${version}`, create(ModelVersionRetiredSchema, { modelVersionId: version, modelId: place.modelId, version: 3, retirementId: uuid() }));
      await refusedOnRecord(await permitFor(version, place.modelId), 409, 'model-version-retired', version);
    });
    it('of a version that was deleted or purged, until it is restored', async () => {
      const version = await modelVersion(place.modelId, 5);
      const gone = { modelVersionId: version, modelId: place.modelId, version: 5 };
      await happened(`registry.ModelVersion-${version}`, create(ModelVersionDeletedSchema, gone));
      await refusedOnRecord(await permitFor(version, place.modelId), 410, 'model-version-deleted', version);
      await happened(`registry.ModelVersion-${version}`, create(ModelVersionRestoredSchema, gone));
      await happened(`registry.ModelVersion-${version}`, create(ModelVersionPurgedSchema, { ...gone, artefactDigest: digest('a') }));
      await refusedOnRecord(await permitFor(version, place.modelId), 410, 'model-version-purged', version);
    });
    it('of a version whose model was deleted, and no endpoint is created for that', async () => {
      const named = { modelId: place.modelId, name: 'credit' };
      await happened(`registry.Model-${place.modelId}`, create(ModelDeletedSchema, named));
      await refusedOnRecord(await permitFor(modelVersionId, place.modelId), 410, 'model-version-deleted');
      await refused(() => post('/endpoints', { name: `late-${place.name}`, environment: 'production', modelId: place.modelId }), 410, 'model-deleted');
      await happened(`registry.Model-${place.modelId}`, create(ModelRestoredSchema, named));
    });
    it('and the permit of what was refused for another reason is not used up', async () => {
      const version = await modelVersion(place.modelId, 4);
      const permitId = await permitFor(version, place.modelId);
      await refused(() => post(`/endpoints/${place.id}/variants`, { modelVersionId: version, permitId }, { 'if-match': '"1"' }), 412, 'revision-mismatch');
      expect((await post(`/endpoints/${place.id}/variants`, { modelVersionId: version, permitId })).status).toBe(201);
    });
  });

  it('lets one of two at the same time have the permit', async () => {
    const { id, modelId } = await endpoint();
    const modelVersionId = await modelVersion(modelId, 1);
    const other = (await post('/endpoints', { name: `race-${id.slice(-12)}`, environment: 'production', modelId })).body.id;
    const permitId = await permitFor(modelVersionId, modelId);
    const answers = await Promise.all([id, other, id, other].map((at) => post(`/endpoints/${at}/variants`, { modelVersionId, permitId })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
  });

  it('refuses a version that was registered by reference: nobody has its bytes', async () => {
    const { id, modelId } = await endpoint();
    const modelVersionId = uuid();
    const named = { modelName: 'credit', version: 1, source: 'runs:/r1/model', location: 'runs:/r1/model' };
    await happened(`registry.ModelVersion-${modelVersionId}`, create(ModelVersionReferencedSchema, { ...named, modelVersionId, modelId, contributors: ['ben'] }));
    await refused(() => post(`/endpoints/${id}/variants`, { modelVersionId }), 409, 'artefact-missing');
    const external = uuid();
    const model = { modelName: 'credit', version: 2, provider: 'mistral', providerModelId: 'mistral-large-2411', access: 'api' };
    await happened(`registry.ModelVersion-${external}`, create(ExternalModelVersionRegisteredSchema, { ...model, modelVersionId: external, modelId, contributors: ['ben'] }));
    await refused(() => post(`/endpoints/${id}/variants`, { modelVersionId: external }), 409, 'artefact-missing');
  });

  it('refuses what is not there and what is no request', async () => {
    const { id, modelId } = await endpoint();
    const modelVersionId = await modelVersion(modelId, 1);
    await refused(() => post(`/endpoints/${uuid()}/variants`, { modelVersionId }), 404, 'endpoint-not-found');
    await refused(() => post(`/endpoints/${id}/variants`, { modelVersionId: uuid() }), 404, 'model-version-not-found');
    await refused(() => post(`/endpoints/${id}/variants`, { modelVersionId, force: true }), 400, 'invalid-request');
    await refused(() => post(`/endpoints/${id}/variants`, { modelVersionId, permitId: 'p' }), 400, 'invalid-request');
    await refused(() => call('POST', `/v1/projects/other/endpoints/${id}/variants`, { modelVersionId }), 404, 'endpoint-not-found');
    await refused(() => get(`/endpoints/${id}/variants/${uuid()}`), 404, 'variant-not-found');
  });

  it('takes note of a variant that cannot be loaded, and of the next one that can', async () => {
    const { id, name, modelId } = await endpoint();
    runtime.loading.add('*');
    const bad = await deployed(id, modelId, 1);
    runtime.broken.set(bad.variantId, 'not ONNX');
    await eventually(async () => expect((await get(`/endpoints/${id}/variants/${bad.variantId}`)).body).toMatchObject({ state: 'failed', reason: 'not ONNX', weight: 0 }));
    await eventually(() => expect(runtime.routes.get(name)?.variants).toEqual([]));
    runtime.loading.clear();
    await deployed(id, modelId, 2);
    await serves(id, [2, 100]);
  });
});

describe('a rollout', () => {
  async function canary(): Promise<{ id: string; name: string; modelId: string; stable: string; candidate: string }> {
    const place = await endpoint();
    const stable = await deployed(place.id, place.modelId, 1);
    await serves(place.id, [1, 100]);
    const candidate = await deployed(place.id, place.modelId, 2);
    await isReady(place.id, candidate.variantId);
    await serves(place.id, [1, 100]);
    return { ...place, stable: stable.variantId, candidate: candidate.variantId };
  }
  const start = (id: string, candidateVariantId: string, over: object = {}) => post(`/endpoints/${id}/rollouts`, { candidateVariantId, steps: [10, 50, 100], minimumRows: 60, alpha: 0.01, ...over });

  it('goes on step by step as monitoring passes it, and the old variant leaves at the end', async () => {
    const { id, modelId, candidate, stable } = await canary();
    const { status, body, headers } = await start(id, candidate);
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`${BASE}/rollouts/${body.rolloutId}`);
    const { rolloutId } = body;
    await serves(id, [1, 90], [2, 10]);
    await refused(() => start(id, candidate), 409, 'candidate-serves');
    await judged(rolloutId, 1, CanaryVerdict.FAIL); // not the step it is at
    await judged(rolloutId, 0, CanaryVerdict.PASS);
    await serves(id, [1, 50], [2, 50]);
    await judged(rolloutId, 0, CanaryVerdict.FAIL); // late
    await judged(rolloutId, 1, CanaryVerdict.PASS);
    await serves(id, [2, 100]);
    await judged(rolloutId, 2, CanaryVerdict.PASS);
    await eventually(async () => expect((await get(`/endpoints/${id}`)).body.variants.map(({ version }: { version: number }) => version)).toEqual([2]));
    const { body: done } = await get(`/rollouts/${rolloutId}`);
    expect(done).toMatchObject({ state: 'completed', step: 2, weight: 100, candidateVariantId: candidate, stableVariantId: stable });
    expect(done.evidence.map(({ step, outcome, candidateRows }: Record<string, unknown>) => [step, outcome, candidateRows])).toEqual([[0, 'advanced', 60], [1, 'advanced', 60], [2, 'completed', 60]]);
    await eventually(async () =>
      expect(told(await history(`rollout:${rolloutId}`))).toEqual([
        'RolloutStarted', 'RolloutAdvanced 10', 'TrafficShifted v1 90, v2 10', 'RolloutAdvanced 50', 'TrafficShifted v1 50, v2 50',
        'RolloutAdvanced 100', 'TrafficShifted v1 0, v2 100', 'RolloutCompleted',
      ]),
    );
    expect(told(await history(`model:${modelId}`)).at(-1)).toBe('VariantRemoved');
    await refused(() => post(`/rollouts/${rolloutId}/rollback`, {}, { 'vitae-reason': 'late' }), 409, 'rollout-ended');
  });

  it('does not start for a version that was deleted since it was deployed', async () => {
    const place = await endpoint();
    await deployed(place.id, place.modelId, 1);
    await serves(place.id, [1, 100]);
    const { variantId, modelVersionId } = await deployed(place.id, place.modelId, 2);
    await isReady(place.id, variantId);
    const gone = { modelVersionId, modelId: place.modelId, version: 2 };
    await happened(`registry.ModelVersion-${modelVersionId}`, create(ModelVersionDeletedSchema, gone));
    await refused(() => start(place.id, variantId), 410, 'model-version-deleted');
    await happened(`registry.ModelVersion-${modelVersionId}`, create(ModelVersionRestoredSchema, gone));
    expect((await start(place.id, variantId)).status).toBe(201);
  });

  it('goes back by itself when monitoring fails it, with the reason', async () => {
    const { id, candidate } = await canary();
    const { rolloutId } = (await start(id, candidate)).body;
    await serves(id, [1, 90], [2, 10]);
    await judged(rolloutId, 0, CanaryVerdict.FAIL);
    await serves(id, [1, 100]);
    await eventually(async () => expect((await get(`/endpoints/${id}`)).body.variants).toHaveLength(1));
    expect((await get(`/rollouts/${rolloutId}`)).body).toMatchObject({ state: 'rolled-back', step: 0, weight: 0, reason: 'the candidate errs in 40 of 60 rows', evidence: [{ step: 0, outcome: 'rolled-back', candidateErrors: 40 }] });
    const events = await eventually(async () => {
      const all = await history(`rollout:${rolloutId}`);
      expect(told(all)).toEqual(['RolloutStarted', 'RolloutAdvanced 10', 'TrafficShifted v1 90, v2 10', 'RolloutRolledBack', 'TrafficShifted v1 100, v2 0']);
      return all;
    });
    expect(events.at(-1)).toMatchObject({ causationId: events.at(-2)?.id, correlationId: events.at(-2)?.correlationId });
    expect(events[3]).toMatchObject({ reason: 'the candidate errs in 40 of 60 rows', actor: { id: 'deployment' } });
  });

  it('is rolled back by hand, with a reason', async () => {
    const { id, candidate } = await canary();
    const { rolloutId } = (await start(id, candidate)).body;
    await serves(id, [1, 90], [2, 10]);
    await refused(() => post(`/rollouts/${rolloutId}/rollback`), 422, 'reason-missing');
    const { headers } = await get(`/rollouts/${rolloutId}`);
    await refused(() => post(`/rollouts/${rolloutId}/rollback`, {}, { 'vitae-reason': 'x', 'if-match': '"1"' }), 412, 'revision-mismatch');
    const answer = await post(`/rollouts/${rolloutId}/rollback`, {}, { 'vitae-reason': 'customers%20complain', 'if-match': headers.get('etag') ?? '' });
    expect([answer.status, answer.body.state]).toEqual([200, 'rolled-back']);
    await serves(id, [1, 100]);
    expect((await get(`/rollouts/${rolloutId}`)).body.reason).toBe('customers complain');
  });

  it('goes back when the runtime loses the candidate', async () => {
    const { id, candidate } = await canary();
    const { rolloutId } = (await start(id, candidate)).body;
    await serves(id, [1, 90], [2, 10]);
    runtime.broken.set(candidate, 'the file is gone');
    await serves(id, [1, 100]);
    expect((await get(`/rollouts/${rolloutId}`)).body).toMatchObject({ state: 'rolled-back', reason: 'The candidate can no longer serve: the file is gone' });
  });

  it('is one at a time', async () => {
    const { id, modelId, candidate } = await canary();
    const third = await deployed(id, modelId, 3);
    await isReady(id, third.variantId);
    runtime.away = true; // no traffic moves: all are asked on the same facts
    const answers = await Promise.all([candidate, third.variantId, candidate, third.variantId].map((one) => start(id, one)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
    for (const { body } of answers.filter(({ status }) => status === 409)) expect(body.type).toBe('https://vitae.dev/problems/rollout-running');
  });

  it('refuses what cannot be rolled out', async () => {
    const { id, candidate, stable } = await canary();
    await refused(() => start(id, stable), 409, 'candidate-serves');
    await refused(() => start(id, uuid()), 404, 'variant-not-found');
    await refused(() => start(uuid(), candidate), 404, 'endpoint-not-found');
    await refused(() => start(id, candidate, { steps: [50, 10, 100] }), 422, 'steps-invalid');
    await refused(() => start(id, candidate, { steps: [] }), 400, 'invalid-request');
    await refused(() => start(id, candidate, { steps: [10.5, 100] }), 400, 'invalid-request');
    await refused(() => start(id, candidate, { alpha: 1 }), 400, 'invalid-request');
    await refused(() => start(id, candidate, { minimumRows: 0 }), 400, 'invalid-request');
    await refused(() => start(id, candidate, { force: true }), 400, 'invalid-request');
    await refused(() => get(`/rollouts/${uuid()}`), 404, 'rollout-not-found');
    await refused(() => post(`/rollouts/${uuid()}/rollback`, {}, { 'vitae-reason': 'x' }), 404, 'rollout-not-found');
  });
});

describe('the reconciler', () => {
  it('waits for a runtime that is away, and goes on when it is back', async () => {
    const { id, modelId } = await endpoint();
    runtime.away = true;
    await deployed(id, modelId, 1);
    expect((await get(`/endpoints/${id}`)).body.weights).toEqual([]);
    expect((await call('GET', '/readyz')).status).toBe(200);
    runtime.away = false;
    await serves(id, [1, 100]);
  });

  it('gives a runtime that forgot everything what was in force, and tells nothing twice', async () => {
    const { id, name, modelId } = await endpoint();
    await deployed(id, modelId, 1);
    await serves(id, [1, 100]);
    const before = told(await history(`endpoint:${id}`));
    runtime.routes.clear();
    await eventually(() => expect(runtime.routes.get(name)?.variants).toEqual([expect.objectContaining({ version: 1, weight: 100 })]));
    expect(told(await history(`endpoint:${id}`))).toEqual(before);
  });

  it('may be two: each fact is told once, and a third that starts finds nothing to do', async () => {
    const second = await boot(deployment, env);
    try {
      const { id, modelId } = await endpoint();
      await deployed(id, modelId, 1);
      await serves(id, [1, 100]);
      await eventually(async () => expect(told(await history(`endpoint:${id}`))).toEqual(['EndpointCreated', 'PermitConsumed', 'VariantDeployed', 'VariantReady', 'TrafficShifted v1 100']));
    } finally {
      await second.stop();
    }
  });

  it('holds up no stop', async () => {
    const { body } = await call('GET', '/readyz');
    expect(body.consumers.map(({ name, parked }: { name: string; parked: number }) => [name, parked])).toEqual([['deployment.lifecycle', 0], ['deployment.rollouts', 0]]);
  });
});

describe('the views', () => {
  it('say what the ledger says, and are the same after a rebuild', async () => {
    const same = (tables: readonly { readonly table: string }[]) => tables.map(({ table }) => expect.objectContaining({ table, unfounded: 0, missing: 0 }));
    const compared = await rebuildViews(deployment, database.url, { swap: false });
    expect(compared.tables).toEqual(same(compared.tables));
    expect(await rebuildViews(deployment, database.url, { swap: true })).toMatchObject({ swapped: true });
    const again = await rebuildViews(deployment, database.url, { swap: false });
    expect(again.tables).toEqual(same(again.tables));
  });
});
