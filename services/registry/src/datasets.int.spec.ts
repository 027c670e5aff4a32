import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rebuildViews } from '@vitae/service-kit';
import { as, eventually } from '@vitae/testing';
import { registry } from './app.module.ts';
import { readContent } from './dataset-version/dataset-file.store.ts';
import { runRegistry, type RunningRegistry } from './running-registry.fixture.ts';

const FIXTURES = new URL('../../../test/fixtures/german-credit/', import.meta.url);
const BASE = '/v1/projects/credit';
const NOBODY = '01890000-0000-7000-8000-00000000ffff';

let running: RunningRegistry;
let csvBytes: Buffer;
let onnx: string;
let modelId: string;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a spec asserts on the shape itself
  readonly body: any;
}

beforeAll(async () => {
  running = await runRegistry();
  csvBytes = await readFile(new URL('credit.csv', FIXTURES));
  onnx = await upload(await readFile(new URL('credit-v1.onnx', FIXTURES)));
  modelId = (await call('POST', '/models', { name: 'credit-risk', description: '', task: 'binary-classification', useCaseId: '01890000-0000-7000-8000-000000000001' })).body.id;
});

afterAll(() => running?.stop());

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const raw = body instanceof Uint8Array;
  const response = await fetch(`${running.service.url}${BASE}${path}`, {
    method,
    headers: { authorization: as('human/dana'), ...(body === undefined ? {} : { 'content-type': raw ? 'application/octet-stream' : 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: raw ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : undefined };
}

const upload = async (bytes: Uint8Array | string): Promise<string> => (await call('POST', '/artefacts', typeof bytes === 'string' ? Buffer.from(bytes) : bytes)).body.digest as string;
const said = { mediaType: 'text/csv', source: 'a spec', licence: 'CC0-1.0' };
const register = async (name: string, bytes: Uint8Array | string, more: object = {}, headers: Record<string, string> = {}): Promise<Answer> =>
  call('POST', `/datasets/${name}/versions`, { ...said, ...more, digest: await upload(bytes) }, headers);
const jsonLines = (name: string, text: string | Uint8Array, more: object = {}): Promise<Answer> => register(name, text, { mediaType: 'application/jsonl', ...more });
const creditSaid = { labelColumn: 'bad_credit', splitColumn: 'split', protectedColumns: ['sex'], piiClasses: { sex: 'personal', age: 'personal' }, lawfulBasis: 'contract' };
/** The fixture's data, told apart by one more row, for no two versions of a dataset have the same bytes. */
const credit = (name: string, more: object = {}): Promise<Answer> => register(name, csvBytes, { ...creditSaid, ...more });
const build = (datasetVersionId: string, into = modelId): Promise<Answer> =>
  call('POST', `/models/${into}/versions`, { artefact: { digest: onnx, path: 'model.onnx', format: 'onnx' }, datasetVersionId, source: { repository: 'https://example.org/credit.git', commit: 'abcdef0123' } });
const newModel = async (name: string): Promise<string> => (await call('POST', '/models', { name, description: '', task: 'binary-classification', useCaseId: '01890000-0000-7000-8000-000000000001' })).body.id as string;
const problem = ({ status, body }: Answer) => [status, body?.type?.split('/').at(-1)];
const version = (id: string, rest = ''): string => `/dataset-versions/${id}${rest}`;
const eventsOf = async (id: string) => (await running.pool.query('select type, payload, subjects from ledger.event where stream = $1 order by revision', [`registry.DatasetVersion-${id}`])).rows.map(({ type, payload, subjects }) => ({ type: String(type).split('.').at(-1), payload, subjects }));
const stored = async () => (await running.pool.query(`select (select count(*) from ledger.event where type not like 'vitae.access.%') as events, (select count(*) from registry.dataset_version) as versions`)).rows[0];
async function refused(attempt: () => Promise<Answer>, status: number, slug: string, detail?: RegExp): Promise<void> {
  const before = await stored();
  const answer = await attempt();
  expect(problem(answer)).toEqual([status, slug]);
  if (detail) expect(answer.body.detail).toMatch(detail);
  expect(await stored()).toEqual(before);
}

describe('JSON lines', () => {
  it('are read with the types that they have, and nothing is guessed', async () => {
    const { status, body } = await jsonLines(
      'lines',
      '{"whole":1,"zip":"01234","flag":true,"when":"2024-01-01","x":1.5,"nested":{"a":[1,2]},"/odd key~":-3,"big":18446744073709551615}\n\n{"whole":2,"x":2,"nested":[3],"late":null}\n{"whole":-3,"zip":"1","flag":false}',
    );
    expect(status).toBe(201);
    expect(body.columns.map(({ name, dataType, kind, nullCount }: Record<string, unknown>) => [name, dataType, kind, nullCount])).toEqual([
      ['whole', 'BIGINT', 'numeric', 0],
      ['zip', 'VARCHAR', 'categorical', 1],
      ['flag', 'BOOLEAN', 'categorical', 1],
      ['when', 'VARCHAR', 'categorical', 2],
      ['x', 'DOUBLE', 'numeric', 1],
      ['nested', 'JSON', 'categorical', 1],
      ['/odd key~', 'BIGINT', 'numeric', 2],
      ['big', 'DOUBLE', 'numeric', 2],
      ['late', 'VARCHAR', 'categorical', 3],
    ]);
    expect(body).toMatchObject({ rowCount: 3 });
    expect(body.columns[5].topValues).toEqual([{ value: '[3]', count: 1 }, { value: '{"a":[1,2]}', count: 1 }]);
    expect(body.columns[0]).toMatchObject({ minimum: -3, maximum: 2 });
  });

  it('say the same as CSV of the same rows, and a model runs on them', async () => {
    const [head = '', ...rows] = csvBytes.toString().trim().split('\n');
    const names = head.split(',');
    const csv = await credit('credit-csv');
    const typeOf = new Map(csv.body.columns.map((column: { name: string; dataType: string }) => [column.name, column.dataType]));
    const lines = rows.map((row) => JSON.stringify(Object.fromEntries(row.split(',').map((value, i) => [names[i], typeOf.get(names[i]) === 'VARCHAR' ? value : Number(value)])))).join('\n');
    const json = await jsonLines('credit-json', lines, creditSaid);
    expect(json.body.columns).toEqual(csv.body.columns);
    expect(json.body.splits).toEqual(csv.body.splits);
    const into = await newModel('on-json-lines');
    const built = await build(json.body.id, into);
    const [onJson, onCsv] = [await call('POST', `/model-versions/${built.body.id}/evaluations`, { datasetVersionId: json.body.id, split: 'test' }), await call('POST', `/model-versions/${built.body.id}/evaluations`, { datasetVersionId: csv.body.id, split: 'test' })];
    expect(onJson.status).toBe(201);
    expect(onJson.body.metrics).toEqual(onCsv.body.metrics);
  });

  it.each<[string, string | Uint8Array, RegExp]>([
    ['a line that is no JSON', '{"a":1}\n{"a":\n', /^Line 2 of the JSON lines is no JSON\. /],
    ['a list', '{"a":1}\n[1]\n', /^Line 2 of the JSON lines is no JSON object/],
    ['a whole JSON document', JSON.stringify([{ a: 1 }], null, 2), /^Line 1 /],
    ['one line of 10 MB', `{"a":"${'x'.repeat(10_000_000)}"}`, /longer than 1048576 bytes/],
    ['JSON 100,000 deep', `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, /nested more than 32 deep/],
    ['values of two kinds', '{"a":1}\n{"a":2}\n{"a":"x"}\n', /^The values of a are of different kinds: a whole number in row 1, text in row 3\./],
    ['a key twice', '{"a":1}\n{"a":1,"a":2}\n', /has a key twice/],
    ['keys that differ by case alone', '{"a":1,"A":2}\n', /Column 2 is named A/],
    ['a key without a name', '{"":1}\n', /Column 1 has no name/],
    ['no rows', '\n\n', /no rows/],
    ['empty objects', '{}\n{}\n', /no rows/],
    ['bytes that are no UTF-8', Buffer.from('{"a":"\xff\xfe"}\n', 'latin1'), /Line 1 of the JSON lines is no JSON/],
  ])('are refused with %s', async (_, text, detail) => refused(() => jsonLines('broken', text), 422, 'dataset-unreadable', detail));

  it('are refused with more columns than a version has', () =>
    refused(() => jsonLines('broken', JSON.stringify(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`c${i}`, i])))), 422, 'dataset-too-wide', /300 columns/));
});

describe('Files that are not what they are said to be', () => {
  it.each<[string, () => Uint8Array, string, RegExp]>([
    ['gzip as CSV', () => gzipSync('a,b\n1,2\n'), 'text/csv', /^The bytes are gzip, and were said to be text\/csv\. Compressed files/],
    ['a gzip bomb as JSON lines', () => gzipSync(Buffer.alloc(50_000_000, 0x20)), 'application/jsonl', /^The bytes are gzip/],
    ['a zip as CSV', () => Buffer.from('PK\x03\x04', 'latin1'), 'text/csv', /^The bytes are zip/],
    ['zstd as Parquet', () => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0]), 'application/vnd.apache.parquet', /^The bytes are zstd/],
    ['Parquet as CSV', () => Buffer.from('PAR1....PAR1'), 'text/csv', /^The bytes are parquet/],
    ['CSV as Parquet', () => Buffer.from('a,b\n1,2\n'), 'application/vnd.apache.parquet', /cannot be read as application\/vnd\.apache\.parquet/],
    ['CSV as JSON lines', () => Buffer.from('a,b\n1,2\n'), 'application/jsonl', /^Line 1 of the JSON lines is no JSON object/],
  ])('%s', (_, bytes, mediaType, detail) => refused(() => register('liar', bytes(), { mediaType }), 422, 'dataset-unreadable', detail));
});

describe('Quarantine', () => {
  it('stops what would be built on a version or on what was made of it, until it is lifted', async () => {
    const { id } = (await credit('raw')).body;
    const derived = (await credit('cleaned', { derivedFrom: { datasetVersionIds: [id], uris: ['s3://bank/raw.csv'] } })).body.id;
    const built = (await build(derived, await newModel('quarantined'))).body.id;
    expect((await call('GET', `/model-versions/${built}`)).body.datasetQuarantined).toBe(false);

    const put = await call('PUT', version(id, '/quarantine'), { reason: 'The labels of May are wrong.' });
    expect(put).toMatchObject({ status: 200, body: { state: 'quarantined', revision: 2 } });
    expect((await call('PUT', version(id, '/quarantine'), { reason: 'Again.' })).body.revision).toBe(2);
    expect((await call('GET', version(id))).body).toMatchObject({ state: 'quarantined', quarantine: { reason: 'The labels of May are wrong.', by: 'dana' } });
    expect((await call('GET', version(derived))).body).toMatchObject({ state: 'registered', quarantinedSources: [{ datasetVersionId: id, datasetName: 'raw', version: 1 }] });
    expect((await call('GET', '/model-versions')).body.items.find((one: { id: string }) => one.id === built)).toMatchObject({ datasetQuarantined: true });

    await refused(() => build(id), 409, 'dataset-quarantined', new RegExp(`^raw version 1 is in quarantine, so no model version can be built on it\\. The reason stands in GET …/dataset-versions/${id}`));
    await refused(() => build(derived), 409, 'dataset-quarantined', /^raw version 1, from which cleaned version 1 is derived, is in quarantine/);
    await refused(() => call('POST', `/model-versions/${built}/evaluations`, { datasetVersionId: derived }), 409, 'dataset-quarantined', /nothing is evaluated on it/);
    await refused(() => credit('grandchild', { derivedFrom: { datasetVersionIds: [derived], uris: [] } }), 409, 'dataset-quarantined', /nothing can be derived from it/);
    const events = await eventsOf(id);
    expect(events.map(({ type }) => type)).toEqual(['DatasetVersionRegistered', 'DatasetVersionQuarantined']);
    expect(events[1]?.subjects).toEqual([`dataset-version:${id}`, `model-version:${built}`]);

    await refused(() => call('POST', version(id, '/quarantine/lifting'), { reason: 'They were put right.' }), 403, 'four-eyes', /^dana registered it and so cannot lift the quarantine of raw version 1\. Ask somebody else\.$/);
    expect((await call('POST', version(id, '/quarantine/lifting'), { reason: 'They were put right.' }, { authorization: as('human/vera') })).body).toMatchObject({ state: 'registered', revision: 3 });
    expect((await call('GET', `/model-versions/${built}`)).body.datasetQuarantined).toBe(false);
    expect((await build(derived, await newModel('after quarantine'))).status).toBe(201);
  });

  it('and a registration at the same moment agree on who came first', async () => {
    const { id } = (await credit('raced')).body;
    const into = await newModel('raced');
    const [quarantine, built] = await Promise.all([call('PUT', version(id, '/quarantine'), { reason: 'x' }), build(id, into)]);
    expect(quarantine.status).toBe(200);
    const order = (await running.pool.query(`select type from ledger.event where stream = any($1) order by seq`, [[`registry.DatasetVersion-${id}`, `registry.ModelVersion-${built.body.id}`]])).rows.map(({ type }) => String(type).split('.').at(-1));
    if (built.status === 201) expect((await call('GET', `/model-versions/${built.body.id}`)).body.datasetQuarantined).toBe(true);
    else expect([problem(built), order]).toEqual([[409, 'dataset-quarantined'], ['DatasetVersionRegistered', 'DatasetVersionQuarantined']]);
  });

  it('needs a reason, an actor, a version that is there, and the revision that is believed', async () => {
    const { id } = (await register('guarded', 'a\n1\n')).body;
    await refused(() => call('PUT', version(id, '/quarantine'), { reason: ' ' }), 400, 'invalid-request');
    await refused(() => call('PUT', version(id, '/quarantine'), { reason: 'x' }, { authorization: '' }), 401, 'credential-missing');
    await refused(() => call('PUT', version(id, '/quarantine'), { reason: 'x' }, { 'if-match': '"7"' }), 412, 'revision-mismatch');
    await refused(() => call('PUT', version(NOBODY, '/quarantine'), { reason: 'x' }), 404, 'dataset-version-not-found');
    await refused(() => call('POST', version(id, '/quarantine/lifting'), {}), 400, 'invalid-request');
  });

  it('is not deprecation, which stops nothing', async () => {
    const { id } = (await credit('old')).body;
    expect((await call('PUT', version(id, '/deprecation'), { reason: 'There is a newer one.' })).body.state).toBe('deprecated');
    expect((await build(id, await newModel('on old'))).status).toBe(201);
    await refused(() => call('PUT', version(id, '/deprecation'), { reason: 'x', successorDatasetVersionId: NOBODY }), 422, 'successor-unfit');
    expect((await call('DELETE', version(id, '/deprecation'))).body.state).toBe('registered');
  });
});

describe('What is expected of a dataset', () => {
  const rows = (changes: Record<number, string> = {}): string => `id,age,mail,day\n${Array.from({ length: 50 }, (_, i) => changes[i] ?? `${i},${20 + i},u${i}@example.org,2020-01-${String((i % 28) + 1).padStart(2, '0')}`).join('\n')}\n`;
  const personal = { piiClasses: { mail: 'personal', age: 'personal', id: 'none', day: 'none' }, lawfulBasis: 'contract' };
  const expectations = [
    { name: 'ids', kind: 'unique', columns: ['id'] },
    { name: 'full', kind: 'not-null', columns: ['id', 'age'] },
    { name: 'ages', kind: 'in-range', column: 'age', minimum: 18, maximum: 120, tolerance: 0.02 },
    { name: 'mails', kind: 'matches', column: 'mail', pattern: '[^@]+@example\\.org' },
    { name: 'rows', kind: 'row-count-between', minimum: 10, maximum: 100 },
    { name: 'mean', kind: 'mean-between', column: 'age', minimum: 30, maximum: 60, severity: 'warning' },
    { name: 'oldest', kind: 'quantile-between', column: 'age', quantile: 1, maximum: 100 },
    { name: 'new', kind: 'fresh', column: 'day', mostDays: 30, severity: 'warning' },
    { name: 'there', kind: 'columns-present', columns: ['id', 'age'] },
    { name: 'days', kind: 'in-set', column: 'day', values: ['2020-01-01'], tolerance: 1 },
  ];

  it('is held against every version: when it is registered, and when somebody asks', async () => {
    expect((await call('PUT', '/datasets/people/expectations', { expectations, onFailure: 'quarantine' })).body).toMatchObject({ expectationsRevision: 1, revision: 1 });
    const good = await register('people', rows(), personal);
    expect(good.body).toMatchObject({ state: 'registered', quality: { outcome: 'warned' } });
    const { items } = (await call('GET', version(good.body.id, '/assessments'))).body;
    const result = (name: string) => items[0].results.find((one: { expectation: string }) => one.expectation === name);
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({ outcome: 'warned', expectationsRevision: 1, rowCount: 50, assessedBy: 'dana' });
    expect(result('ids')).toEqual({ expectation: 'ids', kind: 'unique', columns: ['id'], severity: 'error', met: true, checkedRows: 50, failingRows: 0 });
    expect(result('mean')).toMatchObject({ met: true, observed: 44.5 });
    expect(result('oldest')).toMatchObject({ met: true });
    expect(result('oldest')).not.toHaveProperty('observed');
    expect(result('new')).toMatchObject({ met: false, observed: expect.any(Number) });
    expect(result('days')).toMatchObject({ met: true, checkedRows: 50, failingRows: 48 });

    const bad = await register('people', rows({ 0: '1,15,somebody,2020-01-01', 1: '1,,u@example.org,', 2: '2,130,u2@example.org,' }), personal);
    expect(bad.body).toMatchObject({ state: 'quarantined', quality: { outcome: 'failed' } });
    const failed = (await call('GET', version(bad.body.id, '/assessments'))).body.items[0].results;
    expect(failed.filter(({ met, severity }: { met: boolean; severity: string }) => !met && severity === 'error').map(({ expectation, checkedRows, failingRows }: Record<string, unknown>) => [expectation, checkedRows, failingRows])).toEqual([
      ['ids', 50, 2],
      ['full', 50, 1],
      ['ages', 49, 2],
      ['mails', 50, 1],
      ['oldest', 49, 0],
    ]);
    const events = await eventsOf(bad.body.id);
    expect(events.map(({ type }) => type)).toEqual(['DatasetVersionRegistered', 'DatasetQualityAssessed', 'DatasetVersionQuarantined']);
    expect(JSON.stringify(events)).not.toMatch(/somebody|130|"observed":15\b/);
    expect((await call('GET', version(bad.body.id))).body.quarantine).toMatchObject({ reason: expect.stringContaining('ids, full, ages, mails, oldest'), assessmentId: bad.body.quality.assessmentId });

    expect((await call('PUT', '/datasets/people/expectations', { expectations: [expectations[4]], onFailure: 'note' })).body.expectationsRevision).toBe(2);
    const again = await call('POST', version(good.body.id, '/assessments'));
    expect(again).toMatchObject({ status: 201, body: { outcome: 'passed', expectationsRevision: 2, state: 'registered' } });
    expect((await call('GET', version(good.body.id, '/assessments?limit=1'))).body).toMatchObject({ items: [{ expectationsRevision: 2 }], next: again.body.id });
  });

  it('is shown as it was said, and is news only when it is another', async () => {
    const body = { onFailure: 'note', expectations: [expectations[2], expectations[3]] };
    expect((await call('PUT', '/datasets/stated/expectations', body)).body).toMatchObject({ expectationsRevision: 1, revision: 1 });
    expect((await call('PUT', '/datasets/stated/expectations', body)).body).toMatchObject({ expectationsRevision: 1, revision: 1 });
    const shown = (await call('GET', '/datasets/stated/expectations')).body;
    expect(shown).toEqual({ expectationsRevision: 1, onFailure: 'note', expectations: body.expectations.map((one) => ({ severity: 'error', ...one })) });
    expect((await call('PUT', '/datasets/stated/expectations', { onFailure: shown.onFailure, expectations: shown.expectations })).body.revision).toBe(1);
  });

  it('is refused when it cannot be asked', async () => {
    const put = (one: object) => () => call('PUT', '/datasets/faulty/expectations', { expectations: [one] });
    await refused(put({ name: 'x', kind: 'matches', column: 'a', pattern: '(' }), 422, 'expectation-invalid', /missing \)/);
    await refused(put({ name: 'x', kind: 'matches', column: 'a', pattern: '(a)\\1' }), 422, 'expectation-invalid');
    await refused(put({ name: 'x', kind: 'in-range', column: 'a' }), 400, 'invalid-request');
    await refused(put({ name: 'x', kind: 'in-range', column: 'a', minimum: 2, maximum: 1 }), 400, 'invalid-request');
    await refused(put({ name: 'x', kind: 'in-set', column: 'a', values: [] }), 400, 'invalid-request');
    await refused(put({ name: 'x', kind: 'unlike', column: 'a' }), 400, 'invalid-request');
    await refused(() => call('PUT', '/datasets/faulty/expectations', { expectations: [expectations[0], expectations[0]] }), 400, 'invalid-request');
    const values = Array.from({ length: 256 }, (_, i) => `${i}`.padStart(256, 'x'));
    await refused(() => call('PUT', '/datasets/faulty/expectations', { expectations: Array.from({ length: 8 }, (_, i) => ({ name: `${i}`, kind: 'in-set', column: 'a', values })) }), 400, 'invalid-request');
    await refused(() => call('GET', '/datasets/faulty/expectations'), 404, 'dataset-not-found');
  });

  it('is asked for before anything is assessed', async () => {
    const { id } = (await register('unexpected', 'a\n1\n')).body;
    await refused(() => call('POST', version(id, '/assessments')), 409, 'expectations-missing');
    await refused(() => call('POST', version(NOBODY, '/assessments')), 404, 'dataset-version-not-found');
    await refused(() => call('GET', version(NOBODY, '/assessments')), 404, 'dataset-version-not-found');
  });

  it('that the data cannot answer is not met', async () => {
    await call('PUT', '/datasets/unanswerable/expectations', { expectations: [{ name: 'gone', kind: 'not-null', columns: ['b'] }, { name: 'text', kind: 'in-range', column: 'a', minimum: 1 }, { name: 'age', kind: 'fresh', column: 'a', mostDays: 1 }] });
    const { body } = await register('unanswerable', 'a\nx\n');
    expect((await call('GET', version(body.id, '/assessments'))).body.items[0].results.map(({ fault, met }: Record<string, unknown>) => [fault, met])).toEqual([['column-missing', false], ['not-numeric', false], ['not-a-time', false]]);
    expect(body.state).toBe('registered');
  });
});

describe('Sensitivity', () => {
  const people = `name,contact,salary,note\n${Array.from({ length: 40 }, (_, i) => `x,user${i}@example.org,${1000 + i},fine`).join('\n')}\n`;

  it('is suggested by a scan, and nothing of what is suspected enters the ledger', async () => {
    const { body } = await register('suspected', people);
    expect(body.piiSuggestions).toEqual([{ column: 'contact', piiClass: 'personal', detector: 'email', sampled: 40, matched: 40 }]);
    const [event] = await eventsOf(body.id);
    expect(JSON.stringify(event)).not.toContain('example.org');
    const sensitivity = await call('GET', version(body.id, '/sensitivity'));
    expect(sensitivity.body.columns[1]).toEqual({ name: 'contact', piiClass: 'none', unconfirmed: true, suggestions: [{ piiClass: 'personal', detector: 'email', sampled: 40, matched: 40 }] });

    const classify = (classes: object, more: object = {}) => call('PUT', version(body.id, '/sensitivity'), { classes, ...more });
    await refused(() => classify({ contact: 'personal' }), 422, 'lawful-basis-missing');
    await refused(() => classify({ phone: 'personal' }), 422, 'column-unknown');
    await refused(() => classify({}), 400, 'invalid-request');
    expect((await classify({ contact: 'personal', salary: 'special' }, { lawfulBasis: 'contract', allowedPurposes: ['payroll'], residency: 'EU', retentionUntil: '2031-01-01' })).body).toMatchObject({ piiClass: 'special', revision: 2 });
    const now = (await call('GET', version(body.id))).body;
    expect(now).toMatchObject({ piiClass: 'special', lawfulBasis: 'contract', allowedPurposes: ['payroll'], residency: 'EU', retentionUntil: '2031-01-01' });
    expect(now.columns[1]).toMatchObject({ piiClass: 'personal', piiUnconfirmed: false, topValues: [] });
    expect(now.columns[2]).toMatchObject({ piiClass: 'special', mean: 1019.5 });
    expect(now.columns[2]).not.toHaveProperty('minimum');
    expect((await classify({ contact: 'personal' })).body.revision).toBe(2);
    await refused(() => classify({ salary: 'none' }), 403, 'four-eyes', /^dana registered it and so cannot say that salary of suspected version 1 is less sensitive/);
    expect((await call('PUT', version(body.id, '/sensitivity'), { classes: { salary: 'none' } }, { authorization: as('human/vera') })).body).toMatchObject({ piiClass: 'personal', revision: 3 });
  });

  it('of the widest data that look personal everywhere fits into an event', async () => {
    const names = Array.from({ length: 256 }, (_, i) => `date of birth ${String(i).padStart(3, '0')} ${'x'.repeat(100)}`);
    const { status, body } = await register('wide', `${names.join(',')}\n${Array.from({ length: 20 }, (_, i) => names.map(() => `diabetes a${i}@example.org ${'y'.repeat(60)}`).join(',')).join('\n')}\n`);
    expect([status, body?.piiSuggestions?.length]).toEqual([201, 512]);
    const [event] = await eventsOf(body.id);
    expect(JSON.stringify(event).length).toBeLessThan(500_000);
  });

  it('that was said with the registration needs no confirmation', async () => {
    const { body } = await register('declared', people, { piiClasses: { contact: 'none' } });
    expect((await call('GET', version(body.id, '/sensitivity'))).body.columns[1]).toMatchObject({ piiClass: 'none', unconfirmed: false });
  });
});

describe('Lineage, notes and anonymisation', () => {
  it('stand in the event and are shown', async () => {
    const source = (await register('source', 'a\n1\n')).body.id;
    const more = { labellingNotes: 'Two clerks.', anonymisations: [{ method: 'hashing', parameters: 'SHA-256, salted', columns: ['a'], note: 'The salt is gone.' }], derivedFrom: { datasetVersionIds: [source], uris: ['https://example.org/raw'] } };
    const { id } = (await register('made', 'a\n2\n', more)).body;
    expect((await call('GET', version(id))).body).toMatchObject(more);
    expect((await eventsOf(id))[0]?.payload).toMatchObject({ derivedFromDatasetVersionIds: [source], derivedFromUris: ['https://example.org/raw'] });
    expect((await call('GET', `/dataset-versions?derivedFrom=${source}`)).body.items.map((one: { id: string }) => one.id)).toEqual([id]);
  });

  it('are refused when they name what is not there', async () => {
    await refused(() => register('made', 'a\n3\n', { derivedFrom: { datasetVersionIds: [NOBODY] } }), 422, 'source-unknown', new RegExp(NOBODY));
    await refused(() => register('made', 'a\n3\n', { derivedFrom: { uris: ['not an address'] } }), 400, 'invalid-request');
    await refused(() => register('made', 'a\n3\n', { anonymisations: [{ method: 'hashing', columns: ['b'] }] }), 422, 'column-unknown');
  });
});

describe('Datasets', () => {
  it('are listed and found, whether something was said of them or versions registered', async () => {
    await call('PATCH', '/datasets/zz-described', { description: 'Only words so far', owner: 'olga' });
    await register('zz-registered', 'a\n1\n', { retentionUntil: '2020-01-01' });
    await call('PUT', '/datasets/zz-registered/tags/team', { value: 'risk' });
    await call('PUT', '/datasets/zz-registered/tags/gone', { value: 'x' });
    await call('DELETE', '/datasets/zz-registered/tags/gone');
    const names = async (query: string) => (await call('GET', `/datasets?${query}`)).body.items.map((one: { name: string }) => one.name);
    expect(await names('search=ZZ-')).toEqual(['zz-described', 'zz-registered']);
    expect(await names('search=words%20SO')).toEqual(['zz-described']);
    expect(await names('owner=olga')).toEqual(['zz-described']);
    expect(await names('tag=team')).toEqual(['zz-registered']);
    expect(await names('tag=team%3Drisk')).toEqual(['zz-registered']);
    expect(await names('tag=team%3Dother')).toEqual([]);
    expect((await call('GET', '/datasets?search=zz-&limit=1')).body).toMatchObject({ items: [{ name: 'zz-described' }], next: 'zz-described' });
    expect(await names('search=zz-&after=zz-described')).toEqual(['zz-registered']);
    expect(await call('GET', '/datasets/zz-registered')).toMatchObject({ status: 200, body: { versions: 1, latestVersion: 1, tags: { team: 'risk' }, owner: '' } });
    expect((await call('PATCH', '/datasets/zz-described', { owner: 'marc' })).body).toMatchObject({ revision: 2 });
    expect((await call('GET', '/datasets/zz-described')).body).toMatchObject({ description: 'Only words so far', owner: 'marc', versions: 0, latestVersion: 0 });
    await refused(() => call('GET', '/datasets/zz-nothing'), 404, 'dataset-not-found');
  });

  it('have versions in pages, by state, by class and by what is past its date', async () => {
    await register('aa-pages', 'a\n1\n');
    await register('aa-pages', 'a\n2\n');
    const first = (await call('GET', '/datasets/aa-pages/versions?limit=1')).body;
    expect(first.items).toMatchObject([{ version: 1, state: 'registered', retentionExpired: false }]);
    expect((await call('GET', `/datasets/aa-pages/versions?after=${first.next}`)).body).toMatchObject({ items: [{ version: 2 }] });
    expect((await call('GET', '/dataset-versions?retention=expired')).body.items).toMatchObject([{ datasetName: 'zz-registered', retentionExpired: true }]);
    const inQuarantine = (await call('GET', '/dataset-versions?state=quarantined')).body.items;
    expect(inQuarantine.map((one: { state: string }) => one.state)).toEqual(Array(inQuarantine.length).fill('quarantined'));
    expect(inQuarantine.length).toBeGreaterThan(0);
    expect((await call('GET', '/dataset-versions?dataset=credit-csv&piiClass=personal')).body.items).toHaveLength(1);
    await refused(() => call('GET', '/dataset-versions?state=lost'), 400, 'invalid-request');
  });
});

describe('Erasure', () => {
  it('removes the bytes and the profile, and leaves the history', async () => {
    const bytes = 'a,b\n1,2\n3,4\n';
    const { id } = (await register('erased', bytes)).body;
    const digest = await upload(bytes);
    expect((await call('POST', version(id, '/erasure'), { reason: 'Consent was withdrawn.' })).body).toMatchObject({ state: 'erased', revision: 2 });
    await eventually(async () => expect((await call('GET', `/artefacts/${digest}`)).status).toBe(404));
    const now = (await call('GET', version(id))).body;
    expect(now).toMatchObject({ state: 'erased', digest, rowCount: 2, erasure: { reason: 'Consent was withdrawn.', by: 'dana' } });
    expect(now.columns[0]).toEqual({ name: 'a', dataType: 'BIGINT', kind: 'numeric', piiClass: 'none', piiUnconfirmed: false, nullCount: 0, distinctCount: 0, quartiles: [], topValues: [] });
    expect((await call('POST', version(id, '/erasure'), { reason: 'Again.' })).body.revision).toBe(2);
    await refused(() => call('PUT', version(id, '/quarantine'), { reason: 'x' }), 410, 'dataset-version-erased');
    await refused(() => build(id), 410, 'dataset-version-erased');
    await refused(() => call('POST', version(id, '/assessments')), 410, 'dataset-version-erased');
    await upload(bytes);
    await refused(() => register('erased', bytes), 409, 'dataset-version-exists', /which was erased/);
  });

  it('waits for what is built on it, unless somebody insists', async () => {
    const { id } = (await credit('needed')).body;
    const built = (await build(id, await newModel('needs it'))).body.id;
    await refused(() => call('POST', version(id, '/erasure'), { reason: 'x' }), 409, 'dataset-built-on', new RegExp(built));
    expect((await call('POST', version(id, '/erasure'), { reason: 'A court demands it.', force: true })).body.state).toBe('erased');
    const [, event] = await eventsOf(id);
    expect(event).toMatchObject({ type: 'DatasetVersionErased', payload: { builtOnModelVersionIds: [built] }, subjects: [`dataset-version:${id}`, `model-version:${built}`] });
    // Other datasets of this spec have the same bytes.
    expect(event?.payload).not.toHaveProperty('removed');
    expect((await call('GET', `/model-versions/${built}`)).status).toBe(200);
    await refused(() => call('POST', `/model-versions/${built}/evaluations`, { datasetVersionId: id }), 410, 'dataset-version-erased');
  });
});

describe('Reading in the background', () => {
  const begin = (name: string, bytes: string, headers: Record<string, string> = {}) => register(name, bytes, {}, { prefer: 'respond-async', ...headers });
  const reading = async (id: string) => (await call('GET', `/dataset-readings/${id}`)).body;

  it('answers at once, tells how far it is, and registers', async () => {
    const answer = await begin('background', `a,b\n${'1,x\n'.repeat(50_000)}`);
    expect([answer.status, answer.headers.get('preference-applied')]).toEqual([202, 'respond-async']);
    expect(answer.headers.get('location')).toBe(`${BASE}/dataset-readings/${answer.body.id}`);
    const stream = await call('GET', `/dataset-readings/${answer.body.id}/events`);
    expect(stream.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const told = stream.text.trim().split('\n\n').map((event) => event.split('\n'));
    expect(told.at(-1)?.[0]).toBe('event: finished');
    const last = JSON.parse(told.at(-1)?.[1]?.slice(6) ?? '');
    expect(last).toMatchObject({ state: 'registered', version: 1, rowCount: 50_000, datasetName: 'background', problem: null, finishedAt: expect.any(String) });
    expect((await call('GET', version(last.datasetVersionId))).body).toMatchObject({ rowCount: 50_000 });
    expect(await reading(answer.body.id)).toEqual(last);
  });

  it('says why it was refused, and stores nothing', async () => {
    const answer = await begin('background', 'a,b\n1\n');
    await eventually(async () => expect(await reading(answer.body.id)).toMatchObject({ state: 'refused', datasetVersionId: null, problem: { status: 422, type: 'https://vitae.dev/problems/dataset-unreadable', detail: expect.stringMatching(/^Line 2/) } }));
    const twice = await begin('background', `a,b\n${'1,x\n'.repeat(50_000)}`);
    await eventually(async () => expect(await reading(twice.body.id)).toMatchObject({ state: 'refused', problem: { status: 409 } }));
    await refused(() => call('POST', '/datasets/background/versions', { ...said, digest: `sha256:${'0'.repeat(64)}`, colour: 'blue' }, { prefer: 'respond-async' }), 400, 'invalid-request');
  });

  it('with one idempotency key registers once', async () => {
    const key = { 'idempotency-key': 'read-once' };
    const [first, second] = [await begin('once', 'a\n1\n', key), await begin('once', 'a\n1\n', key)];
    await eventually(async () => {
      const [one, two] = [await reading(first.body.id), await reading(second.body.id)];
      expect([one.state, two.state]).toEqual(['registered', 'registered']);
      expect(two.datasetVersionId).toBe(one.datasetVersionId);
    });
  });

  it('that nobody does any more is told as interrupted, and what was registered all the same as registered', async () => {
    const { id: versionId } = (await register('silent', 'a\n1\n')).body;
    const insert = (id: string, of: string) => running.pool.query(`insert into registry.dataset_reading values ($1, 'credit', 'silent', 'sha256:x', $2, 'running', 'profiling', 0.5, null, null, 'dana', now(), now() - interval '2 minutes', null)`, [id, of]);
    const [lost, done] = ['01890000-0000-7000-8000-00000000000a', '01890000-0000-7000-8000-00000000000b'];
    await insert(lost, NOBODY);
    await insert(done, versionId);
    expect(await reading(lost)).toMatchObject({ state: 'interrupted', datasetVersionId: null, phase: 'profiling' });
    expect(await reading(done)).toMatchObject({ state: 'registered', datasetVersionId: versionId });
    expect(problem(await call('GET', `/dataset-readings/${NOBODY}`))).toEqual([404, 'dataset-reading-not-found']);
    expect(problem(await call('GET', `/dataset-readings/${NOBODY}/events`))).toEqual([404, 'dataset-reading-not-found']);
  });
});

it('Data larger than the memory that reading may take are read all the same, and leave nothing on the disk', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'vitae-large-'));
  try {
    const path = join(directory, 'rows.csv');
    const pool = Array.from({ length: 20_011 }, () => randomBytes(80).toString('hex')); // what is spilled is compressed
    const value = (i: number) => pool[i % pool.length] ?? '';
    await writeFile(path, 'a,b,c\n');
    for (let start = 0; start < 150_000; start += 25_000) await writeFile(path, Array.from({ length: 25_000 }, (_, i) => `${value(i)},${value(i + 1)},${value(i + 2)}\n`).join(''), { flag: 'a' });
    const scratch = await mkdtemp(join(directory, 'scratch-'));
    // 73 MB before anything is done with them.
    const phases: string[] = [];
    const { rowCount, columns } = await readContent({ path, mediaType: 'text/csv' }, undefined, { scratch, memoryMb: 48, spillMb: 1_000 }, { report: (phase) => void (phases.at(-1) === phase || phases.push(phase)) });
    expect([rowCount, columns.length, columns[0]?.dataType]).toEqual([150_000, 3, 'VARCHAR']);
    expect(phases).toEqual(['finding columns', 'loading rows', 'profiling']);
    expect(await readdir(scratch)).toEqual([]);
    await expect(readContent({ path, mediaType: 'text/csv' }, undefined, { scratch, memoryMb: 48, spillMb: 4 })).rejects.toMatchObject({ reason: 'DATASET_TOO_LARGE' });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

it('The views can be rebuilt from the ledger, and are the same', async () => {
  const tables = ['dataset_version', 'dataset', 'dataset_derivation', 'dataset_quality', 'model_version'];
  const rows = async () => Object.fromEntries(await Promise.all(tables.map(async (table) => [table, (await running.pool.query(`select to_jsonb(t) as row from registry.${table} t order by 1`)).rows.map(({ row }) => row)])));
  await running.relay();
  const before = await rows();
  await eventually(async () => expect(await rebuildViews(registry, running.database.url, { swap: true })).toMatchObject({ swapped: true }));
  expect(await rows()).toEqual(before);
  // Row-level security asks the tables that serve, not those that were replaced.
  const { rows: asked } = await running.pool.query<{ asked: string }>(
    `select distinct c.relnamespace::regnamespace || '.' || c.relname as asked from pg_policy y join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = y.oid join pg_class c on d.refclassid = 'pg_class'::regclass and c.oid = d.refobjid
     where y.polname = 'projects' and y.polrelid in ('registry.dataset_derivation'::regclass, 'registry.traffic'::regclass, 'registry.dataset'::regclass) order by 1`,
  );
  expect(asked.map((one) => one.asked)).toEqual(['registry.dataset', 'registry.dataset_derivation', 'registry.dataset_version', 'registry.model_version', 'registry.traffic']);
});

it('Stopping breaks off what is being read in the background: it is told so, and nothing of it is stored', async () => {
  const answers = [];
  for (let i = 0; i < 3; i += 1) answers.push(await register(`stopped-${i}`, `a,b\n${`${i},x\n`.repeat(200_000)}`, {}, { prefer: 'respond-async' }));
  await running.service.stop();
  const { rows } = await running.pool.query(`select r.state, v.id is not null as there from registry.dataset_reading r left join registry.dataset_version v on v.id = r.dataset_version_id where r.id = any($1)`, [answers.map(({ body }) => body.id)]);
  expect(rows).toHaveLength(3);
  for (const { state, there } of rows) expect([state, there]).toEqual(there ? ['registered', true] : ['interrupted', false]);
  expect(rows.some(({ state }) => state === 'interrupted')).toBe(true);
});
