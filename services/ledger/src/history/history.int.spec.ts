import { create, type Message } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  DatasetVersionRegisteredSchema,
  GateDecidedSchema,
  GateOutcome,
  ModelRegisteredSchema,
  ModelVersionRegisteredSchema,
  PiiClass,
  ColumnKind,
  PolicyOutcome,
  RolloutAdvancedSchema,
  TrafficShiftedSchema,
  UseCaseApprovedSchema,
  UseCaseDraftedSchema,
  RiskTier,
  AiActClass,
  UseCaseSubmittedSchema,
  VariantDeployedSchema,
  VariantFailedSchema,
  VariantReadySchema,
} from '@vitae/contracts';
import { ledgerMigrations, migrate, pooledSql } from '@vitae/event-store';
import { boot, type Running } from '@vitae/service-kit';
import { as, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import fc from 'fast-check';
import { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { ledger } from '../app.module.ts';
import { LAST_INDEX, readEvents } from './event-search.view.ts';
import { indexOf } from './history-item.ts';
import { documentOf, NOTHING, withEvent } from './stream-state.ts';
import { sequence, write, type Writing } from './written.fixture.ts';

let database: FreshDatabase;
let broker: FreshNats;
let pool: Pool;
let service: Running;

beforeAll(async () => {
  [database, broker] = await Promise.all([freshDatabase(), freshNats()]);
  await migrate(database.url, ledgerMigrations);
  pool = new Pool({ connectionString: database.url, max: 4 });
  pool.on('error', () => undefined);
  service = await boot(ledger, { ...specAccess(), PORT: '0', DATABASE_URL: database.url, NATS_URL: broker.url, LOG_LEVEL: 'silent' });
});
afterAll(async () => {
  await service.stop();
  await pool.end();
  await Promise.all([broker.drop(), database.drop()]);
});

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a spec asserts on the shape itself
const get = async (path: string): Promise<{ status: number; body: any }> => {
  const response = await fetch(`${service.url}/v1/projects/credit/${path}`, { headers: { authorization: as('human/audrey') } });
  return { status: response.status, body: await response.json() };
};
/** Appends, and answers the index and the time that the last event got. */
async function told(writing: Writing): Promise<{ index: number; at: string }> {
  const events = await write(pool, writing);
  await sequence(pool);
  const { rows } = await pool.query<{ index: string }>('select n.index from ledger.entry n join ledger.event e on e.seq = n.seq where e.id = $1', [events.at(-1)?.id]);
  return { index: Number(rows[0]?.index), at: events.at(-1)?.recordedAt ?? '' };
}

const digest = `sha256:${'a'.repeat(64)}`;
const ids = () => ({ endpointId: uuidv7(), variantId: uuidv7(), modelVersionId: uuidv7(), modelId: uuidv7() });
const deployed = ({ endpointId, variantId, modelVersionId, modelId }: ReturnType<typeof ids>, version = 1) =>
  create(VariantDeployedSchema, { endpointId, variant: { variantId, modelVersionId, modelId, version, artefactDigest: digest, files: [{ path: 'm.onnx', digest }] } });

describe('the state of an aggregate', () => {
  it('is, at every index, the fold of its events up to there, and the same when asked for again', async () => {
    const one = ids();
    const two = { ...ids(), endpointId: one.endpointId };
    const stream = `deployment.Endpoint-${one.endpointId}`;
    const kinds: readonly (() => Message)[] = [
      () => deployed(one, 1),
      () => deployed(two, 2),
      () => create(VariantReadySchema, { endpointId: one.endpointId, variantId: two.variantId }),
      () => create(VariantFailedSchema, { endpointId: one.endpointId, variantId: one.variantId, reason: `because ${uuidv7()}` }),
      () => create(TrafficShiftedSchema, { endpointId: one.endpointId, endpointName: 'credit', environment: 'prod', weights: [{ variantId: one.variantId, modelVersionId: one.modelVersionId, version: 1, weight: 100 }] }),
      () => create(RolloutAdvancedSchema, { rolloutId: uuidv7(), endpointId: one.endpointId, step: 0, weight: 10 }),
    ];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(kinds.length - 1), { minLength: 1, maxLength: 6 }), async (chosen) => {
        for (const kind of chosen) {
          await told({ stream, events: [(kinds[kind] as () => Message)()] });
          await told({ stream: `governance.UseCase-${uuidv7()}`, events: [create(UseCaseSubmittedSchema, { useCaseId: uuidv7() })] }); // another's, in between
        }
        const items = await readEvents(pooledSql(pool), { stream }, { from: 0, to: LAST_INDEX, order: 'asc', limit: 1_000 });
        for (const [n, item] of items.entries()) {
          const expected = JSON.parse(JSON.stringify(documentOf(items.slice(0, n + 1).reduce(withEvent, NOTHING)))) as unknown;
          for (const index of [indexOf(item), indexOf(item) + 1]) {
            const { body } = await get(`streams/${stream}/state?asOf=${index}`);
            expect(body).toMatchObject({ revision: n + 1, asOf: { index }, last: { index: indexOf(item), id: item.envelope.id, actor: { id: 'dana' }, reason: 'a spec' } });
            expect(body.state).toEqual(expected);
          }
        }
      }),
      { numRuns: 5 },
    );
  });

  it('is found by a time as well, and is not there before its first event', async () => {
    const useCaseId = uuidv7();
    const stream = `governance.UseCase-${useCaseId}`;
    const before = await told({ stream: `governance.UseCase-${uuidv7()}`, events: [create(UseCaseSubmittedSchema, { useCaseId: uuidv7() })] });
    const first = await told({ stream, events: [create(UseCaseSubmittedSchema, { useCaseId })] });
    const second = await told({ stream, events: [create(UseCaseApprovedSchema, { useCaseId })], actor: 'erin', reason: 'it is worth it' });
    const state = async (asOf: string) => get(`streams/${stream}/state?asOf=${encodeURIComponent(asOf)}`);
    expect((await state(first.at)).body).toMatchObject({ revision: 1, state: { lastEvent: 'UseCaseSubmitted' }, asOf: { index: first.index } });
    expect((await state(second.at)).body).toMatchObject({ revision: 2, state: { lastEvent: 'UseCaseApproved', useCaseId }, sources: { lastEvent: second.index }, last: { actor: { id: 'erin' } } });
    expect((await state('2999-01-01T00:00:00+02:00')).body).toMatchObject({ revision: 2 });
    expect(await state(before.at)).toMatchObject({ status: 404, body: { type: 'https://vitae.dev/problems/stream-not-found' } });
    expect(await state('2020-01-01T00:00:00Z')).toMatchObject({ status: 404 });
    expect((await fetch(`${service.url}/v1/projects/other/streams/${stream}/state`, { headers: { authorization: as('human/audrey') } })).status).toBe(404);
  });
});

describe('the difference between two points of an aggregate', () => {
  it('says what changed, from what to what, who did it, when and why', async () => {
    const one = ids();
    const stream = `deployment.Endpoint-${one.endpointId}`;
    const { endpointId, variantId } = one;
    const from = await told({ stream, events: [deployed(one)] });
    await told({ stream, events: [create(VariantReadySchema, { endpointId, variantId })], actor: 'deployment' });
    const to = await told({ stream, events: [create(VariantFailedSchema, { endpointId, variantId, reason: 'out of memory' })], actor: 'driver', reason: 'it ended' });
    const { body } = await get(`streams/${stream}/diff?from=${from.index}&to=${encodeURIComponent(to.at)}`);
    expect(body).toMatchObject({ stream, from: { index: from.index }, to: { index: to.index }, events: 2 });
    const by = { index: to.index, actor: { id: 'driver', kind: 'ACTOR_KIND_HUMAN' }, reason: 'it ended', recordedAt: to.at };
    expect(body.changes).toEqual(expect.arrayContaining([
      { path: `/variants/${variantId}/lastEvent`, old: 'VariantDeployed', new: 'VariantFailed', index: to.index, by: expect.objectContaining(by) },
      { path: `/variants/${variantId}/reason`, new: 'out of memory', index: to.index, by: expect.objectContaining(by) },
    ]));
    expect((await get(`streams/${stream}/diff?from=${to.index}`)).body.changes).toEqual([]);
    expect(await get(`streams/${stream}/diff?from=${to.index}&to=${from.index}`)).toMatchObject({ status: 400, body: { type: 'https://vitae.dev/problems/diff-backwards' } });
  });
});

describe('the life of a model', () => {
  it('has the use case and the data that it came from, and stood at each point as it stood then', async () => {
    const { modelId, modelVersionId, endpointId, variantId } = ids();
    const [useCaseId, datasetVersionId] = [uuidv7(), uuidv7()];
    const subjects = [`model:${modelId}`, `model-version:${modelVersionId}`];
    await told({
      stream: `governance.UseCase-${useCaseId}`,
      events: [
        create(UseCaseDraftedSchema, { useCaseId, title: 't', objective: 'o', kpis: [{ name: 'k', baseline: 1, target: 2 }], owner: 'dana', dataAvailability: 'd', resources: 'r', purpose: 'p', riskTier: RiskTier.LOW, aiActClass: AiActClass.MINIMAL, requiredMetrics: [] }),
        create(UseCaseSubmittedSchema, { useCaseId }),
        create(UseCaseApprovedSchema, { useCaseId }),
      ],
      subjects: [`use-case:${useCaseId}`],
    });
    const column = { name: 'age', dataType: 'BIGINT', kind: ColumnKind.NUMERIC, piiClass: PiiClass.NONE };
    await told({
      stream: `registry.DatasetVersion-${datasetVersionId}`,
      events: [create(DatasetVersionRegisteredSchema, { datasetVersionId, datasetName: 'd', version: 1, digest, sizeBytes: 1n, mediaType: 'text/csv', rowCount: 1n, columns: [column], piiClass: PiiClass.NONE, source: 's', licence: 'l' })],
      subjects: [`dataset-version:${datasetVersionId}`],
    });
    await told({ stream: `registry.Model-${modelId}`, events: [create(ModelRegisteredSchema, { modelId, name: 'credit', task: 't', useCaseId })], subjects: [`model:${modelId}`] });
    const artefact = { digest, files: [{ path: 'm.onnx', digest, sizeBytes: 1n }], format: 'onnx' };
    const tensor = { name: 'x', datatype: 'FP32', shape: [-1n, 3n] };
    const registered = await told({
      stream: `registry.ModelVersion-${modelVersionId}`,
      events: [create(ModelVersionRegisteredSchema, { modelVersionId, modelId, modelName: 'credit', version: 1, artefact, inputs: [tensor], outputs: [tensor], datasetVersionId, datasetDigest: digest, source: { repository: 'r', commit: 'abcdef0' }, contributors: ['dana'], useCaseId })],
      subjects,
    });
    const subject = { gate: 'production', modelVersionId, modelId, version: 1, artefactDigest: digest, useCaseId, environment: 'prod', environmentClass: 'production', subjectHash: digest };
    const permit = { permitId: uuidv7(), expiresAt: timestampFromDate(new Date('2027-01-01T00:00:00Z')) };
    const decided = await told({
      stream: `governance.GateDecision-${uuidv7()}`,
      events: [create(GateDecidedSchema, { decisionId: uuidv7(), subject, requestedBy: 'dana', input: '{}', inputHash: digest, inputSchema: 's', policySet: 'core', policySetVersion: '1', policySetHash: digest, engine: 'cel', results: [{ policyId: 'POL-001', outcome: PolicyOutcome.PASS }], outcome: GateOutcome.ALLOW, permit })],
      actor: 'erin', subjects,
    });
    const shift = await told({
      stream: `deployment.Endpoint-${endpointId}`,
      events: [create(TrafficShiftedSchema, { endpointId, endpointName: 'credit', environment: 'prod', weights: [{ variantId, modelVersionId, version: 1, weight: 100 }] })],
      subjects: [...subjects, `endpoint:${endpointId}`],
    });

    const life = async (asOf: number | string) => (await get(`models/${modelId}/life?asOf=${asOf}`)).body;
    const counts = (body: { stages: { stage: string; count: number }[] }) => Object.fromEntries(body.stages.filter(({ count }) => count > 0).map(({ stage, count }) => [stage, count]));
    const then = await life(registered.index);
    expect(counts(then)).toEqual({ plan: 3, data: 1, develop: 2 });
    expect(then.state).toMatchObject({ name: 'credit', useCase: { useCaseId, state: 'approved' }, versions: { [modelVersionId]: { version: 1, state: 'registered', decisions: {} } }, serving: {} });
    const approved = await life(decided.at);
    expect(approved.asOf.index).toBe(decided.index);
    expect(approved.state.versions[modelVersionId].decisions).toMatchObject({ 'production/prod': { outcome: 'allow', index: decided.index } });
    const now = await life(shift.index);
    expect(counts(now)).toEqual({ plan: 3, data: 1, develop: 2, approve: 1, serve: 1 });
    expect(now.state.serving).toEqual({ [endpointId]: { endpoint: 'credit', environment: 'prod', weights: [{ variantId, modelVersionId, version: 1, weight: 100 }], since: shift.index } });
    expect(now.stages.find(({ stage }: { stage: string }) => stage === 'approve').events).toMatchObject([{ index: decided.index, actor: { id: 'erin' }, reason: 'a spec' }]);
    expect(await get(`models/${modelId}/life?asOf=0`)).toMatchObject({ status: 404, body: { type: 'https://vitae.dev/problems/model-not-found' } });

    const serving = async (query: string) => (await get(`endpoints/${endpointId}/serving${query}`)).body;
    const expected = { weights: [{ version: 1, weight: 100 }], since: { index: shift.index }, asOf: { index: shift.index } };
    expect(await serving(`?at=${shift.at}`)).toMatchObject(expected);
    expect(await serving(`?asOf=${shift.at}`)).toMatchObject(expected);
    expect(await serving(`?asOf=${shift.index}`)).toMatchObject(expected);
    expect(await serving('')).toMatchObject({ since: { index: shift.index } });
    expect(await serving(`?asOf=${shift.index - 1}`)).toMatchObject({ status: 404 });
  });
});

describe('the events', () => {
  it('of all projects are there for who looks after the installation, by time, too', async () => {
    const first = await told({ stream: `governance.UseCase-${uuidv7()}`, events: [create(UseCaseSubmittedSchema, { useCaseId: uuidv7() })], projectId: 'one' });
    const second = await told({ stream: `governance.UseCase-${uuidv7()}`, events: [create(UseCaseSubmittedSchema, { useCaseId: uuidv7() })], projectId: 'two' });
    const response = await fetch(`${service.url}/v1/events?since=${first.at}&until=${second.at}`, { headers: { authorization: as('human/audrey') } });
    expect(((await response.json()) as { items: { envelope: { index: string } }[] }).items.map(({ envelope }) => Number(envelope.index))).toEqual([second.index]);
    expect((await fetch(`${service.url}/v1/events/${second.index}`, { headers: { authorization: as('human/audrey') } })).status).toBe(200);
    expect((await get(`events/${second.index}`)).status).toBe(404);
  });

  it.each([
    ['events?type=Nonsense', 400],
    ['events?stream=nonsense', 400],
    ['events?since=yesterday', 400],
    ['events?order=sideways', 400],
    ['streams/nonsense/state', 400],
    ['streams/governance.UseCase-1/state?asOf=yesterday', 400],
    ['streams/governance.UseCase-1/state?asOf=99999999', 404],
    ['streams/governance.UseCase-1/diff', 400],
    ['models/nonsense/life', 400],
    ['endpoints/x/serving?at=2020-01-01T00:00:00Z&asOf=1', 400],
  ])('%s is answered with %i', async (path, status) => {
    const answer = await get(path);
    expect(answer).toMatchObject({ status, body: { type: expect.stringMatching(/^https:\/\/vitae\.dev\/problems\//) } });
  });
});
