import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pooledSql, readStream } from '@vitae/event-store';
import { rebuildViews, type Running } from '@vitae/service-kit';
import { as, eventually, type FreshDatabase } from '@vitae/testing';
import type pg from 'pg';
import { registry } from '../app.module.ts';
import { runRegistry, type RunningRegistry } from '../running-registry.fixture.ts';

const FIXTURES = new URL('../../../../test/fixtures/german-credit/', import.meta.url);

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

const API = '/t/credit/api/2.0/mlflow';

/** As MLflow's client asks: the parameters of a GET in its query, all others in a JSON body, a DELETE's too. */
async function ask(method: string, path: string, parameters: Record<string, unknown> = {}, { base = API, headers = {} }: { readonly base?: string; readonly headers?: Record<string, string> } = {}): Promise<Answer> {
  const query = new URLSearchParams();
  if (method === 'GET') for (const [key, value] of Object.entries(parameters)) for (const one of Array.isArray(value) ? value : [value]) query.append(key, String(one));
  const response = await fetch(`${service.url}${base}${path}${query.size > 0 ? `?${query}` : ''}`, {
    method,
    headers: { authorization: as('human/mlflow'), ...(method === 'GET' ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(method === 'GET' ? {} : { body: JSON.stringify(parameters) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

async function done(answer: Promise<Answer>): Promise<Answer['body']> {
  const { status, body } = await answer;
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body;
}

const counted = async () => Number((await pool.query("select count(*)::integer as n from ledger.event where type not like 'vitae.access.%'")).rows[0].n);

/** The error, and that the ledger has nothing of the request. */
async function refused(attempt: () => Promise<Answer>, status: number, error_code: string, message: string | RegExp): Promise<void> {
  const before = await counted();
  const { status: answered, body } = await attempt();
  expect({ status: answered, body }).toEqual({ status, body: { error_code, message: typeof message === 'string' ? message : expect.stringMatching(message) } });
  expect(await counted()).toBe(before);
}
const missing = (name: string): string => `Missing value for required parameter '${name}'. See the API docs for more information about request parameters.`;

const modelNamed = (name: string, more: object = {}): Promise<Answer['body']> => done(ask('POST', '/registered-models/create', { name, ...more })).then(({ registered_model }) => registered_model);
const versionOf = (name: string, more: object = {}): Promise<Answer['body']> =>
  done(ask('POST', '/model-versions/create', { name, source: 'runs:/r1/model', run_id: 'r1', ...more })).then(({ model_version }) => model_version);
const got = (name: string, version: string | number): Promise<Answer['body']> => done(ask('GET', '/model-versions/get', { name, version })).then(({ model_version }) => model_version);
const gotModel = (name: string): Promise<Answer['body']> => done(ask('GET', '/registered-models/get', { name })).then(({ registered_model }) => registered_model);
const anyTime = expect.any(Number);

describe('A registered model of MLflow', () => {
  it('is a model without a task and a use case, and told as MLflow tells it', async () => {
    const created = await modelNamed('credit', { description: 'goes bad?', tags: [{ key: 'team', value: 'risk' }], deployment_job_id: 'unknown here' });
    expect(created).toEqual({ name: 'credit', creation_timestamp: anyTime, last_updated_timestamp: anyTime, user_id: 'mlflow', description: 'goes bad?', tags: [{ key: 'team', value: 'risk' }] });
    expect(Math.abs(created.creation_timestamp - Date.now())).toBeLessThan(60_000);
    expect(await gotModel('credit')).toEqual(created);
    const { items } = await done(ask('GET', '/models', {}, { base: '/v1/projects/credit' }));
    expect(items).toEqual([expect.objectContaining({ name: 'credit', task: '', useCaseId: null, registeredBy: 'mlflow' })]);
  });

  it('is asked for under all four addresses, each project for itself', async () => {
    await modelNamed('addressed');
    for (const base of [API, '/t/credit/ajax-api/2.0/mlflow']) expect((await ask('GET', '/registered-models/get', { name: 'addressed' }, { base })).status).toBe(200);
    for (const base of ['/api/2.0/mlflow', '/ajax-api/2.0/mlflow', '/t/other/api/2.0/mlflow']) {
      await refused(() => ask('GET', '/registered-models/get', { name: 'addressed' }, { base }), 404, 'RESOURCE_DOES_NOT_EXIST', 'Registered Model with name=addressed not found');
    }
    await done(ask('POST', '/registered-models/create', { name: 'addressed' }, { base: '/api/2.0/mlflow' }));
    expect((await ask('GET', '/models', {}, { base: '/v1/projects/default' })).body.items).toHaveLength(1);
  });

  it('is made once: the same name is taken, in the words that clients look for', async () => {
    await modelNamed('once');
    await refused(() => ask('POST', '/registered-models/create', { name: 'once' }), 400, 'RESOURCE_ALREADY_EXISTS', 'Registered Model (name=once) already exists.');
  });

  it('is renamed, described and deleted, and then another one is made under its name', async () => {
    await modelNamed('before');
    await modelNamed('neighbour');
    await versionOf('before');
    await refused(() => ask('POST', '/registered-models/rename', { name: 'before', new_name: 'neighbour' }), 400, 'RESOURCE_ALREADY_EXISTS', 'Registered Model (name=neighbour) already exists.');
    await refused(() => ask('POST', '/registered-models/rename', { name: 'before' }), 400, 'INVALID_PARAMETER_VALUE', missing('new_name'));
    expect((await done(ask('POST', '/registered-models/rename', { name: 'before', new_name: 'after' }))).registered_model).toMatchObject({ name: 'after', latest_versions: [{ name: 'after', version: '1' }] });
    expect((await done(ask('PATCH', '/registered-models/update', { name: 'after', description: ' as written ' }))).registered_model.description).toBe(' as written ');
    expect((await done(ask('PATCH', '/registered-models/update', { name: 'after' }))).registered_model).not.toHaveProperty('description');
    expect(await done(ask('DELETE', '/registered-models/delete', { name: 'after' }))).toEqual({});
    await refused(() => ask('GET', '/registered-models/get', { name: 'after' }), 404, 'RESOURCE_DOES_NOT_EXIST', 'Registered Model with name=after not found');
    await refused(() => ask('GET', '/model-versions/get', { name: 'after', version: '1' }), 404, 'RESOURCE_DOES_NOT_EXIST', 'Model Version (name=after, version=1) not found');
    await modelNamed('after');
    expect((await versionOf('after')).version).toBe('1');
  });

  it('has tags that are set, changed and removed', async () => {
    await modelNamed('tagged');
    expect(await done(ask('POST', '/registered-models/set-tag', { name: 'tagged', key: 'a', value: '1' }))).toEqual({});
    await done(ask('POST', '/registered-models/set-tag', { name: 'tagged', key: 'a', value: '2' }));
    await done(ask('POST', '/registered-models/set-tag', { name: 'tagged', key: 'empty' }));
    expect((await gotModel('tagged')).tags).toEqual([{ key: 'a', value: '2' }, { key: 'empty', value: '' }]);
    expect(await done(ask('DELETE', '/registered-models/delete-tag', { name: 'tagged', key: 'a' }))).toEqual({});
    expect(await done(ask('DELETE', '/registered-models/delete-tag', { name: 'tagged', key: 'never there' }))).toEqual({});
    expect((await gotModel('tagged')).tags).toEqual([{ key: 'empty', value: '' }]);
    await refused(() => ask('POST', '/registered-models/set-tag', { name: 'tagged', key: 'k'.repeat(251) }), 400, 'INVALID_PARAMETER_VALUE', /parameter 'key'/);
    await refused(() => ask('POST', '/registered-models/set-tag', { name: 'tagged', key: 'k', value: 'v'.repeat(100_001) }), 400, 'INVALID_PARAMETER_VALUE', /100000 bytes/);
    await refused(() => ask('POST', '/registered-models/set-tag', { name: 'nobody', key: 'k' }), 404, 'RESOURCE_DOES_NOT_EXIST', 'Registered Model with name=nobody not found');
  });

  it.each([
    ['POST', '/registered-models/create', {}, missing('name')],
    ['POST', '/registered-models/create', { name: '' }, missing('name')],
    ['POST', '/registered-models/create', { name: ['a'] }, /Invalid value a list for parameter 'name'/],
    ['POST', '/registered-models/create', { name: 'a/b' }, /slash/],
    ['POST', '/registered-models/create', { name: ' a' }, /white space/],
    ['POST', '/registered-models/create', { name: 'n'.repeat(257) }, /Invalid name/],
    ['POST', '/registered-models/create', { name: 'new', tags: 'no list' }, /parameter 'tags'/],
    ['POST', '/registered-models/create', { name: 'new', tags: [{ value: 'v' }] }, missing('key')],
    ['POST', '/registered-models/create', { name: 'new', description: 'd'.repeat(5_001) }, /more than 5000/],
    ['GET', '/registered-models/get', {}, missing('name')],
    ['DELETE', '/registered-models/delete', {}, missing('name')],
    ['PATCH', '/registered-models/update', {}, missing('name')],
    ['POST', '/registered-models/get-latest-versions', {}, missing('name')],
    ['POST', '/registered-models/set-tag', { name: 'credit' }, missing('key')],
    ['POST', '/registered-models/alias', { name: 'credit' }, missing('alias')],
    ['POST', '/registered-models/alias', { name: 'credit', alias: 'champion' }, missing('version')],
    ['GET', '/registered-models/search', { max_results: '1001' }, /max_results/],
    ['GET', '/registered-models/search', { max_results: '0' }, /max_results/],
  ])('is not made of what is missing or does not fit: %s %s %j', (method, path, parameters, message) => refused(() => ask(method, path, parameters), 400, 'INVALID_PARAMETER_VALUE', message));
});

describe('A request', () => {
  it('may be a JSON text within a JSON text, and holds fields that nobody knows', async () => {
    const response = await fetch(`${service.url}${API}/registered-models/create`, { method: 'POST', headers: { authorization: as('human/mlflow'), 'content-type': 'application/json' }, body: JSON.stringify(JSON.stringify({ name: 'doubled', newField: {} })) });
    expect(response.status).toBe(200);
    for (const body of ['"no json"', '[1]', '3']) {
      const answer = await fetch(`${service.url}${API}/registered-models/create`, { method: 'POST', headers: { authorization: as('human/mlflow'), 'content-type': 'application/json' }, body });
      expect({ status: answer.status, code: ((await answer.json()) as { error_code: string }).error_code }).toEqual({ status: 400, code: 'INVALID_PARAMETER_VALUE' });
    }
  });

  it('is somebody’s: by a token as bearer, or as the password of Basic authentication', async () => {
    const by = async (name: string, authorization: string) => (await done(ask('POST', '/registered-models/create', { name }, { headers: { authorization } }))).registered_model.user_id;
    const basic = (password: string) => `Basic ${Buffer.from(`whoever:${password}`).toString('base64')}`;
    expect(await by('by-bearer', as('human/mia'))).toBe('mia');
    expect(await by('by-machine', as('machine/ci'))).toBe('ci');
    expect(await by('by-basic', basic(as('human/dana').replace('Bearer ', '')))).toBe('dana');
  });

  it('that is nobody’s is refused in MLflow’s form, with the challenge, at every address', async () => {
    for (const [method, path, base] of [['GET', '/registered-models/get', API], ['POST', '/registered-models/create', '/api/2.0/mlflow'], ['POST', '/runs/search', API], ['GET', '/nothing-there', API], ['GET', '/artifacts', '/api/2.0/mlflow-artifacts'], ['GET', '/model-versions/get-artifact', '/t/credit']] as const) {
      await refused(() => ask(method, path, { name: 'x' }, { base, headers: { authorization: '' } }), 401, 'UNAUTHENTICATED', /brings no credential/);
      await refused(() => ask(method, path, { name: 'x' }, { base, headers: { authorization: 'Bearer very-secret' } }), 401, 'UNAUTHENTICATED', /^(?!.*very-secret).*credential was refused/);
    }
    const challenge = async (authorization: string) => (await ask('GET', '/registered-models/search', {}, { headers: { authorization } })).headers.get('www-authenticate');
    expect(await challenge('')).toBe('Bearer realm="vitae"');
    expect(await challenge('Bearer very-secret')).toBe('Bearer realm="vitae", error="invalid_token"');
  });

  it('does what its sender may in the project of its address, and no more', async () => {
    await modelNamed('looked-at');
    await versionOf('looked-at');
    const viewer = { headers: { authorization: as('human/vi', { roles: ['viewer'], projects: ['credit'] }) } };
    expect((await ask('GET', '/registered-models/get', { name: 'looked-at' }, viewer)).status).toBe(200);
    for (const [path, said] of [['/experiments/search', {}], ['/runs/search', { experiment_ids: ['0'] }], ['/registered-models/get-latest-versions', { name: 'looked-at' }]] as const) {
      expect([path, (await ask('POST', path, said, viewer)).status]).toEqual([path, 200]);
    }
    for (const [method, path, permission] of [
      ['POST', '/registered-models/create', 'model.register'],
      ['POST', '/registered-models/alias', 'model.change'],
      ['DELETE', '/registered-models/delete', 'model.delete'],
      ['POST', '/model-versions/create', 'model.register'],
      ['POST', '/model-versions/transition-stage', 'model.change'],
      ['POST', '/experiments/create', 'run.track'],
      ['POST', '/runs/log-batch', 'run.track'],
      ['PATCH', '/logged-models/m-1', 'run.track'],
      ['GET', '/webhooks', 'subscription.manage'],
    ] as const) {
      await refused(() => ask(method, path, { name: 'looked-at', alias: 'a', version: '1' }, viewer), 403, 'PERMISSION_DENIED', new RegExp(`^This needs ${permission.replace('.', '\\.')} on project credit`));
    }
    for (const base of ['/t/fraud/api/2.0/mlflow', '/api/2.0/mlflow']) await refused(() => ask('GET', '/registered-models/get', { name: 'looked-at' }, { ...viewer, base }), 403, 'PERMISSION_DENIED', /^This needs registry\.read on project (fraud|default)/);
    await refused(() => ask('GET', '/registered-models/get', { name: 'looked-at' }, { base: '/t/Credit%20/api/2.0/mlflow' }), 400, 'INVALID_PARAMETER_VALUE', /lower-case letters/);
  });
});

describe('A model version of MLflow', () => {
  it('is registered by reference and told as it was said, with who registered it and its logged model', async () => {
    await modelNamed('versioned');
    const said = { source: 'models:/m-0123', run_id: 'r7', run_link: 'https://example.org/r7', description: 'first', model_id: 'm-0123', tags: [{ key: 'k', value: 'v' }] };
    const version = await versionOf('versioned', said);
    const { model_id, ...rest } = said;
    expect(version).toEqual({ name: 'versioned', version: '1', creation_timestamp: anyTime, last_updated_timestamp: anyTime, user_id: 'mlflow', current_stage: 'None', status: 'READY', model_id, ...rest });
    expect(await got('versioned', '1')).toEqual(version);
    expect((await versionOf('versioned')).version).toBe('2');
    expect(await done(ask('GET', '/model-versions/get-download-uri', { name: 'versioned', version: '1' }))).toEqual({ artifact_uri: 'models:/m-0123' });
  });

  it('shows what evidence it lacks, and no evaluation, card, bill of materials or purge gets further than that', async () => {
    await modelNamed('bare');
    await versionOf('bare', { source: 's3://bucket/bare' });
    const { items } = await done(ask('GET', '/model-versions', { filter: "name = 'bare'" }, { base: '/v1/projects/credit' }));
    expect(items).toEqual([
      expect.objectContaining({ evidenceMissing: ['artefact', 'interface', 'dataset', 'code', 'use-case'], artefactDigest: '', files: [], datasetVersionId: null, useCaseId: null, artefactSource: 's3://bucket/bare', artefactLocation: 's3://bucket/bare' }),
    ]);
    const onVersion = { base: `/v1/projects/credit/model-versions/${items[0].id}`, headers: { authorization: as('human/dana') } };
    const before = await counted();
    const measured = await ask('POST', '/evaluations', { datasetVersionId: items[0].id }, onVersion);
    expect([measured.status, measured.body.reason]).toEqual([409, 'artefact-missing']);
    for (const [method, path, said] of [['POST', '/card', {}], ['GET', '/bom', { format: 'spdx' }]] as const) {
      const refused = await ask(method, path, said, onVersion);
      expect([path, refused.status, refused.body.reason]).toEqual([path, 409, 'artefact-missing']);
    }
    expect(await counted()).toBe(before);
    await done(ask('DELETE', '', undefined, onVersion));
    const purged = await ask('POST', '/purge', {}, onVersion);
    expect([purged.status, purged.body.reason]).toEqual([409, 'artefact-missing']);
  });

  it('becomes evidence only beside it: a purpose is stated once, and a full version gets a number of its own', async () => {
    await modelNamed('grown');
    await versionOf('grown');
    const headers = { authorization: as('human/dana') };
    const v1 = { base: '/v1/projects/credit', headers };
    const upload = async (file: string) => {
      const response = await fetch(`${service.url}/v1/projects/credit/artefacts`, { method: 'POST', headers: { ...headers, 'content-type': 'application/octet-stream' }, body: await readFile(new URL(file, FIXTURES)) });
      return ((await response.json()) as { digest: string }).digest;
    };
    const [onnx, csv] = [await upload('credit-v1.onnx'), await upload('credit.csv')];
    const dataset = await ask('POST', '/datasets/german-credit/versions', { digest: csv, mediaType: 'text/csv', source: 'Statlog', licence: 'CC BY 4.0' }, v1);
    const { id } = (await done(ask('GET', '/models', { filter: "name = 'grown'" }, v1))).items[0];
    const version = { artefact: { digest: onnx, path: 'model.onnx', format: 'onnx' }, datasetVersionId: dataset.body.id, source: { repository: 'https://example.org/credit.git', commit: 'abcdef0' } };
    const early = await ask('POST', `/models/${id}/versions`, version, v1);
    expect([early.status, early.body.reason]).toEqual([409, 'purpose-missing']);

    const purpose = { task: 'binary-classification', useCaseId: '01890000-0000-7000-8000-000000000003' };
    expect((await ask('PUT', `/models/${id}/purpose`, purpose, v1)).status).toBe(200);
    const again = await ask('PUT', `/models/${id}/purpose`, { ...purpose, useCaseId: '01890000-0000-7000-8000-000000000004' }, v1);
    expect([again.status, again.body.reason]).toEqual([409, 'purpose-stated']);
    const full = await ask('POST', `/models/${id}/versions`, version, v1);
    expect([full.status, full.body.version]).toEqual([201, 2]);
    const shown = await ask('GET', `/model-versions/${full.body.id}`, {}, v1);
    expect(shown.body.evidenceMissing).toEqual([]);
    expect(await got('grown', 2)).toMatchObject({ source: `mlflow-artifacts:/credit/model-versions/${full.body.id}`, user_id: 'dana' });
    const here = `mlflow-artifacts://${new URL(service.url).host}/credit/model-versions/${full.body.id}`;
    expect(await done(ask('GET', '/model-versions/get-download-uri', { name: 'grown', version: 2 }))).toEqual({ artifact_uri: here });
    expect(await versionOf('grown', { source: 'models:/grown/2' })).toMatchObject({ version: '3', source: 'models:/grown/2' });
    expect(await done(ask('GET', '/model-versions/get-download-uri', { name: 'grown', version: 3 }))).toEqual({ artifact_uri: here });

    const onnxBytes = await readFile(new URL('credit-v1.onnx', FIXTURES));
    const list = async (path: string) => (await done(ask('GET', '/artifacts', { path }, { base: '/api/2.0/mlflow-artifacts' }))).files;
    const root = `credit/model-versions/${full.body.id}`;
    expect(await list(root)).toEqual([{ path: 'model.onnx', is_dir: false, file_size: onnxBytes.length }]);
    expect(await list(`${root}/model.onnx`)).toEqual([]);
    for (const path of [`/api/2.0/mlflow-artifacts/artifacts/${root}/model.onnx`, `/t/other/ajax-api/2.0/mlflow-artifacts/artifacts/${root}/model.onnx`, '/t/credit/model-versions/get-artifact?name=grown&version=2&path=model.onnx']) {
      expect(Buffer.from(await (await fetch(service.url + path, { headers: { authorization: as('human/mlflow') } })).arrayBuffer())).toEqual(onnxBytes);
    }
    const proxy = { base: '/api/2.0/mlflow-artifacts/artifacts' };
    // A place says its project: who may read there may fetch it at any address, and nobody else at none.
    const viewer = (project: 'credit' | 'fraud') => ({ headers: { authorization: as('human/vi', { roles: ['viewer'], projects: [project] }) } });
    expect((await fetch(`${service.url}${proxy.base}/${root}/model.onnx`, viewer('credit'))).status).toBe(200);
    for (const base of [proxy.base, `/t/fraud${proxy.base}`, `/t/credit${proxy.base}`]) await refused(() => ask('GET', `/${root}/model.onnx`, {}, { base, ...viewer('fraud') }), 403, 'PERMISSION_DENIED', /registry\.read on project credit/);
    await refused(() => ask('GET', '/artifacts', { path: root }, { base: '/t/fraud/api/2.0/mlflow-artifacts', ...viewer('fraud') }), 403, 'PERMISSION_DENIED', /registry\.read on project credit/);
    await refused(() => ask('GET', `/${root}/none.onnx`, {}, proxy), 404, 'RESOURCE_DOES_NOT_EXIST', /none.onnx/);
    await refused(() => ask('GET', `/other/model-versions/${full.body.id}/model.onnx`, {}, proxy), 404, 'RESOURCE_DOES_NOT_EXIST', /no artifact/);
    await refused(() => ask('GET', '/anything', {}, proxy), 404, 'RESOURCE_DOES_NOT_EXIST', /no artifact/);
    await refused(() => ask('GET', '/model-versions/get-artifact', { name: 'grown', version: '1', path: 'model' }, { base: '/t/credit' }), 400, 'INVALID_PARAMETER_VALUE', /runs:\/r1\/model/);
  });

  it('is described, tagged and deleted; its number is not given again', async () => {
    await modelNamed('revised');
    await versionOf('revised');
    await versionOf('revised');
    expect((await done(ask('PATCH', '/model-versions/update', { name: 'revised', version: '2', description: 'better' }))).model_version.description).toBe('better');
    expect(await done(ask('POST', '/model-versions/set-tag', { name: 'revised', version: '2', key: 'k', value: 'v' }))).toEqual({});
    expect((await got('revised', 2)).tags).toEqual([{ key: 'k', value: 'v' }]);
    expect(await done(ask('DELETE', '/model-versions/delete-tag', { name: 'revised', version: '2', key: 'k' }))).toEqual({});
    expect(await got('revised', 2)).not.toHaveProperty('tags');
    await done(ask('POST', '/registered-models/alias', { name: 'revised', alias: 'champion', version: '2' }));
    expect(await done(ask('DELETE', '/model-versions/delete', { name: 'revised', version: '2' }))).toEqual({});
    await refused(() => ask('GET', '/model-versions/get', { name: 'revised', version: '2' }), 404, 'RESOURCE_DOES_NOT_EXIST', 'Model Version (name=revised, version=2) not found');
    await refused(() => ask('DELETE', '/model-versions/delete', { name: 'revised', version: '2' }), 404, 'RESOURCE_DOES_NOT_EXIST', 'Model Version (name=revised, version=2) not found');
    await refused(() => ask('GET', '/registered-models/alias', { name: 'revised', alias: 'champion' }), 400, 'INVALID_PARAMETER_VALUE', 'Registered model alias champion not found.');
    expect((await versionOf('revised')).version).toBe('3');
  });

  it.each([
    ['POST', '/model-versions/create', {}, 400, missing('name')],
    ['POST', '/model-versions/create', { name: 'credit' }, 400, missing('source')],
    ['POST', '/model-versions/create', { name: 'credit', source: 's3://b/../../etc' }, 400, /climb out/],
    ['POST', '/model-versions/create', { name: 'credit', source: 's3://b/%2e%2e/etc' }, 400, /climb out/],
    ['POST', '/model-versions/create', { name: 'credit', source: 's3://b/a\0b' }, 400, /control characters/],
    ['POST', '/model-versions/create', { name: 'credit', source: 'file:///etc/passwd' }, 400, /one machine/],
    ['POST', '/model-versions/create', { name: 'credit', source: '/etc/passwd' }, 400, /one machine/],
    ['POST', '/model-versions/create', { name: 'credit', source: 'C:\\models' }, 400, /one machine/],
    ['POST', '/model-versions/create', { name: 'credit', source: 'model' }, 400, /one machine/],
    ['POST', '/model-versions/create', { name: 'credit', source: `s3://${'b'.repeat(500)}` }, 400, /more than 500/],
    ['POST', '/model-versions/create', { name: 'credit', source: 'models:/a/b/c' }, 400, /models:\/<name>\/<version>/],
    ['GET', '/model-versions/get', { name: 'credit' }, 400, missing('version')],
    ['GET', '/model-versions/get', { name: 'credit', version: 'x' }, 400, "Model version must be an integer, got 'x'."],
    ['POST', '/model-versions/transition-stage', { name: 'credit', version: '1' }, 400, missing('stage')],
    ['GET', '/model-versions/search', { max_results: '200001' }, 400, /max_results/],
    ['GET', '/model-versions/search', { page_token: 'none of ours' }, 400, /page/],
  ])('is not made of what is missing or does not fit: %s %s %j', (method, path, parameters, status, message) => refused(() => ask(method, path, parameters), status, 'INVALID_PARAMETER_VALUE', message));

  it('needs its model', () => refused(() => ask('POST', '/model-versions/create', { name: 'nobody', source: 's3://b/m' }), 404, 'RESOURCE_DOES_NOT_EXIST', 'Registered Model with name=nobody not found'));
});

describe('An alias', () => {
  it('names a version, is moved and removed; latest needs no alias', async () => {
    await modelNamed('aliased');
    await refused(() => ask('GET', '/registered-models/alias', { name: 'aliased', alias: 'latest' }), 400, 'INVALID_PARAMETER_VALUE', 'Registered model alias latest not found.');
    for (let i = 0; i < 2; i += 1) await versionOf('aliased');
    for (const version of ['2', '1']) expect(await done(ask('POST', '/registered-models/alias', { name: 'aliased', alias: 'champion', version }))).toEqual({});
    expect((await done(ask('GET', '/registered-models/alias', { name: 'aliased', alias: 'champion' }))).model_version).toMatchObject({ version: '1', aliases: ['champion'] });
    expect((await done(ask('GET', '/registered-models/alias', { name: 'aliased', alias: 'latest' }))).model_version.version).toBe('2');
    expect((await gotModel('aliased')).aliases).toEqual([{ alias: 'champion', version: '1' }]);
    expect(await done(ask('DELETE', '/registered-models/alias', { name: 'aliased', alias: 'champion' }))).toEqual({});
    expect(await done(ask('DELETE', '/registered-models/alias', { name: 'aliased', alias: 'champion' }))).toEqual({});
    await refused(() => ask('GET', '/registered-models/alias', { name: 'aliased', alias: 'champion' }), 400, 'INVALID_PARAMETER_VALUE', 'Registered model alias champion not found.');
    await refused(() => ask('GET', '/registered-models/alias', { name: 'nobody', alias: 'champion' }), 404, 'RESOURCE_DOES_NOT_EXIST', 'Registered Model with name=nobody not found');
    await refused(() => ask('POST', '/registered-models/alias', { name: 'aliased', alias: 'champion', version: '9' }), 404, 'RESOURCE_DOES_NOT_EXIST', 'Model Version (name=aliased, version=9) not found');
    await refused(() => ask('POST', '/registered-models/alias', { name: 'aliased', alias: 'v1', version: '1' }), 400, 'INVALID_PARAMETER_VALUE', "Version alias name 'v1' is reserved.");
    await refused(() => ask('POST', '/registered-models/alias', { name: 'aliased', alias: 'Latest', version: '1' }), 400, 'INVALID_PARAMETER_VALUE', "'latest' alias name (case insensitive) is reserved.");
    await refused(() => ask('POST', '/registered-models/alias', { name: 'aliased', alias: 'a b', version: '1' }), 400, 'INVALID_PARAMETER_VALUE', /Invalid alias name: 'a b'/);
  });

  it('that is protected is refused as a permission, and never tried again', async () => {
    await modelNamed('guarded');
    await versionOf('guarded');
    const { id } = (await done(ask('GET', '/models', { filter: "name = 'guarded'" }, { base: '/v1/projects/credit' }))).items[0];
    await done(ask('PUT', `/models/${id}/aliases/champion/protection`, { allowed: ['olga'] }, { base: '/v1/projects/credit', headers: { authorization: as('human/olga') } }));
    const { status, body } = await ask('POST', '/registered-models/alias', { name: 'guarded', alias: 'champion', version: '1' });
    expect([status, body.error_code]).toEqual([403, 'PERMISSION_DENIED']);
  });
});

describe('A stage', () => {
  it('is assigned in any case, from any to any; the newest of each is the model’s latest', async () => {
    await modelNamed('staged');
    for (let i = 0; i < 4; i += 1) await versionOf('staged');
    const move = (version: number, to: string, more: object = {}) => ask('POST', '/model-versions/transition-stage', { name: 'staged', version: String(version), stage: to, ...more });
    expect((await done(move(1, 'production'))).model_version).toMatchObject({ version: '1', current_stage: 'Production' });
    await done(move(2, 'Production'));
    await done(move(3, 'STAGING'));
    const latest = async (parameters: object = {}, method = 'POST') => (await done(ask(method, '/registered-models/get-latest-versions', { name: 'staged', ...parameters }))).model_versions.map(({ version, current_stage }: Record<string, string>) => `${version} ${current_stage}`).sort();
    expect(await latest()).toEqual(['2 Production', '3 Staging', '4 None']);
    expect(await latest({ stages: ['production', 'Archived'] })).toEqual(['2 Production']);
    expect(await latest({ stages: ['Staging', 'None'] }, 'GET')).toEqual(['3 Staging', '4 None']);
    expect((await gotModel('staged')).latest_versions).toHaveLength(3);

    await done(move(3, 'Production', { archive_existing_versions: true }));
    expect(await Promise.all([1, 2, 3].map(async (version) => (await got('staged', version)).current_stage))).toEqual(['Archived', 'Archived', 'Production']);
    expect((await done(move(1, 'None'))).model_version.current_stage).toBe('None');
  });

  it('is none of ours, or archives nothing: refused with 400, where a 500 would be tried seven times', async () => {
    await modelNamed('unstaged');
    await versionOf('unstaged');
    const move = (more: object) => () => ask('POST', '/model-versions/transition-stage', { name: 'unstaged', version: '1', ...more });
    await refused(move({ stage: 'Live' }), 400, 'INVALID_PARAMETER_VALUE', 'Invalid Model Version stage: Live. Value must be one of None, Staging, Production, Archived.');
    await refused(move({ stage: 'Archived', archive_existing_versions: true }), 400, 'INVALID_PARAMETER_VALUE', /'Archived' is not an Active stage/);
    await refused(move({ stage: 'Staging', version: '2' }), 404, 'RESOURCE_DOES_NOT_EXIST', 'Model Version (name=unstaged, version=2) not found');
    await refused(() => ask('GET', '/registered-models/get-latest-versions', { name: 'unstaged', stages: 'Live' }), 400, 'INVALID_PARAMETER_VALUE', /Invalid Model Version stage/);
  });
});

describe('A copy', () => {
  it('keeps the source that names the copied version, and leads to where that one’s artefact lies', async () => {
    for (const name of ['copied', 'copy']) await modelNamed(name);
    await versionOf('copied', { source: 's3://bucket/original' });
    await done(ask('POST', '/registered-models/alias', { name: 'copied', alias: 'champion', version: '1' }));
    const copy = await versionOf('copy', { source: 'models:/copied/1' });
    expect(copy.source).toBe('models:/copied/1');
    await versionOf('copy', { source: 'models:/copy/1' });
    await versionOf('copy', { source: 'models:/copied@champion' });
    for (const version of ['1', '2', '3']) expect(await done(ask('GET', '/model-versions/get-download-uri', { name: 'copy', version }))).toEqual({ artifact_uri: 's3://bucket/original' });
    const shown = await ask('GET', '/model-versions', { filter: "name LIKE 'cop%'", orderBy: 'registeredAt' }, { base: '/v1/projects/credit' });
    const [original, first, second] = shown.body.items;
    expect([first.copiedFrom, second.copiedFrom]).toEqual([original.id, first.id]);
    await refused(() => ask('POST', '/model-versions/create', { name: 'copy', source: 'models:/copied/9' }), 404, 'RESOURCE_DOES_NOT_EXIST', 'Model Version (name=copied, version=9) not found');
    await refused(() => ask('POST', '/model-versions/create', { name: 'copy', source: 'models:/copied@none' }), 400, 'INVALID_PARAMETER_VALUE', 'Registered model alias none not found.');
  });
});

const PROMPT = { key: 'mlflow.prompt.is_prompt', value: 'true' };

describe('A prompt', () => {
  it('is a model with a tag, and takes no name that a model has, nor the other way round', async () => {
    await modelNamed('greeting', { tags: [PROMPT] });
    const text = { key: 'mlflow.prompt.text', value: 'Hello {{ name }}' };
    const version = await versionOf('greeting', { source: 'prompt-template', run_id: undefined, tags: [PROMPT, text], description: 'first words' });
    expect(version).toMatchObject({ source: 'prompt-template', description: 'first words', tags: expect.arrayContaining([PROMPT, text]) });
    expect(version).not.toHaveProperty('run_id');
    expect((await versionOf('greeting', { source: 'dummy-source', tags: [PROMPT, text] })).version).toBe('2');
    await modelNamed('model-of-prompts');
    await refused(() => ask('POST', '/registered-models/create', { name: 'greeting' }), 400, 'RESOURCE_ALREADY_EXISTS', /^Tried to create a registered model with name 'greeting', but the name is already taken by a prompt\./);
    await refused(() => ask('POST', '/registered-models/create', { name: 'model-of-prompts', tags: [PROMPT] }), 400, 'RESOURCE_ALREADY_EXISTS', /^Tried to create a prompt .* taken by a registered model\./);
    await refused(() => ask('POST', '/registered-models/create', { name: 'greeting', tags: [PROMPT] }), 400, 'RESOURCE_ALREADY_EXISTS', 'Registered Model (name=greeting) already exists.');
    await refused(() => ask('POST', '/registered-models/create', { name: 'not a prompt', tags: [PROMPT] }), 400, 'INVALID_PARAMETER_VALUE', /^Prompt name can only contain/);
  });
});

describe('A search', () => {
  const search = async (path: string, parameters: object = {}, base = '/t/search/api/2.0/mlflow') => done(ask('GET', `/${path}/search`, { ...parameters }, { base }));
  const models = async (filter: string, more: object = {}) => ((await search('registered-models', { filter, ...more })).registered_models as { name: string }[]).map(({ name }) => name);
  const versions = async (filter: string, more: object = {}) => ((await search('model-versions', { filter, ...more })).model_versions as { name: string; version: string }[]).map(({ name, version }) => `${name} ${version}`);

  beforeAll(async () => {
    const base = '/t/search/api/2.0/mlflow';
    for (const [name, tags] of [['alpha', [{ key: 'team', value: 'risk' }]], ['beta', [{ key: 'team', value: 'fraud' }]], ['gamma', []], ['words', [PROMPT]]] as const) {
      await done(ask('POST', '/registered-models/create', { name, tags }, { base }));
      for (let n = 1; n <= 3; n += 1) await done(ask('POST', '/model-versions/create', { name, source: `s3://b/${name}/${n}`, run_id: `run-${n}`, tags: [...tags, { key: 'n', value: String(n) }] }, { base }));
    }
    await done(ask('PATCH', '/registered-models/update', { name: 'beta', description: 'touched last' }, { base }));
  });

  it.each([
    ['', ['alpha', 'beta', 'gamma']],
    ["name = 'alpha'", ['alpha']],
    ["name != 'alpha'", ['beta', 'gamma']],
    ["attribute.name LIKE '%a'", ['alpha', 'beta', 'gamma']],
    ["name ILIKE 'AL%'", ['alpha']],
    ["tags.team = 'risk'", ['alpha']],
    ["tag.`team` != 'risk'", ['beta']],
    [`tags."team" LIKE 'f%' AND name LIKE 'b%'`, ['beta']],
    ["tag.`mlflow.prompt.is_prompt` != 'true'", ['alpha', 'beta', 'gamma']],
    ["tag.`mlflow.prompt.is_prompt` = 'false'", ['alpha', 'beta', 'gamma']],
    ["name LIKE '%' AND tag.`mlflow.prompt.is_prompt` != 'true'", ['alpha', 'beta', 'gamma']],
    ["tags.`mlflow.prompt.is_prompt` = 'true'", ['words']],
  ])('of models finds by %s', async (filter, names) => expect(await models(filter)).toEqual(names));

  it.each([
    ["name = 'alpha'", ['alpha 3', 'alpha 2', 'alpha 1']],
    ["name = 'alpha' AND version_number >= 2", ['alpha 3', 'alpha 2']],
    ["version_number != 1 AND name = 'beta'", ['beta 3', 'beta 2']],
    ["run_id = 'run-2'", ['gamma 2', 'beta 2', 'alpha 2']],
    ["run_id IN ('run-1', 'run-3') AND name LIKE 'g%'", ['gamma 3', 'gamma 1']],
    ["source_path = 's3://b/beta/3'", ['beta 3']],
    ["tags.n = '1' AND tags.team LIKE '%'", ['beta 1', 'alpha 1']],
    ["tags.`mlflow.prompt.is_prompt` = 'true'", ['words 3', 'words 2', 'words 1']],
  ])('of versions finds by %s, the last changed first', async (filter, found) => expect(await versions(filter)).toEqual(found));

  it('sorts by what is wished, and then so that the order is complete', async () => {
    expect(await models('', { order_by: 'name DESC' })).toEqual(['gamma', 'beta', 'alpha']);
    expect(await models('', { order_by: ['last_updated_timestamp DESC'] })).toEqual(['beta', 'gamma', 'alpha']);
    expect(await models('', { order_by: ['timestamp ASC', 'name'] })).toEqual(['alpha', 'gamma', 'beta']);
    expect(await versions('version_number < 3', { order_by: ['version_number', 'name DESC'] })).toEqual(['gamma 1', 'beta 1', 'alpha 1', 'gamma 2', 'beta 2', 'alpha 2']);
    expect((await versions('', { order_by: ['creation_timestamp'] }))[0]).toBe('alpha 1');
  });

  it('goes from page to page, and a page stays where it was whatever comes meanwhile', async () => {
    const seen: string[] = [];
    let page_token: string | undefined;
    do {
      const page: Answer['body'] = await search('model-versions', { filter: "name = 'gamma'", order_by: 'version_number ASC', max_results: 2, ...(page_token ? { page_token } : {}) });
      seen.push(...page.model_versions.map(({ version }: { version: string }) => version));
      page_token = page.next_page_token;
      if (seen.length === 2) await done(ask('PATCH', '/model-versions/update', { name: 'gamma', version: '1', description: 'changed' }, { base: '/t/search/api/2.0/mlflow' }));
    } while (page_token !== undefined);
    expect(seen).toEqual(['1', '2', '3']);
    expect(await search('registered-models', { filter: "name = 'nothing'" })).toEqual({ registered_models: [] });
  });

  it('shows the newest version in each stage', async () => {
    const { registered_models } = await search('registered-models', { filter: "name = 'alpha'" });
    expect(registered_models[0].latest_versions).toEqual([expect.objectContaining({ version: '3', current_stage: 'None' })]);
  });

  it.each([
    ['registered-models', { filter: "name = 'a' OR name = 'b'" }, /joined by AND/],
    ['registered-models', { filter: "(name = 'a' OR name = 'b') AND name = 'c'" }, /joined by AND/],
    ['registered-models', { filter: "NOT name = 'a'" }, /joined by AND/],
    ['registered-models', { filter: "name IN ('a')" }, /IN is understood of/],
    ['registered-models', { filter: "task = 'a'" }, /task is nothing to search by/],
    ['registered-models', { filter: 'name = a' }, /expected a text in quotes/],
    ['registered-models', { filter: "name = 'a'; drop table registry.model" }, /no meaning/],
    ['registered-models', { order_by: 'version_number' }, /Invalid order_by/],
    ['registered-models', { order_by: ['name', 'name DESC'] }, /duplicate fields: name/],
    ['registered-models', { order_by: ['timestamp', 'last_updated_timestamp'] }, /duplicate fields/],
    ['model-versions', { filter: "version_number = 'a'" }, /whole number/],
    ['model-versions', { filter: "name IN ('a')" }, /IN is understood of run_id only/],
    ['model-versions', { order_by: 'run_id' }, /Invalid order_by/],
  ])('of %s is refused: %j', (path, parameters, message) => refused(() => ask('GET', `/${path}/search`, parameters), 400, 'INVALID_PARAMETER_VALUE', message));
});

describe('The server', () => {
  it('is well, has a version, and says of routes that it does not have that they are not there', async () => {
    for (const base of ['', '/t/credit']) {
      const health = await fetch(`${service.url}${base}/health`);
      expect([health.status, await health.text()]).toEqual([200, 'OK']);
      expect(await (await fetch(`${service.url}${base}/version`)).text()).toMatch(/^\d+\.\d+\.\d+$/);
    }
    await refused(() => ask('GET', '/server-features'), 404, 'ENDPOINT_NOT_FOUND', /GET .*server-features/);
    await refused(() => ask('POST', '/traces', {}, { base: '/api/2.0/mlflow' }), 404, 'ENDPOINT_NOT_FOUND', /POST .*traces/);
  });

  it('tells who asks too often in MLflow’s words, and when to come again', async () => {
    // As if the other replicas had let all of it through.
    await pool.query(`insert into access.rate (key, points, expire) values ('caller:machine/eager', 60000, extract(epoch from now() + interval '40 seconds') * 1000)`);
    const answer = await ask('GET', '/registered-models/search', {}, { headers: { authorization: as('machine/eager') } });
    expect([answer.status, answer.body]).toEqual([429, { error_code: 'REQUEST_LIMIT_EXCEEDED', message: expect.stringMatching(/^This caller may send 60000 requests a minute, and has\./) }]);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  });
});

describe('What MLflow did', () => {
  it('is events with an actor and a reason, and the views come out of them again as they were', async () => {
    const { rows } = await pool.query(`select stream, metadata from ledger.event where stream like 'registry.Model%'`);
    expect(rows.length).toBeGreaterThan(50);
    const events = await readStream(pooledSql(pool), rows[0].stream);
    expect(events.every(({ actor, reason }) => actor?.id !== undefined && reason !== '')).toBe(true);
    await relay();
    const { rows: head } = await pool.query('select next_index from ledger.head');
    await eventually(async () => expect((await pool.query(`select next_index from messaging.bookmark where consumer = 'registry.lifecycle'`)).rows).toEqual(head));
    const { tables } = await rebuildViews(registry, database.url, { swap: false });
    expect(tables).toEqual(tables.map(({ table }) => expect.objectContaining({ table, unfounded: 0, missing: 0 })));
  });
});
