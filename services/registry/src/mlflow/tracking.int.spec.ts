import { request as rawRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rebuildViews, type Running } from '@vitae/service-kit';
import { as, eventually, type FreshDatabase } from '@vitae/testing';
import type pg from 'pg';
import { registry } from '../app.module.ts';
import { runRegistry, type RunningRegistry } from '../running-registry.fixture.ts';

let running: RunningRegistry;
let service: Running;
let database: FreshDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  running = await runRegistry();
  ({ service, database, pool } = running);
});
afterAll(() => running?.stop());

interface Answer {
  readonly status: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a spec asserts on the shape itself
  readonly body: any;
}

const API = '/t/lab/api/2.0/mlflow';
const FILES = '/t/lab/api/2.0/mlflow-artifacts/artifacts';

async function ask(method: string, path: string, parameters: Record<string, unknown> | string = {}, base = API): Promise<Answer> {
  const query = new URLSearchParams();
  if (method === 'GET') for (const [key, value] of Object.entries(parameters)) for (const one of Array.isArray(value) ? value : [value]) query.append(key, String(one));
  const response = await fetch(`${service.url}${base}${path}${query.size > 0 ? `?${query}` : ''}`, {
    method,
    headers: { authorization: as('human/mlflow'), ...(method === 'GET' ? {} : { 'content-type': 'application/json' }) },
    ...(method === 'GET' ? {} : { body: typeof parameters === 'string' ? parameters : JSON.stringify(parameters) }),
  });
  return { status: response.status, body: await response.json() };
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
  expect(await attempt()).toMatchObject({ status, body: { error_code, message: typeof message === 'string' ? message : expect.stringMatching(message) } });
  expect(await counted()).toBe(before);
}
const missing = (name: string): string => `Missing value for required parameter '${name}'. See the API docs for more information about request parameters.`;

const experimentNamed = (name: string, more: object = {}): Promise<string> => done(ask('POST', '/experiments/create', { name, ...more })).then(({ experiment_id }) => experiment_id);
const gotExperiment = (experiment_id: string): Promise<Answer['body']> => done(ask('GET', '/experiments/get', { experiment_id })).then(({ experiment }) => experiment);
const runIn = (experiment_id: string, more: object = {}): Promise<Answer['body']> => done(ask('POST', '/runs/create', { experiment_id, start_time: 1_700_000_000_000, ...more })).then(({ run }) => run);
const runIdIn = (experiment_id: string, more: object = {}): Promise<string> => runIn(experiment_id, more).then(({ info }) => info.run_id);
const gotRun = (run_id: string): Promise<Answer['body']> => done(ask('GET', '/runs/get', { run_id })).then(({ run }) => run);
const logged = (run_id: string, batch: object): Promise<Answer['body']> => done(ask('POST', '/runs/log-batch', { run_id, ...batch }));
const metric = (key: string, value: unknown, step = 0, timestamp = 1_700_000_000_000 + step) => ({ key, value, timestamp, step });
const modelIn = (experiment_id: string, more: object = {}): Promise<Answer['body']> => done(ask('POST', '/logged-models', { experiment_id, name: 'm', ...more })).then(({ model }) => model);
const objectOf = (list: readonly { key: string; value: unknown }[] = []) => Object.fromEntries(list.map(({ key, value }) => [key, value]));

/** As it stands, without a client that tidies the path up. */
function raw(method: string, path: string, body?: Buffer | string, headers: Record<string, string> = {}): Promise<Answer & { readonly bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(service.url);
    const asked = rawRequest({ hostname, port, method, path, agent: false, headers: { authorization: as('human/mlflow'), 'content-type': 'application/octet-stream', ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }), ...headers } }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        const bytes = Buffer.concat(parts);
        let told: unknown;
        try {
          told = JSON.parse(bytes.toString());
        } catch {
          told = undefined;
        }
        resolve({ status: response.statusCode ?? 0, body: told, bytes });
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

describe('Experiments', () => {
  it('are there from the start as the default one, which begins its stream when it is used', async () => {
    const at = '/t/untouched/api/2.0/mlflow';
    expect(await done(ask('GET', '/experiments/get', { experiment_id: '0' }, at))).toEqual({ experiment: { experiment_id: '0', name: 'Default', artifact_location: 'mlflow-artifacts:/untouched/0', lifecycle_stage: 'active', creation_time: 0, last_update_time: 0 } });
    expect((await done(ask('GET', '/experiments/get-by-name', { experiment_name: 'Default' }, at))).experiment.experiment_id).toBe('0');
    expect((await done(ask('POST', '/experiments/search', { max_results: 5 }, at))).experiments).toHaveLength(1);
    await refused(() => ask('POST', '/experiments/create', { name: 'Default' }, at), 400, 'RESOURCE_ALREADY_EXISTS', 'Experiment(name=Default) already exists.');
    await Promise.all([1, 2, 3, 4].map(() => done(ask('POST', '/runs/create', {}, at))));
    const { rows } = await pool.query(`select type, count(*)::int as n from ledger.event where project_id = 'untouched' group by type order by type`);
    expect(rows).toEqual([{ type: 'vitae.registry.v1.ExperimentCreated', n: 1 }, { type: 'vitae.registry.v1.RunStarted', n: 4 }]);
    expect((await done(ask('GET', '/experiments/get', { experiment_id: '0' }, at))).experiment.creation_time).toBeGreaterThan(0);
  });

  it('are created, renamed, tagged, deleted and restored', async () => {
    const id = await experimentNamed('credit', { tags: [{ key: 'team', value: 'risk' }] });
    expect(await gotExperiment(id)).toEqual({ experiment_id: id, name: 'credit', artifact_location: `mlflow-artifacts:/lab/${id}`, lifecycle_stage: 'active', creation_time: expect.any(Number), last_update_time: expect.any(Number), tags: [{ key: 'team', value: 'risk' }] });
    await refused(() => ask('POST', '/experiments/create', { name: 'credit' }), 400, 'RESOURCE_ALREADY_EXISTS', 'Experiment(name=credit) already exists.');
    await done(ask('POST', '/experiments/set-experiment-tag', { experiment_id: id, key: 'a', value: '1' }));
    await done(ask('POST', '/experiments/delete-experiment-tag', { experiment_id: id, key: 'team' }));
    await refused(() => ask('POST', '/experiments/delete-experiment-tag', { experiment_id: id, key: 'team' }), 404, 'RESOURCE_DOES_NOT_EXIST', `No tag with name: team in experiment with id ${id}`);
    await done(ask('POST', '/experiments/update', { experiment_id: id, new_name: 'credit risk' }));
    expect(await gotExperiment(id)).toMatchObject({ name: 'credit risk', tags: [{ key: 'a', value: '1' }] });
    const run = await runIdIn(id);
    await done(ask('POST', '/experiments/delete', { experiment_id: id }));
    expect((await gotExperiment(id)).lifecycle_stage).toBe('deleted');
    expect((await gotRun(run)).info.lifecycle_stage).toBe('deleted');
    await refused(() => ask('POST', '/runs/create', { experiment_id: id }), 400, 'INVALID_PARAMETER_VALUE', `The experiment ${id} must be in the 'active' state. Current state is deleted.`);
    await refused(() => ask('POST', '/runs/log-metric', { run_id: run, ...metric('m', 1) }), 400, 'INVALID_PARAMETER_VALUE', `The run ${run} must be in the 'active' state. Current state is deleted.`);
    await refused(() => ask('POST', '/experiments/update', { experiment_id: id, new_name: 'x' }), 400, 'INVALID_PARAMETER_VALUE', /active/);
    await refused(() => ask('POST', '/experiments/create', { name: 'credit risk' }), 400, 'RESOURCE_ALREADY_EXISTS', /credit risk/);
    await done(ask('POST', '/experiments/restore', { experiment_id: id }));
    expect((await gotRun(run)).info.lifecycle_stage).toBe('active');
  });

  it('are searched by name, tags and times, in the wished order, page by page', async () => {
    const ids = [];
    for (const name of ['find-a', 'find-b', 'find-c']) ids.push(await experimentNamed(name, { tags: [{ key: 'kind', value: name.slice(-1) }] }));
    const names = async (parameters: Record<string, unknown>) => (await done(ask('POST', '/experiments/search', parameters))).experiments.map(({ name }: { name: string }) => name);
    expect(await names({ filter: "name LIKE 'find-%'" })).toEqual(['find-c', 'find-b', 'find-a']);
    expect(await names({ filter: "attribute.name ILIKE 'FIND-%' AND tags.kind != 'b'", order_by: ['name ASC'] })).toEqual(['find-a', 'find-c']);
    expect(await names({ filter: `creation_time > 0 AND name = 'find-b'` })).toEqual(['find-b']);
    await done(ask('POST', '/experiments/delete', { experiment_id: ids[0] }));
    expect(await names({ filter: "name LIKE 'find-%'", view_type: 'DELETED_ONLY' })).toEqual(['find-a']);
    expect(await names({ filter: "name LIKE 'find-%'", view_type: 'ALL', order_by: ['name'] })).toEqual(['find-a', 'find-b', 'find-c']);
    const first = await done(ask('GET', '/experiments/search', { filter: "name LIKE 'find-%'", max_results: 1, order_by: 'name DESC' }));
    const second = await done(ask('GET', '/experiments/search', { filter: "name LIKE 'find-%'", max_results: 1, order_by: 'name DESC', page_token: first.next_page_token }));
    expect([first, second].map(({ experiments }) => experiments[0].name)).toEqual(['find-c', 'find-b']);
    expect(second).not.toHaveProperty('next_page_token');
    await refused(() => ask('POST', '/experiments/search', { page_token: 'eyJvZmZzZXQiOjF9' }), 400, 'INVALID_PARAMETER_VALUE', /page token/);
    await refused(() => ask('POST', '/experiments/search', { max_results: 0 }), 400, 'INVALID_PARAMETER_VALUE', /max_results/);
  });

  it.each([
    ['no name', { }, missing('name')],
    ['a name that is too long', { name: 'x'.repeat(501) }, /500 characters/],
    ['a directory of one machine', { name: 'x', artifact_location: '/mnt/models' }, /one machine/],
    ['a place that climbs', { name: 'x', artifact_location: 's3://b/../c' }, /climb/],
    ['a place of ours', { name: 'x', artifact_location: 'mlflow-artifacts:/lab/other' }, /Leave it out/],
    ['tags that are no list', { name: 'x', tags: 'a' }, /a list is expected/],
  ])('are refused with %s', (_, parameters, message) => refused(() => ask('POST', '/experiments/create', parameters as Record<string, unknown>), 400, 'INVALID_PARAMETER_VALUE', message));
});

describe('Runs', () => {
  it('tell what they were set to, measured, read and made', async () => {
    const experiment = await experimentNamed('whole');
    const run = await runIn(experiment, { user_id: 'dana', run_name: 'first', tags: [{ key: 'mlflow.user', value: 'dana' }] });
    const run_id = run.info.run_id;
    expect(run).toEqual({
      info: { run_id, run_uuid: run_id, run_name: 'first', experiment_id: experiment, user_id: 'dana', status: 'RUNNING', start_time: 1_700_000_000_000, artifact_uri: `mlflow-artifacts:/lab/${experiment}/${run_id}/artifacts`, lifecycle_stage: 'active' },
      data: { tags: [{ key: 'mlflow.user', value: 'dana' }, { key: 'mlflow.runName', value: 'first' }] },
      inputs: {},
      outputs: {},
    });
    await done(ask('POST', '/runs/log-metric', { run_uuid: run_id, run_id, ...metric('auc', 0.7, 1) }));
    await done(ask('POST', '/runs/log-parameter', { run_id, key: 'depth', value: '3' }));
    await done(ask('POST', '/runs/set-tag', { run_id, key: 'a', value: '1' }));
    await logged(run_id, { metrics: [metric('auc', 0.8, 2), metric('loss', 'NaN')], params: [{ key: 'rate', value: '' }], tags: [{ key: 'b', value: '2' }] });
    const model = await modelIn(experiment, { source_run_id: run_id });
    await done(ask('POST', '/runs/log-inputs', { run_id, datasets: [{ tags: [{ key: 'mlflow.data.context', value: 'train' }], dataset: { name: 'd', digest: 'abc', source_type: 'local', source: '{}', schema: '{"x":1}' } }], models: [{ model_id: model.info.model_id }] }));
    await done(ask('POST', '/runs/outputs', { run_id, models: [{ model_id: model.info.model_id, step: 3 }] }));
    const info = (await done(ask('POST', '/runs/update', { run_id, status: 'FINISHED', end_time: 1_700_000_001_000, run_name: 'renamed' }))).run_info;
    expect(info).toMatchObject({ status: 'FINISHED', end_time: 1_700_000_001_000, run_name: 'renamed' });
    const told = await gotRun(run_id);
    expect(told.data.metrics).toEqual([{ ...metric('auc', 0.8, 2), run_id }, { ...metric('loss', 'NaN'), run_id }]);
    expect(objectOf(told.data.params)).toEqual({ depth: '3', rate: '' });
    expect(objectOf(told.data.tags)).toEqual({ 'mlflow.user': 'dana', 'mlflow.runName': 'renamed', a: '1', b: '2' });
    expect(told.inputs).toEqual({ dataset_inputs: [{ tags: [{ key: 'mlflow.data.context', value: 'train' }], dataset: { name: 'd', digest: 'abc', source_type: 'local', source: '{}', schema: '{"x":1}' } }], model_inputs: [{ model_id: model.info.model_id }] });
    expect(told.outputs).toEqual({ model_outputs: [{ model_id: model.info.model_id, step: 3 }] });
    expect((await done(ask('POST', '/experiments/search-datasets', { experiment_ids: [experiment] }))).dataset_summaries).toEqual([{ experiment_id: experiment, name: 'd', digest: 'abc', context: 'train' }]);
  });

  it('log one event for each call, with actor and reason, and none for what is known already', async () => {
    const run_id = await runIdIn('0');
    const batch = { metrics: [metric('m', 1), metric('m', 2, 1)], params: [{ key: 'p', value: '1' }], tags: [{ key: 't', value: '1' }] };
    await logged(run_id, batch);
    const before = await counted();
    await logged(run_id, batch);
    await done(ask('POST', '/runs/log-metric', { run_id, ...metric('m', 1) }));
    await done(ask('POST', '/runs/set-tag', { run_id, key: 't', value: '1' }));
    expect(await counted()).toBe(before);
    const { rows } = await pool.query(`select e.type, e.metadata::jsonb ->> 'reason' as reason, e.metadata::jsonb -> 'actor' ->> 'id' as actor, e.payload::jsonb as payload from ledger.event e where e.stream = (select stream from registry.run where replace(id::text, '-', '') = $1) order by revision`, [run_id]);
    expect(rows.map(({ type }) => type)).toEqual(['vitae.registry.v1.RunStarted', 'vitae.registry.v1.RunLogged']);
    expect(rows[1]).toMatchObject({ reason: `Logs what the run ${run_id} says of itself.`, actor: 'mlflow' });
    expect(rows[1]?.payload).toMatchObject({ metrics: [{ key: 'm', value: 1 }, { key: 'm', value: 2, step: '1' }], params: [{ key: 'p', value: '1' }] });
  });

  it('keep a param as it was said first', async () => {
    const run_id = await runIdIn('0');
    await done(ask('POST', '/runs/log-parameter', { run_id, key: 'p', value: '1' }));
    await done(ask('POST', '/runs/log-parameter', { run_id, key: 'p', value: '1' }));
    await refused(() => ask('POST', '/runs/log-parameter', { run_id, key: 'p', value: '2' }), 400, 'INVALID_PARAMETER_VALUE', `Changing param values is not allowed. Param with key='p' was already logged with value='1' for run ID='${run_id}'. Attempted logging new value '2'.`);
    await refused(() => ask('POST', '/runs/log-batch', { run_id, metrics: [metric('m', 1)], params: [{ key: 'q', value: '1' }, { key: 'p', value: '2' }] }), 400, 'INVALID_PARAMETER_VALUE', /Changing param values/);
    expect(objectOf((await gotRun(run_id)).data.params)).toEqual({ p: '1' });
  });

  it('have their name as a tag as well', async () => {
    const { info } = await runIn('0', { tags: [{ key: 'mlflow.runName', value: 'by tag' }] });
    expect(info.run_name).toBe('by tag');
    await done(ask('POST', '/runs/set-tag', { run_id: info.run_id, key: 'mlflow.runName', value: 'other' }));
    expect((await gotRun(info.run_id)).info.run_name).toBe('other');
    await refused(() => ask('POST', '/runs/create', { run_name: 'a', tags: [{ key: 'mlflow.runName', value: 'b' }] }), 400, 'INVALID_PARAMETER_VALUE', /different values/);
    expect((await runIn('0')).info.run_name).toMatch(/^run-/);
  });

  it('are deleted and restored, and take nothing in between', async () => {
    const run_id = await runIdIn('0');
    await done(ask('POST', '/runs/delete', { run_id }));
    await done(ask('POST', '/runs/delete', { run_id }));
    expect((await gotRun(run_id)).info.lifecycle_stage).toBe('deleted');
    const gone = `The run ${run_id} must be in the 'active' state. Current state is deleted.`;
    for (const [path, more] of [['log-metric', metric('m', 1)], ['log-parameter', { key: 'k', value: 'v' }], ['set-tag', { key: 'k', value: 'v' }], ['delete-tag', { key: 'k' }], ['log-batch', {}], ['update', { status: 'FAILED' }], ['log-inputs', {}], ['outputs', {}]] as const) {
      await refused(() => ask('POST', `/runs/${path}`, { run_id, ...more }), 400, 'INVALID_PARAMETER_VALUE', gone);
    }
    await done(ask('POST', '/runs/restore', { run_id }));
    await done(ask('POST', '/runs/set-tag', { run_id, key: 'k', value: 'v' }));
    await done(ask('POST', '/runs/delete-tag', { run_id, key: 'k' }));
    await refused(() => ask('POST', '/runs/delete-tag', { run_id, key: 'k' }), 404, 'RESOURCE_DOES_NOT_EXIST', `No tag with name: k in run with id ${run_id}`);
  });

  it('go on when many log at once: nothing is lost, and the newest value is by step', async () => {
    const run_id = await runIdIn('0');
    await Promise.all(Array.from({ length: 24 }, (_, i) => done(ask('POST', '/runs/log-metric', { run_id, ...metric('m', i, i) }))));
    await Promise.all(Array.from({ length: 6 }, (_, i) => done(ask('POST', '/runs/log-parameter', { run_id, key: `p${i}`, value: String(i) }))));
    const answers = await Promise.all(Array.from({ length: 4 }, (_, i) => ask('POST', '/runs/log-parameter', { run_id, key: 'raced', value: String(i) })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400]);
    expect((await gotRun(run_id)).data.metrics).toEqual([{ ...metric('m', 23, 23), run_id }]);
    expect((await done(ask('GET', '/metrics/get-history', { run_id, metric_key: 'm' }))).metrics).toHaveLength(24);
  });

  it('split a call that is too large for one event, and keep all of it', async () => {
    const run_id = await runIdIn('0');
    const params = Array.from({ length: 100 }, (_, i) => ({ key: `p${i}`, value: `${i}`.padEnd(6_000, 'x') }));
    await logged(run_id, { params });
    expect((await gotRun(run_id)).data.params).toHaveLength(100);
    const { rows } = await pool.query(`select max(length(payload::text)) as longest, count(*)::int as n from ledger.event where type = 'vitae.registry.v1.RunLogged' and payload::jsonb ->> 'runId' = $1`, [run_id]);
    expect(rows[0].n).toBeGreaterThan(1);
    expect(Number(rows[0].longest)).toBeLessThan(300_000);
  });

  it('remember the models that older clients note', async () => {
    const run_id = await runIdIn('0');
    const model = { artifact_path: 'model', flavors: {}, utc_time_created: '2026-01-01 00:00:00', run_id };
    for (const artifact_path of ['a', 'b']) await done(ask('POST', '/runs/log-model', { run_id, model_json: JSON.stringify({ ...model, artifact_path }) }));
    expect(JSON.parse(String(objectOf((await gotRun(run_id)).data.tags)['mlflow.log-model.history'])).map(({ artifact_path }: { artifact_path: string }) => artifact_path)).toEqual(['a', 'b']);
    await refused(() => ask('POST', '/runs/log-model', { run_id, model_json: '{"run_id":' }), 400, 'INVALID_PARAMETER_VALUE', /not JSON/);
    await refused(() => ask('POST', '/runs/log-model', { run_id, model_json: '{}' }), 400, 'INVALID_PARAMETER_VALUE', /mandatory fields/);
  });

  const metricOf = (more: object) => ({ metrics: [{ ...metric('m', 1), ...more }] });
  it.each<[string, object, string | RegExp]>([
    ['a metric that is a text', metricOf({ value: 'high' }), /valid double/],
    ['a metric that is a truth', metricOf({ value: true }), /valid double/],
    ['a metric that is nothing', metricOf({ value: null }), missing('value')],
    ['a metric in a list', metricOf({ value: [1] }), /a list/],
    ['a time before 1970', metricOf({ timestamp: -1 }), /nonnegative/],
    ['a time with a fraction', metricOf({ timestamp: 1.5 }), /whole number/],
    ['a step that is a word', metricOf({ step: 'one' }), /whole number/],
    ['a step beyond all numbers', metricOf({ step: 1e300 }), /whole number/],
    ['a key that climbs', metricOf({ key: '../m' }), /Names may be treated as files/],
    ['a key with a sign', metricOf({ key: 'a%b' }), /Names may only contain/],
    ['a key that is too long', metricOf({ key: 'k'.repeat(251) }), /length limit of 250/],
    ['no key', metricOf({ key: '' }), missing('key')],
    ['a null character', { tags: [{ key: 'k', value: 'a\0b' }] }, /null character/],
    ['half of a character', { tags: [{ key: 'k', value: '\ud800' }] }, /Unicode/],
    ['a param that is too long', { params: [{ key: 'k', value: 'v'.repeat(6_001) }] }, /6000 characters/],
    ['a tag that is too long', { tags: [{ key: 'k', value: 'v'.repeat(8_001) }] }, /8000 characters/],
    ['the same param twice', { params: [{ key: 'k', value: '1' }, { key: 'k', value: '2' }] }, /Duplicate parameter keys have been submitted: k/],
    ['too many metrics', { metrics: Array.from({ length: 1_001 }, (_, i) => metric('m', i, i)) }, 'A batch logging request can contain at most 1000 metrics. Got 1001 metrics. Please split up metrics across multiple requests and try again.'],
    ['too many params', { params: Array.from({ length: 101 }, (_, i) => ({ key: `k${i}`, value: '' })) }, /at most 100 params. Got 101/],
    ['too many tags', { tags: Array.from({ length: 101 }, (_, i) => ({ key: `k${i}`, value: '' })) }, /at most 100 tags. Got 101/],
    ['metrics that are an object', { metrics: { m: 1 } }, /a list is expected/],
    ['a metric that is a number', { metrics: [1] }, /not a JSON object/],
    ['a model that cannot be', metricOf({ model_id: '../m-1' }), /Logged model/],
  ])('refuse %s, and keep nothing of the call', async (what, batch, message) => {
    const run_id = await runIdIn('0');
    const known = what === 'a model that cannot be';
    await refused(() => ask('POST', '/runs/log-batch', { run_id, params: [{ key: 'fine', value: '1' }], ...batch }), known ? 404 : 400, known ? 'RESOURCE_DOES_NOT_EXIST' : 'INVALID_PARAMETER_VALUE', message);
    expect((await gotRun(run_id)).data).not.toHaveProperty('params');
  });

  it('are not there for who asks for another, also in another project', async () => {
    const run_id = await runIdIn('0');
    const nobody = '0'.repeat(32);
    await refused(() => ask('GET', '/runs/get', { run_id: nobody }), 404, 'RESOURCE_DOES_NOT_EXIST', `Run with id=${nobody} not found`);
    for (const path of ['runs/log-metric', 'runs/update', 'runs/delete', 'runs/restore', 'runs/log-batch', 'runs/log-inputs', 'runs/outputs']) {
      await refused(() => ask('POST', `/${path}`, { run_id: 'nonsense', ...metric('m', 1) }), 404, 'RESOURCE_DOES_NOT_EXIST', 'Run with id=nonsense not found');
      await refused(() => ask('POST', `/${path}`, { run_id, ...metric('m', 1) }, '/t/other/api/2.0/mlflow'), 404, 'RESOURCE_DOES_NOT_EXIST', `Run with id=${run_id} not found`);
    }
    await refused(() => ask('GET', '/runs/get', {}), 400, 'INVALID_PARAMETER_VALUE', missing('run_id'));
    await refused(() => ask('POST', '/runs/create', { experiment_id: '77' }), 404, 'RESOURCE_DOES_NOT_EXIST', 'No Experiment with id=77 exists');
    await refused(() => ask('POST', '/runs/create', { experiment_id: '../0' }), 400, 'INVALID_PARAMETER_VALUE', /Invalid experiment ID/);
    await refused(() => ask('POST', '/runs/update', { run_id, status: 'SLEEPING' }), 400, 'INVALID_PARAMETER_VALUE', /SLEEPING/);
  });
});

describe('The history of a metric', () => {
  it('has every point in the order of time, page by page, with NaN and the infinities', async () => {
    const run_id = await runIdIn('0');
    await logged(run_id, { metrics: [metric('m', 'Infinity', 0), metric('m', '-Infinity', 1), metric('m', 'NaN', 2), metric('m', 1e308, 3), metric('m', -0.5, 4)] });
    const all = (await done(ask('GET', '/metrics/get-history', { run_id, metric_key: 'm' }))).metrics;
    expect(all.map(({ value, step }: { value: unknown; step: number }) => [step, value])).toEqual([[0, 'Infinity'], [1, '-Infinity'], [2, 'NaN'], [3, 1e308], [4, -0.5]]);
    const seen: unknown[] = [];
    for (let token: string | undefined = ''; token !== undefined; ) {
      const page: Answer['body'] = await done(ask('GET', '/metrics/get-history', { run_id, metric_key: 'm', max_results: 2, ...(token === '' ? {} : { page_token: token }) }));
      seen.push(...page.metrics);
      token = page.next_page_token;
    }
    expect(seen).toEqual(all);
    expect((await done(ask('GET', '/metrics/get-history', { run_id, metric_key: 'unknown' }))).metrics).toEqual([]);
    await refused(() => ask('GET', '/metrics/get-history', { run_id }), 400, 'INVALID_PARAMETER_VALUE', missing('metric_key'));
    await refused(() => ask('GET', '/metrics/get-history', { run_id: '1'.repeat(32), metric_key: 'm' }), 404, 'RESOURCE_DOES_NOT_EXIST', /not found/);
  });

  it('is sampled over several runs, the ends always among it', async () => {
    const ids = [await runIdIn('0'), await runIdIn('0')];
    for (const run_id of ids) await logged(run_id, { metrics: Array.from({ length: 100 }, (_, i) => metric('m', i, i)) });
    const { metrics } = await done(ask('GET', '/metrics/get-history-bulk-interval', { run_ids: ids, metric_key: 'm', max_results: 10 }));
    for (const run_id of ids) {
      const steps = metrics.filter((one: { run_id: string }) => one.run_id === run_id).map(({ step }: { step: number }) => step);
      expect(steps.length).toBeLessThanOrEqual(10);
      expect([steps[0], steps.at(-1)]).toEqual([0, 99]);
    }
    const part = await done(ask('GET', '/metrics/get-history-bulk-interval', { run_ids: ids[0], metric_key: 'm', start_step: 10, end_step: 12 }));
    expect(part.metrics.map(({ step }: { step: number }) => step)).toEqual([10, 11, 12]);
    await refused(() => ask('GET', '/metrics/get-history-bulk-interval', { metric_key: 'm' }), 400, 'INVALID_PARAMETER_VALUE', missing('run_ids'));
    await refused(() => ask('GET', '/metrics/get-history-bulk-interval', { run_ids: ids, metric_key: 'm', start_step: 3 }), 400, 'INVALID_PARAMETER_VALUE', /both must be specified/);
  });
});

describe('The search of runs', () => {
  let experiment: string;
  const ids: Record<string, string> = {};
  const found = async (filter: string, more: object = {}): Promise<string[]> => {
    const { runs } = await done(ask('POST', '/runs/search', { experiment_ids: [experiment], filter, ...more }));
    return runs.map(({ info }: { info: { run_name: string } }) => info.run_name);
  };

  beforeAll(async () => {
    experiment = await experimentNamed('searched');
    for (const [i, [name, auc, depth]] of ([['a', 0.9, '3'], ['b', 0.7, '10'], ['c', 'NaN', '3'], ['d', undefined, undefined]] as const).entries()) {
      const run_id = await runIdIn(experiment, { run_name: name, user_id: i < 2 ? 'dana' : 'ben', start_time: 1_000 + i, tags: [{ key: 'mlflow.source.type', value: i === 0 ? 'JOB' : 'LOCAL' }, { key: 'odd key', value: "it's" }] });
      await logged(run_id, { metrics: auc === undefined ? [] : [metric('auc', 0.1, 0), metric('auc', auc, 1), metric('with/slash', i)], params: depth === undefined ? [] : [{ key: 'max depth', value: depth }] });
      ids[name] = run_id;
    }
    await done(ask('POST', '/runs/update', { run_id: ids['a'], status: 'FINISHED', end_time: 2_000 }));
    await done(ask('POST', '/runs/log-inputs', { run_id: ids['b'], datasets: [{ tags: [{ key: 'mlflow.data.context', value: 'eval' }], dataset: { name: 'german', digest: 'd1', source_type: 'x', source: 'y' } }] }));
  });

  it.each<[string, string[]]>([
    ['', ['d', 'c', 'b', 'a']],
    ['metrics.auc > 0.8', ['a']],
    ['metrics.auc >= 0.7 AND metrics.auc < 1e0', ['b', 'a']],
    ['metric.auc != 0.7', ['a']],
    ['metrics.auc > -1.5 and metrics.`with/slash` <= 1', ['b', 'a']],
    [`params."max depth" = '3'`, ['c', 'a']],
    [`parameters.\`max depth\` != '3'`, ['b']],
    [`params."max depth" LIKE '1%'`, ['b']],
    [`params."max depth" IS NULL`, ['d']],
    [`params."max depth" IS NOT NULL`, ['c', 'b', 'a']],
    [`tags.mlflow.source.type = 'JOB'`, ['a']],
    [`tag.\`odd key\` = "it's" AND tags.mlflow.source.type ILIKE 'loc%'`, ['d', 'c', 'b']],
    [`attributes.status = 'FINISHED'`, ['a']],
    [`status != 'FINISHED'`, ['d', 'c', 'b']],
    [`attr.user_id = 'dana'`, ['b', 'a']],
    [`run_name IS NOT NULL`, ['ERROR']],
    [`attributes."Run name" LIKE 'a%'`, ['a']],
    ['start_time > 1001', ['d', 'c']],
    ['attributes.created <= 1000', ['a']],
    ['end_time > 0', ['a']],
    [`dataset.name = 'german' AND datasets.context = 'eval'`, ['b']],
    [`dataset.digest IN ('d1', 'd2')`, ['b']],
    [`tags.unknown != 'x'`, []],
  ])('finds by %s', async (filter, names) => {
    if (names[0] === 'ERROR') await refused(() => ask('POST', '/runs/search', { experiment_ids: [experiment], filter }), 400, 'INVALID_PARAMETER_VALUE', /cannot be asked/);
    else expect(await found(filter)).toEqual(names);
  });

  it('finds by ids, and what was deleted only where it is asked for', async () => {
    expect(await found(`attributes.run_id IN ('${ids['a']}', '${ids['c']}')`)).toEqual(['c', 'a']);
    expect(await found(`run_id NOT IN ('${ids['a']}',)`)).toEqual(['d', 'c', 'b']);
    await done(ask('POST', '/runs/delete', { run_id: ids['d'] }));
    expect(await found('')).toEqual(['c', 'b', 'a']);
    expect(await found('', { run_view_type: 'DELETED_ONLY' })).toEqual(['d']);
    expect(await found('', { run_view_type: 'ALL' })).toEqual(['d', 'c', 'b', 'a']);
    await done(ask('POST', '/runs/restore', { run_id: ids['d'] }));
    expect(await found('', { experiment_ids: [] })).toEqual([]);
  });

  it.each<[string[], string[]]>([
    [['metrics.auc DESC'], ['a', 'b', 'c', 'd']],
    [['metrics.auc ASC'], ['b', 'a', 'c', 'd']],
    [['params."max depth" ASC', 'start_time ASC'], ['b', 'a', 'c', 'd']],
    [['params.`max depth` DESC'], ['c', 'a', 'b', 'd']],
    [['attributes.start_time'], ['a', 'b', 'c', 'd']],
    [['end_time DESC'], ['a', 'd', 'c', 'b']],
    [['run_name DESC'], ['d', 'c', 'b', 'a']],
    [['tag.mlflow.source.type', 'attribute.run_name'], ['a', 'b', 'c', 'd']],
  ])('sorts by %j, what has no value last, the same in pages of one', async (order_by, names) => {
    expect(await found('', { order_by })).toEqual(names);
    const seen: string[] = [];
    for (let token: string | undefined = ''; token !== undefined; ) {
      const page: Answer['body'] = await done(ask('POST', '/runs/search', { experiment_ids: [experiment], order_by, max_results: 1, page_token: token }));
      seen.push(...page.runs.map(({ info }: { info: { run_name: string } }) => info.run_name));
      token = page.next_page_token;
    }
    expect(seen).toEqual(names);
  });

  it.each([
    'nonsense', "nonsense = 'a'", 'metrics.auc', 'metrics.auc >', "metrics.auc > 'high'", 'metrics.auc LIKE 1', 'params.a = 1', "params.a > '1'", "tags.a = 'x' OR tags.b = 'y'", "(tags.a = 'x')",
    "tags.a = 'x", "tags.a = 'x' AND", "AND tags.a = 'x'", "tags.a = 'x'; drop table registry.run", "tags.a = 'x' --", "run_id IN ()", "status IN ('a')", "metrics.auc IS NULL", "secrets.a = 'x'", "dataset.source = 'x'", "tags.a LIKE 'x\\'",
    "__proto__ = 'x'", "attributes.constructor = 'x'", "\0", "tags.a = '\ud800'", '='.repeat(5_000), "tags.a = '" + "'".repeat(7_000), '('.repeat(7_000), `${"tags.a = 'b' AND ".repeat(200)}tags.a = 'b'`, 'x'.repeat(8_001),
  ].map((filter) => [filter.slice(0, 50), filter]))('refuses %j as a filter', (_, filter) => refused(() => ask('POST', '/runs/search', { experiment_ids: [experiment], filter }), 400, 'INVALID_PARAMETER_VALUE', /./));

  it('refuses an order and pages that cannot be', async () => {
    const search = (parameters: object) => ask('POST', '/runs/search', { experiment_ids: [experiment], ...parameters });
    for (const order_by of [['nonsense'], ['metrics.auc SIDEWAYS'], ['metrics.auc', 'metric.auc DESC'], ['dataset.name'], ["status; drop table registry.run"]]) await refused(() => search({ order_by }), 400, 'INVALID_PARAMETER_VALUE', /order_by/);
    for (const max_results of [0, 50_001, 'many', 1.5]) await refused(() => search({ max_results }), 400, 'INVALID_PARAMETER_VALUE', /max_results/);
    const { next_page_token } = await done(search({ max_results: 1 }));
    await refused(() => search({ max_results: 1, page_token: next_page_token, order_by: ['run_name'] }), 400, 'INVALID_PARAMETER_VALUE', /page token/);
    for (const page_token of ['x', Buffer.from('{"a":1}').toString('base64url'), Buffer.from('[null]').toString('base64url')]) await refused(() => search({ page_token }), 400, 'INVALID_PARAMETER_VALUE', /page token/);
    await refused(() => search({ run_view_type: 'SOME' }), 400, 'INVALID_PARAMETER_VALUE', /SOME/);
    await refused(() => search({ experiment_ids: [{}] }), 400, 'INVALID_PARAMETER_VALUE', /list of strings/);
  });
});

describe('Logged models', () => {
  it('are created, filled, finalized, tagged, searched and deleted', async () => {
    const experiment = await experimentNamed('models');
    const run_id = await runIdIn(experiment);
    const { info, data } = await modelIn(experiment, { name: 'first', model_type: 'Agent', source_run_id: run_id, params: [{ key: 'p', value: '1' }], tags: [{ key: 't', value: '1' }] });
    const id = info.model_id;
    expect(info).toEqual({ model_id: expect.stringMatching(/^m-[0-9a-f]{32}$/), experiment_id: experiment, name: 'first', model_type: 'Agent', source_run_id: run_id, status: 'LOGGED_MODEL_PENDING', artifact_uri: `mlflow-artifacts:/lab/${experiment}/models/${id}/artifacts`, creation_timestamp_ms: expect.any(Number), last_updated_timestamp_ms: expect.any(Number), tags: [{ key: 't', value: '1' }] });
    expect(data).toEqual({ params: [{ key: 'p', value: '1' }] });
    await done(ask('POST', `/logged-models/${id}/params`, { params: [{ key: 'q', value: '2' }, { key: 'p', value: '1' }] }));
    await refused(() => ask('POST', `/logged-models/${id}/params`, { params: [{ key: 'q', value: '3' }] }), 400, 'INVALID_PARAMETER_VALUE', /Changing param values/);
    await done(ask('PATCH', `/logged-models/${id}/tags`, { tags: [{ key: 'a/b', value: '1' }, { key: 't', value: '2' }] }));
    expect(await done(ask('DELETE', `/logged-models/${id}/tags/a%2Fb`))).toEqual({});
    await refused(() => ask('DELETE', `/logged-models/${id}/tags/a`), 404, 'RESOURCE_DOES_NOT_EXIST', /No tag with key 'a'/);
    expect((await done(ask('PATCH', `/logged-models/${id}`, { model_id: id, status: 'LOGGED_MODEL_READY' }))).model.info.status).toBe('LOGGED_MODEL_READY');
    await refused(() => ask('PATCH', `/logged-models/${id}`, { status: 'FINE' }), 400, 'INVALID_PARAMETER_VALUE', /FINE/);
    await logged(run_id, { metrics: [{ ...metric('auc', 0.5, 0), model_id: id, dataset_name: 'd', dataset_digest: '1' }, { ...metric('auc', 0.9, 1), model_id: id, dataset_name: 'd', dataset_digest: '1' }] });
    const other = await modelIn(experiment, { name: 'second' });
    const told = (await done(ask('GET', `/logged-models/${id}`))).model;
    expect(told.data).toEqual({ params: [{ key: 'p', value: '1' }, { key: 'q', value: '2' }], metrics: [{ ...metric('auc', 0.9, 1), dataset_name: 'd', dataset_digest: '1', model_id: id, run_id }] });
    const names = async (parameters: object) => (await done(ask('POST', '/logged-models/search', { experiment_ids: [experiment], ...parameters }))).models.map((one: Answer['body']) => one.info.name);
    expect(await names({})).toEqual(['second', 'first']);
    expect(await names({ filter: "metrics.auc > 0.8 AND params.q = '2' AND tags.t = '2' AND name LIKE 'f%'" })).toEqual(['first']);
    expect(await names({ filter: 'metrics.auc > 0.8', datasets: [{ dataset_name: 'd', dataset_digest: '2' }] })).toEqual([]);
    expect(await names({ filter: 'metrics.auc > 0.8', datasets: [{ dataset_name: 'd' }] })).toEqual(['first']);
    expect(await names({ filter: `source_run_id = '${run_id}' AND status = 'READY' AND creation_timestamp > 0` })).toEqual(['first']);
    expect(await names({ order_by: [{ field_name: 'metrics.auc', ascending: false, dataset_name: 'd' }] })).toEqual(['first', 'second']);
    const page = await done(ask('POST', '/logged-models/search', { experiment_ids: [experiment], order_by: [{ field_name: 'name' }], max_results: 1 }));
    expect(await names({ order_by: [{ field_name: 'name' }], max_results: 1, page_token: page.next_page_token })).toEqual(['second']);
    await refused(() => ask('POST', '/logged-models/search', { experiment_ids: [experiment], filter: "secret = 'x'" }), 400, 'INVALID_PARAMETER_VALUE', /Invalid attribute key/);
    await refused(() => ask('POST', '/logged-models/search', { experiment_ids: [experiment], datasets: [{}] }), 400, 'INVALID_PARAMETER_VALUE', /dataset_name/);
    expect(await done(ask('DELETE', `/logged-models/${other.info.model_id}`, { model_id: other.info.model_id }))).toEqual({});
    expect(await names({})).toEqual(['first']);
    await refused(() => ask('GET', `/logged-models/${other.info.model_id}`), 404, 'RESOURCE_DOES_NOT_EXIST', `Logged model with ID '${other.info.model_id}' not found.`);
    expect((await done(ask('GET', `/logged-models/${other.info.model_id}`, { allow_deleted: 'true' }))).model.info.name).toBe('second');
    await refused(() => ask('PATCH', `/logged-models/${other.info.model_id}`, { status: 'LOGGED_MODEL_READY' }), 404, 'RESOURCE_DOES_NOT_EXIST', /not found/);
  });

  it.each<[string, object, number, string | RegExp]>([
    ['no experiment', {}, 400, missing('experiment_id')],
    ['an unknown experiment', { experiment_id: '99' }, 404, 'No Experiment with id=99 exists'],
    ['an unknown run', { experiment_id: '0', source_run_id: 'f'.repeat(32) }, 404, /Run with id/],
    ['a name with a slash', { experiment_id: '0', name: 'a/b' }, 400, /cannot contain/],
    ['the same param twice', { experiment_id: '0', params: [{ key: 'a', value: '' }, { key: 'a', value: '' }] }, 400, /Duplicate/],
  ])('are refused with %s', (_, parameters, status, message) => refused(() => ask('POST', '/logged-models', parameters as Record<string, unknown>), status, status === 404 ? 'RESOURCE_DOES_NOT_EXIST' : 'INVALID_PARAMETER_VALUE', message));
});

describe('The artifact proxy', () => {
  let run_id: string;
  let root: string;
  beforeAll(async () => {
    run_id = await runIdIn('0');
    root = `${FILES}/lab/0/${run_id}/artifacts`;
  });
  const listedAt = async (path: string) => (await done(ask('GET', '', { path }, FILES))).files;

  it('keeps, lists, gives back and removes the files of a run', async () => {
    for (const [path, text, type] of [['a.txt', 'hello', 'text/plain'], ['dir/b.json', '{"not": 1', 'application/json'], ['dir/empty.py', '', 'text/x-python'], ['dir/sub/ü &.txt', 'x', 'text/plain']] as const) {
      expect(await raw('PUT', `${root}/${path.split('/').map(encodeURIComponent).join('/')}`, text, { 'content-type': type })).toMatchObject({ status: 200, body: {} });
    }
    expect(await listedAt(`lab/0/${run_id}/artifacts`)).toEqual([{ path: 'a.txt', is_dir: false, file_size: 5 }, { path: 'dir', is_dir: true }]);
    expect(await listedAt(`lab/0/${run_id}/artifacts/dir`)).toEqual([{ path: 'b.json', is_dir: false, file_size: 9 }, { path: 'empty.py', is_dir: false, file_size: 0 }, { path: 'sub', is_dir: true }]);
    expect(await listedAt(`lab/0/${run_id}/artifacts/nowhere`)).toEqual([]);
    expect(await done(ask('GET', '/artifacts/list', { run_id, path: 'dir' }))).toEqual({ root_uri: `mlflow-artifacts:/lab/0/${run_id}/artifacts`, files: [{ path: 'dir/b.json', is_dir: false, file_size: 9 }, { path: 'dir/empty.py', is_dir: false, file_size: 0 }, { path: 'dir/sub', is_dir: true }] });
    expect((await raw('GET', `${root}/dir/b.json`)).bytes.toString()).toBe('{"not": 1');
    expect((await raw('GET', `${root}/dir/empty.py`)).bytes).toHaveLength(0);
    expect((await raw('GET', `${root}/dir/sub/${encodeURIComponent('ü &.txt')}`)).bytes.toString()).toBe('x');
    const before = await counted();
    await raw('PUT', `${root}/a.txt`, 'hello');
    expect(await counted()).toBe(before);
    await raw('PUT', `${root}/a.txt`, 'other');
    expect((await raw('GET', `${root}/a.txt`)).bytes.toString()).toBe('other');
    expect(await raw('DELETE', `${root}/dir`)).toMatchObject({ status: 200, body: {} });
    expect(await listedAt(`lab/0/${run_id}/artifacts`)).toEqual([{ path: 'a.txt', is_dir: false, file_size: 5 }]);
    expect((await raw('GET', `${root}/dir/b.json`)).status).toBe(404);
    const { rows } = await pool.query(`select payload::jsonb as payload from ledger.event where type = 'vitae.registry.v1.RunArtifactLogged' and payload::jsonb ->> 'runId' = $1 order by seq limit 1`, [run_id]);
    expect(rows[0].payload).toMatchObject({ path: 'a.txt', digest: 'sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824', sizeBytes: '5' });
  });

  it('keeps the files of a logged model', async () => {
    const { info } = await modelIn('0');
    const at = `${FILES}/${info.artifact_uri.replace('mlflow-artifacts:/', '')}`;
    await raw('PUT', `${at}/MLmodel`, 'flavors: {}');
    await raw('PUT', `${at}/data/model.bin`, 'bytes');
    expect(await done(ask('GET', `/logged-models/${info.model_id}/artifacts/directories`, { artifact_directory_path: 'data' }))).toEqual({ root_uri: info.artifact_uri, files: [{ path: 'data/model.bin', is_dir: false, file_size: 5 }] });
    expect((await raw('GET', `${at}/data/model.bin`)).bytes.toString()).toBe('bytes');
    await raw('DELETE', `${at}/data/model.bin`);
    expect(await listedAt(info.artifact_uri.replace('mlflow-artifacts:/', ''))).toEqual([{ path: 'MLmodel', is_dir: false, file_size: 11 }]);
  });

  it.each([
    ['a path that climbs', '/../../etc/passwd'], ['… encoded', '/%2e%2e/%2e%2e/etc/passwd'], ['… encoded twice', '/%252e%252e/x'], ['… in the middle', '/a/../../x'], ['… with backslashes', '/..%5c..%5cx'],
    ['an absolute path', '//etc/passwd'], ['… encoded', '/%2Fetc%2Fpasswd'], ['a null character', '/a%00b'], ['… encoded twice', '/a%2500b'], ['a line break', '/a%0Ab'], ['a step that is empty', '/a//b'], ['a dot', '/a/./b'],
    ['a drive', '/C:%5Cx'], ['an address', '/file:%2F%2F%2Fetc'], ['half an escape', '/a%2'], ['bytes that are no text', '/a%ff'], ['a path that is too long', `/${'x'.repeat(257)}`], ['the directory itself', '/'], ['no file', ''],
  ])('refuses to write %s', (_, path) => refused(() => raw('PUT', `${root}${path}`, 'x'), 400, 'INVALID_PARAMETER_VALUE', /./));

  it.each(['../../etc/passwd', 'a/../../x', '/etc/passwd', 'a\\b', 'a%2e%2e', 'a\0'])('refuses to list %j', async (path) => {
    await refused(() => ask('GET', '', { path: `lab/0/${run_id}/artifacts/${path}` }, FILES), 400, 'INVALID_PARAMETER_VALUE', /Invalid path/);
    await refused(() => ask('GET', '/artifacts/list', { run_id, path }), 400, 'INVALID_PARAMETER_VALUE', /Invalid path/);
  });

  it('refuses a file where a directory is, what nobody owns, and what is deleted', async () => {
    await raw('PUT', `${root}/x/y`, '1');
    await refused(() => raw('PUT', `${root}/x`, '1'), 400, 'INVALID_PARAMETER_VALUE', /directory/);
    await refused(() => raw('PUT', `${root}/x/y/z`, '1'), 400, 'INVALID_PARAMETER_VALUE', /directory/);
    await refused(() => raw('PUT', `${FILES}/lab/somewhere`, '1'), 400, 'INVALID_PARAMETER_VALUE', /belong to a run/);
    await refused(() => raw('PUT', `${root.replace('/t/lab/', '/t/other/')}/x`, '1'), 400, 'INVALID_PARAMETER_VALUE', /project other/);
    await refused(() => raw('PUT', `${FILES}/lab/0/${'0'.repeat(32)}/artifacts/x`, '1'), 404, 'RESOURCE_DOES_NOT_EXIST', /not found/);
    await refused(() => raw('PUT', `${FILES}/lab/model-versions/${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}/x`, '1'), 400, 'INVALID_PARAMETER_VALUE', /belong to a run/);
    await refused(() => raw('PUT', `${root}/wrong`, '1', { 'vitae-digest': `sha256:${'0'.repeat(64)}` }), 400, 'INVALID_PARAMETER_VALUE', /Vitae-Digest/);
    await refused(() => ask('GET', '', { path: `lab/0/${'0'.repeat(32)}/artifacts` }, FILES), 404, 'RESOURCE_DOES_NOT_EXIST', /no artifact/);
    const gone = await runIdIn('0');
    await done(ask('POST', '/runs/delete', { run_id: gone }));
    await refused(() => raw('PUT', `${FILES}/lab/0/${gone}/artifacts/x`, '1'), 400, 'INVALID_PARAMETER_VALUE', /'active' state/);
    await refused(() => raw('PUT', `${root}/large`, undefined, { 'content-length': String(2 ** 40) }), 400, 'INVALID_PARAMETER_VALUE', /may have at most/);
  });

  it('says that it takes no files in parts, in the words that a client goes on after', async () => {
    for (const step of ['create', 'complete', 'abort']) await refused(() => ask('POST', `/mpu/${step}/lab/0/${run_id}/artifacts/x`, {}, '/t/lab/api/2.0/mlflow-artifacts'), 400, 'INVALID_PARAMETER_VALUE', /^Multipart upload is not supported for the current artifact repository/);
    expect((await ask('GET', `/presigned/lab/0/${run_id}/artifacts/x`, {}, '/t/lab/api/2.0/mlflow-artifacts')).status).toBe(404);
  });
});

describe('A version that is registered of what is tracked here', () => {
  const versionOf = async (name: string, more: object): Promise<{ readonly mlflow: Answer['body']; readonly ours: Answer['body'] }> => {
    await ask('POST', '/registered-models/create', { name });
    const { model_version } = await done(ask('POST', '/model-versions/create', { name, ...more }));
    const { items } = await done(ask('GET', '/model-versions', { filter: `name = '${name}' AND version = ${model_version.version}` }, '/v1/projects/lab'));
    return { mlflow: model_version, ours: items[0] };
  };
  const uriOf = (name: string, version: string): Promise<string> => done(ask('GET', '/model-versions/get-download-uri', { name, version })).then(({ artifact_uri }) => artifact_uri);

  it('has the files of its logged model, and keeps them whatever becomes of that; what is missing stays missing', async () => {
    const run_id = await runIdIn('0', { tags: [{ key: 'mlflow.source.git.commit', value: 'abcdef0123' }, { key: 'mlflow.source.git.repoURL', value: 'https://example.org/credit.git' }] });
    const { info } = await modelIn('0', { source_run_id: run_id });
    const at = `${FILES}/${info.artifact_uri.replace('mlflow-artifacts:/', '')}`;
    await raw('PUT', `${at}/MLmodel`, 'flavors: {}');
    await raw('PUT', `${at}/model.pkl`, Buffer.from([0x80, 0x04, 0x95, 0, 0, 0, 0, 0, 0, 0, 0, 0x2e]));
    const early = await versionOf('of-model', { source: `models:/${info.model_id}`, model_id: info.model_id, run_id });
    expect(early.ours).toMatchObject({ files: [], evidenceMissing: ['artefact', 'interface', 'dataset', 'code', 'use-case'], artefactLocation: `models:/${info.model_id}` });
    await done(ask('PATCH', `/logged-models/${info.model_id}`, { status: 'LOGGED_MODEL_READY' }));
    const { mlflow, ours } = await versionOf('of-model', { source: `models:/${info.model_id}`, model_id: info.model_id, run_id });
    expect(mlflow).toMatchObject({ version: '2', source: `models:/${info.model_id}`, run_id, model_id: info.model_id });
    expect(ours).toMatchObject({
      runId: run_id,
      loggedModelId: info.model_id,
      evidenceMissing: ['interface', 'dataset', 'use-case'],
      source: { repository: 'https://example.org/credit.git', commit: 'abcdef0123' },
      artefactDigest: expect.stringMatching(/^sha256:/),
      files: [{ path: 'MLmodel', sizeBytes: 11 }, { path: 'model.pkl', sizeBytes: 12, content: 'pickle', flags: ['runs-code'] }],
    });
    const again = await versionOf('of-model', { source: `models:/${info.model_id}` });
    expect(again.ours.artefactDigest).toBe(ours.artefactDigest);
    await raw('PUT', `${at}/MLmodel`, 'changed later');
    await raw('DELETE', `${at}/model.pkl`);
    const uri = await uriOf('of-model', '2');
    expect(uri).toBe(`mlflow-artifacts://${new URL(service.url).host}/lab/model-versions/${ours.id}`);
    expect((await raw('GET', `${FILES}/lab/model-versions/${ours.id}/MLmodel`)).bytes.toString()).toBe('flavors: {}');
    expect((await raw('GET', `/t/lab/model-versions/get-artifact?name=of-model&version=2&path=model.pkl`)).bytes).toHaveLength(12);
    expect((await done(ask('GET', `/logged-models/${info.model_id}`))).model.info.registrations).toEqual(['1', '2', '3'].map((version) => ({ name: 'of-model', version })));
    const copy = await versionOf('copied', { source: 'models:/of-model/2' });
    expect(copy.ours).toMatchObject({ copiedFrom: ours.id, artefactDigest: ours.artefactDigest, files: ours.files });
    const evaluation = await fetch(`${service.url}/v1/projects/lab/model-versions/${ours.id}/evaluations`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: as('human/ben') }, body: JSON.stringify({ datasetVersionId: ours.id, label: 'y' }) });
    expect(evaluation.status).toBeLessThan(500);
    expect(evaluation.ok).toBe(false);
  });

  it('is purged without the bytes that a run still has, and with them when nobody has them any more', async () => {
    const purge = async (id: string) => (await fetch(`${service.url}/v1/projects/lab/model-versions/${id}/purge`, { method: 'POST', headers: { authorization: as('human/ben') } })).status;
    const run_id = await runIdIn('0');
    const at = `${FILES}/lab/0/${run_id}/artifacts/m/only-here.bin`;
    await raw('PUT', at, 'bytes that nobody else has');
    const purged = async (number: string, id: string) => {
      await done(ask('DELETE', '/model-versions/delete', { name: 'purged', version: number }));
      expect(await purge(id)).toBe(200);
      const { rows } = await pool.query(`select payload::jsonb as payload from ledger.event where type = 'vitae.registry.v1.ModelVersionPurged' and payload::jsonb ->> 'modelVersionId' = $1`, [id]);
      return rows[0].payload;
    };
    const first = await versionOf('purged', { source: `runs:/${run_id}/m` });
    const { digest } = first.ours.files[0];
    expect(await purged('1', first.ours.id)).toMatchObject({ kept: [digest] });
    const second = await versionOf('purged', { source: `runs:/${run_id}/m` });
    expect((await raw('GET', at)).bytes.toString()).toBe('bytes that nobody else has');
    await raw('DELETE', at);
    expect((await raw('GET', `${FILES}/lab/model-versions/${second.ours.id}/only-here.bin`)).status).toBe(200);
    expect(await purged('2', second.ours.id)).toMatchObject({ removed: [digest] });
    await eventually(async () => expect((await fetch(`${service.url}/v1/projects/lab/artefacts/${digest}`, { method: 'HEAD', headers: { authorization: as('human/dana') } })).status).toBe(404));
  });

  it('is found by runs:/ and by the address of its files, in this project only', async () => {
    const run_id = await runIdIn('0');
    await raw('PUT', `${FILES}/lab/0/${run_id}/artifacts/model/weights.bin`, 'w');
    await raw('PUT', `${FILES}/lab/0/${run_id}/artifacts/other.txt`, 'o');
    for (const source of [`runs:/${run_id}/model`, `mlflow-artifacts:/lab/0/${run_id}/artifacts/model`]) {
      expect((await versionOf('of-run', { source, run_id })).ours).toMatchObject({ files: [{ path: 'weights.bin', sizeBytes: 1 }], evidenceMissing: ['interface', 'dataset', 'code', 'use-case'] });
    }
    expect((await versionOf('of-run', { source: `runs:/${run_id}/other.txt`, run_id })).ours.files).toMatchObject([{ path: 'other.txt' }]);
    const nothing = await versionOf('of-run', { source: `runs:/${run_id}/nowhere`, run_id });
    expect(nothing.ours).toMatchObject({ files: [], artefactLocation: `mlflow-artifacts:/lab/0/${run_id}/artifacts/nowhere` });
    for (const source of [`runs:/${'0'.repeat(32)}/model`, `mlflow-artifacts:/other/0/${run_id}/artifacts/model`, `models:/m-${'0'.repeat(32)}`]) {
      const { ours, mlflow } = await versionOf('elsewhere', { source });
      expect(ours).toMatchObject({ files: [], artefactLocation: source });
      expect(await uriOf('elsewhere', mlflow.version)).toBe(source);
    }
    // Nor is it found by who puts it into his own project's address.
    const other = '/t/other/api/2.0/mlflow';
    await done(ask('POST', '/registered-models/create', { name: 'taken' }, other));
    await done(ask('POST', '/model-versions/create', { name: 'taken', source: `mlflow-artifacts:/other/0/${run_id}/artifacts/model` }, other));
    expect((await ask('GET', '/model-versions', {}, '/v1/projects/other')).body.items).toMatchObject([{ files: [], evidenceMissing: ['artefact', 'interface', 'dataset', 'code', 'use-case'] }]);
  });
});

describe('Whatever is sent', () => {
  const routes: readonly (readonly [method: string, path: string])[] = [
    ['POST', '/experiments/create'], ['POST', '/experiments/search'], ['POST', '/experiments/update'], ['POST', '/runs/create'], ['POST', '/runs/log-batch'], ['POST', '/runs/log-metric'], ['POST', '/runs/log-inputs'], ['POST', '/runs/outputs'],
    ['POST', '/runs/search'], ['POST', '/runs/update'], ['POST', '/logged-models'], ['POST', '/logged-models/search'], ['PATCH', `/logged-models/m-${'0'.repeat(32)}/tags`], ['POST', '/registered-models/create'],
  ];
  const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
  it.each<[string, string]>([
    ['half of a JSON text', '{"name":'], ['no JSON at all', 'name=x'], ['a list', '[1]'], ['a number', '7'], ['10 MB of JSON', `{"name":"${'x'.repeat(10 * 1024 * 1024)}"}`], ['JSON that is nested without end', nested(50_000)],
    ['deep values in known places', `{${['name', 'run_id', 'filter', 'experiment_id', 'metrics', 'tags', 'params', 'order_by', 'experiment_ids', 'models', 'datasets', 'key', 'value', 'model_id'].map((field) => `"${field}":${nested(8_000)}`).join(',')}}`],
    ['keys of every object', '{"__proto__":{"name":"x"},"constructor":{"prototype":{}},"name":{"toString":1},"run_id":[],"experiment_ids":{}}'],
  ])('%s is answered in the form of MLflow, never as our fault', async (_, text) => {
    for (const [method, path] of routes) {
      const { status, body } = await ask(method, path, text);
      if (status === 200 && /search$|runs.create$/.test(path)) continue; // they need nothing, and look at nothing that they do not know
      expect([400, 404]).toContain(status);
      expect(body).toEqual({ error_code: expect.stringMatching(/^[A-Z_]+$/), message: expect.any(String) });
    }
  });
});

it('given all of that, when the views are made anew, then they are those that serve', async () => {
  await running.relay();
  const { tables } = await rebuildViews(registry, database.url, { swap: false });
  expect(tables).toEqual(tables.map(({ table }) => expect.objectContaining({ table, unfounded: 0, missing: 0 })));
});
