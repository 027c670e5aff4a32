import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { create, type Message } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ActorKind,
  ActorSchema,
  EndpointCreatedSchema,
  GateDecidedSchema,
  GateOutcome,
  IncidentReportedSchema,
  PolicyOutcome,
  RolloutRolledBackSchema,
  RolloutStartedSchema,
  Severity,
  TrafficShiftedSchema,
  VariantDeployedSchema,
} from '@vitae/contracts';
import { append, pooledSql, streamName } from '@vitae/event-store';
import { rebuildViews } from '@vitae/service-kit';
import { as, eventually } from '@vitae/testing';
import { v7 as uuidv7 } from 'uuid';
import { registry } from './app.module.ts';
import { OpenLineageDocument } from './openlineage/document.ts';
import { runRegistry, type RunningRegistry } from './running-registry.fixture.ts';

const FIXTURES = new URL('../../../test/fixtures/german-credit/', import.meta.url);
const PROJECT = 'credit';

let running: RunningRegistry;
/** A server of OpenLineage: away at first, then it takes what comes, but the first model version. */
let receiver: Server;
const received: { readonly event: { readonly run: { readonly runId: string }; readonly job: { readonly name: string } }; readonly authorization: string | undefined }[] = [];
let away = 2;
let refusals = 0;

beforeAll(async () => {
  receiver = createServer((req, res) => {
    const parts: Buffer[] = [];
    req.on('data', (part: Buffer) => parts.push(part)).on('end', () => {
      if (away > 0) {
        away -= 1;
        return void res.writeHead(503).end();
      }
      const event = JSON.parse(Buffer.concat(parts).toString());
      if (event.job.name === 'register-model-version' && refusals === 0) {
        refusals += 1;
        return void res.writeHead(422).end();
      }
      received.push({ event, authorization: req.headers.authorization });
      return void res.writeHead(201).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  running = await runRegistry({ VITAE_OPENLINEAGE_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/api/v1/lineage`, VITAE_OPENLINEAGE_API_KEY: 'a key' });
  await registerAll();
});
afterAll(async () => {
  await running?.stop();
  receiver?.closeAllConnections();
  receiver?.close();
});

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a spec asserts on the shape itself
  readonly body: any;
}
async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = { authorization: as('human/dana') }): Promise<Answer> {
  const raw = body instanceof Uint8Array;
  const response = await fetch(`${running.service.url}${path.startsWith('//') ? path.slice(1) : `/v1/projects/${PROJECT}${path}`}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': raw ? 'application/octet-stream' : 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: raw ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, type: response.headers.get('content-type'), text, body: /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : undefined };
}
async function done(answer: Promise<Answer>): Promise<Answer['body']> {
  const { status, text, body } = await answer;
  if (status >= 300) throw new Error(text);
  return body;
}
/** The problem, and that the ledger has nothing of it. */
async function refused(attempt: () => Promise<Answer>, status: number, slug: string, detail = /\S/): Promise<void> {
  const events = async () => (await running.pool.query("select count(*)::integer as n from ledger.event where type not like 'vitae.access.%'")).rows;
  const before = await events();
  const { status: answered, body } = await attempt();
  expect({ status: answered, type: body?.type }).toEqual({ status, type: `https://vitae.dev/problems/${slug}` });
  expect(body.detail).toMatch(detail);
  expect(await events()).toEqual(before);
}

/** What another service recorded. */
async function happened(category: string, id: string, event: Message, projectId = PROJECT): Promise<void> {
  const attribution = { projectId, actor: create(ActorSchema, { id: 'olga', kind: ActorKind.HUMAN }), reason: '', occurredAt: new Date().toISOString(), correlationId: 'lineage-1', causationId: '', traceparent: '' };
  await append(pooledSql(running.pool), { stream: streamName(category, id), expected: 'any', events: [event], attribution, subjects: [] });
  await running.relay();
}

const commit = { repository: 'https://example.org/credit.git', commit: 'abcdef0123' };
const [useCaseId, endpointId, decisionId, incidentId, rolloutId] = [uuidv7(), uuidv7(), uuidv7(), uuidv7(), uuidv7()];
const variants = [uuidv7(), uuidv7()] as const;
let data: string[], versions: string[], modelId: string, csvDigest: string;

/** Two versions of a dataset and of a model; the second version of the model serves, after the first did. */
async function registerAll(): Promise<void> {
  const upload = async (name: string): Promise<string> => (await done(call('POST', '/artefacts', await readFile(new URL(name, FIXTURES))))).digest;
  csvDigest = await upload('credit.csv');
  const said = { mediaType: 'text/csv', labelColumn: 'bad_credit', splitColumn: 'split', source: 'https://archive.example.org/statlog', licence: 'CC BY 4.0' };
  data = [(await done(call('POST', '/datasets/german-credit/versions', { ...said, digest: csvDigest }))).id, (await done(call('POST', '/datasets/german-credit/versions', { mediaType: 'text/csv', source: 'applications of May', licence: 'own', digest: await upload('recent.csv') }))).id];
  modelId = (await done(call('POST', '/models', { name: 'credit', task: 'binary-classification', useCaseId }))).id;
  versions = [];
  for (const [place, file] of ['credit-v1.onnx', 'credit-v2.onnx'].entries()) {
    const artefact = { digest: await upload(file), path: 'model.onnx', format: 'onnx' };
    versions.push((await done(call('POST', `/models/${modelId}/versions`, { artefact, datasetVersionId: data[place], source: commit, contributors: ['ben'] }))).id);
  }
  const [first = '', second = ''] = versions;
  await happened('deployment.Endpoint', endpointId, create(EndpointCreatedSchema, { endpointId, name: 'credit', environmentId: uuidv7(), environment: 'production', modelId }));
  const digest = `sha256:${'a'.repeat(64)}`;
  await happened('governance.Gate', decisionId, create(GateDecidedSchema, {
    decisionId,
    subject: { gate: 'production', modelVersionId: first, modelId, version: 1, artefactDigest: digest, useCaseId, environment: 'production', environmentClass: 'production', subjectHash: digest },
    requestedBy: 'dana', input: '{}', inputHash: digest, inputSchema: '1', policySet: 'standard', policySetVersion: '1', policySetHash: digest, engine: 'cel',
    results: [{ policyId: 'POL-001', title: '', outcome: PolicyOutcome.PASS, reason: '' }],
    outcome: GateOutcome.ALLOW, permit: { permitId: uuidv7(), expiresAt: timestampFromDate(new Date(2030, 1)) },
  }));
  for (const [place, modelVersionId] of versions.entries()) {
    const variant = { variantId: variants[place] ?? '', modelVersionId, modelId, version: place + 1, artefactDigest: digest, files: [{ path: 'model.onnx', digest }] };
    await happened('deployment.Endpoint', endpointId, create(VariantDeployedSchema, { endpointId, variant, ...(place === 0 ? { permitId: uuidv7(), decisionId } : {}) }));
  }
  await shifted(100, 0);
  await happened('deployment.Rollout', rolloutId, create(RolloutStartedSchema, { rolloutId, endpointId, modelId, stableVariantId: variants[0], candidateVariantId: variants[1], stableModelVersionId: first, candidateModelVersionId: second, steps: [50, 100], minimumRows: 10n, alpha: 0.01 }));
}
const shifted = (first: number, second: number): Promise<void> =>
  happened('deployment.Endpoint', endpointId, create(TrafficShiftedSchema, { endpointId, endpointName: 'credit', environment: 'production', weights: [first, second].map((weight, place) => ({ variantId: variants[place] ?? '', modelVersionId: versions[place] ?? '', version: place + 1, weight })) }));

const lineage = (node: string, more = ''): Promise<Answer> => call('GET', `/lineage?node=${encodeURIComponent(node)}${more}`);
const nodesOf = ({ nodes }: { readonly nodes: readonly { readonly node: string }[] }): string[] => nodes.map(({ node }) => node);
const arrows = ({ edges }: { readonly edges: readonly { readonly from: string; readonly relation: string; readonly to: string }[] }): string[] => edges.map(({ from, relation, to }) => `${from} ${relation} ${to}`);
const link = (from: string, to: string, reason = 'the training notes say so'): Promise<Answer> => call('POST', '/lineage/links', { from, to, reason });

describe('The graph', () => {
  it('says what is built on a dataset version and where it serves, by whose event', async () => {
    const body = await done(lineage(`dataset-version:${data[0]}`, '&direction=down'));
    expect(body).toMatchObject({ complete: true, truncated: false, readTo: expect.any(Number) });
    expect(await done(lineage(`dataset-version:${data[0]}`, `&direction=down&asOf=${body.readTo}`))).toMatchObject({ nodes: body.nodes, edges: body.edges });
    expect(nodesOf(body)).toEqual(expect.arrayContaining([`dataset-version:${data[0]}`, `model-version:${versions[0]}`, `decision:${decisionId}`, `variant:${variants[0]}`, `endpoint:${endpointId}`, `rollout:${rolloutId}`]));
    expect(arrows(body)).toEqual(expect.arrayContaining([
      `dataset-version:${data[0]} trained-on model-version:${versions[0]}`,
      `decision:${decisionId} allowed-by variant:${variants[0]}`,
      `variant:${variants[0]} serves-at endpoint:${endpointId}`,
    ]));
    expect(nodesOf(body)).not.toContain(`model-version:${versions[1]}`);
    const trained = body.edges.find(({ relation }: { relation: string }) => relation === 'trained-on');
    const { rows } = await running.pool.query('select type, subjects from ledger.event where id = $1', [trained.eventId]);
    expect(rows).toEqual([{ type: 'vitae.registry.v1.ModelVersionRegistered', subjects: expect.arrayContaining([`model-version:${versions[0]}`]) }]);
    expect(body.nodes.find(({ node }: { node: string }) => node === `endpoint:${endpointId}`)).toMatchObject({ label: 'credit in production', state: 'open', distance: 3, index: expect.any(Number) });
  });

  it('says what the serving version of an endpoint comes from, then and now', async () => {
    const before = new Date().toISOString();
    const { rows: [head] } = await running.pool.query('select next_index - 1 as index from ledger.head');
    await shifted(0, 100);
    const sources = async (more: string): Promise<string[]> => nodesOf(await done(lineage(`endpoint:${endpointId}`, `&direction=up&kinds=model-version,dataset-version,source,commit${more}`)));
    const then = [`endpoint:${endpointId}`, `model-version:${versions[0]}`, `commit:${commit.repository}@${commit.commit}`, `dataset-version:${data[0]}`, 'source:https://archive.example.org/statlog'].sort();
    expect((await sources('')).sort()).toEqual([`endpoint:${endpointId}`, `model-version:${versions[1]}`, `commit:${commit.repository}@${commit.commit}`, `dataset-version:${data[1]}`, 'source:applications of May'].sort());
    expect((await sources(`&asOf=${before}`)).sort()).toEqual(then);
    expect((await sources(`&asOf=${head.index}`)).sort()).toEqual(then);
    const past = await done(lineage(`endpoint:${endpointId}`, `&direction=up&depth=1&asOf=${before}`));
    expect(past.edges).toEqual([expect.objectContaining({ relation: 'serves-at', until: expect.any(String), untilEventId: expect.any(String), untilIndex: expect.any(Number) })]);
  });

  it('leads from a rollout that failed to the incident', async () => {
    await happened('deployment.Rollout', rolloutId, create(RolloutRolledBackSchema, { rolloutId, endpointId, modelVersionId: versions[1] ?? '', reason: 'it errs more' }));
    await happened('governance.Incident', incidentId, create(IncidentReportedSchema, { incidentId, title: 'Rolled back', severity: Severity.SEV3, modelId, modelVersionId: versions[1] ?? '', endpointId, causeId: rolloutId, description: 'x' }));
    const path = await done(call('GET', `/lineage/path?from=dataset-version:${data[1]}&to=incident:${incidentId}`));
    expect(nodesOf(path)).toEqual([`dataset-version:${data[1]}`, `model-version:${versions[1]}`, `incident:${incidentId}`]);
    expect(arrows(path)).toEqual([`dataset-version:${data[1]} trained-on model-version:${versions[1]}`, `model-version:${versions[1]} concerns incident:${incidentId}`]);
    expect(arrows(await done(lineage(`incident:${incidentId}`, '&direction=up&depth=1')))).toContain(`rollout:${rolloutId} caused-by incident:${incidentId}`);
    expect(nodesOf(await done(call('GET', `/lineage/path?from=incident:${incidentId}&to=dataset-version:${data[1]}`)))).toEqual([]);
  });

  it('shows how a version stood, deleted and back', async () => {
    const { id } = await done(call('POST', '/models', { name: 'short', task: 'x', useCaseId }));
    const stateOf = async (more = '') => (await done(lineage(`model:${id}`, more))).nodes.find(({ node }: { node: string }) => node === `model:${id}`).state;
    await done(call('PUT', `/models/${id}/deprecation`, { reason: 'old' }));
    expect(await stateOf()).toBe('deprecated');
    const before = new Date().toISOString();
    await done(call('DELETE', `/models/${id}`));
    expect([await stateOf(), await stateOf(`&asOf=${before}`)]).toEqual(['deleted', 'deprecated']);
    await done(call('POST', `/models/${id}/restoration`));
    expect(await stateOf()).toBe('deprecated');
  });

  it('is bounded, and says so', async () => {
    expect(await done(lineage(`use-case:${useCaseId}`, '&direction=down&limit=2'))).toMatchObject({ truncated: true, nodes: { length: 3 } });
    const near = await done(lineage(`use-case:${useCaseId}`, '&direction=down&depth=1'));
    expect(near.nodes.every(({ kind }: { kind: string }) => ['use-case', 'model'].includes(kind))).toBe(true);
  });

  it('is drawn for Graphviz and Mermaid', async () => {
    const dot = await lineage(`model-version:${versions[0]}`, '&format=dot');
    expect([dot.type, dot.text]).toEqual(['text/vnd.graphviz; charset=utf-8', expect.stringContaining(`"dataset-version:${data[0]}" -> "model-version:${versions[0]}" [label="trained-on"];`)]);
    const mermaid = await lineage(`model-version:${versions[0]}`, '&format=mermaid');
    expect([mermaid.type, mermaid.text]).toEqual(['text/plain; charset=utf-8', expect.stringMatching(/^flowchart LR\n[^]*model-version<br\/>credit version 1<br\/>registered/)]);
  });

  it('refuses what cannot be asked', async () => {
    await refused(() => lineage(`model-version:${randomUUID()}`), 404, 'lineage-node-not-found');
    await refused(() => lineage('nonsense'), 400, 'invalid-request');
    await refused(() => lineage(`model:${modelId}`, '&depth=51'), 400, 'invalid-request');
    await refused(() => lineage(`model:${modelId}`, '&asOf=yesterday'), 400, 'invalid-request');
    await refused(() => lineage(`model:${modelId}`, '&kinds=nonsense'), 400, 'invalid-request');
    await refused(() => lineage(`model:${modelId}`, '&asOf=2001-01-01T00:00:00Z'), 404, 'lineage-node-not-found');
    expect((await call('GET', `//v1/projects/other/lineage?node=model:${modelId}`)).status).toBe(404);
  });
});

describe('A link', () => {
  it('is declared once, read at once, withdrawn with its past, and declared again', async () => {
    const from = 'base-model:hf://example/base@1';
    const made = await link(from, `model-version:${versions[0]}`);
    expect(made).toMatchObject({ status: 201, body: { state: 'declared', revision: 1 } });
    expect((await link(from, `model-version:${versions[0]}`)).body).toMatchObject({ id: made.body.id, revision: 1 });
    const up = async (more = ''): Promise<string[]> => arrows(await done(lineage(`model-version:${versions[0]}`, `&direction=up&depth=1${more}`)));
    expect(await up()).toContain(`${from} based-on model-version:${versions[0]}`);
    const before = new Date().toISOString();
    expect((await call('DELETE', `/lineage/links/${made.body.id}`, { reason: 'it was another one' })).body).toMatchObject({ state: 'withdrawn', revision: 2 });
    expect((await call('DELETE', `/lineage/links/${made.body.id}`, { reason: 'again' })).body).toMatchObject({ revision: 2 });
    expect(await up()).not.toContain(`${from} based-on model-version:${versions[0]}`);
    expect(await up(`&asOf=${before}`)).toContain(`${from} based-on model-version:${versions[0]}`);
    expect((await call('GET', `/lineage/links/${made.body.id}`)).body).toMatchObject({ from, relation: 'based-on', state: 'withdrawn', revision: 2 });
    expect((await done(call('GET', '/lineage/links'))).items).toContainEqual(expect.objectContaining({ id: made.body.id, state: 'withdrawn', reason: 'it was another one', withdrawnBy: 'dana' }));
    expect((await link(from, `model-version:${versions[0]}`)).body).toMatchObject({ id: made.body.id, revision: 3 });
    expect(await up()).toContain(`${from} based-on model-version:${versions[0]}`);
  });

  it('names versions that are there', async () => {
    await refused(() => link(`dataset-version:${randomUUID()}`, `dataset-version:${data[0]}`), 404, 'dataset-version-not-found');
    await refused(() => link(`dataset-version:${data[0]}`, `model-version:${randomUUID()}`), 404, 'model-version-not-found');
    await refused(() => call('POST', '/lineage/links', { from: `dataset-version:${data[0]}`, to: 'dataset-version:none', reason: 'x' }), 404, 'dataset-version-not-found');
    await refused(() => call('POST', '//v1/projects/other/lineage/links', { from: 'run:r', to: `model-version:${versions[0]}`, reason: 'x' }), 404, 'model-version-not-found');
    await refused(() => link('endpoint:x', `model-version:${versions[0]}`), 422, 'lineage-kinds-unfit', /based-on|base-model → model-version/);
    await refused(() => call('POST', '/lineage/links', { from: `dataset-version:${data[0]}`, to: `dataset-version:${data[1]}` }), 400, 'invalid-request');
  });

  it('does not repeat what is recorded, nor takes it back', async () => {
    await refused(() => link(`dataset-version:${data[0]}`, `model-version:${versions[0]}`), 409, 'lineage-recorded');
    const { edges } = await done(lineage(`model-version:${versions[0]}`, '&direction=up&depth=1'));
    const { eventId } = edges.find(({ relation }: { relation: string }) => relation === 'trained-on');
    await refused(() => call('DELETE', `/lineage/links/${eventId}`, { reason: 'no' }), 409, 'lineage-written-once', /ModelVersionRegistered/);
    await refused(() => call('DELETE', `/lineage/links/${randomUUID()}`, { reason: 'no' }), 404, 'lineage-link-not-found');
  });

  it('closes no circle, and says which one it would be', async () => {
    await refused(() => link(`model-version:${versions[0]}`, `dataset-version:${data[0]}`), 422, 'lineage-cyclic', new RegExp(`dataset-version:${data[0]} → model-version:${versions[0]}`));
    await refused(() => link(`dataset-version:${data[0]}`, `dataset-version:${data[0]}`), 422, 'lineage-cyclic');
  });

  it('closes none together with another that is declared at the same moment', async () => {
    const answers = await Promise.all([
      link(`dataset-version:${data[0]}`, `dataset-version:${data[1]}`),
      link(`dataset-version:${data[1]}`, `dataset-version:${data[0]}`),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 422]);
    const made = answers.find(({ status }) => status === 201);
    await done(call('DELETE', `/lineage/links/${made?.body.id}`, { reason: 'for the next spec' }));
  });
});

const facet = (said: object) => ({ _producer: 'https://example.org/etl', _schemaURL: 'https://openlineage.io/spec/facets/1-0-0/X.json', ...said });
const runEvent = (runId: string, eventType: string, more: object = {}): object => ({
  eventType,
  eventTime: '2026-05-01T10:00:00.000Z',
  producer: 'https://example.org/etl',
  schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
  run: { runId },
  job: { namespace: 'etl', name: 'clean' },
  ...more,
});
const versioned = (namespace: string, name: string, version: string) => ({ namespace, name, facets: { version: facet({ datasetVersion: version }) } });

describe('OpenLineage from a tool', () => {
  it('becomes a run between what it read and wrote, told once', async () => {
    const runId = randomUUID();
    const started = runEvent(runId, 'START', {
      inputs: [{ namespace: 'postgres://core', name: 'public.loans', facets: { schema: facet({ fields: [{ name: 'amount', type: 'INT' }] }), ownership: facet({ owners: [{ name: 'somebody' }] }) } }],
      job: { namespace: 'etl', name: 'clean', facets: { sourceCodeLocation: facet({ type: 'git', url: 'https://example.org/etl.git', version: 'fedcba9' }) } },
    });
    const first = await call('POST', '/openlineage', started);
    expect(first).toMatchObject({ status: 201, body: { node: `run:${runId}`, news: true, leftOut: ['ownership'], revision: 1 } });
    expect((await call('POST', '/openlineage', started)).body).toMatchObject({ news: false, revision: 1 });
    const completed = runEvent(runId, 'COMPLETE', { eventTime: '2026-05-01T10:05:00.000Z', outputs: [versioned('file', '/lake/credit.csv', csvDigest)] });
    expect((await call('POST', '//t/credit/api/v1/lineage', completed, { authorization: as('machine/openlineage') })).body).toMatchObject({ news: true, revision: 2 });
    const graph = await done(lineage(`run:${runId}`));
    expect(arrows(graph)).toEqual(expect.arrayContaining([
      `dataset:postgres://core/public.loans read run:${runId}`,
      `commit:https://example.org/etl.git@fedcba9 ran-code run:${runId}`,
      `job:etl/clean run-of run:${runId}`,
      `run:${runId} written-by dataset-version:${data[0]}`,
    ]));
    expect(graph.nodes.find(({ node }: { node: string }) => node === `run:${runId}`)).toMatchObject({ label: 'run of clean', state: 'complete' });
    const { rows } = await running.pool.query(`select metadata -> 'actor' ->> 'id' as actor, subjects from ledger.event where type = 'vitae.registry.v1.OpenLineageRunObserved' and subjects @> array['run:' || $1::text] order by revision`, [runId]);
    expect(rows).toEqual([{ actor: 'dana', subjects: [`run:${runId}`] }, { actor: 'openlineage', subjects: [`run:${runId}`, `dataset-version:${data[0]}`] }]);
  });

  it('is told once also when it comes four times at the same moment', async () => {
    const runId = randomUUID();
    const answers = await Promise.all([1, 2, 3, 4].map(() => call('POST', '/openlineage', runEvent(runId, 'START'))));
    expect(answers.map(({ status, body }) => [status, body.revision])).toEqual([1, 2, 3, 4].map(() => [201, 1]));
    expect(answers.filter(({ body }) => body.news)).toHaveLength(1);
  });

  it('is found over many steps', async () => {
    const common = { eventTime: '2026-05-01T10:00:00Z', producer: 'https://example.org/etl', schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json' };
    for (let n = 0; n < 12; n += 1) await done(call('POST', '/openlineage', { ...common, job: { namespace: 'chain', name: `${n}` }, inputs: [{ namespace: 'chain', name: `${n}` }], outputs: [{ namespace: 'chain', name: `${n + 1}` }] }));
    expect(nodesOf(await done(call('GET', '/lineage/path?from=dataset:chain/0&to=dataset:chain/12')))).toHaveLength(25);
    expect(nodesOf(await done(lineage('dataset:chain/0', '&direction=down&depth=24')))).toHaveLength(25);
  });

  it('knows our versions by our own names, and a table elsewhere as another thing', async () => {
    const runId = randomUUID();
    await done(call('POST', '/openlineage', runEvent(runId, 'COMPLETE', { inputs: [versioned('vitae://credit', 'datasets/german-credit', '2'), versioned('elsewhere', 'german-credit', '2')], outputs: [versioned('vitae://credit', 'models/credit', '2')] })));
    expect(arrows(await done(lineage(`run:${runId}`, '&depth=1')))).toEqual(expect.arrayContaining([
      `dataset-version:${data[1]} read run:${runId}`, `dataset:elsewhere/german-credit@2 read run:${runId}`, `run:${runId} written-by model-version:${versions[1]}`,
    ]));
  });

  it('takes datasets and jobs by themselves, and a table that is read and written', async () => {
    const common = { eventTime: '2026-05-01T10:00:00Z', producer: 'https://example.org/etl', schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json' };
    expect((await call('POST', '/openlineage', { ...common, dataset: { namespace: 'lake', name: 'a' } })).body).toMatchObject({ node: 'dataset:lake/a', news: true });
    expect((await call('POST', '/openlineage', { ...common, eventTime: '2026-05-02T10:00:00Z', dataset: { namespace: 'lake', name: 'a' } })).body).toMatchObject({ news: false });
    await done(call('POST', '/openlineage', { ...common, job: { namespace: 'etl', name: 'append' }, inputs: [{ namespace: 'lake', name: 'a' }], outputs: [{ namespace: 'lake', name: 'a' }] }));
    expect(arrows(await done(lineage('dataset:lake/a')))).toEqual(expect.arrayContaining(['dataset:lake/a reads job:etl/append', 'job:etl/append writes dataset:lake/a']));
  });

  it('is refused when it would make a version come from itself', async () => {
    await refused(() => call('POST', '/openlineage', runEvent(randomUUID(), 'COMPLETE', { inputs: [versioned('vitae://credit', 'models/credit', '1')], outputs: [versioned('file', 'x', csvDigest)] })), 422, 'lineage-cyclic', new RegExp(`dataset-version:${data[0]} → model-version:${versions[0]} → run:`));
    const runId = randomUUID();
    const same = versioned('file', 'x', csvDigest);
    await refused(() => call('POST', '/openlineage', runEvent(runId, 'COMPLETE', { inputs: [same], outputs: [same] })), 422, 'lineage-cyclic');
    await done(call('POST', '/openlineage', runEvent(runId, 'START', { outputs: [same] })));
    await refused(() => call('POST', '/openlineage', runEvent(runId, 'COMPLETE', { inputs: [same] })), 422, 'lineage-cyclic');
  });

  it('is refused when it is none', async () => {
    const deep = JSON.parse(`${'{"a":'.repeat(100)}1${'}'.repeat(100)}`);
    for (const wrong of [{}, { ...runEvent('no uuid', 'START') }, { ...runEvent(randomUUID(), 'BEGUN') }, { ...runEvent(randomUUID(), 'START'), eventTime: 'now' }, { ...runEvent(randomUUID(), 'START'), producer: 'me' }, { ...runEvent(randomUUID(), 'START'), job: undefined }, { ...runEvent(randomUUID(), 'START', { inputs: [{ namespace: 'a' }] }) }, { ...runEvent(randomUUID(), 'START', { dataset: { namespace: 'a', name: 'b' } }) }, runEvent(randomUUID(), 'START', { more: deep }), runEvent(randomUUID(), 'START', { job: { namespace: 'a', name: 'b\u0000' } })]) {
      await refused(() => call('POST', '/openlineage', wrong), 400, 'invalid-request');
    }
    await refused(() => call('POST', '//t/credit/api/v1/lineage', {}), 400, 'invalid-request');
    await refused(() => call('POST', '/openlineage', runEvent(randomUUID(), 'START'), {}), 401, 'credential-missing');
  });
});

describe('OpenLineage of what happened here', () => {
  it('is a feed of runs that are complete, which goes on where it ended', async () => {
    await done(call('POST', `/model-versions/${versions[0]}/evaluations`, { datasetVersionId: data[0], split: 'test' }));
    const all = await done(call('GET', '/openlineage'));
    expect(all.items.map(({ event }: { event: { job: { name: string } } }) => event.job.name)).toEqual(['register-dataset-version', 'register-dataset-version', 'register-model-version', 'register-model-version', 'evaluate-model-version']);
    for (const { event } of all.items) expect(OpenLineageDocument.safeParse(event).error).toBeUndefined();
    expect(all.items[2].event).toMatchObject({
      eventType: 'COMPLETE',
      inputs: [{ namespace: 'vitae://credit', name: 'datasets/german-credit', facets: { version: { datasetVersion: '1' } } }],
      outputs: [{ namespace: 'vitae://credit', name: 'models/credit', facets: { version: { datasetVersion: '1' } } }],
      job: { facets: { sourceCodeLocation: { repoUrl: commit.repository, version: commit.commit } } },
    });
    const page = await done(call('GET', '/openlineage?limit=2'));
    expect((await done(call('GET', `/openlineage?after=${page.next}`))).items).toEqual(all.items.slice(2));
    expect((await done(call('GET', `/openlineage?after=${all.next}`)))).toEqual({ items: [], next: all.next });
  });

  it('reaches a server that was away, each event in order but the one that it refuses', async () => {
    await eventually(() => {
      expect(received.map(({ event }) => event.job.name)).toEqual(['register-dataset-version', 'register-dataset-version', 'register-model-version', 'evaluate-model-version']);
    });
    expect(received[0]?.authorization).toBe('Bearer a key');
    expect({ away, refusals }).toEqual({ away: 0, refusals: 1 });
  });
});

describe('the views of lineage', () => {
  it('are the same after a rebuild', async () => {
    await running.relay();
    await call('GET', `/lineage?node=model:${modelId}`);
    const mine = ['lineage_node', 'lineage_edge', 'lineage_link', 'openlineage_told'];
    const same = mine.map((table) => expect.objectContaining({ table, unfounded: 0, missing: 0 }));
    const compared = (await rebuildViews(registry, running.database.url, { swap: false })).tables.filter(({ table }) => mine.includes(table));
    expect(compared).toEqual(expect.arrayContaining(same));
    expect(compared).toHaveLength(4);
    expect(await rebuildViews(registry, running.database.url, { swap: true })).toMatchObject({ swapped: true });
    expect(nodesOf(await done(lineage(`endpoint:${endpointId}`, '&direction=up&depth=1')))).toContain(`variant:${variants[1]}`);
  });
});
