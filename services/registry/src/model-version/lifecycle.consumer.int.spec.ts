import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type Message } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ActorKind, ActorSchema, RetirementApprovedSchema, TrafficShiftedSchema, VariantRemovedSchema } from '@vitae/contracts';
import { append, pooledSql, streamName } from '@vitae/event-store';
import { boot, type Running } from '@vitae/service-kit';
import { as, eventually, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import pg from 'pg';
import { registry } from '../app.module.ts';

const FIXTURES = new URL('../../../../test/fixtures/german-credit/', import.meta.url);
const BASE = '/v1/projects/credit';

let database: FreshDatabase;
let nats: FreshNats;
let dataDir: string;
let service: Running;
let pool: pg.Pool;

beforeAll(async () => {
  const [first, second, third] = await Promise.allSettled([freshDatabase(), freshNats(), mkdtemp(join(tmpdir(), 'vitae-registry-'))]);
  if (first.status === 'fulfilled') database = first.value;
  if (second.status === 'fulfilled') nats = second.value;
  if (third.status === 'fulfilled') dataDir = third.value;
  for (const one of [first, second, third]) if (one.status === 'rejected') throw one.reason;
  service = await boot(registry, { ...specAccess(), PORT: '0', DATABASE_URL: database.url, NATS_URL: nats.url, VITAE_DATA_DIR: dataDir, LOG_LEVEL: 'silent' });
  pool = new pg.Pool({ connectionString: database.url, max: 2 });
});

afterAll(async () => {
  await pool?.end();
  await service?.stop();
  await Promise.allSettled([database?.drop(), nats?.drop(), rm(dataDir, { recursive: true, force: true })]);
});

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a spec asserts on the shape itself
async function call(method: string, path: string, body?: unknown): Promise<any> {
  const raw = body instanceof Uint8Array;
  const response = await fetch(`${service.url}${BASE}${path}`, {
    method,
    headers: { authorization: as('human/dana'), 'content-type': raw ? 'application/octet-stream' : 'application/json' },
    ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer;
}

const files: Record<string, string> = {};
let datasetVersionId: string;

beforeAll(async () => {
  for (const name of ['credit.csv', 'credit-v1.onnx', 'credit-v2.onnx', 'credit-v3.onnx']) {
    files[name] = (await call('POST', '/artefacts', await readFile(new URL(name, FIXTURES)))).digest;
  }
  datasetVersionId = (await call('POST', '/datasets/german-credit/versions', { digest: files['credit.csv'], mediaType: 'text/csv', source: 'Statlog', licence: 'CC BY 4.0' })).id;
});

/** A model of its own with one version, of this file. */
async function versionOf(file: string): Promise<{ modelId: string; modelVersionId: string; stream: string }> {
  const { id: modelId } = await call('POST', '/models', { name: `model-${randomUUID()}`, task: 'binary-classification', useCaseId: randomUUID() });
  const { id, stream } = await call('POST', `/models/${modelId}/versions`, {
    artefact: { digest: files[file], path: 'model.onnx', format: 'onnx' },
    datasetVersionId,
    source: { repository: 'https://example.org/credit.git', commit: 'abcdef0' },
  });
  return { modelId, modelVersionId: id, stream };
}

/** What another service recorded. */
async function happened(category: string, id: string, event: Message, projectId = 'credit'): Promise<void> {
  const attribution = { projectId, actor: create(ActorSchema, { id: 'olga', kind: ActorKind.HUMAN }), reason: '', occurredAt: new Date().toISOString(), correlationId: 'retirement-1', causationId: '', traceparent: '' };
  await append(pooledSql(pool), { stream: streamName(category, id), expected: 'any', events: [event], attribution, subjects: [] });
}

/** Resolves when the registry has taken everything that happened. */
async function settled(): Promise<void> {
  await eventually(async () => {
    await pool.query('select ledger.sequence(1000)');
    const { rows } = await pool.query(`select next_index = (select next_index from ledger.head) as done from messaging.bookmark where consumer = 'registry.lifecycle'`);
    expect(rows).toEqual([{ done: true }]);
  });
}

const approved = (version: { modelId: string; modelVersionId: string }, retirementId = randomUUID(), projectId = 'credit'): Promise<void> =>
  happened('governance.Retirement', retirementId, create(RetirementApprovedSchema, { retirementId, ...version, version: 1 }), projectId);
const shifted = (endpointId: string, weights: Record<string, number>): Promise<void> =>
  happened('deployment.Endpoint', endpointId, create(TrafficShiftedSchema, {
    endpointId,
    endpointName: 'credit',
    environment: 'production',
    weights: Object.entries(weights).map(([modelVersionId, weight]) => ({ variantId: modelVersionId, modelVersionId, version: 1, weight })),
  }));

async function stateOf(id: string): Promise<string> {
  await settled();
  return (await call('GET', `/model-versions/${id}`)).state;
}
async function typesOn(stream: string): Promise<string[]> {
  await settled();
  const { rows } = await pool.query<{ type: string }>('select type from ledger.event where stream = $1 order by revision', [stream]);
  return rows.map(({ type }) => type.split('.').at(-1) ?? '');
}
const inUse = (file: string): Promise<boolean> => stat(join(dataDir, 'artefacts', 'sha256', files[file]?.slice(7, 9) ?? '', files[file]?.slice(9) ?? '')).then(() => true, () => false);

describe('An approved retirement', () => {
  it('waits until no endpoint sends the version requests; then its bytes go to the archive and it is retired, once', async () => {
    const [one, two] = [await versionOf('credit-v1.onnx'), await versionOf('credit-v2.onnx')];
    const [first, second] = [randomUUID(), randomUUID()];
    const retirementId = randomUUID();
    await shifted(first, { [one.modelVersionId]: 100 });
    await shifted(second, { [one.modelVersionId]: 10, [two.modelVersionId]: 90 });
    await approved(one, retirementId);
    expect(await stateOf(one.modelVersionId)).toBe('registered');

    await shifted(first, { [one.modelVersionId]: 0, [two.modelVersionId]: 100 });
    expect([await stateOf(one.modelVersionId), await inUse('credit-v1.onnx')]).toEqual(['registered', true]); // the second endpoint still does

    await shifted(second, { [two.modelVersionId]: 100 });
    expect(await typesOn(one.stream)).toEqual(['ModelVersionRegistered', 'ArtefactArchived', 'ModelVersionRetired']);
    const location = `archive/sha256/${files['credit-v1.onnx']?.slice(7, 9)}/${files['credit-v1.onnx']?.slice(9)}`;
    expect(await call('GET', `/model-versions/${one.modelVersionId}`)).toMatchObject({ state: 'retired', archiveLocation: location, retirementId, revision: 3 });
    expect(await readFile(join(dataDir, location))).toEqual(await readFile(new URL('credit-v1.onnx', FIXTURES)));
    expect(await inUse('credit-v1.onnx')).toBe(false);

    // Asked for later, the bytes come from the archive.
    const response = await fetch(`${service.url}${BASE}/artefacts/${files['credit-v1.onnx']}`, { headers: { authorization: as('human/dana') } });
    expect(Buffer.from(await response.arrayBuffer())).toEqual(await readFile(new URL('credit-v1.onnx', FIXTURES)));

    const { rows } = await pool.query(
      `select e.subjects, e.metadata -> 'actor' as actor, e.metadata ->> 'reason' as reason, c.type as cause
       from ledger.event e join ledger.event c on c.id = (e.metadata ->> 'causationId')::uuid where e.stream = $1 and e.revision = 3`,
      [one.stream],
    );
    expect(rows).toEqual([{
      subjects: expect.arrayContaining([`model:${one.modelId}`, `model-version:${one.modelVersionId}`, `retirement:${retirementId}`]),
      actor: { id: 'registry', kind: 'ACTOR_KIND_SYSTEM' },
      reason: expect.stringContaining(retirementId),
      cause: 'vitae.deployment.v1.TrafficShifted',
    }]);

    await approved(one, retirementId);
    await approved(one, randomUUID());
    expect(await typesOn(one.stream)).toHaveLength(3);
    expect((await pool.query('select * from registry.approved_retirement')).rows).toEqual([]);
  });

  it('is carried out at once when nothing serves the version, and leaves bytes in use that another version has', async () => {
    const [going, staying] = [await versionOf('credit-v3.onnx'), await versionOf('credit-v3.onnx')];
    await approved(going);
    expect([await stateOf(going.modelVersionId), await stateOf(staying.modelVersionId), await inUse('credit-v3.onnx')]).toEqual(['retired', 'registered', true]);
    await approved(staying);
    expect([await stateOf(staying.modelVersionId), await inUse('credit-v3.onnx')]).toEqual(['retired', false]);
  });

  it('is carried out when the variant that served is removed', async () => {
    const version = await versionOf('credit-v2.onnx');
    const endpointId = randomUUID();
    await shifted(endpointId, { [version.modelVersionId]: 100 });
    await approved(version);
    expect(await stateOf(version.modelVersionId)).toBe('registered');
    await happened('deployment.Endpoint', endpointId, create(VariantRemovedSchema, { endpointId, variantId: version.modelVersionId, modelVersionId: version.modelVersionId }));
    expect(await stateOf(version.modelVersionId)).toBe('retired');
  });

  it('that broke off after the bytes had left, before anything was recorded, is carried out all the same', async () => {
    const version = await versionOf('credit-v2.onnx');
    const place = (tier: string): string => join(dataDir, tier, 'sha256', files['credit-v2.onnx']?.slice(7, 9) ?? '', files['credit-v2.onnx']?.slice(9) ?? '');
    await cp(place('artefacts'), place('archive'));
    await rm(place('artefacts'));
    await approved(version);
    expect(await typesOn(version.stream)).toEqual(['ModelVersionRegistered', 'ArtefactArchived', 'ModelVersionRetired']);
  });

  it('of another project touches nothing, and is set aside for somebody to look at', async () => {
    const version = await versionOf('credit-v1.onnx');
    await approved(version, randomUUID(), 'other');
    expect(await stateOf(version.modelVersionId)).toBe('registered');
    const { rows } = await pool.query(`select type, error from messaging.parked where consumer = 'registry.lifecycle'`);
    expect(rows).toEqual([{ type: 'vitae.governance.v1.RetirementApproved', error: expect.stringContaining(version.modelVersionId) }]);
  });
});
