import { createHash } from 'node:crypto';
import { create, type Message } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ActorKind,
  ActorSchema,
  ArtefactArchivedSchema,
  canonicalJson,
  ColumnKind,
  DatasetSensitivityClassifiedSchema,
  DatasetVersionQuarantinedSchema,
  DatasetVersionQuarantineLiftedSchema,
  DatasetVersionRegisteredSchema,
  DriftAlertRaisedSchema,
  DriftEffect,
  EvaluationInvalidatedSchema,
  EvaluationRecordedSchema,
  EvaluationReportedSchema,
  ExternalModelVersionRegisteredSchema,
  ModelVersionReferencedSchema,
  ModelVersionRegisteredSchema,
  ModelVersionRetiredSchema,
  PiiClass,
  RolloutRolledBackSchema,
  RunStartedSchema,
  type GateDecided,
  type PolicySetPublished,
} from '@vitae/contracts';
import { append, pooledSql, readLedger, readStream, transactOn, type RecordedEvent } from '@vitae/event-store';
import { ensureLedgerStream, onAppended, publishFrom } from '@vitae/messaging';
import { boot, rebuildViews, sqlOf, type Running, type ViewTransaction } from '@vitae/service-kit';
import { as, eventually, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import { MikroORM } from '@mikro-orm/postgresql';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { Pool } from 'pg';
import { v7 as uuid } from 'uuid';
import { governance } from './app.module.ts';
import { approvalCase } from './approval-case/approval-case.ts';
import { projectApprovalCases } from './approval-case/approval-cases.view.ts';
import { delegation } from './delegation/delegation.ts';
import { projectDelegations } from './delegation/delegations.view.ts';
import { projectDecisions } from './gate/decisions.view.ts';
import { gateDecision } from './gate/gate-decision.ts';
import type { GateInput } from './gate/gate-input.ts';
import { incident } from './incident/incident.ts';
import { projectIncidents } from './incident/incidents.view.ts';
import { projectContributions } from './lifecycle/contributions.view.ts';
import { projectRegistry } from './lifecycle/registry.view.ts';
import { linkedAccounts } from './linked-accounts/linked-accounts.ts';
import { projectLinkedAccounts } from './linked-accounts/linked-accounts.view.ts';
import { policyEngine } from './policy-set/policy-engine.ts';
import { policySetStream } from './policy-set/policy-set.handler.ts';
import { policySet, publishedPolicySet } from './policy-set/policy-set.ts';
import { projectPolicySets } from './policy-set/policy-sets.view.ts';
import { retirement } from './retirement/retirement.ts';
import { projectRetirements } from './retirement/retirements.view.ts';
import { useCase } from './use-case/use-case.ts';
import { projectUseCases } from './use-case/use-cases.view.ts';

const PROJECT = 'credit';
const sha = (letter: string) => `sha256:${letter.repeat(64)}`;

let database: FreshDatabase;
let broker: FreshNats;
let pool: Pool;
let nats: NatsConnection;
let service: Running;
let stopRelay: () => void;
/** What the ledger service does: gives events their index and publishes them; awoken by the same hint. */
let relay: () => Promise<void>;

beforeAll(async () => {
  [database, broker] = await Promise.all([freshDatabase(), freshNats()]);
  pool = new Pool({ connectionString: database.url, max: 4 });
  pool.on('error', () => undefined);
  nats = await connect({ servers: broker.url });
  service = await boot(governance, { ...specAccess(), PORT: '0', DATABASE_URL: database.url, NATS_URL: broker.url, LOG_LEVEL: 'silent' });
  const sql = pooledSql(pool);
  const [origin] = await sql.query<{ id: string }>('select id from ledger.origin');
  let published = await ensureLedgerStream(nats, origin?.id ?? '');
  let running = Promise.resolve();
  relay = () =>
    (running = running.then(async () => {
      await sql.query('select ledger.sequence(1000)');
      published += await publishFrom(nats, await readLedger(sql, { from: published, limit: 1_000 }));
    }));
  stopRelay = onAppended(nats, () => void relay());
  await relay();
});
afterAll(async () => {
  stopRelay?.();
  await service?.stop();
  await relay?.();
  await nats?.close();
  await pool?.end();
  await broker?.drop();
  await database?.drop();
});

const projections: Readonly<Record<string, (tx: ViewTransaction, events: readonly RecordedEvent<never>[]) => Promise<void>>> = {
  [useCase.category]: projectUseCases,
  [policySet.category]: projectPolicySets,
  [approvalCase.category]: projectApprovalCases,
  [gateDecision.category]: projectDecisions,
  [incident.category]: projectIncidents,
  [retirement.category]: projectRetirements,
  [delegation.category]: projectDelegations,
  [linkedAccounts.category]: projectLinkedAccounts,
};

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // The bodies of a dozen routes; each test asserts the fields that it reads.
  readonly body: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- a spec asserts on the shape itself
}

type Who = Parameters<typeof as>[0];

async function call(method: string, path: string, { actor = 'human/dana', body, headers = {} }: { actor?: Who | null; body?: unknown; headers?: Record<string, string> } = {}): Promise<Answer> {
  const response = await fetch(`${service.url}${path.startsWith('/v1/') ? '' : `/v1/projects/${PROJECT}`}${path}`, {
    method,
    headers: { ...(actor ? { authorization: as(actor) } : {}), ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}
const post = (path: string, actor: Who | null, body?: unknown, headers?: Record<string, string>) => call('POST', path, { actor, ...(body === undefined ? {} : { body }), ...(headers ? { headers } : {}) });
const get = (path: string) => call('GET', path);

/** Appends what another service would have. */
async function happened(stream: string, event: Message, by = 'dana', onBehalfOf = ''): Promise<void> {
  await transactOn(pool)((tx) =>
    append(tx.sql, {
      stream,
      expected: 'any',
      events: [event],
      subjects: [],
      attribution: {
        projectId: PROJECT,
        actor: create(ActorSchema, { id: by, kind: onBehalfOf === '' ? ActorKind.HUMAN : ActorKind.MACHINE, onBehalfOf }),
        reason: 'a spec',
        occurredAt: new Date().toISOString(),
        correlationId: uuid(),
        causationId: '',
        traceparent: '',
      },
    }),
  );
  await relay();
}
const events = async (): Promise<number> => {
  const { rows } = await pool.query<{ n: string }>("select count(*) as n from ledger.event where type not like 'vitae.access.%'");
  return Number(rows[0]?.n);
};
/** Refused, with this status and type, a sentence to act on, and nothing stored. */
async function refused(request: () => Promise<Answer>, status: number, slug: string): Promise<Answer> {
  const before = await events();
  const answer = await request();
  expect({ status: answer.status, type: answer.body.type, contentType: answer.headers.get('content-type') }).toEqual({
    status,
    type: `https://vitae.dev/problems/${slug}`,
    contentType: expect.stringContaining('application/problem+json'),
  });
  expect(answer.body.detail).toMatch(/\S{3}/);
  expect(await events()).toBe(before);
  return answer;
}

const draft = {
  title: 'Credit decisions',
  objective: 'Halve the time to a decision',
  kpis: [{ name: 'time to decision', unit: 'h', baseline: 48, target: 24 }],
  owner: 'olga',
  dataAvailability: 'five years of loans',
  resources: 'one engineer',
  purpose: 'credit-scoring',
  riskTier: 'high',
  aiActClass: 'high-risk',
  requiredMetrics: [
    { name: 'auc', direction: 'at-least', threshold: 0.7 },
    { name: 'equal_opportunity_difference:sex', direction: 'at-most', threshold: 0.15 },
  ],
};
const environment = { name: 'prod-eu', class: 'production', region: 'eu' };

async function drafted(): Promise<string> {
  const { status, body } = await post('/use-cases', 'human/dana', draft);
  expect(status).toBe(201);
  return body.id as string;
}
async function approvedUseCase(): Promise<string> {
  const id = await drafted();
  await post(`/use-cases/${id}/submission`, 'human/dana');
  expect((await post(`/use-cases/${id}/approval`, 'human/olga')).status).toBe(200);
  return id;
}
/** A version as the registry tells of it, with its data. Built by dana and emil. */
async function registered(useCaseId: string, residency = 'eu') {
  const [modelId, modelVersionId, datasetVersionId] = [uuid(), uuid(), uuid()];
  const column = { name: 'sex', dataType: 'VARCHAR', kind: ColumnKind.CATEGORICAL, piiClass: PiiClass.PERSONAL };
  await happened(
    `registry.DatasetVersion-${datasetVersionId}`,
    create(DatasetVersionRegisteredSchema, {
      ...{ datasetVersionId, datasetName: 'german-credit', version: 1, digest: sha('b'), sizeBytes: 10n, mediaType: 'text/csv', rowCount: 691n },
      ...{ columns: [column], protectedColumns: ['sex'], piiClass: PiiClass.PERSONAL, lawfulBasis: 'contract', allowedPurposes: ['credit-scoring'] },
      ...{ residency, retentionUntil: '2040-12-31', source: 'Statlog', licence: 'CC-BY-4.0' },
    }),
  );
  await happened(
    `registry.ModelVersion-${modelVersionId}`,
    create(ModelVersionRegisteredSchema, {
      ...{ modelVersionId, modelId, modelName: 'credit-risk', version: 1, datasetVersionId, datasetDigest: sha('b'), useCaseId },
      artefact: { digest: sha('a'), format: 'onnx', files: [{ path: 'model.onnx', digest: sha('f'), sizeBytes: 5n }] },
      inputs: [{ name: 'amount', datatype: 'FP32', shape: [-1n, 1n] }],
      outputs: [{ name: 'label', datatype: 'INT64', shape: [-1n] }],
      source: { repository: 'git', commit: 'abcdef1' },
      contributors: ['dana', 'emil'],
    }),
  );
  return { modelId, modelVersionId, datasetVersionId };
}
const evaluated = ({ modelId, modelVersionId, datasetVersionId }: Awaited<ReturnType<typeof registered>>, auc = 0.75) =>
  happened(
    `registry.Evaluation-${uuid()}`,
    create(EvaluationRecordedSchema, {
      ...{ evaluationId: uuid(), modelVersionId, modelId, version: 1, artefactDigest: sha('a'), datasetVersionId, datasetDigest: sha('b'), split: 'test', rowCount: 277n },
      metrics: [
        { name: 'auc', value: auc },
        { name: 'equal_opportunity_difference:sex', value: 0.04 },
      ],
      groups: [
        { attribute: 'sex', group: 'female', rowCount: 94n, positiveCount: 28n },
        { attribute: 'sex', group: 'male', rowCount: 183n, positiveCount: 40n },
      ],
    }),
  );
const ask = (modelVersionId: string, more: object = {}) => post('/gates/promote-production/decisions', 'human/rita', { modelVersionId, environment, ...more });
const open = (modelVersionId: string, actor: Who = 'human/rita') => post('/gates/promote-production/approval-cases', actor, { modelVersionId, environment });
const judge = (caseId: string, actor: Who, role: string, decision = 'approve') => post(`/approval-cases/${caseId}/approvals`, actor, { role, decision });
const failed = (answer: Answer) => answer.body.results.filter((result: { outcome: string }) => result.outcome !== 'pass').map((result: { policyId: string }) => result.policyId);

describe('use cases', () => {
  it('are drafted, submitted and approved by somebody else', async () => {
    const made = await post('/use-cases', 'human/dana', draft);
    const { id } = made.body;
    expect(made).toMatchObject({ status: 201, body: { id, state: 'draft', stream: `governance.UseCase-${id}`, revision: 1 } });
    expect([made.headers.get('location'), made.headers.get('etag')]).toEqual([`/v1/projects/${PROJECT}/use-cases/${id}`, '"1"']);
    expect(await post(`/use-cases/${id}/submission`, 'human/dana')).toMatchObject({ status: 200, body: { state: 'submitted', revision: 2 } });
    expect(await post(`/use-cases/${id}/approval`, 'human/olga', undefined, { 'Vitae-Reason': 'worth%20it' })).toMatchObject({ status: 200, body: { state: 'approved', revision: 3 } });
    const { stream: _stream, draftedAt: _at, decidedAt: _decided, ...row } = (await get(`/use-cases/${id}`)).body;
    expect(row).toEqual({ ...draft, id, state: 'approved', author: 'dana', decidedBy: 'olga', decisionReason: 'worth it', revision: 3 });
    expect((await get('/use-cases?limit=200')).body.items.map((item: { id: string }) => item.id)).toContain(id);
  });

  it('are listed page by page', async () => {
    await drafted();
    await drafted();
    const first = (await get('/use-cases?limit=1')).body;
    const second = (await get(`/use-cases?limit=1&after=${first.next}`)).body;
    expect([first.items.length, second.items.length]).toEqual([1, 1]);
    expect(second.items[0].id > first.items[0].id).toBe(true);
  });

  it('are refused in a form that is not expected', async () => {
    const bad = async (body: unknown, pointer: string) => {
      const { body: problem } = await refused(() => post('/use-cases', 'human/dana', body), 400, 'invalid-request');
      expect(problem.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
    };
    await bad({ ...draft, colour: 'red' }, '/colour');
    await bad({ ...draft, title: 7 }, '/title');
    await bad({ ...draft, riskTier: 'severe' }, '/riskTier');
    await bad({ ...draft, kpis: [] }, '/kpis');
    await bad({ ...draft, kpis: [{ name: 'x', baseline: 1, target: null }] }, '/kpis/0/target');
    await bad({ ...draft, requiredMetrics: [] }, '/requiredMetrics');
    await bad({ ...draft, requiredMetrics: [{ name: 'auc', direction: 'up', threshold: 'high' }] }, '/requiredMetrics/0/threshold');
    await refused(() => post('/use-cases', 'human/dana', '{"title": '), 400, 'malformed-json');
    await refused(() => post('/use-cases', 'human/dana', { ...draft, objective: 'x'.repeat(1_100_000) }), 413, 'body-too-large');
    await refused(() => post('/use-cases', 'human/dana', 'title=x', { 'Content-Type': 'text/plain' }), 415, 'unsupported-media-type');
    await refused(() => post('/use-cases', null, draft), 401, 'credential-missing');
  });

  it('are decided by nobody who wrote them, and in their order', async () => {
    const id = await drafted();
    await refused(() => post(`/use-cases/${id}/approval`, 'human/olga'), 409, 'use-case-state');
    await post(`/use-cases/${id}/submission`, 'human/dana');
    await refused(() => post(`/use-cases/${id}/approval`, 'human/dana'), 403, 'four-eyes');
    await refused(() => post(`/use-cases/${id}/rejection`, 'human/olga'), 422, 'reason-missing');
    expect(await post(`/use-cases/${id}/rejection`, 'human/olga', undefined, { 'Vitae-Reason': 'no%20data' })).toMatchObject({ status: 200, body: { state: 'rejected' } });
    await refused(() => post(`/use-cases/${id}/approval`, 'human/olga'), 409, 'use-case-state');
  });

  it('are changed only at the revision that the caller saw', async () => {
    const id = await drafted();
    await refused(() => post(`/use-cases/${id}/submission`, 'human/dana', undefined, { 'If-Match': '"7"' }), 412, 'revision-mismatch');
    expect((await post(`/use-cases/${id}/submission`, 'human/dana', undefined, { 'If-Match': '"1"' })).status).toBe(200);
  });

  it('are drafted once under one idempotency key', async () => {
    const headers = { 'Idempotency-Key': uuid() };
    const first = await post('/use-cases', 'human/dana', draft, headers);
    const before = await events();
    expect((await post('/use-cases', 'human/dana', draft, headers)).body).toEqual(first.body);
    expect(await events()).toBe(before);
    await refused(() => post('/use-cases', 'human/dana', { ...draft, title: 'Another' }, headers), 422, 'idempotency-key-reused');
  });

  it('are not found in another project, or at all', async () => {
    const id = await drafted();
    const elsewhere = (method: string, path: string) => fetch(`${service.url}/v1/projects/other${path}`, { method, headers: { authorization: as('human/olga') } });
    expect((await elsewhere('GET', `/use-cases/${id}`)).status).toBe(404);
    expect((await elsewhere('POST', `/use-cases/${id}/submission`)).status).toBe(404);
    await refused(() => post(`/use-cases/${uuid()}/submission`, 'human/dana'), 404, 'use-case-not-found');
    await refused(() => get(`/use-cases/${uuid()}`), 404, 'use-case-not-found');
    await refused(() => get('/use-cases/nonsense'), 400, 'invalid-request');
  });
});

describe('the gate to production', () => {
  it('denies what was built on data in quarantine, and what was approved before has to be approved again', async () => {
    const useCaseId = await approvedUseCase();
    const version = await registered(useCaseId);
    const { modelVersionId, datasetVersionId } = version;
    await evaluated(version);
    const approve = async () => {
      const { body } = await open(modelVersionId, 'human/dana');
      await judge(body.id, 'human/olga', 'business-owner');
      await judge(body.id, 'human/marc', 'model-risk');
    };
    await approve();
    expect(failed(await ask(modelVersionId))).toEqual([]);

    const of = { datasetVersionId, datasetName: 'german-credit', version: 1 };
    await happened(`registry.DatasetVersion-${datasetVersionId}`, create(DatasetVersionQuarantinedSchema, { ...of, reason: 'The labels of May are wrong.' }));
    const denied = await ask(modelVersionId);
    expect(failed(denied)).toEqual(['POL-001', 'POL-012']);
    expect(denied.body.results.at(-1).reason).toContain(`german-credit version 1 is in quarantine (dataset version ${datasetVersionId})`);
    expect((await get(`/decisions/${denied.body.id}`)).body.positions).toContainEqual({ stream: `registry.DatasetVersion-${datasetVersionId}`, revision: 2 });

    await happened(`registry.DatasetVersion-${datasetVersionId}`, create(DatasetVersionQuarantineLiftedSchema, { ...of, reason: 'They were put right.' }));
    const lifted = await ask(modelVersionId);
    expect(failed(lifted)).toEqual(['POL-001']);
    expect(lifted.body.results[0].reason).toContain('what olga judged as business-owner has changed since');
    await approve();
    expect(await ask(modelVersionId)).toMatchObject({ status: 201, body: { outcome: 'allow' } });
  });

  it('judges data by what was found out about them later', async () => {
    const version = await registered(await approvedUseCase());
    const { datasetVersionId, modelVersionId } = version;
    const of = { datasetVersionId, datasetName: 'german-credit', version: 1 };
    const standing = { lawfulBasis: 'contract', allowedPurposes: ['credit-scoring'], residency: 'eu', retentionUntil: '2040-12-31' };
    await happened(`registry.DatasetVersion-${datasetVersionId}`, create(DatasetSensitivityClassifiedSchema, { ...of, ...standing, columns: [{ name: 'sex', piiClass: PiiClass.SPECIAL }], piiClass: PiiClass.SPECIAL }));
    expect(failed(await ask(modelVersionId))).toContain('POL-007');
  });

  it('denies with what is missing, and allows when two people approved and the evidence is there', async () => {
    const useCaseId = await approvedUseCase();
    const version = await registered(useCaseId);
    const { modelVersionId } = version;

    const first = await ask(modelVersionId);
    expect(first).toMatchObject({ status: 201, body: { outcome: 'deny', policySet: { name: 'lifecycle-core', version: '1.2.0' } } });
    expect(first.body.permit).toBeUndefined();
    expect(failed(first)).toEqual(['POL-001', 'POL-005', 'POL-006']);
    const reasons = first.body.results.map((result: { reason: string }) => result.reason).join('\n');
    expect(reasons).toContain('No approval counts as business-owner; No approval counts as model-risk.');
    expect(reasons).toContain('auc is not measured; equal_opportunity_difference:sex is not measured.');
    expect(reasons).toContain('No evaluation ran on data with a protected column.');

    await evaluated(version);
    const { body: opened, status } = await open(modelVersionId, 'human/dana');
    expect([status, opened.subjectHash]).toEqual([201, first.body.subjectHash]);
    expect(await open(modelVersionId, 'human/somebody')).toMatchObject({ status: 200, body: { id: opened.id, requestedBy: 'dana' } });
    expect(await judge(opened.id, 'human/olga', 'business-owner')).toMatchObject({ status: 201, body: { role: 'business-owner', approver: 'olga', decision: 'approved' } });
    expect(failed(await ask(modelVersionId))).toEqual(['POL-001']);
    await judge(opened.id, 'human/marc', 'model-risk');

    const last = await ask(modelVersionId);
    expect(last).toMatchObject({ status: 201, body: { outcome: 'allow' } });
    expect(failed(last)).toEqual([]);
    const lasts = Date.parse(last.body.permit.expiresAt) - Date.parse(last.body.decidedAt);
    expect(lasts).toBe(15 * 60_000);

    const read = (await get(`/decisions/${last.body.id}`)).body;
    expect(read).toMatchObject({ id: last.body.id, outcome: 'allow', inputHash: last.body.inputHash, engine: '@bufbuild/cel 0.6.1' });
    expect(`sha256:${createHash('sha256').update(canonicalJson(read.input)).digest('hex')}`).toBe(read.inputHash);
    expect(read.positions.map(({ stream }: { stream: string }) => stream)).toEqual(expect.arrayContaining([`governance.UseCase-${useCaseId}`, `registry.ModelVersion-${modelVersionId}`, `governance.ApprovalCase-${opened.id}`]));
    const list = (await get(`/decisions?modelVersionId=${modelVersionId}`)).body.items;
    expect(list.map((decision: { outcome: string }) => decision.outcome)).toEqual(['deny', 'deny', 'allow']);
    expect(list[0].input).toBeUndefined();
    expect((await get(`/approval-cases/${opened.id}`)).body).toMatchObject({
      ...{ id: opened.id, modelVersionId, requestedBy: 'dana', contributors: ['dana', 'emil'], revision: 3 },
      approvals: [
        { role: 'business-owner', approver: 'olga', decision: 'approved' },
        { role: 'model-risk', approver: 'marc', decision: 'approved' },
      ],
    });

    // Approvals are of this subject: another region is another subject, and they count for nothing.
    const moved = await ask(modelVersionId, { environment: { ...environment, region: 'us' } });
    expect(failed(moved)).toEqual(['POL-001', 'POL-007']);
    expect(moved.body.results[0].reason).toContain('what olga judged as business-owner has changed since');
    // Who approved may not ask; who built it may.
    const asker = await post('/gates/promote-production/decisions', 'human/olga', { modelVersionId, environment });
    expect(asker.body.results[0].reason).toContain('olga (business-owner) requested it');
    expect(failed(await post('/gates/promote-production/decisions', 'machine/pipeline', { modelVersionId, environment }))).toEqual(['POL-010']);
  });

  it('counts no evaluation that was taken back, nor one that others report, and says so', async () => {
    const version = await registered(await approvedUseCase());
    const { modelId, modelVersionId, datasetVersionId } = version;
    await evaluated(version);
    const { id } = (await open(modelVersionId, 'human/dana')).body;
    await judge(id, 'human/olga', 'business-owner');
    await judge(id, 'human/marc', 'model-risk');
    expect((await ask(modelVersionId)).body.outcome).toBe('allow');

    const [row] = (await pool.query<{ id: string; stream: string }>('select id, stream from governance.evaluation where model_version_id = $1', [modelVersionId])).rows;
    if (!row) throw new Error('governance heard of the evaluation');
    await happened(row.stream, create(EvaluationInvalidatedSchema, { evaluationId: row.id, modelVersionId, modelId, version: 1, cause: 'leakage', reason: 'trained on the test rows' }));
    const reportId = uuid();
    await happened(
      `registry.Evaluation-${reportId}`,
      create(EvaluationReportedSchema, {
        ...{ evaluationId: reportId, modelVersionId, modelId, version: 1, artefactDigest: sha('a'), datasetVersionId, datasetDigest: sha('b'), rowCount: 277n },
        ...{ executedBy: 'vendor', tool: { name: 'harness' }, executedAt: '2026-11-01T10:00:00Z', metrics: [{ name: 'auc', value: 0.99 }] },
      }),
    );

    const later = await ask(modelVersionId);
    expect(later.body.outcome).toBe('deny');
    expect(failed(later)).toEqual(['POL-005', 'POL-006']);
    const { reason } = later.body.results.find(({ policyId }: { policyId: string }) => policyId === 'POL-005');
    expect(reason).toContain(`evaluation ${row.id} was invalidated (leakage) and counts no more`);
    expect(reason).toContain(`auc is reported by others (evaluation ${reportId}), which does not count as measured`);
    expect((await get(`/decisions/${later.body.id}`)).body.input).toMatchObject({ evaluations: [], reportedEvaluations: [{ id: reportId, value: 0.99 }], invalidatedEvaluations: [{ id: row.id, cause: 'leakage' }] });
  });

  it('replays a stored decision from the ledger alone to the identical results', async () => {
    const version = await registered(await approvedUseCase());
    await evaluated(version, 0.6789);
    const { body } = await ask(version.modelVersionId);
    const sql = pooledSql(pool);
    const [decision] = await readStream(sql, body.stream);
    const stored = decision?.event as GateDecided;
    const [publication] = await readStream(sql, policySetStream(stored.policySet, stored.policySetVersion));
    const published = publication?.event as PolicySetPublished;
    expect(published.hash).toBe(stored.policySetHash);

    const again = policyEngine(publishedPolicySet(published)).judge(stored.subject?.gate ?? '', JSON.parse(stored.input) as GateInput);

    expect(again).toEqual(stored.results.map(({ policyId, title, outcome, reason }) => ({ policyId, title, outcome, reason })));
    expect(again.map(({ reason }) => reason).join()).toContain('auc is 0.6789, required at least 0.7000');
  });

  it('records a decision under the model, with all that is needed to find it', async () => {
    const useCaseId = await approvedUseCase();
    const { modelId, modelVersionId } = await registered(useCaseId);
    const { body } = await ask(modelVersionId);
    const [decision] = await readStream(pooledSql(pool), body.stream);
    expect(decision?.subjects).toEqual([`model:${modelId}`, `model-version:${modelVersionId}`, `use-case:${useCaseId}`, `decision:${body.id}`]);
    expect(decision?.reason).toBe('asked whether the version may go to prod-eu');
  });

  it('answers a repeated question under one idempotency key with the one decision', async () => {
    const { modelVersionId } = await registered(await approvedUseCase());
    const headers = { 'Idempotency-Key': uuid() };
    const body = { modelVersionId, environment };
    const first = await post('/gates/promote-production/decisions', 'human/rita', body, headers);
    expect((await post('/gates/promote-production/decisions', 'human/rita', body, headers)).body).toEqual(first.body);
    expect((await get(`/decisions?modelVersionId=${modelVersionId}`)).body.items).toHaveLength(1);
  });

  it('judges a model without a use case, and denies', async () => {
    const version = await registered(uuid());
    await evaluated(version);
    const { body } = await ask(version.modelVersionId);
    expect(body.results.map(({ policyId, outcome }: { policyId: string; outcome: string }) => `${policyId} ${outcome}`)).toEqual([
      'POL-001 fail', 'POL-003 fail', 'POL-005 fail', 'POL-006 error', 'POL-007 error', 'POL-008 pass', 'POL-010 pass', 'POL-012 pass',
    ]);
  });

  it('lets no version pass that was registered by reference: there is nothing to judge', async () => {
    const modelVersionId = uuid();
    const named = { modelName: 'credit-risk', version: 2, source: 'runs:/r1/model', location: 'runs:/r1/model' };
    await happened(`registry.ModelVersion-${modelVersionId}`, create(ModelVersionReferencedSchema, { ...named, modelVersionId, modelId: uuid(), contributors: ['dana'] }));
    await refused(() => ask(modelVersionId), 409, 'evidence-missing');
    await refused(() => open(modelVersionId), 409, 'evidence-missing');
    await refused(() => post('/retirements', 'human/dana', { modelVersionId, criterion: 'old', lesson: 'none' }), 409, 'evidence-missing');
  });

  it("lets no version pass that is somebody else's model, for the same reason", async () => {
    const modelVersionId = uuid();
    const named = { modelName: 'assistant', version: 1, provider: 'mistral', providerModelId: 'mistral-large-2411', access: 'api' };
    await happened(`registry.ModelVersion-${modelVersionId}`, create(ExternalModelVersionRegisteredSchema, { ...named, modelVersionId, modelId: uuid(), contributors: ['dana'] }));
    await refused(() => ask(modelVersionId), 409, 'evidence-missing');
  });

  it('refuses what it cannot ask about', async () => {
    const { modelVersionId } = await registered(await approvedUseCase());
    await refused(() => ask(uuid()), 404, 'model-version-not-found');
    await refused(() => open(uuid()), 404, 'model-version-not-found');
    await refused(() => ask(modelVersionId, { environment: { ...environment, class: 'staging' } }), 400, 'invalid-request');
    await refused(() => ask(modelVersionId, { force: true }), 400, 'invalid-request');
    await refused(() => ask('not-an-id'), 400, 'invalid-request');
    await refused(() => post('/gates/promote-moon/decisions', 'human/rita', { modelVersionId, environment }), 404, 'gate-not-found');
    await refused(() => get(`/decisions/${uuid()}`), 404, 'decision-not-found');
    await refused(() => get('/decisions?colour=red'), 400, 'invalid-request');
  });

  it('takes no word of who built it, who requested it, a machine, or one person twice', async () => {
    const { modelVersionId } = await registered(await approvedUseCase());
    const { id } = (await open(modelVersionId)).body;
    await refused(() => judge(id, 'human/emil', 'model-risk'), 403, 'approver-built-it');
    await refused(() => judge(id, 'human/rita', 'business-owner'), 403, 'approver-requested-it');
    await refused(() => judge(id, 'machine/bot', 'business-owner'), 403, 'permission-missing');
    expect((await judge(id, 'human/olga', 'business-owner')).status).toBe(201);
    await refused(() => judge(id, 'human/olga', 'model-risk'), 409, 'approver-counted');
    await refused(() => judge(id, 'human/marc', 'janitor'), 400, 'invalid-request');
    await refused(() => judge(uuid(), 'human/marc', 'model-risk'), 404, 'approval-case-not-found');
    await refused(() => get(`/approval-cases/${uuid()}`), 404, 'approval-case-not-found');
    await judge(id, 'human/marc', 'model-risk', 'refuse');
    expect((await ask(modelVersionId)).body.results[0].reason).toContain('marc refused as model-risk');
  });

  it('lets one of two people win who open a case at the same time', async () => {
    const { modelVersionId } = await registered(await approvedUseCase());
    const answers = await Promise.all([open(modelVersionId, 'human/rita'), open(modelVersionId, 'human/sven')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 201]);
    expect(new Set(answers.map(({ body }) => body.requestedBy)).size).toBe(1);
  });

  it('counts a person once, also when both words come at the same time', async () => {
    const { modelVersionId } = await registered(await approvedUseCase());
    const { id } = (await open(modelVersionId)).body;
    const answers = await Promise.all([judge(id, 'human/olga', 'business-owner'), judge(id, 'human/olga', 'model-risk')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect((await get(`/approval-cases/${id}`)).body.approvals).toHaveLength(1);
  });

  it('publishes its policies once, and shows them', async () => {
    const { items } = (await get('/policy-sets')).body;
    expect(items).toMatchObject([{ name: 'lifecycle-core', version: '1.2.0', revision: 1 }]);
    expect(items[0].policies.map(({ id }: { id: string }) => id)).toEqual(['POL-001', 'POL-003', 'POL-005', 'POL-006', 'POL-007', 'POL-008', 'POL-010', 'POL-012']);
  });
});

describe('separation of duties', () => {
  const because = { 'Vitae-Reason': 'a%20spec' };
  const soon = () => new Date(Date.now() + 86_400_000).toISOString();
  const delegate = (from: string, to: string, more: object = {}, path = '/delegations') => post(path, `human/${from}`, { delegate: to, until: soon(), ...more }, because);
  const link = (...people: string[]) => post('/v1/linked-accounts', 'human/adam', { people }, because);
  /** Names that no other test has: who is who is known in the whole installation. */
  const fresh = (...names: string[]) => names.map((name) => `${name}-${uuid().slice(-8)}`) as [string, string, string, string];
  async function underTest() {
    const version = await registered(await approvedUseCase());
    await evaluated(version);
    return { ...version, caseId: (await open(version.modelVersionId)).body.id as string };
  }
  const speakFor = (caseId: string, by: string, role: string, onBehalfOf: string) => post(`/approval-cases/${caseId}/approvals`, `human/${by}`, { role, decision: 'approve', onBehalfOf });

  it('lets a delegate approve in the name of another, and says both', async () => {
    const { caseId, modelVersionId } = await underTest();
    const [otto, dora] = fresh('otto', 'dora');
    await refused(() => speakFor(caseId, dora, 'business-owner', otto), 403, 'delegation-missing');
    const given = await delegate(otto, dora, { roles: ['business-owner'] });
    expect(given).toMatchObject({ status: 201, body: { delegator: otto, delegate: dora, roles: ['business-owner'], revision: 1 } });
    expect((await get(given.headers.get('location')?.replace(`/v1/projects/${PROJECT}`, '') ?? '')).body).toMatchObject({ id: given.body.id, inProject: PROJECT, delegator: otto, reason: 'a spec', revokedAt: null });
    expect((await get('/delegations?limit=200')).body.items.map(({ id }: { id: string }) => id)).toContain(given.body.id);

    await refused(() => speakFor(caseId, dora, 'model-risk', otto), 403, 'delegation-missing');
    expect(await speakFor(caseId, dora, 'business-owner', otto)).toMatchObject({ status: 201, body: { approver: dora, onBehalfOf: otto, decision: 'approved' } });
    await refused(() => judge(caseId, `human/${otto}`, 'model-risk'), 409, 'approver-counted');
    await refused(() => judge(caseId, `human/${dora}`, 'model-risk'), 409, 'approver-counted');
    await judge(caseId, 'human/marc', 'model-risk');

    const { body } = await post('/gates/promote-production/decisions', 'human/sven', { modelVersionId, environment });
    expect(body.outcome).toBe('allow');
    expect((await get(`/decisions/${body.id}`)).body.input.approvals).toMatchObject([{ by: dora, onBehalfOf: otto }, { by: 'marc' }]);
    expect((await get(`/approval-cases/${caseId}`)).body.approvals).toMatchObject([{ approver: dora, onBehalfOf: otto, delegationId: given.body.id }, { approver: 'marc', onBehalfOf: '' }]);
  });

  it('ends a delegation when one of the two, and nobody else, revokes it', async () => {
    const { caseId } = await underTest();
    const [otto, dora] = fresh('otto', 'dora');
    const { id } = (await delegate(otto, dora)).body;
    await refused(() => post(`/delegations/${id}/revocation`, 'human/marc', undefined, { authorization: as('human/marc', { roles: ['risk-officer'] }) }), 403, 'not-your-delegation');
    await refused(() => post(`/v1/delegations/${id}/revocation`, `human/${otto}`), 404, 'delegation-not-found');
    expect(await post(`/delegations/${id}/revocation`, `human/${dora}`)).toMatchObject({ status: 200, body: { state: 'revoked', revision: 2 } });
    expect((await get(`/delegations/${id}`)).body).toMatchObject({ revokedBy: dora });
    await refused(() => speakFor(caseId, dora, 'model-risk', otto), 403, 'delegation-missing');
    await refused(() => post(`/delegations/${uuid()}/revocation`, `human/${dora}`), 404, 'delegation-not-found');
    await refused(() => get(`/delegations/${uuid()}`), 404, 'delegation-not-found');
  });

  it('takes a delegation for every project, which counts in each', async () => {
    const { caseId } = await underTest();
    const [otto, dora, paul] = fresh('otto', 'dora', 'paul');
    const everywhere = await delegate(otto, dora, {}, '/v1/delegations');
    expect(everywhere).toMatchObject({ status: 201, body: { roles: ['business-owner', 'model-risk'] } });
    expect((await get(`/v1/delegations/${everywhere.body.id}`)).body).toMatchObject({ inProject: '' });
    expect((await get('/v1/delegations?limit=200')).body.items.map(({ id }: { id: string }) => id)).toContain(everywhere.body.id);
    expect((await speakFor(caseId, dora, 'model-risk', otto)).status).toBe(201);
    await refused(() => delegate(dora, paul), 409, 'delegation-chain');
    await refused(() => delegate(dora, otto), 409, 'delegation-circular');
    expect((await post(`/v1/delegations/${everywhere.body.id}/revocation`, `human/${otto}`)).status).toBe(200);
  });

  it('refuses a delegation that is none, and one of two that would make a circle at the same moment', async () => {
    const [otto, dora] = fresh('otto', 'dora');
    await refused(() => delegate(otto, otto), 422, 'delegation-to-oneself');
    await refused(() => delegate(otto, dora, { until: new Date(Date.now() + 91 * 86_400_000).toISOString() }), 422, 'delegation-period');
    await refused(() => post('/delegations', `human/${otto}`, { delegate: dora, until: soon() }), 422, 'reason-missing');
    await refused(() => post('/delegations', 'machine/bot', { delegate: dora, until: soon() }, because), 403, 'permission-missing');
    await refused(() => delegate(otto, dora, { roles: ['janitor'] }), 400, 'invalid-request');
    await refused(() => delegate(otto, dora, { until: 'tomorrow' }), 400, 'invalid-request');
    await refused(() => delegate(otto, 'no such name'), 400, 'invalid-request');
    const both = await Promise.all([delegate(otto, dora), delegate(dora, otto, {}, '/v1/delegations')]);
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
  });

  it('judges approvals again when two accounts turn out to be one person, and again when two others say that they are not', async () => {
    const { caseId, modelVersionId } = await underTest();
    const [olga, o2] = fresh('olga', 'o2');
    await judge(caseId, `human/${olga}`, 'business-owner');
    await judge(caseId, `human/${o2}`, 'model-risk');
    const gate = () => post('/gates/promote-production/decisions', 'human/rita', { modelVersionId, environment });
    expect((await gate()).body.outcome).toBe('allow');

    const linked = await link(o2, olga);
    expect(linked).toMatchObject({ status: 201, body: { state: 'linked', people: [o2, olga] } });
    expect((await link(olga, o2)).body.id).toBe(linked.body.id);
    expect((await get(`/v1/people/${olga}`)).body).toEqual({ person: o2, accounts: [o2, olga] });
    const denied = await gate();
    expect(denied.body.results[0].reason).toContain(`${o2} judged as business-owner and in another role`);
    const recorded = (await get(`/decisions/${denied.body.id}`)).body;
    expect(recorded.input.people).toEqual([{ person: o2, accounts: [o2, olga] }]);
    expect(recorded.positions.map(({ stream }: { stream: string }) => stream)).toContain(linked.body.stream);

    const path = `/v1/linked-accounts/${linked.body.id}/unlinking`;
    await refused(() => post(path, `human/${olga}`, undefined, because), 403, 'four-eyes');
    await refused(() => post(`${path}/approval`, 'human/berta', undefined, because), 409, 'unlinking-not-requested');
    await refused(() => post(path, 'human/adam'), 422, 'reason-missing');
    expect(await post(path, 'human/adam', undefined, because)).toMatchObject({ status: 200, body: { state: 'unlinking' } });
    expect((await gate()).body.outcome).toBe('deny');
    await refused(() => post(`${path}/approval`, 'human/adam', undefined, because), 403, 'four-eyes');
    expect(await post(`${path}/approval`, 'human/berta', undefined, because)).toMatchObject({ status: 200, body: { state: 'unlinked' } });
    expect((await get(`/v1/linked-accounts/${linked.body.id}`)).body).toMatchObject({ state: 'unlinked', unlinkingRequestedBy: 'adam', unlinkedBy: 'berta' });
    expect((await gate()).body.outcome).toBe('allow');
    expect((await get('/v1/linked-accounts?limit=200')).body.items).toHaveLength(1);
  });

  it('refuses links that are none', async () => {
    await refused(() => link('olga', 'olga'), 422, 'link-to-oneself');
    await refused(() => link('olga'), 400, 'invalid-request');
    await refused(() => post('/v1/linked-accounts', 'machine/bot', { people: ['a', 'b'] }, because), 403, 'permission-missing');
    await refused(() => post(`/v1/linked-accounts/${uuid()}/unlinking`, 'human/adam', undefined, because), 404, 'link-not-found');
    await refused(() => get(`/v1/linked-accounts/${uuid()}`), 404, 'link-not-found');
    expect((await get('/v1/people/nobody-knows')).body).toEqual({ person: 'nobody-knows', accounts: ['nobody-knows'] });
  });

  it('lets exactly one of two accounts of one person give the last approval, also at the same moment', async () => {
    const { caseId } = await underTest();
    const [olga, o2] = fresh('olga', 'o2');
    await link(olga, o2);
    const answers = await Promise.all([judge(caseId, `human/${olga}`, 'business-owner'), judge(caseId, `human/${o2}`, 'model-risk')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
  });

  it('knows who had a part in a version from what it was made of, also by machines', async () => {
    const useCaseId = await approvedUseCase();
    const [raw, derived, modelVersionId, runId] = [uuid(), uuid(), uuid(), uuid().replaceAll('-', '')];
    const [ida, ulla, rolf, sina] = fresh('ida', 'ulla', 'rolf', 'sina');
    const data = (datasetVersionId: string, ...from: string[]) =>
      create(DatasetVersionRegisteredSchema, {
        ...{ datasetVersionId, datasetName: 'loans', version: 1, digest: sha('b'), sizeBytes: 10n, mediaType: 'text/csv', rowCount: 691n, source: 'us', licence: 'own', piiClass: PiiClass.NONE },
        ...{ columns: [{ name: 'age', dataType: 'BIGINT', kind: ColumnKind.NUMERIC, piiClass: PiiClass.NONE }], derivedFromDatasetVersionIds: from },
      });
    await happened(`registry.DatasetVersion-${raw}`, data(raw), ida);
    await happened(`registry.DatasetVersion-${derived}`, data(derived, raw), 'pipeline', ulla);
    await happened(`registry.Run-${uuid()}`, create(RunStartedSchema, { runId, experimentId: '1', artifactUri: 'vitae:/runs' }), rolf);
    await happened(
      `registry.ModelVersion-${modelVersionId}`,
      create(ModelVersionRegisteredSchema, {
        ...{ modelVersionId, modelId: uuid(), modelName: 'loans', version: 1, datasetVersionId: derived, datasetDigest: sha('b'), useCaseId, runId, contributors: ['emil'] },
        artefact: { digest: sha('a'), format: 'onnx', files: [{ path: 'model.onnx', digest: sha('f'), sizeBytes: 5n }] },
        inputs: [{ name: 'age', datatype: 'FP32', shape: [-1n, 1n] }],
        outputs: [{ name: 'label', datatype: 'INT64', shape: [-1n] }],
        source: { repository: 'git', commit: 'abcdef1' },
      }),
      sina,
    );
    const { id } = (await open(modelVersionId)).body;
    for (const builder of ['emil', ida, ulla, rolf, sina]) await refused(() => judge(id, `human/${builder}`, 'model-risk'), 403, 'approver-built-it');
    expect((await get(`/approval-cases/${id}`)).body.contributors).toEqual(['emil', ...[ida, rolf, sina, ulla].sort()].filter((one, i, all) => all.indexOf(one) === i));

    // A delegate of one of them is no judge either, and neither is the asker of before.
    const [dora, lisa] = fresh('dora', 'lisa');
    await delegate(ida, dora);
    await refused(() => judge(id, `human/${dora}`, 'model-risk'), 403, 'approver-is-delegate');
    await post('/gates/promote-production/decisions', `human/${lisa}`, { modelVersionId, environment });
    await refused(() => judge(id, `human/${lisa}`, 'model-risk'), 403, 'approver-requested-it');
    // One who judged becomes a delegate afterwards: the gate looks again.
    await judge(id, 'human/marc', 'model-risk');
    const late = (await delegate(rolf, 'marc')).body;
    const { body } = await ask(modelVersionId);
    expect(body.results[0].reason).toContain(`marc (model-risk) speaks for or is a delegate of ${rolf}, who requested or built it`);
    await post(`/delegations/${late.id}/revocation`, 'human/marc');
  });

  it('lets nobody publish policies: only a build does, as the service', async () => {
    await refused(() => post('/policy-sets', 'human/dana', { name: 'mine', version: '1.0.0', policies: [] }), 404, 'route-not-found');
    const [published] = await readStream(pooledSql(pool), policySetStream('lifecycle-core', '1.2.0'));
    expect(published?.actor).toMatchObject({ id: 'governance', kind: ActorKind.SYSTEM });
  });
});

describe('what happens to a model in production', () => {
  it('makes an incident and a retraining request of a drift alert, once', async () => {
    const { modelId, modelVersionId } = await registered(await approvedUseCase());
    const alertId = uuid();
    const finding = { feature: 'amount', psi: 0.412, psiAboveNoise: 0.4, pValue: 0.001, qValue: 0.004, fires: true, rows: 400n, effect: DriftEffect.CRITICAL };
    await happened(
      `monitoring.Alert-${alertId}`,
      create(DriftAlertRaisedSchema, { alertId, endpointId: uuid(), modelId, modelVersionId, baselineId: uuid(), windowIds: [uuid()], findings: [finding] }),
    );
    const incidents = await eventually(async () => {
      const { items } = (await get('/incidents?limit=200')).body;
      const found = items.filter((item: { causeId: string }) => item.causeId === alertId);
      expect(found).toHaveLength(1);
      return found;
    });
    expect(incidents).toMatchObject([{ severity: 'sev3', state: 'open', title: 'Drift in the input of credit-risk version 1', modelId, modelVersionId, revision: 2 }]);
    const requests = (await get('/retraining-requests?limit=200')).body.items.filter((item: { modelId: string }) => item.modelId === modelId);
    expect(requests).toMatchObject([{ incidentId: incidents[0].id, modelVersionId, driftedFeatures: ['amount'] }]);

    const [reported, requested] = await readStream(pooledSql(pool), incidents[0].stream);
    expect(reported?.subjects).toContain(`model:${modelId}`);
    expect([reported?.actor.id, reported?.actor.kind]).toEqual(['governance', ActorKind.SYSTEM]);
    expect(requested?.causationId).toBe(reported?.causationId);

    const path = `/incidents/${incidents[0].id}/closure`;
    const closure = { rootCause: 'loans of a new region', lesson: 'watch regions' };
    await refused(() => post(path, 'human/olga', { rootCause: '' }), 400, 'invalid-request');
    expect(await post(path, 'human/olga', closure)).toMatchObject({ status: 200, body: { state: 'closed', revision: 3 } });
    await refused(() => post(path, 'human/olga', closure), 409, 'incident-closed');
    await refused(() => post(`/incidents/${uuid()}/closure`, 'human/olga', closure), 404, 'incident-not-found');
  });

  it('makes an incident of a rollout that was rolled back', async () => {
    const { modelId, modelVersionId } = await registered(await approvedUseCase());
    const rolloutId = uuid();
    await happened(`deployment.Rollout-${rolloutId}`, create(RolloutRolledBackSchema, { rolloutId, endpointId: uuid(), modelVersionId, reason: 'the candidate errs more' }));
    await eventually(async () => {
      const { items } = (await get('/incidents?limit=200')).body;
      expect(items.filter((item: { causeId: string }) => item.causeId === rolloutId)).toMatchObject([{ modelId, severity: 'sev3', description: 'the candidate errs more' }]);
    });
  });

  it('retires a version that somebody else agreed to, once the registry has archived it', async () => {
    const { modelId, modelVersionId } = await registered(await approvedUseCase());
    const proposal = { modelVersionId, criterion: 'replaced by version 2', lesson: 'refit yearly' };
    await refused(() => post('/retirements', 'human/dana', { ...proposal, modelVersionId: uuid() }), 404, 'model-version-not-found');
    await refused(() => post('/retirements', 'human/dana', { modelVersionId }), 400, 'invalid-request');
    const made = await post('/retirements', 'human/dana', proposal);
    const { id } = made.body;
    expect(made).toMatchObject({ status: 201, body: { state: 'proposed', revision: 1 } });
    await refused(() => post('/retirements', 'human/olga', proposal), 409, 'retirement-exists');
    await refused(() => post(`/retirements/${id}/approval`, 'human/dana'), 403, 'four-eyes');
    await refused(() => post(`/retirements/${uuid()}/approval`, 'human/olga'), 404, 'retirement-not-found');
    expect(await post(`/retirements/${id}/approval`, 'human/olga')).toMatchObject({ status: 200, body: { state: 'approved', revision: 2 } });

    const stream = `registry.ModelVersion-${modelVersionId}`;
    await happened(stream, create(ArtefactArchivedSchema, { modelVersionId, artefactDigest: sha('a'), location: 'archive/sha256/aa' }));
    expect((await get(`/retirements/${id}`)).body.state).toBe('approved');
    await happened(stream, create(ModelVersionRetiredSchema, { modelVersionId, modelId, version: 1, retirementId: id }));
    await eventually(async () => {
      expect((await get(`/retirements/${id}`)).body).toMatchObject({ state: 'completed', archiveLocation: 'archive/sha256/aa', lesson: 'refit yearly', approvedBy: 'olga', revision: 3 });
    });
    const history = await readStream(pooledSql(pool), `governance.Retirement-${id}`);
    expect(history.map(({ subjects }) => subjects)).toEqual(Array.from({ length: 3 }, () => [`model:${modelId}`, `model-version:${modelVersionId}`, `retirement:${id}`]));
    expect(await post(`/retirements/${id}/approval`, 'human/olga')).toMatchObject({ status: 200, body: { state: 'completed', revision: 3 } });
  });
});

describe('the views', () => {
  const tables = ['use_case', 'policy_set', 'approval_case', 'approval', 'decision', 'incident', 'retraining_request', 'retirement', 'model_version', 'evaluation', 'dataset_version', 'contribution', 'made_of', 'delegation', 'linked_account'];
  const rows = async () => {
    const all = await Promise.all(tables.map((table) => pool.query<{ row: unknown }>(`select to_jsonb(t) as row from governance.${table} t order by t::text`)));
    return Object.fromEntries(tables.map((table, i) => [table, all[i]?.rows.map(({ row }) => row)]));
  };

  it('come out the same when everything is applied again, and when they are filled anew from index 0', async () => {
    const before = await rows();
    expect(tables.filter((table) => before[table]?.length === 0)).toEqual([]);
    const orm = await MikroORM.init({ clientUrl: database.url, driverOptions: { connectionString: database.url, options: '-c search_path=governance' }, schema: 'governance', entities: [...(governance.database?.entities ?? [])] });
    try {
      const history = await readLedger(pooledSql(pool), { from: 0, limit: 100_000 });
      const applyAll = () =>
        orm.em.fork().transactional(async (em) => {
          const tx = { em, sql: sqlOf(em) };
          for (const recorded of history) {
            await projectRegistry(tx, recorded);
            await projectContributions(tx, recorded);
            const category = recorded.stream.slice(0, recorded.stream.indexOf('-'));
            await projections[category]?.(tx, [recorded as never]);
          }
        });
      await applyAll();
      expect(await rows()).toEqual(before);
      await pool.query(`truncate ${tables.map((table) => `governance.${table}`).join(', ')}`);
      await applyAll();
      expect(await rows()).toEqual(before);
    } finally {
      await orm.close();
    }
  });
});

describe('who may do what', () => {
  const withRights = (who: Who, rights: Parameters<typeof as>[1]) => ({ authorization: as(who, rights) });

  it('nobody who is not known, not even to read', async () => {
    const { headers } = await refused(() => call('GET', '/use-cases', { actor: null }), 401, 'credential-missing');
    expect(headers.get('www-authenticate')).toBe('Bearer realm="vitae"');
    await refused(() => call('GET', '/use-cases', { headers: { authorization: 'Bearer guessed' } }), 401, 'credential-refused');
  });

  it('only who has a role for it', async () => {
    const { body } = await refused(() => post('/use-cases', null, draft, withRights('human/vera', { roles: ['viewer'] })), 403, 'permission-missing');
    expect(body).toMatchObject({ permissions: ['use-case.draft'], projectId: PROJECT, roles: ['business-owner', 'data-scientist', 'ml-engineer'] });
    expect((await call('GET', '/use-cases', { headers: withRights('human/vera', { roles: ['viewer'] }) })).status).toBe(200);
  });

  it('in the projects of the role and in no other', async () => {
    const inProject = (name: string) => fetch(`${service.url}/v1/projects/${name}/use-cases`, { headers: withRights('human/vera', { roles: ['viewer'], projects: ['alpha'] }) });
    expect([(await inProject('alpha')).status, (await inProject('beta')).status]).toEqual([200, 403]);
  });

  it('approves only in a role of his own, after a recent login; an administrator in none', async () => {
    const { modelVersionId } = await registered(await approvedUseCase());
    const path = `/approval-cases/${(await open(modelVersionId)).body.id}/approvals`;
    const word = (role: string, who: Who, rights: Parameters<typeof as>[1]) => post(path, null, { role, decision: 'approve' }, withRights(who, rights));
    for (const role of ['business-owner', 'model-risk']) await refused(() => word(role, 'human/ada', { roles: ['administrator'] }), 403, 'permission-missing');
    await refused(() => word('model-risk', 'human/olga', { roles: ['business-owner'] }), 403, 'permission-missing');
    await refused(() => word('business-owner', 'human/mira', { roles: ['validator'] }), 403, 'permission-missing');
    for (const claims of [{ auth_time: 0 }, { auth_time: undefined }]) {
      const { headers } = await refused(() => word('model-risk', 'human/mira', { roles: ['validator'], claims }), 401, 'login-too-old');
      expect(headers.get('www-authenticate')).toBe('Bearer realm="vitae", error="insufficient_user_authentication", max_age=900');
    }
    expect((await word('model-risk', 'human/mira', { roles: ['validator'] })).status).toBe(201);
    expect((await word('business-owner', 'human/olga', { roles: ['business-owner'] })).status).toBe(201);
  });
});

describe('the service', () => {
  it('is ready, and has parked nothing', async () => {
    const ready = (await (await fetch(`${service.url}/readyz`)).json()) as { status: string; consumers: { name: string; parked: number }[] };
    expect(ready).toMatchObject({ status: 'ready', consumers: [{ name: 'governance.lifecycle', parked: 0 }] });
  });

  it('describes its routes', async () => {
    const { paths } = (await (await fetch(`${service.url}/openapi.json`)).json()) as { paths: Record<string, unknown> };
    expect(Object.keys(paths).map((path) => path.replace('/v1/projects/{projectId}', ''))).toEqual(
      expect.arrayContaining(['/use-cases', '/gates/{gate}/decisions', '/gates/{gate}/approval-cases', '/approval-cases/{id}/approvals', '/incidents/{id}/closure', '/retirements/{id}/approval', '/policy-sets', '/delegations', '/delegations/{id}/revocation', '/v1/delegations', '/v1/linked-accounts', '/v1/linked-accounts/{id}/unlinking/approval', '/v1/people/{account}']),
    );
  });
});

describe('the views', () => {
  it('say what the ledger says, and are the same after a rebuild', async () => {
    const same = (tables: readonly { readonly table: string }[]) => tables.map(({ table }) => expect.objectContaining({ table, unfounded: 0, missing: 0 }));
    const compared = await rebuildViews(governance, database.url, { swap: false });
    expect(compared.tables).toEqual(same(compared.tables));
    expect(await rebuildViews(governance, database.url, { swap: true })).toMatchObject({ swapped: true });
    const again = await rebuildViews(governance, database.url, { swap: false });
    expect(again.tables).toEqual(same(again.tables));
  });
});
