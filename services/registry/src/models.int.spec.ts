import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { create, type Message } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ActorKind, ActorSchema, LINKED_ACCOUNTS_STREAM, ModelVersionRegisteredSchema, PeopleLinkedSchema, PeopleUnlinkedSchema, RetirementApprovedSchema, TrafficShiftedSchema } from '@vitae/contracts';
import { append, pooledSql, readStream, streamName, type RecordedEvent } from '@vitae/event-store';
import { rebuildViews, type Running } from '@vitae/service-kit';
import { as, eventually, type FreshDatabase } from '@vitae/testing';
import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { registry } from './app.module.ts';
import { modelVersion } from './model-version/model-version.ts';
import type { ModelVersionEvent, ModelVersionState } from './model-version/model-version-state.ts';
import { lockVersion } from './model-version/locked-version.view.ts';
import { model, type ModelEvent, type ModelState } from './model/model.ts';
import { lockModel } from './model/models.view.ts';
import { runRegistry, type RunningRegistry } from './running-registry.fixture.ts';

const FIXTURES = new URL('../../../test/fixtures/german-credit/', import.meta.url);
const ONNX = ['credit-v1.onnx', 'credit-v2.onnx', 'credit-v3.onnx'] as const;

let running: RunningRegistry;
let service: Running;
let database: FreshDatabase;
let pool: pg.Pool;
let relay: () => Promise<void>;

beforeAll(async () => {
  running = await runRegistry();
  ({ service, database, pool, relay } = running);
});
afterAll(() => running?.stop());

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a spec asserts on the shape itself
  readonly body: any;
}

const BASE = '/v1/projects/credit';

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const raw = body instanceof Uint8Array;
  const response = await fetch(`${service.url}${path.startsWith('/v1') ? '' : BASE}${path}`, {
    method,
    headers: { authorization: as('human/dana'), ...(body === undefined ? {} : { 'content-type': raw ? 'application/octet-stream' : 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}
const by = (actor: string): Record<string, string> => ({ authorization: as(`human/${actor}`) });

async function done(answer: Promise<Answer>): Promise<Answer['body']> {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(JSON.stringify(body));
  return body;
}

/** The problem, and that the ledger has nothing of it. */
async function refused(attempt: () => Promise<Answer>, status: number, slug: string, detail = /\S/): Promise<void> {
  const events = async () => (await pool.query("select count(*)::integer as n from ledger.event where type not like 'vitae.access.%'")).rows;
  const before = await events();
  const { status: answered, body } = await attempt();
  expect({ status: answered, type: body?.type }).toEqual({ status, type: `https://vitae.dev/problems/${slug}` });
  expect(body.detail).toMatch(detail);
  expect(await events()).toEqual(before);
}

const useCaseId = randomUUID();
const registered = (name: string, more: object = {}): Promise<Answer> => call('POST', '/models', { name, task: 'binary-classification', useCaseId, ...more });
const modelNamed = async (name: string, more: object = {}): Promise<string> => (await done(registered(name, more))).id;

const digests: Record<string, string> = {};
let datasetVersionId: string;
const versionBody = (file: (typeof ONNX)[number], more: object = {}): object => ({
  artefact: { digest: digests[file], path: 'model.onnx', format: 'onnx' },
  datasetVersionId,
  source: { repository: 'https://example.org/credit.git', commit: 'abcdef0' },
  contributors: ['ben'],
  ...more,
});
const versionOf = async (modelId: string, file: (typeof ONNX)[number] = 'credit-v1.onnx', more: object = {}): Promise<{ id: string; version: number; stream: string }> =>
  done(call('POST', `/models/${modelId}/versions`, versionBody(file, more)));

/** A model of its own with three versions. */
async function modelWithVersions(name: string): Promise<{ id: string; versions: string[] }> {
  const id = await modelNamed(name);
  const versions: string[] = [];
  for (const file of ONNX) versions.push((await versionOf(id, file)).id);
  return { id, versions };
}

beforeAll(async () => {
  for (const name of ['credit.csv', ...ONNX]) digests[name] = (await done(call('POST', '/artefacts', await readFile(new URL(name, FIXTURES))))).digest;
  datasetVersionId = (await done(call('POST', '/datasets/german-credit/versions', { digest: digests['credit.csv'], mediaType: 'text/csv', source: 'Statlog', licence: 'CC BY 4.0' }))).id;
});

/** What another service recorded. */
async function happened(stream: string, event: Message, subjects: readonly string[] = [], actor = 'olga'): Promise<void> {
  const attribution = { projectId: 'credit', actor: create(ActorSchema, { id: actor, kind: ActorKind.HUMAN }), reason: '', occurredAt: new Date().toISOString(), correlationId: 'spec', causationId: '', traceparent: '' };
  await append(pooledSql(pool), { stream, expected: 'any', events: [event], attribution, subjects });
  await relay();
}
/** Resolves when the registry has taken everything that happened. */
async function settled(): Promise<void> {
  await relay();
  const { rows } = await pool.query('select next_index from ledger.head');
  await eventually(async () => expect((await pool.query(`select next_index from messaging.bookmark where consumer = 'registry.lifecycle'`)).rows).toEqual(rows));
}
const shifted = (endpointId: string, weights: Record<string, number>): Promise<void> =>
  happened(streamName('deployment.Endpoint', endpointId), create(TrafficShiftedSchema, {
    endpointId,
    endpointName: 'scoring',
    environment: 'production',
    weights: Object.entries(weights).map(([modelVersionId, weight]) => ({ variantId: modelVersionId, modelVersionId, version: 1, weight })),
  }));

async function eventsOn(stream: string): Promise<{ type: string; actor: string; reason: string; payload: Record<string, unknown> }[]> {
  const { rows } = await pool.query(`select split_part(type, '.', 4) as type, metadata -> 'actor' ->> 'id' as actor, metadata ->> 'reason' as reason, payload from ledger.event where stream = $1 order by revision`, [stream]);
  return rows;
}
const typesOn = async (stream: string): Promise<string[]> => (await eventsOn(stream)).map(({ type }) => type);

describe('A model', () => {
  it('is renamed, keeps its versions, and leaves its name to another', async () => {
    const { id, versions } = await modelWithVersions('renamed-before');
    const answer = await call('PUT', `/models/${id}/name`, { name: 'renamed-after' });
    expect([answer.status, answer.headers.get('etag'), answer.body]).toEqual([200, '"2"', { id, name: 'renamed-after', stream: `registry.Model-${id}`, revision: 2 }]);
    expect((await done(call('GET', `/models/${id}`))).name).toBe('renamed-after');
    expect((await done(call('GET', `/model-versions/${versions[0]}`))).modelName).toBe('renamed-after');
    await refused(() => registered('renamed-after'), 409, 'model-name-taken');
    const other = await modelNamed('renamed-before');
    await refused(() => call('PUT', `/models/${id}/name`, { name: 'renamed-before' }), 409, 'model-name-taken', /renamed-before/);
    await done(call('PUT', `/models/${other}/name`, { name: 'renamed-before' }));
    expect(await typesOn(`registry.Model-${other}`)).toEqual(['ModelRegistered']);
  });

  it('is the only one that gets a name when several ask for it at once', async () => {
    const ids = await Promise.all([1, 2, 3].map((n) => modelNamed(`contender-${n}`)));
    const answers = await Promise.all([...ids.map((id) => call('PUT', `/models/${id}/name`, { name: 'contended' })), registered('contended')]);
    expect(answers.filter(({ status }) => status < 300)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.type?.endsWith('/model-name-taken'))).toHaveLength(3);
  });

  it('is described, tagged and deprecated, by somebody, at a time', async () => {
    const successor = await modelNamed('described-successor');
    const id = await modelNamed('described', { tags: [{ key: 'team', value: 'risk' }, { key: 'a/b c.é', value: '' }] });
    const before = await done(call('GET', `/models/${id}`));
    expect(before).toMatchObject({ registeredBy: 'dana', state: 'active', deprecation: null, deletedAt: null, aliases: {}, latestVersions: [], tags: { team: 'risk', 'a/b c.é': '' } });
    expect(before.updatedAt).toBe(before.registeredAt);

    await done(call('PUT', `/models/${id}/description`, { description: 'what it is for' }, by('ben')));
    await done(call('PUT', `/models/${id}/tags/team`, { value: 'fraud' }));
    await done(call('DELETE', `/models/${id}/tags/${encodeURIComponent('a/b c.é')}`));
    await done(call('PUT', `/models/${id}/deprecation`, { reason: 'a better one is there', successorModelId: successor }, by('vera')));
    const after = await done(call('GET', `/models/${id}`));
    expect(after).toMatchObject({ description: 'what it is for', tags: { team: 'fraud' }, state: 'deprecated', deprecation: { reason: 'a better one is there', successorId: successor, by: 'vera' }, revision: 7 });
    expect(after.updatedAt > before.updatedAt).toBe(true);
    expect((await eventsOn(`registry.Model-${id}`)).map(({ type, actor, reason }) => [type, actor, reason]).slice(3)).toEqual([
      ['ModelDescribed', 'ben', 'Describes the model described anew.'],
      ['ModelTagged', 'dana', 'Tags the model described with team.'],
      ['ModelTagRemoved', 'dana', 'Removes the tag a/b c.é from the model described.'],
      ['ModelDeprecated', 'vera', 'Deprecates the model described.'],
    ]);
    expect(await done(call('DELETE', `/models/${id}/deprecation`))).toMatchObject({ state: 'active' });
    expect(await done(call('GET', `/models/${id}`))).toMatchObject({ state: 'active', deprecation: null });
  });

  it('is changed once under one idempotency key, and only as expected', async () => {
    const id = await modelNamed('expected');
    const key = { 'idempotency-key': randomUUID() };
    const [first, again] = [await call('PUT', `/models/${id}/tags/k`, { value: 'v' }, key), await call('PUT', `/models/${id}/tags/k`, { value: 'v' }, key)];
    expect([first.status, again.status, again.body]).toEqual([200, 200, first.body]);
    await refused(() => call('PUT', `/models/${id}/tags/k`, { value: 'w' }, key), 422, 'idempotency-key-reused');
    await refused(() => call('PUT', `/models/${id}/description`, { description: 'x' }, { 'if-match': '"1"' }), 412, 'revision-mismatch');
    expect((await call('PUT', `/models/${id}/description`, { description: 'x' }, { 'if-match': '"2"' })).status).toBe(200);
  });

  it('takes tags up to their size, and no others', async () => {
    const id = await modelNamed('sized');
    const value = 'é'.repeat(50_000);
    await done(call('PUT', `/models/${id}/tags/${'k'.repeat(250)}`, { value }));
    await done(call('PUT', `/models/${id}/tags/__proto__`, { value: 'own' }));
    const { tags } = await done(call('GET', `/models/${id}`));
    expect(Object.entries(tags).sort()).toEqual([['__proto__', 'own'], ['k'.repeat(250), value]]);
    await refused(() => call('PUT', `/models/${id}/tags/k`, { value: `${value}x` }), 400, 'invalid-request');
    await refused(() => call('PUT', `/models/${id}/tags/${'k'.repeat(251)}`, { value: '' }), 400, 'invalid-request');
    await refused(() => call('PUT', `/models/${id}/tags/k`, { value: 'a\0b' }), 400, 'invalid-request');
    await refused(() => call('PUT', `/models/${id}/tags/k`, { value: '\ud800' }), 400, 'invalid-request');
    await refused(() => call('PUT', `/models/${id}/tags/a%00b`, { value: 'x' }), 400, 'invalid-request');
    await refused(() => call('PUT', `/models/${id}/description`, { description: 'a\0b' }), 400, 'invalid-request');
    await refused(() => registered('twice', { tags: [{ key: 'a', value: '1' }, { key: 'a', value: '2' }] }), 400, 'invalid-request');
  });

  it('is refused what is not there, and what is in another project', async () => {
    const id = await modelNamed('here');
    await refused(() => call('PUT', `/models/${id}/deprecation`, { reason: 'x', successorModelId: randomUUID() }), 422, 'successor-unfit');
    await refused(() => call('PUT', `/models/${id}/deprecation`, { reason: 'x', successorModelId: id }), 422, 'successor-unfit');
    await refused(() => call('PUT', `/models/${randomUUID()}/name`, { name: 'x' }), 404, 'model-not-found');
    await refused(() => call('DELETE', `/v1/projects/other/models/${id}`), 404, 'model-not-found');
    await refused(() => call('PUT', `/models/${id}/name`, { name: 'a/b' }), 400, 'invalid-request');
    await refused(() => call('DELETE', `/models/${id}`, undefined, { authorization: '' }), 401, 'credential-missing');
  });
});

describe('A model version', () => {
  it('is described, tagged and deprecated; its artefact, data and source stay', async () => {
    const modelId = await modelNamed('version-metadata');
    const { id, stream } = await versionOf(modelId, 'credit-v1.onnx', { artefactSource: 'runs:/r1/model', runId: 'r1', runLink: 'https://example.org/r1', tags: [{ key: 'stage', value: 'trial' }] });
    const other = await versionOf(modelId, 'credit-v2.onnx');
    const before = await done(call('GET', `/model-versions/${id}`));
    await done(call('PUT', `/model-versions/${id}/description`, { description: 'retrained' }));
    await done(call('PUT', `/model-versions/${id}/tags/stage`, { value: 'live' }));
    await done(call('PUT', `/model-versions/${id}/tags/gone`, { value: '' }));
    await done(call('DELETE', `/model-versions/${id}/tags/gone`));
    await done(call('PUT', `/model-versions/${id}/deprecation`, { reason: 'drifts', successorModelVersionId: other.id }));
    const after = await done(call('GET', `/model-versions/${id}`));
    expect(before).toMatchObject({ runId: 'r1', artefactSource: 'runs:/r1/model', runLink: 'https://example.org/r1', tags: { stage: 'trial' }, state: 'registered' });
    expect(after).toEqual({
      ...before,
      description: 'retrained',
      tags: { stage: 'live' },
      state: 'deprecated',
      deprecation: { reason: 'drifts', successorId: other.id, by: 'dana', at: expect.any(String) },
      revision: 7,
      updatedAt: expect.any(String),
    });
    expect(await typesOn(stream)).toEqual(['ModelVersionRegistered', 'ModelVersionTagged', 'ModelVersionDescribed', 'ModelVersionTagged', 'ModelVersionTagged', 'ModelVersionTagRemoved', 'ModelVersionDeprecated']);
    await done(call('DELETE', `/model-versions/${id}/deprecation`));
    const model = await done(call('GET', `/models/${modelId}`));
    expect(model.latestVersions).toMatchObject([{ id: other.id, version: 2, state: 'registered' }]);
    expect(model.updatedAt >= before.registeredAt).toBe(true);
    await refused(() => call('PUT', `/model-versions/${id}/deprecation`, { reason: 'x', successorModelVersionId: randomUUID() }), 422, 'successor-unfit');
    await refused(() => call('PUT', `/model-versions/${randomUUID()}/description`, { description: 'x' }), 404, 'model-version-not-found');
    await refused(() => call('DELETE', `/v1/projects/other/model-versions/${id}`), 404, 'model-version-not-found');
  });

  it('is shown with its model as the newest of its state', async () => {
    const { id, versions } = await modelWithVersions('newest');
    await done(call('PUT', `/model-versions/${versions[1]}/deprecation`, { reason: 'x' }));
    const { latestVersions } = await done(call('GET', `/models/${id}`));
    expect(latestVersions.map(({ version, state }: Record<string, unknown>) => [version, state])).toEqual([[3, 'registered'], [2, 'deprecated']]);
  });
});

describe('An alias', () => {
  it('names a version until it is moved or removed', async () => {
    const { id, versions } = await modelWithVersions('aliased');
    const path = `/models/${id}/aliases/champion`;
    await refused(() => call('GET', path), 404, 'alias-not-found');
    expect(await done(call('PUT', path, { version: 1 }))).toMatchObject({ alias: 'champion', version: 1, previousVersion: null, revision: 2 });
    expect(await done(call('PUT', path, { version: 3 }))).toMatchObject({ version: 3, previousVersion: 1, revision: 3 });
    expect(await done(call('PUT', path, { version: 3 }))).toMatchObject({ version: 3, previousVersion: 3, revision: 3 });
    expect(await done(call('GET', path))).toMatchObject({ id: versions[2], aliases: ['champion'] });
    expect((await done(call('GET', `/model-versions/${versions[0]}`))).aliases).toEqual([]);
    expect((await done(call('GET', `/models/${id}`))).aliases).toEqual({ champion: 3 });
    await done(call('DELETE', path));
    await done(call('DELETE', path));
    expect((await done(call('GET', `/models/${id}`))).aliases).toEqual({});
    await refused(() => call('PUT', path, { version: 4 }), 404, 'model-version-not-found', /4 of aliased/);
    await refused(() => call('PUT', `/models/${id}/aliases/v7`, { version: 1 }), 422, 'alias-reserved');
    await refused(() => call('PUT', `/models/${id}/aliases/a.b`, { version: 1 }), 400, 'invalid-request');
    await refused(() => call('PUT', `/models/${id}/aliases/${'a'.repeat(256)}`, { version: 1 }), 400, 'invalid-request');
  });

  it('moves in one order when many move it at once, and each is told what it was before', async () => {
    const { id } = await modelWithVersions('raced-alias');
    const wishes = Array.from({ length: 24 }, (_, i) => (i % 3) + 1);
    const answers = await Promise.all(wishes.map((version) => done(call('PUT', `/models/${id}/aliases/champion`, { version }))));
    const told = answers.filter(({ version, previousVersion }) => version !== previousVersion).sort((a, b) => a.revision - b.revision);
    expect(told.map(({ previousVersion }) => previousVersion)).toEqual([null, ...told.slice(0, -1).map(({ version }) => version)]);
    expect((await done(call('GET', `/models/${id}`))).aliases).toEqual({ champion: told.at(-1)?.version });
    const moves = (await eventsOn(`registry.Model-${id}`)).slice(1).map(({ payload }) => payload['version']);
    expect(moves).toEqual(told.map(({ version }) => version));
    // Who was told that it was there already: it was, after the move that his revision names.
    for (const { version, previousVersion, revision } of answers) if (version === previousVersion) expect(moves[revision - 2]).toBe(version);
  });

  it('never names a version that is deleted at the same moment', async () => {
    for (let round = 0; round < 6; round += 1) {
      const id = await modelNamed(`vanishing-${round}`);
      const version = await versionOf(id);
      const [assigned, deleted] = await Promise.all([call('PUT', `/models/${id}/aliases/champion`, { version: 1 }), call('DELETE', `/model-versions/${version.id}`)]);
      expect(deleted.status).toBe(200);
      expect([200, 404]).toContain(assigned.status);
      expect((await done(call('GET', `/models/${id}`))).aliases).toEqual({});
    }
  });

  it('that is protected is changed only by those whom it names, and who was refused is remembered', async () => {
    const { id, versions } = await modelWithVersions('guarded');
    const path = `/models/${id}/aliases/champion`;
    await done(call('PUT', `${path}/protection`, { allowed: ['vera', 'ben'] }));
    await done(call('PUT', path, { version: 1 }, by('vera')));
    expect(await done(call('GET', `/models/${id}`))).toMatchObject({ aliases: { champion: 1 }, protectedAliases: { champion: ['vera', 'ben'] } });

    const denied = async (attempt: Promise<Answer>, slug: string): Promise<void> => expect(await attempt).toMatchObject({ status: 403, body: { type: `https://vitae.dev/problems/${slug}` } });
    await denied(call('PUT', path, { version: 2 }), 'alias-protected');
    await denied(call('PUT', path, { version: 2 }, by('ben')), 'alias-four-eyes');
    await denied(call('DELETE', path), 'alias-protected');
    await denied(call('DELETE', `${path}/protection`), 'alias-protected');
    await denied(call('PUT', `${path}/protection`, { allowed: ['dana'] }), 'alias-protected');
    await denied(call('DELETE', `/model-versions/${versions[0]}`), 'alias-protected');
    await denied(call('DELETE', `/models/${id}`), 'alias-protected');
    expect(await done(call('GET', path))).toMatchObject({ id: versions[0], deletedAt: null });
    expect((await eventsOn(`registry.Model-${id}`)).slice(3).map(({ type, actor, payload }) => [type, actor, payload['refusal'], payload['version'] ?? 0])).toEqual([
      ['ModelAliasChangeRefused', 'dana', 'alias-protected', 2],
      ['ModelAliasChangeRefused', 'ben', 'alias-four-eyes', 2],
      ...Array.from({ length: 5 }, () => ['ModelAliasChangeRefused', 'dana', 'alias-protected', 0]),
    ]);

    await done(call('DELETE', `/model-versions/${versions[0]}`, undefined, by('vera')));
    expect(await done(call('GET', `/models/${id}`))).toMatchObject({ aliases: {}, protectedAliases: { champion: ['vera', 'ben'] } });
    await done(call('DELETE', `${path}/protection`, undefined, by('vera')));
    await done(call('PUT', path, { version: 2 }));
    expect(await done(call('GET', `/models/${id}`))).toMatchObject({ aliases: { champion: 2 }, protectedAliases: {} });
  });

  it('that is protected is not given to a version by another account of who built it, once governance says that they are one', async () => {
    const { id } = await modelWithVersions('guarded-twice');
    const path = `/models/${id}/aliases/champion`;
    await done(call('PUT', `${path}/protection`, { allowed: ['b2'] }));
    await done(call('PUT', path, { version: 1 }, by('b2')));
    const link = { linkId: randomUUID(), people: ['b2', 'ben'] };
    await happened(LINKED_ACCOUNTS_STREAM, create(PeopleLinkedSchema, { ...link, linkedBy: 'adam' }));
    await settled();
    expect(await call('PUT', path, { version: 2 }, by('b2'))).toMatchObject({ status: 403, body: { type: 'https://vitae.dev/problems/alias-four-eyes', detail: expect.stringContaining('b2 is the same person as ben') } });
    await happened(LINKED_ACCOUNTS_STREAM, create(PeopleUnlinkedSchema, { ...link, requestedBy: 'adam', approvedBy: 'berta' }));
    await settled();
    await done(call('PUT', path, { version: 2 }, by('b2')));
    await happened(LINKED_ACCOUNTS_STREAM, create(PeopleLinkedSchema, { ...link, linkedBy: 'adam' })); // for the rebuild below
  });
});

describe('A deleted version', () => {
  it('is hidden with its aliases, its number is gone, its history stays, and it comes back', async () => {
    const { id, versions } = await modelWithVersions('version-deleted');
    const last = versions[2] ?? '';
    await done(call('PUT', `/models/${id}/aliases/champion`, { version: 3 }));
    await done(call('PUT', `/models/${id}/aliases/other`, { version: 2 }));
    expect(await done(call('DELETE', `/model-versions/${last}`))).toMatchObject({ deleted: true, revision: 2 });
    expect(await done(call('DELETE', `/model-versions/${last}`))).toMatchObject({ deleted: true, revision: 2 });
    await refused(() => call('GET', `/model-versions/${last}`), 410, 'model-version-deleted');
    await refused(() => call('PUT', `/model-versions/${last}/tags/a`, { value: 'b' }), 410, 'model-version-deleted');
    expect(await done(call('GET', `/model-versions/${last}?deleted=show`))).toMatchObject({ deletedAt: expect.any(String), deletedBy: 'dana', aliases: [] });
    const numbers = async (deleted: string): Promise<number[]> => (await done(call('GET', `/models/${id}/versions?deleted=${deleted}`))).items.map(({ version }: { version: number }) => version);
    expect([await numbers('hide'), await numbers('only'), await numbers('show')]).toEqual([[1, 2], [3], [1, 2, 3]]);
    expect(await done(call('GET', `/models/${id}`))).toMatchObject({ aliases: { other: 2 }, latestVersions: [{ version: 2 }] });

    const again = await versionOf(id, 'credit-v3.onnx');
    expect(again.version).toBe(4);
    await refused(() => call('POST', `/model-versions/${last}/restoration`), 409, 'artefact-already-registered', /is version 4 of version-deleted/);
    await done(call('DELETE', `/model-versions/${again.id}`));
    expect(await done(call('POST', `/model-versions/${last}/restoration`))).toMatchObject({ deleted: false, revision: 3 });
    expect(await done(call('GET', `/model-versions/${last}`))).toMatchObject({ version: 3, deletedAt: null, deletedBy: null, aliases: [] });
    expect(await typesOn(`registry.ModelVersion-${last}`)).toEqual(['ModelVersionRegistered', 'ModelVersionDeleted', 'ModelVersionRestored']);
  });

  it('serves nowhere: who deletes it is told which endpoint does', async () => {
    const { id, versions } = await modelWithVersions('version-serves');
    const endpointId = randomUUID();
    await shifted(endpointId, { [versions[0] ?? '']: 100 });
    await refused(() => call('DELETE', `/model-versions/${versions[0]}`), 409, 'model-version-serves', /endpoint scoring in production sends requests to version 1/);
    await refused(() => call('DELETE', `/models/${id}`), 409, 'model-serves', /endpoint scoring in production sends requests to version 1/);
    await done(call('DELETE', `/model-versions/${versions[1]}`));
    await shifted(endpointId, { [versions[0] ?? '']: 0, [versions[2] ?? '']: 100 });
    await done(call('DELETE', `/model-versions/${versions[0]}`));
  });
});

describe('A deleted model', () => {
  it('is hidden with its versions, and its name begins anew with another stream and version 1', async () => {
    const { id, versions } = await modelWithVersions('reborn');
    await done(call('PUT', `/models/${id}/aliases/champion`, { version: 2 }));
    await done(call('DELETE', `/models/${id}`));
    for (const path of [`/models/${id}`, `/models/${id}/versions`]) await refused(() => call('GET', path), 410, 'model-deleted', /reborn was deleted/);
    await refused(() => call('GET', `/model-versions/${versions[0]}`), 410, 'model-version-deleted');
    await refused(() => call('GET', `/models/${id}/aliases/champion`), 410, 'model-deleted');
    await refused(() => call('PUT', `/models/${id}/name`, { name: 'x' }), 410, 'model-deleted');
    await refused(() => call('PUT', `/model-versions/${versions[0]}/tags/a`, { value: 'b' }), 410, 'model-deleted');
    await refused(() => call('POST', `/models/${id}/versions`, versionBody('credit-v1.onnx')), 404, 'model-not-found');
    expect(await done(call('GET', `/models/${id}?deleted=show`))).toMatchObject({ name: 'reborn', deletedBy: 'dana', aliases: { champion: 2 } });
    const found = async (deleted: string): Promise<string[]> => (await done(call('GET', `/models?filter=${encodeURIComponent(`name = 'reborn'`)}&deleted=${deleted}`))).items.map((item: { id: string }) => item.id);
    expect([await found('hide'), await found('only')]).toEqual([[], [id]]);

    const second = await modelNamed('reborn');
    expect(second).not.toBe(id);
    expect((await versionOf(second)).version).toBe(1);
    await refused(() => call('POST', `/models/${id}/restoration`), 409, 'model-name-taken');
    await done(call('PUT', `/models/${second}/name`, { name: 'reborn-second' }));
    await done(call('POST', `/models/${id}/restoration`));
    expect(await done(call('GET', `/models/${id}`))).toMatchObject({ name: 'reborn', deletedAt: null, aliases: { champion: 2 }, latestVersions: [{ version: 3 }] });
    expect(await done(call('GET', `/models/${id}/aliases/champion`))).toMatchObject({ id: versions[1] });
    expect((await versionOf(second, 'credit-v2.onnx')).version).toBe(2);
  });

  it('gets its name back only when nobody takes it at the same moment', async () => {
    const id = await modelNamed('torn');
    await done(call('DELETE', `/models/${id}`));
    const answers = await Promise.all([call('POST', `/models/${id}/restoration`), registered('torn'), registered('torn')]);
    expect(answers.filter(({ status }) => status < 300)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.type?.endsWith('/model-name-taken'))).toHaveLength(2);
  });
});

describe('A purge', () => {
  const bytes = async (digest = ''): Promise<number> => (await fetch(`${service.url}${BASE}/artefacts/${digest}`, { method: 'HEAD', headers: { authorization: as('human/dana') } })).status;
  /** Bytes of their own for these specs: ONNX Runtime passes over a field that it does not know. */
  async function ownBytes(): Promise<string> {
    const noise = Buffer.from(randomUUID());
    const model = Buffer.concat([await readFile(new URL('credit-v1.onnx', FIXTURES)), Buffer.from([0xfa, 0x7f, noise.length]), noise]);
    return (await done(call('POST', '/artefacts', model))).digest;
  }
  const versionWith = async (digest: string, modelId: string): Promise<{ id: string; stream: string }> =>
    done(call('POST', `/models/${modelId}/versions`, { ...versionBody('credit-v1.onnx'), artefact: { digest, path: 'model.onnx', format: 'onnx' } }));
  const purge = (id: string): Promise<Answer> => call('POST', `/model-versions/${id}/purge`);
  async function deletedVersionWith(digest: string): Promise<{ id: string; stream: string }> {
    const version = await versionWith(digest, await modelNamed(`purged-${randomUUID()}`));
    await done(call('DELETE', `/model-versions/${version.id}`));
    return version;
  }
  const purgedOf = async (stream: string): Promise<unknown> => (await eventsOn(stream)).find(({ type }) => type === 'ModelVersionPurged')?.payload;

  it('removes bytes with the last version that has them, and leaves the history and the digest', async () => {
    const digest = await ownBytes();
    const [one, two] = [await deletedVersionWith(digest), await deletedVersionWith(digest)];
    const key = { 'idempotency-key': randomUUID() };
    expect(await done(call('POST', `/model-versions/${one.id}/purge`, undefined, key))).toMatchObject({ id: one.id, state: 'purged', revision: 3 });
    expect(await done(call('POST', `/model-versions/${one.id}/purge`, undefined, key))).toMatchObject({ state: 'purged', revision: 3 });
    expect(await done(purge(one.id))).toMatchObject({ revision: 3 });
    expect(await purgedOf(one.stream)).toMatchObject({ kept: [digest] });
    await done(call('POST', `/model-versions/${two.id}/restoration`));
    expect(await bytes(digest)).toBe(200);
    await done(call('DELETE', `/model-versions/${two.id}`));

    await done(purge(two.id));
    const root = `sha256:${createHash('sha256').update(Buffer.from(digest.slice(7), 'hex')).digest('hex')}`;
    expect(await purgedOf(two.stream)).toMatchObject({ artefactDigest: root, removed: [digest] });
    await eventually(async () => expect(await bytes(digest)).toBe(404));
    expect(await done(call('GET', `/model-versions/${two.id}?deleted=show`))).toMatchObject({ state: 'purged', artefactDigest: root, files: [{ digest }], purgedAt: expect.any(String) });
    expect(await typesOn(two.stream)).toEqual(['ModelVersionRegistered', 'ModelVersionDeleted', 'ModelVersionRestored', 'ModelVersionDeleted', 'ModelVersionPurged']);
    await refused(() => call('POST', `/model-versions/${two.id}/restoration`), 410, 'model-version-purged');
  });

  it('of two versions at once leaves no bytes that nobody has', async () => {
    const digest = await ownBytes();
    const [one, two] = [await deletedVersionWith(digest), await deletedVersionWith(digest)];
    await Promise.all([done(purge(one.id)), done(purge(two.id))]);
    await eventually(async () => expect(await bytes(digest)).toBe(404));
  });

  it('does not take the bytes of what is registered with them before they are removed', async () => {
    const digest = await ownBytes();
    const version = await deletedVersionWith(digest);
    await settled();
    const holding = await pool.connect();
    try {
      await holding.query('begin');
      await holding.query(`select from messaging.bookmark where consumer = 'registry.lifecycle' for update`); // the consumer waits
      await done(purge(version.id));
      await versionWith(digest, await modelNamed('in-time'));
      await holding.query('rollback');
    } finally {
      holding.release();
    }
    await settled();
    expect(await purgedOf(version.stream)).toMatchObject({ removed: [digest] });
    expect(await bytes(digest)).toBe(200);
  });

  it('takes the bytes of a retired version from the archive', async () => {
    const digest = await ownBytes();
    const modelId = await modelNamed('purged-retired');
    const version = await versionWith(digest, modelId);
    await refused(() => purge(version.id), 409, 'purge-too-early');
    const retirementId = randomUUID();
    await happened(streamName('governance.Retirement', retirementId), create(RetirementApprovedSchema, { retirementId, modelVersionId: version.id, modelId, version: 1 }));
    await eventually(async () => expect(await done(call('GET', `/model-versions/${version.id}`))).toMatchObject({ state: 'retired', archiveLocation: expect.any(String) }));
    await done(purge(version.id));
    await eventually(async () => expect(await bytes(digest)).toBe(404));
    expect(await done(call('GET', `/model-versions/${version.id}`))).toMatchObject({ state: 'purged', archiveLocation: null, retirementId });
    await refused(() => call('PUT', `/models/${modelId}/aliases/champion`, { version: 1 }), 410, 'model-version-purged');
  });

  it('needs no more than that the model is deleted, and keeps what data have', async () => {
    const modelId = await modelNamed('purged-model');
    const version = await versionOf(modelId);
    await done(call('DELETE', `/models/${modelId}`));
    await done(purge(version.id));
    expect(await purgedOf(version.stream)).toMatchObject({ kept: [digests['credit-v1.onnx']] });
    expect(await bytes(digests['credit-v1.onnx'])).toBe(200);
  });
});

describe('A search', () => {
  const project = '/v1/projects/searched';
  const search = (what: string, query: Record<string, string | number>): Promise<Answer> => call('GET', `${project}/${what}?${new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]))}`);
  const namesOf = async (query: Record<string, string | number>): Promise<string[]> => (await done(search('models', query))).items.map(({ name }: { name: string }) => name);

  /** Versions as they stand in the ledger; no fixture has a hundred of different bytes. */
  async function versionsOf(modelId: string, count: number): Promise<void> {
    const id = (n: number): string => createHash('sha256').update(`${modelId}/${n}`).digest('hex');
    const attribution = { projectId: 'searched', actor: create(ActorSchema, { id: 'dana', kind: ActorKind.HUMAN }), reason: '', occurredAt: new Date().toISOString(), correlationId: 'spec', causationId: '', traceparent: '' };
    for (let version = 1; version <= count; version += 1) {
      const modelVersionId = uuidv7();
      const event = create(ModelVersionRegisteredSchema, {
        modelVersionId, modelId, modelName: 'then', version, useCaseId, datasetVersionId, datasetDigest: `sha256:${'0'.repeat(64)}`,
        artefact: { digest: `sha256:${id(version)}`, format: 'onnx', files: [{ path: 'm', digest: `sha256:${id(version)}`, sizeBytes: 1n }] },
        inputs: [{ name: 'x', datatype: 'FP32' }], outputs: [{ name: 'y', datatype: 'FP32' }], source: { repository: 'r', commit: 'abcdef0' },
        contributors: ['ben'], artefactSource: `s3://models/${version % 2 === 0 ? 'even' : 'odd'}/${version}`, runId: `run-${version % 10}`,
      });
      await append(pooledSql(pool), { stream: streamName('registry.ModelVersion', modelVersionId), expected: 'noStream', events: [event], attribution, subjects: [`model:${modelId}`] });
    }
  }

  const made: Record<string, string> = {};
  beforeAll(async () => {
    const tags = (...pairs: [string, string][]) => ({ tags: pairs.map(([key, value]) => ({ key, value })) });
    const register = async (name: string, more: object): Promise<void> => {
      made[name] = (await done(call('POST', `${project}/models`, { name, task: 'ranking', useCaseId, ...more }))).id;
    };
    await register('alpha', tags(['team', 'risk'], ['mlflow.prompt.is_prompt', 'true']));
    await register('Beta', tags(['team', 'fraud'], ['the key', `it's "odd"`]));
    await register('gamma', tags(['team', 'Risk']));
    await register('delta%_\\', tags());
    await versionsOf(made['alpha'] ?? '', 100);
    await versionsOf(made['gamma'] ?? '', 3);
    await relay();
    await rebuildViews(registry, database.url, { swap: true });
    await done(call('PUT', `${project}/models/${made['alpha']}/aliases/champion`, { version: 7 }));
    await done(call('PUT', `${project}/models/${made['gamma']}/aliases/challenger`, { version: 1 }));
    await done(call('PUT', `${project}/models/${made['Beta']}/aliases/held/protection`, { allowed: ['vera'] }));
  });

  it.each([
    ['', ['alpha', 'Beta', 'gamma', 'delta%_\\']],
    [`name = 'alpha'`, ['alpha']],
    [`name != 'alpha'`, ['Beta', 'gamma', 'delta%_\\']],
    [`name LIKE '%a'`, ['alpha', 'Beta', 'gamma']],
    [`name LIKE 'b%'`, []],
    [`name ILIKE 'b%'`, ['Beta']],
    [`name LIKE 'delta\\%\\_\\\\'`, ['delta%_\\']],
    [`name IN ('alpha', 'gamma', 'none')`, ['alpha', 'gamma']],
    [`tags.team = 'risk'`, ['alpha']],
    [`tags.team ILIKE 'RISK'`, ['alpha', 'gamma']],
    [`tags.team != 'risk'`, ['Beta', 'gamma']],
    [`NOT tags.team = 'risk'`, ['Beta', 'gamma', 'delta%_\\']],
    [`tags.team IN ('risk', 'fraud')`, ['alpha', 'Beta']],
    [`tags."the key" = 'it''s "odd"'`, ['Beta']],
    [`NOT tag.\`mlflow.prompt.is_prompt\` = 'true' AND tags.team LIKE '%'`, ['Beta', 'gamma']],
    [`tags.team = 'risk' OR tags.team = 'fraud' AND name = 'x'`, ['alpha']],
    [`(tags.team = 'risk' OR tags.team = 'fraud') AND name = 'x'`, []],
    [`alias = 'champion'`, ['alpha']],
    [`alias LIKE 'ch%'`, ['alpha', 'gamma']],
    [`alias != 'champion'`, ['Beta', 'gamma', 'delta%_\\']],
    [`alias = 'held'`, []],
    [`state = 'active' AND task = 'ranking' AND registeredBy = 'dana' AND useCaseId = '${useCaseId}'`, ['alpha', 'Beta', 'gamma', 'delta%_\\']],
  ])('of models finds %s', async (filter, expected) => expect(await namesOf({ filter })).toEqual(expected));

  it.each([
    [`name = 'alpha' AND version_number <= 3`, [1, 2, 3]],
    [`name = 'alpha' AND version > 97 AND version != 99`, [98, 100]],
    [`version IN (2, 3) AND name ILIKE 'GAMMA'`, [2, 3]],
    [`version > 999999999999999`, []],
    [`run_id = 'run-4' AND version < 30`, [4, 14, 24]],
    [`run_id IN ('run-4', 'run-5') AND name = 'alpha' AND version < 10`, [4, 5]],
    [`source_path LIKE 's3://models/even/%' AND name = 'gamma'`, [2]],
    [`source = 's3://models/odd/99'`, [99]],
    [`alias = 'champion'`, [7]],
    [`NOT alias LIKE '%' AND name = 'gamma'`, [2, 3]],
    [`state = 'retired'`, []],
  ])('of versions finds %s', async (filter, expected) => {
    const { items } = await done(search('model-versions', { filter, limit: 200 }));
    expect(items.map(({ version }: { version: number }) => version)).toEqual(expected);
  });

  it('of versions sees tags as they are', async () => {
    const { items } = await done(search('model-versions', { filter: `name = 'gamma'` }));
    await done(call('PUT', `${project}/model-versions/${items[1].id}/tags/kind`, { value: 'shadow' }));
    expect((await done(search('model-versions', { filter: `tags.kind = 'shadow'` }))).items).toMatchObject([{ id: items[1].id, modelName: 'gamma', tags: { kind: 'shadow' } }]);
    await done(call('PUT', `${project}/model-versions/${items[1].id}/tags/kind`, { value: 'live' }));
    expect((await done(search('model-versions', { filter: `tags.kind = 'shadow'` }))).items).toEqual([]);
    expect((await done(search(`models/${made['alpha']}/versions`, { filter: `version = 7 OR tags.kind = 'live'` }))).items).toMatchObject([{ version: 7, aliases: ['champion'] }]);
  });

  it('is sorted as asked, in pages that meet each row once', async () => {
    expect(await namesOf({ orderBy: 'name' })).toEqual(['Beta', 'alpha', 'delta%_\\', 'gamma']);
    expect(await namesOf({ orderBy: 'creation_timestamp DESC, name' })).toEqual(['delta%_\\', 'gamma', 'Beta', 'alpha']);
    for (const orderBy of ['', 'version desc', 'updatedAt DESC, name ASC, version DESC', 'name desc, version', 'registeredAt, id desc']) {
      const all = (await done(search('model-versions', { orderBy, limit: 200 }))).items.map(({ id }: { id: string }) => id);
      expect(new Set(all).size).toBe(103);
      const walked: string[] = [];
      for (let after: string | undefined = ''; after !== undefined; ) {
        const page: Answer['body'] = await done(search('model-versions', { orderBy, limit: 17, ...(after ? { after } : {}) }));
        walked.push(...page.items.map(({ id }: { id: string }) => id));
        after = page.next;
      }
      expect(walked).toEqual(all);
    }
  });

  it('meets each of the rows that were there once, though others come in between', async () => {
    const place = '/v1/projects/walked';
    const register = (name: string): Promise<Answer['body']> => done(call('POST', `${place}/models`, { name, task: 'ranking', useCaseId }));
    const there = await Promise.all(Array.from({ length: 30 }, (_, i) => register(`m${String(i).padStart(2, '0')}`)));
    for (const orderBy of ['name', 'name desc', 'updatedAt desc', 'registeredAt']) {
      const walked: string[] = [];
      for (let after: string | undefined = ''; after !== undefined; ) {
        const [page]: Answer['body'][] = await Promise.all([
          done(call('GET', `${place}/models?limit=7&orderBy=${encodeURIComponent(orderBy)}${after ? `&after=${after}` : ''}`)),
          ...(walked.length < 30 ? ['a', 'm10-', 'z'].map((name) => register(`${name}${randomUUID()}`)) : []),
        ]);
        walked.push(...page.items.map(({ id }: { id: string }) => id));
        after = page.next;
      }
      expect(new Set(walked).size).toBe(walked.length);
      expect(walked).toEqual(expect.arrayContaining(there.map(({ id }) => id)));
    }
  });

  it.each([
    [`name = 'a'; drop table registry.model; --`, 'filter-malformed', /character 11/],
    [`name = 'a' OR 1=1`, 'filter-malformed', /character 15/],
    [`name = 'a' UNION SELECT`, 'filter-malformed', /character 12/],
    [`name LIKE 'a\\'`, 'filter-malformed', /backslash/],
    [`"name' or true --" = 'a'`, 'filter-malformed', /character 1/],
    ['('.repeat(5_000), 'filter-malformed', /nested/],
  ])('is refused: %s', async (filter, slug, detail) => {
    for (const what of ['models', 'model-versions']) await refused(() => search(what, { filter }), 422, slug, detail);
  });

  it('is refused a character that no text in PostgreSQL holds', () => refused(() => search('models', { filter: 'name = \'a\0b\'' }), 400, 'invalid-request'));

  it('takes hostile values for what they are: values', async () => {
    for (const value of [`x' or 'a'='a`, `'); drop table registry.model; --`, '$1', '\\', '%', '"}', 'é😀\u2028']) {
      const quoted = `'${value.replaceAll("'", "''")}'`;
      expect(await namesOf({ filter: `name = ${quoted} OR tags.team = ${quoted} OR alias = ${quoted} OR tags.\`${value.replaceAll('`', '``')}\` = ${quoted}` })).toEqual([]);
    }
  });

  it('is refused an order or a page that it cannot have', async () => {
    await refused(() => search('models', { orderBy: 'name; drop table registry.model' }), 422, 'order-malformed');
    await refused(() => search('models', { orderBy: 'name, name' }), 422, 'order-malformed');
    const { next } = await done(search('models', { limit: 1, orderBy: 'name' }));
    await refused(() => search('models', { limit: 1, orderBy: 'name desc', after: next }), 422, 'cursor-malformed');
    for (const after of ['x', 'e30', 'W10', Buffer.from(`["id asc","' or true"]`).toString('base64url')]) await refused(() => search('models', { after }), 422, 'cursor-malformed');
    await refused(() => search('models', { filter: 'x'.repeat(8_001) }), 400, 'invalid-request');
    await refused(() => search('models', { limit: 201 }), 400, 'invalid-request');
  });
});

/** Maps as sorted lists, so that they can be compared. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value, (_key, held: unknown) => (held instanceof Map ? [...held].sort(([a], [b]) => (a < b ? -1 : 1)) : held)));

describe('The views of all this', () => {
  it('have of each model and version what its events fold to, so that a command need not read them all', async () => {
    const sql = pooledSql(pool);
    const { rows } = await pool.query<{ id: string; project_id: string }>('select id, project_id from registry.model');
    expect(rows.length).toBeGreaterThan(50);
    for (const { id, project_id } of rows) {
      const events = (await readStream(sql, streamName(model.category, id))) as readonly RecordedEvent<ModelEvent>[];
      const state = events.reduce<ModelState>((folded, { event }) => model.evolve(folded, event), model.initial);
      const known = await lockModel(sql, project_id, id);
      expect(plain(known?.snapshot)).toEqual(plain({ state, revision: events.length }));
    }
    const versions = await pool.query<{ id: string; project_id: string }>('select id, project_id from registry.model_version');
    for (const { id, project_id } of versions.rows) {
      const events = (await readStream(sql, streamName(modelVersion.category, id))) as readonly RecordedEvent<ModelVersionEvent>[];
      const state = events.reduce<ModelVersionState>((folded, { event }) => modelVersion.evolve(folded, event), modelVersion.initial);
      const known = await lockVersion(sql, project_id, id);
      expect(plain(known?.snapshot)).toEqual(plain({ state, revision: events.length }));
    }
  });


  it('say what the ledger says, and are the same after a rebuild', async () => {
    await settled();
    const same = (tables: readonly { readonly table: string }[]) => tables.map(({ table }) => expect.objectContaining({ table, unfounded: 0, missing: 0 }));
    const compared = await rebuildViews(registry, database.url, { swap: false });
    expect(compared.tables.map(({ table }) => table)).toEqual(expect.arrayContaining(['model', 'model_alias', 'model_version', 'traffic']));
    expect(compared.tables).toEqual(same(compared.tables));
    expect(await rebuildViews(registry, database.url, { swap: true })).toMatchObject({ swapped: true });
    expect(await done(call('GET', '/models?filter=' + encodeURIComponent(`alias = 'other'`)))).toMatchObject({ items: [{ name: 'version-deleted' }] });
  });
});
