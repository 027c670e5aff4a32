import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type Message } from '@bufbuild/protobuf';
import { MikroORM } from '@mikro-orm/postgresql';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ActorKind,
  ActorSchema,
  canonicalJson,
  ColumnKind,
  ColumnProfileSchema,
  DatasetVersionRegisteredSchema,
  EndpointCreatedSchema,
  PiiClass,
  RolloutAdvancedSchema,
  RolloutCompletedSchema,
  RolloutRolledBackSchema,
  RolloutStartedSchema,
  SplitSchema,
  type BaselineActivated,
  type CanaryJudged,
  type DriftAlertRaised,
  type WindowJudged,
} from '@vitae/contracts';
import { append, pooledSql, readLedger, type RecordedEvent } from '@vitae/event-store';
import { ensureLedgerStream, publishFrom } from '@vitae/messaging';
import { boot, rebuildViews, sqlOf, type Running } from '@vitae/service-kit';
import { judgeWindow, type WindowSummary } from '@vitae/statistics';
import { as, eventually, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import pg from 'pg';
import { v7 as uuid } from 'uuid';
import { projectAlert } from './alert/alerts.view.ts';
import { monitoring } from './app.module.ts';
import { projectBaseline } from './baseline/baselines.view.ts';
import { referenceOf } from './baseline/reference.ts';
import { LifecycleConsumer } from './lifecycle/lifecycle.consumer.ts';
import { projectWindow } from './window/windows.view.ts';

const project = 'credit';
const fixture = (name: string): Promise<Buffer> => readFile(new URL(`../../../test/fixtures/german-credit/${name}`, import.meta.url));

let database: FreshDatabase;
let nats: FreshNats;
let pool: pg.Pool;
let registry: Server;
let service: Running;
let ledger: { stop(): Promise<void> };
/** Bytes that the registry of this spec has, by digest. */
const stored = new Map<string, Buffer>();
let healthyRows: Row[];
let shiftedRows: Row[];
let creditDigest: string;
let shownToRegistry: string | undefined;
let directory: string;

beforeAll(async () => {
  [database, nats] = await Promise.all([freshDatabase(), freshNats()]);
  const credit = await fixture('credit.csv');
  [healthyRows, shiftedRows] = [rowsOf(credit), rowsOf(await fixture('shifted.csv'))];
  creditDigest = keep(credit);
  registry = createServer((request, response) => {
    shownToRegistry = request.headers.authorization;
    const digest = decodeURIComponent(request.url?.split('/').at(-1) ?? '');
    const bytes = stored.get(digest);
    if (digest.endsWith('0'.repeat(60))) response.writeHead(500).end();
    else response.writeHead(bytes ? 200 : 404).end(bytes);
  });
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  directory = await mkdtemp(join(tmpdir(), 'vitae-monitoring-'));
  await writeFile(join(directory, 'own-token'), 'monitoring itself');
  service = await boot(monitoring, {
    ...specAccess(),
    VITAE_SERVICE_TOKEN_FILE: join(directory, 'own-token'),
    LOG_LEVEL: 'silent',
    PORT: '0',
    DATABASE_URL: database.url,
    NATS_URL: nats.url,
    REGISTRY_URL: `http://127.0.0.1:${(registry.address() as AddressInfo).port}`,
    VITAE_RESPONSE_WAIT_SECONDS: '3600',
  });
  pool = new pg.Pool({ connectionString: database.url, max: 3 });
  ledger = keepLedger();
});
afterAll(async () => {
  await ledger?.stop();
  await service?.stop();
  await pool?.end();
  await new Promise((resolve) => registry.close(resolve));
  await Promise.all([nats?.drop(), database?.drop()]);
  await rm(directory, { recursive: true, force: true });
});

/** What the ledger service does, in small: gives events their place and carries them into JetStream. */
function keepLedger(): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    const broker = await connect({ servers: new URL(nats.url).host });
    const [origin] = (await pool.query<{ id: string }>('select id from ledger.origin')).rows;
    let next = await ensureLedgerStream(broker, origin?.id ?? '');
    while (!stopping.signal.aborted) {
      await pool.query('select ledger.sequence(1000)');
      const events = await readLedger(pooledSql(pool), { from: next, limit: 1_000 });
      if (events.length > 0) next += await publishFrom(broker, events);
      else await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await broker.close();
  };
  const running = run();
  return {
    stop: () => {
      stopping.abort();
      return running;
    },
  };
}

// ---- the world around: what deployment and registry would say, and what a model server would log ----

type Row = Record<string, string>;
const NUMERIC = ['duration_months', 'amount', 'installment_rate', 'residence_years', 'age', 'existing_credits', 'dependants'];

function keep(bytes: Buffer): string {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  stored.set(digest, bytes);
  return digest;
}

function rowsOf(csv: Buffer): Row[] {
  const [header = '', ...lines] = csv.toString().trim().split('\n');
  const names = header.split(',');
  return lines.map((line) => Object.fromEntries(line.split(',').map((value, i) => [names[i] ?? '', value])));
}

/** An event of another service. */
async function happened(stream: string, event: Message, occurredAt = new Date().toISOString(), projectId = project): Promise<void> {
  await append(pooledSql(pool), {
    stream,
    expected: 'any',
    events: [event],
    attribution: { projectId, actor: create(ActorSchema, { id: 'pat', kind: ActorKind.HUMAN }), reason: '', occurredAt, correlationId: `chain-of-${stream}`, causationId: '', traceparent: '' },
    subjects: [],
  });
}

async function endpoint(): Promise<string> {
  const endpointId = uuid();
  await happened(`deployment.Endpoint-${endpointId}`, create(EndpointCreatedSchema, { endpointId, name: 'credit', environmentId: uuid(), environment: 'production', modelId: uuid() }));
  return endpointId;
}

async function dataset(digest: string, columns: readonly string[], more: { splitColumn?: string; splits?: string[] } = {}): Promise<string> {
  const datasetVersionId = uuid();
  await happened(
    `registry.DatasetVersion-${datasetVersionId}`,
    create(DatasetVersionRegisteredSchema, {
      datasetVersionId,
      datasetName: 'german-credit',
      version: 1,
      digest,
      sizeBytes: 1n,
      mediaType: 'text/csv',
      rowCount: 1n,
      columns: columns.map((name) =>
        create(ColumnProfileSchema, { name, dataType: 'any', kind: NUMERIC.includes(name) || name === 'bad_credit' ? ColumnKind.NUMERIC : ColumnKind.CATEGORICAL, piiClass: PiiClass.NONE }),
      ),
      labelColumn: 'bad_credit',
      splitColumn: more.splitColumn ?? '',
      splits: (more.splits ?? []).map((name) => create(SplitSchema, { name, rowCount: 1n })),
      piiClass: PiiClass.NONE,
      source: 'spec',
      licence: 'none',
    }),
  );
  return datasetVersionId;
}
const creditVersion = (): Promise<string> => dataset(creditDigest, Object.keys(healthyRows[0] ?? {}), { splitColumn: 'split', splits: ['test', 'train'] });

interface Sending {
  endpointId: string;
  variantId?: string;
  modelVersionId?: string;
  requestId?: string;
  ceId?: string;
  at?: string;
  predictions?: unknown[];
}
const oneVariant = { variantId: uuid(), modelVersionId: uuid() };

function headersOf(half: 'request' | 'response', { endpointId, variantId = oneVariant.variantId, modelVersionId = oneVariant.modelVersionId, requestId, ceId, at }: Sending): Record<string, string> {
  return {
    'Content-Type': 'application/json',
    'Ce-Specversion': '1.0',
    'Ce-Id': ceId ?? requestId ?? randomUUID(),
    'Ce-Type': `org.kubeflow.serving.inference.${half}`,
    'Ce-Source': 'http://localhost:9081/',
    'Ce-Time': at ?? new Date().toISOString(),
    'Ce-Namespace': project,
    'Ce-Metadata': JSON.stringify(requestId ? { 'X-Request-Id': [requestId] } : {}),
    'Ce-Annotations': JSON.stringify({ 'vitae.dev/endpoint-id': endpointId, 'vitae.dev/variant-id': variantId, 'vitae.dev/model-version-id': modelVersionId }),
  };
}

const requestBody = (rows: readonly Row[]): string => {
  const names = Object.keys(rows[0] ?? {}).filter((name) => name !== 'bad_credit' && name !== 'split');
  const inputs = names.map((name) => {
    const numeric = NUMERIC.includes(name);
    return { name, shape: [rows.length, 1], datatype: numeric ? 'FP32' : 'BYTES', data: rows.map((row) => (numeric ? Number(row[name]) : row[name])) };
  });
  return JSON.stringify({ inputs });
};
const responseBody = (predictions: readonly unknown[]): string => JSON.stringify({ model_name: 'credit', outputs: [{ name: 'label', shape: [predictions.length], datatype: 'INT64', data: predictions }] });

const ingest = (headers: Record<string, string>, body: string): Promise<Response> => fetch(`${service.url}/ingest/cloudevents`, { method: 'POST', headers: { authorization: as('service/runtime'), ...headers }, body });

async function serve(rows: readonly Row[], sending: Sending, halves: readonly ('request' | 'response')[] = ['request', 'response']): Promise<void> {
  const ceId = sending.ceId ?? sending.requestId ?? randomUUID();
  for (const half of halves) {
    const body = half === 'request' ? requestBody(rows) : responseBody(sending.predictions ?? rows.map(() => 0));
    const answer = await ingest(headersOf(half, { ...sending, ceId }), body);
    expect({ status: answer.status, body: await answer.text() }).toEqual({ status: 202, body: '' });
  }
}

/** `count` rows in requests of forty, drawn in turn. */
async function serveMany(rows: readonly Row[], count: number, sending: Sending): Promise<void> {
  const all = Array.from({ length: count }, (_, i) => rows[(i * 7) % rows.length] as Row);
  for (let from = 0; from < count; from += 40) await serve(all.slice(from, from + 40), sending);
}

// ---- the service's own API ----

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown> & { readonly items: Record<string, unknown>[] };
  readonly headers: Headers;
}
const get = async (path: string, projectId = project): Promise<Answer> => answerOf(await fetch(`${service.url}/v1/projects/${projectId}${path}`, { headers: { authorization: as('human/emil') } }));
const post = async (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  answerOf(
    await fetch(`${service.url}/v1/projects/${project}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', authorization: as('human/emil'), ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
  );
async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: (text === '' ? {} : JSON.parse(text)) as Answer['body'] };
}

const status = async (endpointId: string) => (await get(`/endpoints/${endpointId}/status`)).body as unknown as { rowsReceived: number; rowsLost: number; windows: number; labelled: number };
const received = (endpointId: string, rows: number) =>
  eventually(async () => {
    const now = await status(endpointId);
    expect(now.rowsReceived).toBe(rows);
    return now;
  });

async function eventsOf<E extends Message>(subject: string, type: string): Promise<RecordedEvent<E>[]> {
  await pool.query('select ledger.sequence(1000)');
  const all = await readLedger(pooledSql(pool), { from: 0, limit: 10_000, subject });
  return all.filter((event) => event.type.endsWith(`.${type}`)) as RecordedEvent<E>[];
}
const problem = (slug: string): string => `https://vitae.dev/problems/${slug}`;
const RULE = { windowRows: 400, minimumRows: 400 };

async function watched(rule: object = RULE): Promise<{ endpointId: string; baselineId: string }> {
  const endpointId = await endpoint();
  const { status: code, body } = await post('/baselines', { endpointId, datasetVersionId: await creditVersion(), rule });
  expect(code).toBe(201);
  return { endpointId, baselineId: String(body['id']) };
}

describe('a baseline', () => {
  it('is fitted to the bytes of a dataset version, and says who put it in force and why', async () => {
    const endpointId = await endpoint();
    const datasetVersionId = await creditVersion();
    const trainRows = healthyRows.filter(({ split }) => split === 'train').length;
    const { status: code, headers, body } = await post('/baselines', { endpointId, datasetVersionId, split: 'train', rule: RULE }, { 'Vitae-Reason': 'first%20reference' });
    expect({ code, body }).toMatchObject({ code: 201, body: { endpointId, datasetVersionId, rowCount: trainRows, revision: 1, leftOut: [] } });
    const id = String(body['id']);
    expect(shownToRegistry).toBe('Bearer monitoring itself');
    expect([headers.get('etag'), headers.get('location')]).toEqual(['"1"', `/v1/projects/${project}/baselines/${id}`]);

    const [event] = await eventsOf<BaselineActivated>(`baseline:${id}`, 'BaselineActivated');
    expect(event).toMatchObject({ stream: `monitoring.Baseline-${id}`, reason: 'first reference', actor: { id: 'emil' } });
    expect(event?.subjects).toEqual([`model:${event?.event.modelId}`, `endpoint:${endpointId}`, `baseline:${id}`, `dataset-version:${datasetVersionId}`]);
    const { features } = referenceOf(event?.event as BaselineActivated);
    expect(features).toHaveLength(21); // all columns but label and split
    for (const [, bins] of features) expect(bins.counts.reduce((sum, n) => sum + n, 0) + bins.missing).toBe(trainRows);
    expect(features.find(([name]) => name === 'telephone')?.[1]).toMatchObject({ kind: 'categorical', categories: ['none', 'yes'] });

    const shown = await get(`/baselines/${id}`);
    expect(shown).toMatchObject({ status: 200, body: { id, endpointId, datasetDigest: creditDigest, split: 'train', rowCount: trainRows, rule: { windowRows: 400, minRows: 400, psiWarn: 0.1 } } });
    expect(shown.body['features']).toHaveLength(21);
  });

  it('is activated once for an idempotency key', async () => {
    const body = { endpointId: await endpoint(), datasetVersionId: await creditVersion(), rule: RULE };
    const [first, second] = [await post('/baselines', body, { 'Idempotency-Key': 'again' }), await post('/baselines', body, { 'Idempotency-Key': 'again' })];
    expect([first.status, second.status, second.body['id']]).toEqual([201, 201, first.body['id']]);
    expect(await eventsOf(`endpoint:${body.endpointId}`, 'BaselineActivated')).toHaveLength(1);
    expect(await post('/baselines', { ...body, split: 'test' }, { 'Idempotency-Key': 'again' })).toMatchObject({ status: 422, body: { type: problem('idempotency-key-reused') } });
  });

  it('is refused with what to do, and nothing is stored', async () => {
    const endpointId = await endpoint();
    const datasetVersionId = await creditVersion();
    const bodyless = await dataset(`sha256:${'1'.repeat(64)}`, ['amount']);
    const broken = await dataset(`sha256:1234${'0'.repeat(60)}`, ['amount']);
    const other = await dataset(keep(Buffer.from('amount\n1\n')), ['amount']);
    stored.set(`sha256:${'2'.repeat(64)}`, Buffer.from('amount\n1\n'));
    const forged = await dataset(`sha256:${'2'.repeat(64)}`, ['amount']);
    const infinite = await dataset(keep(Buffer.from('amount\n1\ninf\n')), ['amount']);
    const labelOnly = await dataset(keep(Buffer.from('bad_credit\n1\n')), ['bad_credit']);
    const good = { endpointId, datasetVersionId };
    const refusals: [body: unknown, status: number, slug: string, headers?: Record<string, string>][] = [
      [{ ...good, colour: 'red' }, 400, 'invalid-request'],
      [{ ...good, rule: { windowRows: '400' } }, 400, 'invalid-request'],
      [{ ...good, rule: { qLevel: 1 } }, 400, 'invalid-request'],
      [{ endpointId }, 400, 'invalid-request'],
      ['{"endpointId":', 400, 'malformed-json'],
      [JSON.stringify({ ...good, split: 'x'.repeat(1_100_000) }), 413, 'body-too-large'],
      [good, 401, 'credential-missing', { authorization: '' }],
      [{ ...good, endpointId: uuid() }, 404, 'endpoint-not-found'],
      [{ ...good, datasetVersionId: uuid() }, 404, 'dataset-version-not-found'],
      [{ ...good, split: 'validation' }, 422, 'split-unknown'],
      [{ endpointId, datasetVersionId: other, split: 'train' }, 422, 'split-unknown'],
      [{ endpointId, datasetVersionId: bodyless }, 422, 'dataset-bytes-missing'],
      [{ endpointId, datasetVersionId: broken }, 503, 'registry-unavailable'],
      [{ endpointId, datasetVersionId: forged }, 503, 'registry-unavailable'],
      [{ endpointId, datasetVersionId: infinite }, 422, 'column-unfittable'],
      [{ endpointId, datasetVersionId: labelOnly }, 422, 'baseline-without-features'],
      [{ ...good, rule: { windowRows: 100, minimumRows: 200 } }, 422, 'rule-never-judges'],
      [{ ...good, rule: { fireWindows: 4 } }, 422, 'rule-never-fires'],
      [{ ...good, rule: { psiWarning: 0.3 } }, 422, 'rule-thresholds-crossed'],
      [good, 412, 'revision-mismatch', { 'If-Match': '"7"' }],
    ];
    for (const [body, code, slug, headers] of refusals) {
      expect({ slug, ...(await post('/baselines', body, headers)) }).toMatchObject({ slug, status: code, body: { type: problem(slug), status: code, detail: expect.stringMatching(/\S/) } });
    }
    expect(await eventsOf(`endpoint:${endpointId}`, 'BaselineActivated')).toEqual([]);
    expect(await get(`/baselines/${uuid()}`)).toMatchObject({ status: 404, body: { type: problem('baseline-not-found') } });
    expect((await get('/baselines/no-uuid')).status).toBe(400);
  });

  it('belongs to its project', async () => {
    const { baselineId, endpointId } = await watched();
    expect((await get(`/baselines/${baselineId}`, 'somebody-else')).status).toBe(404);
    expect((await get(`/endpoints/${endpointId}/status`, 'somebody-else')).status).toBe(404);
  });
});

describe('inferences', () => {
  it('are counted once, although each half is delivered twice and in either order', async () => {
    const { endpointId } = await watched();
    const rows = healthyRows.slice(0, 10);
    await serve(rows, { endpointId, ceId: `${endpointId}-a` });
    await serve(rows, { endpointId, ceId: `${endpointId}-a` });
    await serve(rows, { endpointId, ceId: `${endpointId}-b` }, ['response', 'request', 'response']);
    await serve(rows, { endpointId, ceId: `${endpointId}-c` }, ['request']);
    await eventually(async () =>
      expect(await status(endpointId)).toMatchObject({ rowsReceived: 20, rowsLost: 0, requestsWaiting: 1, openWindowRows: 20, windows: 0, completeness: 1, labelled: 0 }),
    );
  });

  it('that cannot be read are counted as such', async () => {
    const endpointId = await endpoint();
    const headers = { ...headersOf('request', { endpointId, ceId: 'unreadable' }), 'Content-Type': 'application/octet-stream' };
    expect((await ingest(headers, 'no json at all')).status).toBe(202);
    expect((await ingest(headersOf('response', { endpointId, ceId: 'unreadable' }), responseBody([0, 1]))).status).toBe(202);
    await eventually(async () => expect(await status(endpointId)).toMatchObject({ rowsReceived: 0, rowsLost: 2, rowsUnreadable: 2, completeness: 0 }));
  });

  it('are refused when their headers do not say what they are, or they are too large', async () => {
    const endpointId = await endpoint();
    const headers = headersOf('request', { endpointId, ceId: 'refused' });
    const wrong = async (changes: Record<string, string>, body = '{}') => (await answerOf(await ingest({ ...headers, ...changes }, body))) as unknown as { status: number; body: { type: string; errors: object[] } };
    expect(await wrong({ 'Ce-Annotations': '{}', 'Ce-Specversion': '0.1' })).toMatchObject({
      status: 400,
      body: { type: problem('cloudevent-malformed'), errors: expect.arrayContaining([{ pointer: '/ce-specversion', detail: expect.any(String) }]) },
    });
    expect(await wrong({}, '{broken')).toMatchObject({ status: 400, body: { type: problem('malformed-json') } });
    expect(await wrong({}, JSON.stringify({ x: 'x'.repeat(1_100_000) }))).toMatchObject({ status: 413, body: { type: problem('body-too-large') } });
    expect(await wrong({ 'Content-Type': 'text/plain' }, 'x'.repeat(1_100_000))).toMatchObject({ status: 413, body: { type: problem('body-too-large') } });
    expect(await wrong({}, JSON.stringify({ x: 'x'.repeat(1_045_000) }))).toMatchObject({ status: 413, body: { type: problem('inference-too-large') } });
    await serve(healthyRows.slice(0, 1), { endpointId });
    expect(await received(endpointId, 1)).toMatchObject({ rowsLost: 0, requestsWaiting: 0 });
  });
});

describe('windows and alerts', () => {
  it('stay quiet over healthy traffic, and every verdict can be computed again from what was stored', async () => {
    const { endpointId, baselineId } = await watched();
    await serveMany(healthyRows, 850, { endpointId });
    expect(await received(endpointId, 850)).toMatchObject({ windows: 2, openWindowRows: 50 });

    const { items } = (await get(`/endpoints/${endpointId}/windows`)).body;
    expect(items).toMatchObject([
      { number: 1, state: 'healthy', rowCount: 400, completeness: 1, baselineId, versions: [{ modelVersionId: oneVariant.modelVersionId, rows: 400 }] },
      { number: 2, state: 'healthy', rowCount: 400 },
    ]);
    expect((await get(`/alerts?endpointId=${endpointId}`)).body.items).toEqual([]);

    const [activated] = await eventsOf<BaselineActivated>(`baseline:${baselineId}`, 'BaselineActivated');
    const judged = await eventsOf<WindowJudged>(`endpoint:${endpointId}`, 'WindowJudged');
    expect(judged.map(({ actor, subjects, stream }) => [actor.id, actor.kind, subjects, stream.startsWith('monitoring.Window-')])).toEqual(
      judged.map(({ event }) => ['monitoring', ActorKind.SYSTEM, [`model:${event.modelId}`, `endpoint:${endpointId}`, `baseline:${baselineId}`, `model-version:${oneVariant.modelVersionId}`], true]),
    );
    const { features, rule } = referenceOf(activated?.event as BaselineActivated);
    for (const { event } of judged) {
      const bytes = await (await fetch(`${service.url}/v1/projects/${project}/summaries/${event.summaryDigest}`, { headers: { authorization: as('human/emil') } })).text();
      expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(event.summaryDigest);
      const summary = JSON.parse(bytes) as { features: ({ name: string } & WindowSummary)[] };
      expect(canonicalJson(summary)).toBe(bytes);
      const summaries = Object.fromEntries(summary.features.map(({ name, ...counts }) => [name, counts as WindowSummary]));
      const again = judgeWindow(Object.fromEntries(features), { summaries, completeness: event.completeness }, rule);
      expect(again.findings.map(({ feature, psi, qValue, fires }) => ({ feature, psi, qValue, fires }))).toEqual(event.findings.map(({ feature, psi, qValue, fires }) => ({ feature, psi, qValue, fires })));
    }
  });

  it('raise one alert over shifted traffic, widen it, and clear it when traffic is as before', async () => {
    const { endpointId, baselineId } = await watched();
    const [v1, v2] = [uuid(), uuid()];
    await serveMany(shiftedRows, 400, { endpointId, modelVersionId: v1 });
    await serveMany(shiftedRows, 800, { endpointId, modelVersionId: v2 });
    await received(endpointId, 1_200);
    const [raised, ...more] = await eventually(async () => {
      const events = await eventsOf<DriftAlertRaised>(`endpoint:${endpointId}`, 'DriftAlertRaised');
      expect(events).not.toEqual([]);
      return events;
    });
    expect(more).toEqual([]);
    const { event } = raised as RecordedEvent<DriftAlertRaised>;
    expect(event).toMatchObject({ endpointId, baselineId, critical: true, modelVersionId: v2 });
    expect(event.windowIds).toHaveLength(2);
    expect(event.findings.map(({ feature }) => feature)).toEqual(expect.arrayContaining(['amount', 'duration_months']));
    expect(raised).toMatchObject({ actor: { id: 'monitoring', kind: ActorKind.SYSTEM }, reason: expect.stringMatching(/^2 windows up to number 2 differ from the reference: \w+ \(PSI \d/) });
    expect(raised?.subjects).toEqual(expect.arrayContaining([`model:${event.modelId}`, `model-version:${v2}`, `alert:${event.alertId}`]));
    const windows = await eventsOf<WindowJudged>(`endpoint:${endpointId}`, 'WindowJudged');
    expect(raised?.causationId).toBe(windows[1]?.id);

    const open = (await get(`/alerts?state=open&endpointId=${endpointId}`)).body.items;
    expect(open).toMatchObject([{ id: event.alertId, state: 'open', critical: true, clearedAt: null }]);
    expect((await get(`/endpoints/${endpointId}/status`)).body).toMatchObject({ openAlertId: event.alertId });

    await serveMany(healthyRows, 1_200, { endpointId, modelVersionId: v2 });
    await received(endpointId, 2_400);
    const cleared = (await get(`/alerts?endpointId=${endpointId}`)).body.items;
    expect(cleared).toMatchObject([{ id: event.alertId, state: 'cleared', clearedAt: expect.any(String) }]);
    expect((await eventsOf(`alert:${event.alertId}`, 'DriftAlertCleared')).length).toBe(1);
  });

  it('end an alert when another baseline takes its place', async () => {
    const { endpointId } = await watched();
    await serveMany(shiftedRows, 800, { endpointId });
    await received(endpointId, 800);
    const [alert] = (await get(`/alerts?endpointId=${endpointId}`)).body.items;
    expect(alert).toMatchObject({ state: 'open' });
    const next = await post('/baselines', { endpointId, datasetVersionId: await creditVersion(), split: 'test', rule: RULE }, { 'Vitae-Reason': 'newer%20data' });
    expect(next.status).toBe(201);
    const [event] = await eventsOf(`alert:${String(alert?.['id'])}`, 'DriftAlertCleared');
    expect(event).toMatchObject({ event: { replacingBaselineId: next.body['id'], windowId: '' } });
    expect((await get(`/endpoints/${endpointId}/status`)).body).toMatchObject({ baselineId: next.body['id'], openWindowRows: 0, windows: 2 });
    await serveMany(healthyRows, 40, { endpointId });
    expect(await received(endpointId, 840)).toMatchObject({ openWindowRows: 40 });
  });

  it('come in pages', async () => {
    const { endpointId } = await watched({ windowRows: 20, minimumRows: 20 });
    await serveMany(healthyRows, 100, { endpointId });
    await received(endpointId, 100);
    const numbers: unknown[] = [];
    for (let after = ''; ; ) {
      const { body } = await get(`/endpoints/${endpointId}/windows?limit=2${after}`);
      numbers.push(body.items.map((window) => window['number']));
      if (body['next'] === undefined) break;
      after = `&after=${String(body['next'])}`;
    }
    expect(numbers).toEqual([[1, 2], [3, 4], [5]]);
    for (const query of ['limit=0', 'limit=201', 'limit=x', 'after=x', 'page=2']) expect((await get(`/endpoints/${endpointId}/windows?${query}`)).status).toBe(400);
    expect((await get('/alerts?state=gone')).status).toBe(400);
    expect((await get(`/summaries/sha256:${'0'.repeat(64)}`)).status).toBe(404);
    expect((await get('/summaries/abc')).status).toBe(400);
    expect((await get(`/endpoints/${uuid()}/windows`)).status).toBe(404);
  });
});

describe('ground truth', () => {
  it('is counted when it meets its prediction, whichever comes first, and once', async () => {
    const endpointId = await endpoint();
    const [early, late] = [randomUUID(), randomUUID()];
    const rows = healthyRows.slice(0, 2);
    await serve(rows, { endpointId, requestId: late });
    await received(endpointId, 2);
    const labels = { endpointId, labels: [{ requestId: late, labels: [0, 1] }, { requestId: early, labels: [1, 1] }] };
    expect(await post('/ground-truth', labels)).toMatchObject({ status: 202, body: { accepted: 2, unknown: 1 } });
    expect(await status(endpointId)).toMatchObject({ labelled: 2 });
    await serve(rows, { endpointId, requestId: early });
    await eventually(async () => expect(await status(endpointId)).toMatchObject({ labelled: 4 }));
    expect(await post('/ground-truth', labels)).toMatchObject({ status: 202, body: { accepted: 2, unknown: 0 } });
    await serve(rows, { endpointId, requestId: late, ceId: randomUUID() }); // the caller tried again under its id
    await received(endpointId, 6);
    expect(await status(endpointId)).toMatchObject({ labelled: 4 });
  });

  it('is refused with what to do, and nothing is stored', async () => {
    const endpointId = await endpoint();
    const requestId = randomUUID();
    await serve(healthyRows.slice(0, 2), { endpointId, requestId });
    await received(endpointId, 2);
    const fresh = { requestId: randomUUID(), labels: [1] };
    const labels = (...entries: unknown[]) => ({ endpointId, labels: entries });
    const refusals: [body: unknown, status: number, slug: string, headers?: Record<string, string>][] = [
      [{ ...labels(fresh), colour: 'red' }, 400, 'invalid-request'],
      [labels({ ...fresh, labels: [2] }), 400, 'invalid-request'],
      [labels({ ...fresh, labels: ['1'] }), 400, 'invalid-request'],
      [labels({ ...fresh, labels: [] }), 400, 'invalid-request'],
      [labels({ ...fresh, requestId: 'nul\u0000' }), 400, 'invalid-request'],
      [labels(), 400, 'invalid-request'],
      [labels(fresh), 401, 'credential-missing', { authorization: '' }],
      [labels(fresh, { ...fresh, requestId: 'x'.repeat(1_100_000) }), 413, 'body-too-large'],
      [{ ...labels(fresh), endpointId: uuid() }, 404, 'endpoint-not-found'],
      [labels(fresh, fresh), 422, 'ground-truth-repeated'],
      [labels(fresh, { requestId, labels: [1] }), 422, 'ground-truth-misfit'],
    ];
    for (const [body, code, slug, headers] of refusals) {
      expect({ slug, ...(await post('/ground-truth', body, headers)) }).toMatchObject({ slug, status: code, body: { type: problem(slug), detail: expect.stringMatching(/\S/) } });
    }
    expect((await post('/ground-truth', labels({ requestId, labels: [0, 0] }))).status).toBe(202);
    expect(await post('/ground-truth', labels(fresh, { requestId, labels: [0, 1] }))).toMatchObject({ status: 409, body: { type: problem('ground-truth-differs') } });
    const { rows } = await pool.query<{ request_id: string }>('select request_id from monitoring.ground_truth where endpoint_id = $1', [endpointId]);
    expect(rows).toEqual([{ request_id: requestId }]);
  });
});

describe('the canary', () => {
  interface Arms {
    candidate: [rows: number, errors: number];
    stable: [rows: number, errors: number];
  }
  async function rollout(minimumRows = 50) {
    const endpointId = await endpoint();
    const ids = { rolloutId: uuid(), endpointId, stableVariantId: uuid(), candidateVariantId: uuid(), stableModelVersionId: uuid(), candidateModelVersionId: uuid(), modelId: uuid() };
    const stream = `deployment.Rollout-${ids.rolloutId}`;
    await happened(stream, create(RolloutStartedSchema, { ...ids, steps: [10, 50, 100], minimumRows: BigInt(minimumRows), alpha: 0.01 }));
    const advance = (step: number) => happened(stream, create(RolloutAdvancedSchema, { rolloutId: ids.rolloutId, endpointId, step, weight: [10, 50, 100][step] ?? 0 }));
    await advance(0);
    const evidence = async () => (await get(`/rollouts/${ids.rolloutId}/evidence`)).body;
    await eventually(async () => expect(await evidence()).toMatchObject({ state: 'running', step: 0 }));

    let served = 0;
    /** Rows served by both variants, and what was the case. */
    const labelled = async ({ candidate, stable }: Arms, { before = false } = {}): Promise<void> => {
      const row = healthyRows[0] as Row;
      const truths: { requestId: string; labels: number[] }[] = [];
      const requests: [variantId: string, requestId: string, rows: number][] = [];
      for (const [variantId, [count, errors]] of [[ids.candidateVariantId, candidate], [ids.stableVariantId, stable]] as const) {
        const requestId = randomUUID();
        truths.push({ requestId, labels: Array.from({ length: count }, (_, i) => (i < errors ? 1 : 0)) });
        requests.push([variantId, requestId, count]);
      }
      const give = () => post('/ground-truth', { endpointId, labels: truths });
      if (before) expect((await give()).body).toMatchObject({ accepted: 2, unknown: 2 });
      for (const [variantId, requestId, count] of requests) await serve(Array.from({ length: count }, () => row), { endpointId, variantId, requestId });
      if (before) return;
      await received(endpointId, (served += candidate[0] + stable[0]));
      expect((await give()).body).toMatchObject({ accepted: 2, unknown: 0 });
    };
    const verdicts = async () => (await eventsOf<CanaryJudged>(`rollout:${ids.rolloutId}`, 'CanaryJudged')).map(({ event }) => `${event.step} ${event.verdict === 2 ? 'FAIL' : 'PASS'} ${event.candidateErrors}/${event.candidateRows}`);
    const complete = () => happened(stream, create(RolloutCompletedSchema, { rolloutId: ids.rolloutId, endpointId, modelVersionId: ids.candidateModelVersionId }));
    const rollBack = () => happened(stream, create(RolloutRolledBackSchema, { rolloutId: ids.rolloutId, endpointId, modelVersionId: ids.candidateModelVersionId, reason: 'spec' }));
    return { ...ids, advance, evidence, labelled, verdicts, complete, rollBack };
  }

  it('passes step after step of a candidate that is no worse, one verdict each', async () => {
    const canary = await rollout();
    await canary.labelled({ candidate: [30, 3], stable: [300, 30] });
    expect(await canary.verdicts()).toEqual([]);
    await canary.labelled({ candidate: [30, 3], stable: [300, 30] });
    await canary.labelled({ candidate: [30, 3], stable: [300, 30] });
    expect(await canary.verdicts()).toEqual(['0 PASS 6/60']);
    await canary.advance(1);
    await canary.labelled({ candidate: [100, 10], stable: [100, 10] });
    await canary.advance(2);
    await canary.labelled({ candidate: [200, 20], stable: [1, 0] });
    expect(await canary.verdicts()).toEqual(['0 PASS 6/60', '1 PASS 19/190', '2 PASS 39/390']);
    await canary.complete();
    await eventually(async () => expect(await canary.evidence()).toMatchObject({ state: 'completed' }));

    const [judged] = await eventsOf<CanaryJudged>(`rollout:${canary.rolloutId}`, 'CanaryJudged');
    expect(judged).toMatchObject({
      stream: `monitoring.Canary-${canary.rolloutId}`,
      actor: { id: 'monitoring', kind: ActorKind.SYSTEM },
      correlationId: `chain-of-deployment.Rollout-${canary.rolloutId}`,
      event: { stepCandidateRows: 60n, stableRows: 600n, stableErrors: 60n, candidateModelVersionId: canary.candidateModelVersionId },
    });
    expect(judged?.subjects).toEqual(expect.arrayContaining([`model:${canary.modelId}`, `model-version:${canary.candidateModelVersionId}`, `endpoint:${canary.endpointId}`]));
    expect(await canary.evidence()).toMatchObject({
      candidate: { rows: 390, errors: 39 },
      stable: { rows: 1_001, errors: 100 },
      steps: [{ step: 0, weight: 10, candidate: { rows: 90 } }, { step: 1, candidate: { rows: 100 } }, { step: 2, weight: 100, candidate: { rows: 200 } }],
      judgements: [{ step: 0, verdict: 'pass' }, { step: 1 }, { step: 2 }],
    });
  });

  it('fails a candidate that errs more, at once, and never takes it back', async () => {
    const canary = await rollout(1_000);
    await canary.labelled({ candidate: [20, 2], stable: [200, 20] });
    expect(await canary.verdicts()).toEqual([]);
    await canary.labelled({ candidate: [40, 32], stable: [400, 40] });
    expect(await canary.verdicts()).toEqual(['0 FAIL 34/60']);
    await canary.labelled({ candidate: [1_500, 0], stable: [1_500, 150] });
    await canary.advance(1);
    await canary.labelled({ candidate: [1_500, 0], stable: [1_500, 150] });
    expect(await canary.verdicts()).toEqual(['0 FAIL 34/60']);
    await canary.rollBack();
    await eventually(async () => expect(await canary.evidence()).toMatchObject({ state: 'rolled-back', judgements: [{ verdict: 'fail', reason: expect.stringMatching(/errs more often/) }] }));
  });

  it('counts labels that came before their predictions', async () => {
    const canary = await rollout();
    await canary.labelled({ candidate: [60, 6], stable: [600, 60] }, { before: true });
    await eventually(async () => expect(await canary.verdicts()).toEqual(['0 PASS 6/60']));
  });

  it('is not known for a rollout that is none', async () => {
    expect(await get(`/rollouts/${uuid()}/evidence`)).toMatchObject({ status: 404, body: { type: problem('rollout-not-found') } });
  });
});

describe('the views', () => {
  it('come out the same when every event is applied again', async () => {
    const tables = ['endpoint', 'dataset_version', 'baseline', 'active_baseline', 'judged_window', 'alert'];
    const rows = () => Promise.all(tables.map(async (table) => (await pool.query<{ row: unknown }>(`select to_json(t) as row from monitoring.${table} t order by t::text`)).rows));
    const before = await rows();
    expect(before.map(({ length }) => length > 0)).toEqual(tables.map(() => true));
    const orm = await MikroORM.init({ clientUrl: database.url, driverOptions: { connectionString: database.url, options: '-c search_path=monitoring' }, schema: 'monitoring', entities: [...(monitoring.database?.entities ?? [])] });
    const lifecycle = new LifecycleConsumer();
    try {
      const history = await readLedger(pooledSql(pool), { from: 0, limit: 10_000 });
      await orm.em.fork().transactional(async (em) => {
        const tx = { em, sql: sqlOf(em) };
        for (const recorded of history) {
          await lifecycle.handle(recorded, tx);
          if (recorded.type.endsWith('BaselineActivated')) await projectBaseline(tx, recorded as RecordedEvent<BaselineActivated>);
          if (recorded.type.endsWith('WindowJudged')) await projectWindow(em, recorded as RecordedEvent<WindowJudged>);
          if (recorded.stream.startsWith('monitoring.Alert-')) await projectAlert(em, [recorded as RecordedEvent<DriftAlertRaised>]);
        }
      });
    } finally {
      await orm.close();
    }
    expect(await rows()).toEqual(before);
  });
});

describe('who may do what', () => {
  type Rights = Parameters<typeof as>[1];
  const asked = async (path: string, rights: Rights, init: RequestInit = {}) => {
    const response = await fetch(`${service.url}${path}`, { ...init, headers: { 'Content-Type': 'application/json', ...init.headers, authorization: as('human/vera', rights) } });
    return [response.status, response.status < 300 ? '' : ((await response.json()) as { type: string }).type];
  };
  const missing = [403, problem('permission-missing')];

  it('nobody who is not known, not even to read', async () => {
    const response = await fetch(`${service.url}/v1/projects/${project}/alerts`);
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="vitae"']);
    expect((await ingest({ ...headersOf('request', { endpointId: uuid() }), authorization: '' }, '{}')).status).toBe(401);
  });

  it('only who has a role for it, in the projects of the role', async () => {
    expect(await asked(`/v1/projects/${project}/baselines`, { roles: ['viewer'] }, { method: 'POST', body: '{}' })).toEqual(missing);
    expect(await asked('/v1/projects/alpha/alerts', { roles: ['viewer'], projects: ['alpha'] })).toEqual([200, '']);
    expect(await asked('/v1/projects/beta/alerts', { roles: ['viewer'], projects: ['alpha'] })).toEqual(missing);
  });

  it('logs inferences in the project that the event names, and in no other', async () => {
    const log = (rights: Rights, namespace: string) =>
      asked('/ingest/cloudevents', rights, { method: 'POST', headers: { ...headersOf('request', { endpointId: uuid() }), 'Ce-Namespace': namespace }, body: '{}' });
    const ofAlpha: Rights = { roles: ['ml-engineer'], projects: ['alpha'] };
    expect(await log(ofAlpha, 'alpha')).toEqual([202, '']);
    expect(await log(ofAlpha, 'beta')).toEqual(missing);
    expect(await log({ roles: ['viewer'] }, 'alpha')).toEqual(missing);
  });
});

describe('the service', () => {
  it('is ready, counts the stream, and has parked nothing', async () => {
    const ready = (await (await fetch(`${service.url}/readyz`)).json()) as { checks: Record<string, unknown>[]; consumers: { name: string; parked: number }[] };
    expect(ready).toMatchObject({ status: 'ready' });
    expect(ready.checks.find(({ name }) => name === 'inference stream')).toMatchObject({ ok: true, parked: 0 });
    expect(ready.consumers.map(({ name, parked }) => [name, parked]).sort()).toEqual([['monitoring.lifecycle', 0], ['monitoring.rollouts', 0]]);
  });

  it('describes its routes', async () => {
    const { paths } = (await (await fetch(`${service.url}/openapi.json`)).json()) as { paths: Record<string, unknown> };
    expect(Object.keys(paths).map((path) => path.replace('/v1/projects/{projectId}', '')).sort()).toEqual([
      '/alerts',
      '/baselines',
      '/baselines/{id}',
      '/endpoints/{endpointId}/status',
      '/endpoints/{endpointId}/windows',
      '/ground-truth',
      '/ingest/cloudevents',
      '/rollouts/{rolloutId}/evidence',
      '/summaries/{digest}',
      '/v1/whoami',
    ]);
  });
});

describe('the views', () => {
  it('say what the ledger says, and are the same after a rebuild', async () => {
    const same = (tables: readonly { readonly table: string }[]) => tables.map(({ table }) => expect.objectContaining({ table, unfounded: 0, missing: 0 }));
    const compared = await rebuildViews(monitoring, database.url, { swap: false });
    expect(compared.tables).toEqual(same(compared.tables));
    expect(await rebuildViews(monitoring, database.url, { swap: true })).toMatchObject({ swapped: true });
    const again = await rebuildViews(monitoring, database.url, { swap: false });
    expect(again.tables).toEqual(same(again.tables));
  });
});
