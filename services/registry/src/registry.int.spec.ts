import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MikroORM } from '@mikro-orm/postgresql';
import type { DatasetVersionRegistered } from '@vitae/contracts';
import { readLedger, type RecordedEvent } from '@vitae/event-store';
import { boot, rebuildViews, sqlOf, type Running, type ViewTransaction } from '@vitae/service-kit';
import { as, eventually, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import pg from 'pg';
import { registry } from './app.module.ts';
import { readContent } from './dataset-version/dataset-file.store.ts';
import { datasetVersion } from './dataset-version/dataset-version.ts';
import { projectDatasetVersion } from './dataset-version/dataset-versions.view.ts';
import { evaluation, type EvaluationEvent } from './evaluation/evaluation.ts';
import { projectEvaluation } from './evaluation/evaluations.view.ts';
import { modelVersion } from './model-version/model-version.ts';
import type { ModelVersionEvent } from './model-version/model-version-state.ts';
import { projectModelVersion } from './model-version/version-rows.view.ts';
import { model, type ModelEvent } from './model/model.ts';
import { projectModel } from './model/models.view.ts';

const FIXTURES = new URL('../../../test/fixtures/german-credit/', import.meta.url);
const fixture = (name: string): Promise<Buffer> => readFile(new URL(name, FIXTURES));
const LIMIT = 150_000;

let database: FreshDatabase;
let nats: FreshNats;
let dataDir: string;
let service: Running;
let sql: pg.Pool;

beforeAll(async () => {
  const [first, second, third] = await Promise.allSettled([freshDatabase(), freshNats(), mkdtemp(join(tmpdir(), 'vitae-registry-'))]);
  if (first.status === 'fulfilled') database = first.value;
  if (second.status === 'fulfilled') nats = second.value;
  if (third.status === 'fulfilled') dataDir = third.value;
  for (const one of [first, second, third]) if (one.status === 'rejected') throw one.reason;
  const env = { ...specAccess(), PORT: '0', DATABASE_URL: database.url, NATS_URL: nats.url, VITAE_DATA_DIR: dataDir, VITAE_MAX_ARTEFACT_BYTES: String(LIMIT), LOG_LEVEL: 'fatal' };
  service = await boot(registry, env);
  sql = new pg.Pool({ connectionString: database.url, max: 2 });
});

afterAll(async () => {
  await sql?.end();
  await service?.stop();
  await Promise.allSettled([database?.drop(), nats?.drop(), rm(dataDir, { recursive: true, force: true })]);
});

interface Answer {
  status: number;
  headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a spec asserts on the shape itself
  body: any;
}

const BASE = '/v1/projects/credit';

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const raw = body instanceof Uint8Array || body instanceof ReadableStream;
  const response = await fetch(`${service.url}${path}`, {
    method,
    headers: { authorization: as('human/dana'), ...(body === undefined ? {} : { 'content-type': raw ? 'application/octet-stream' : 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body), duplex: 'half' }),
  } as RequestInit);
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const upload = (bytes: Uint8Array, headers: Record<string, string> = {}): Promise<Answer> => call('POST', `${BASE}/artefacts`, bytes, headers);

/** Everything that could have been stored. */
async function stored(): Promise<unknown> {
  const counts = [`ledger.event where type not like 'vitae.access.%'`, 'ledger.batch', 'registry.dataset_version', 'registry.model', 'registry.model_version', 'registry.evaluation', 'registry.version_counter where last_version > 0'];
  const rows = await Promise.all(counts.map(async (table) => [table, (await sql.query(`select count(*)::integer as n from ${table}`)).rows[0].n]));
  const files = (await readdir(dataDir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  return { ...Object.fromEntries(rows), files: files.length };
}

/** Asserts the problem, that it tells what to do, and that nothing at all was stored. */
async function refused(attempt: () => Promise<Answer>, status: number, slug: string, detail?: RegExp): Promise<Answer> {
  const before = await stored();
  const answer = await attempt();
  expect({ status: answer.status, type: answer.body?.type }).toEqual({ status, type: `https://vitae.dev/problems/${slug}` });
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(answer.body.detail).toMatch(detail ?? /\S/);
  expect(await stored()).toEqual(before);
  return answer;
}

const declared = {
  mediaType: 'text/csv',
  labelColumn: 'bad_credit',
  splitColumn: 'split',
  protectedColumns: ['sex'],
  piiClasses: { sex: 'personal', age: 'personal' },
  lawfulBasis: 'contract',
  allowedPurposes: ['credit-scoring'],
  residency: 'EU',
  retentionUntil: '2035-12-31',
  source: 'Statlog German Credit',
  licence: 'CC BY 4.0',
};
const plain = { mediaType: 'text/csv', source: 'a spec', licence: 'CC0-1.0' };
const registerDataset = (name: string, digest: string, said: object = declared, headers: Record<string, string> = {}): Promise<Answer> =>
  call('POST', `${BASE}/datasets/${name}/versions`, { ...said, digest }, headers);

async function csv(text: string): Promise<string> {
  return (await upload(Buffer.from(text), { 'content-type': 'text/csv' })).body.digest as string;
}

const useCaseId = '01890000-0000-7000-8000-000000000001';
const registerModel = (name: string, headers: Record<string, string> = {}): Promise<Answer> =>
  call('POST', `${BASE}/models`, { name, description: 'Probability that a loan goes bad', task: 'binary-classification', useCaseId }, headers);

/** The German Credit fixtures, by file name, registered once for all the specs below. */
const credit = { files: {} as Record<string, string>, data: {} as Answer, model: {} as Answer, versions: {} as Record<string, Answer> };
const versionId = (name: string): string => credit.versions[`${name}.onnx`]?.body.id;
const versionBody = (digest: string, datasetVersionId: string, more: object = {}): object => ({
  artefact: { digest, path: 'model.onnx', format: 'onnx' },
  datasetVersionId,
  source: { repository: 'https://example.org/credit.git', commit: 'abcdef0123' },
  trainingMetrics: { auc: 0.7 },
  contributors: ['ben'],
  description: 'logistic regression',
  ...more,
});
const registerVersion = (modelId: string, body: object, headers: Record<string, string> = {}): Promise<Answer> => call('POST', `${BASE}/models/${modelId}/versions`, body, headers);

beforeAll(async () => {
  for (const name of ['credit.csv', 'recent.csv', 'shifted.csv', 'credit-v1.onnx', 'credit-v2.onnx', 'credit-v3.onnx']) {
    credit.files[name] = (await upload(await fixture(name))).body.digest;
  }
  credit.data = await registerDataset('german-credit', credit.files['credit.csv'] ?? '', declared, { 'vitae-reason': 'first%20data' });
  credit.model = await registerModel('credit-risk');
  const names = ['credit-v1.onnx', 'credit-v2.onnx', 'credit-v3.onnx'];
  const versions = await Promise.all(names.map((name) => registerVersion(credit.model.body.id, versionBody(credit.files[name] ?? '', credit.data.body.id))));
  credit.versions = Object.fromEntries(versions.map((answer, i) => [names[i], answer]));
});

describe('Artefacts', () => {
  it('are kept under their digest, once, and given back as they came', async () => {
    const bytes = Buffer.alloc(100_000, 'kept under their digest');
    const digest = digestOf(bytes);
    const first = await upload(bytes, { 'vitae-digest': digest });
    expect([first.status, first.body]).toEqual([201, { digest, sizeBytes: bytes.length }]);
    expect(first.headers.get('location')).toBe(`${BASE}/artefacts/${digest}`);
    expect(await readFile(join(dataDir, 'artefacts', 'sha256', digest.slice(7, 9), digest.slice(9)))).toEqual(bytes);

    const again = await upload(bytes);
    expect([again.status, again.body]).toEqual([200, { digest, sizeBytes: bytes.length }]);

    const response = await fetch(`${service.url}${first.headers.get('location')}`, { headers: { authorization: as('human/dana') } });
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
    expect(response.headers.get('vitae-digest')).toBe(digest);

    const head = await fetch(`${service.url}${first.headers.get('location')}`, { method: 'HEAD', headers: { authorization: as('human/dana') } });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, String(bytes.length), '']);
  });

  it('of many senders at once are one file', async () => {
    const bytes = Buffer.alloc(100_000, 'together');
    const answers = await Promise.all(Array.from({ length: 6 }, () => upload(bytes)));
    expect(new Set(answers.map(({ body }) => body.digest))).toEqual(new Set([digestOf(bytes)]));
    expect(await readdir(join(dataDir, 'artefacts', 'incoming'))).toEqual([]);
  });

  it('are refused when they are not what the sender says', () => refused(() => upload(Buffer.from('x'), { 'vitae-digest': digestOf(Buffer.from('y')) }), 422, 'digest-mismatch'));
  it('are refused when the announced digest cannot be read', () => refused(() => upload(Buffer.from('x'), { 'vitae-digest': 'md5:1' }), 400, 'digest-malformed'));
  it('are refused when empty', () => refused(() => upload(Buffer.alloc(0)), 422, 'artefact-empty'));
  it('are refused when announced too large', () => refused(() => upload(Buffer.alloc(LIMIT + 1)), 413, 'artefact-too-large', /150000 bytes/));
  it('are refused when they turn out too large', () => {
    const stream = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 4; i += 1) controller.enqueue(Buffer.alloc(LIMIT / 3));
        controller.close();
      },
    });
    return refused(() => call('POST', `${BASE}/artefacts`, stream), 413, 'artefact-too-large');
  });
  it('are refused as JSON', () => refused(() => call('POST', `${BASE}/artefacts`, { a: 1 }), 415, 'unsupported-media-type'));
  it('are refused without a credential', () => refused(() => upload(Buffer.from('x'), { authorization: '' }), 401, 'credential-missing'));
  it('that are not here are not found', async () => {
    await refused(() => call('GET', `${BASE}/artefacts/sha256:${'0'.repeat(64)}`), 404, 'artefact-not-found');
    expect((await fetch(`${service.url}${BASE}/artefacts/sha256:${'0'.repeat(64)}`, { method: 'HEAD', headers: { authorization: as('human/dana') } })).status).toBe(404);
    await refused(() => call('GET', `${BASE}/artefacts/sha256:..%2F..%2Fetc`), 400, 'invalid-request');
  });

  it('never arrive whole when the disk changed them', async () => {
    const { digest } = (await upload(Buffer.from('the true bytes'))).body;
    await writeFile(join(dataDir, 'artefacts', 'sha256', digest.slice(7, 9), digest.slice(9)), 'the fake bytes');
    const response = await fetch(`${service.url}${BASE}/artefacts/${digest}`, { headers: { authorization: as('human/dana') } }).catch((error: unknown) => error);
    if (response instanceof Response) await expect(response.arrayBuffer()).rejects.toThrow();
  });

  it('leave nothing behind when the upload breaks off', async () => {
    const before = await stored();
    const broken = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from('the beginning')),
      pull: (controller) => controller.error(new Error('the line broke')),
    });
    await expect(call('POST', `${BASE}/artefacts`, broken)).rejects.toThrow();
    await eventually(async () => expect(await stored()).toEqual(before));
    expect((await upload(Buffer.alloc(0))).status).toBe(422); // the service is well
  });
});

describe('Dataset versions', () => {
  it('are profiled and registered from a real CSV', async () => {
    const answer = credit.data;
    const lines = (await fixture('credit.csv')).toString().trim().split('\n').slice(1);
    const amounts = lines.map((line) => Number(line.split(',')[1]));
    expect(answer.status).toBe(201);
    expect(answer.headers.get('etag')).toBe('"1"');
    expect(answer.headers.get('location')).toBe(`${BASE}/datasets/german-credit/versions/1`);
    expect(answer.body).toMatchObject({
      datasetName: 'german-credit',
      version: 1,
      revision: 1,
      stream: `registry.DatasetVersion-${answer.body.id}`,
      rowCount: lines.length,
      splits: ['test', 'train'].map((name) => ({ name, rowCount: lines.filter((line) => line.endsWith(`,${name}`)).length })),
    });
    const column = (name: string) => answer.body.columns.find((one: { name: string }) => one.name === name);
    expect(answer.body.columns).toHaveLength(23);
    expect(column('amount')).toMatchObject({
      dataType: 'BIGINT',
      kind: 'numeric',
      piiClass: 'none',
      nullCount: 0,
      distinctCount: new Set(amounts).size,
      minimum: Math.min(...amounts),
      maximum: Math.max(...amounts),
      mean: expect.closeTo(amounts.reduce((sum, amount) => sum + amount, 0) / amounts.length, 6),
      topValues: [],
    });
    expect(column('amount').quartiles).toHaveLength(3);
    expect(column('foreign_worker')).toMatchObject({ dataType: 'VARCHAR', kind: 'categorical', distinctCount: 2, topValues: [{ value: 'yes', count: lines.filter((line) => line.split(',')[20] === 'yes').length }, { value: 'no', count: expect.any(Number) }] });
    expect(column('age')).toMatchObject({ kind: 'numeric', piiClass: 'personal', mean: expect.any(Number) });
    expect(column('age')).not.toHaveProperty('minimum');

    const read = await call('GET', `${BASE}/dataset-versions/${answer.body.id}`);
    expect(read.body).toMatchObject({ id: answer.body.id, digest: credit.files['credit.csv'], piiClass: 'personal', labelColumn: 'bad_credit', registeredBy: 'dana' });
    expect((await call('GET', `${BASE}/datasets/german-credit/versions/1`)).body).toEqual(read.body);

    const { rows } = await sql.query(`select subjects, metadata->>'reason' as reason from ledger.event where stream = $1`, [answer.body.stream]);
    expect(rows).toEqual([{ subjects: [`dataset-version:${answer.body.id}`], reason: 'first data' }]);
  });

  it('are numbered without gaps, however many come at once and whatever was refused', async () => {
    const digests = await Promise.all([1, 2, 3, 4].map((n) => csv(`a,b\n${n},x\n`)));
    const answers = await Promise.all(digests.map((digest) => registerDataset('parallel', digest, plain)));
    expect(answers.map(({ body }) => body.version).sort()).toEqual([1, 2, 3, 4]);
    await refused(() => registerDataset('parallel', digests[0] ?? '', plain), 409, 'dataset-version-exists', /as version \d of parallel/);
    expect((await registerDataset('parallel', await csv('a,b\n5,x\n'), plain)).body.version).toBe(5);
  });

  it('are registered once under one idempotency key', async () => {
    const digest = await csv('a,b\n1,replayed\n');
    const key = { 'idempotency-key': randomUUID() };
    const first = await registerDataset('replayed', digest, plain, key);
    const again = await registerDataset('replayed', digest, plain, key);
    expect([again.status, again.body]).toEqual([201, first.body]);
    await refused(() => registerDataset('replayed', digest, { ...plain, source: 'another' }, key), 422, 'idempotency-key-reused');
    expect((await registerDataset('replayed', await csv('a,b\n2,replayed\n'), plain)).body.version).toBe(2);
  });

  it('keep columns, types and values as the file has them', async () => {
    const digest = await csv('\ufeff"the ""id""",zip,flag,when,x\r\n1,01234,yes,2024-01-01,nan\r\n2,01235,no,2024-01-02,1.5\r\n2,,no,2024-01-02,inf\r\n');
    const { status, body } = await registerDataset("it's \"odd\"", digest, plain);
    expect(status).toBe(201);
    expect(body.columns.map(({ name, dataType, kind, nullCount }: Record<string, unknown>) => [name, dataType, kind, nullCount])).toEqual([
      ['the "id"', 'BIGINT', 'numeric', 0],
      ['zip', 'VARCHAR', 'categorical', 1],
      ['flag', 'VARCHAR', 'categorical', 0],
      ['when', 'VARCHAR', 'categorical', 0],
      ['x', 'DOUBLE', 'numeric', 0],
    ]);
    expect(body.columns[4]).toMatchObject({ minimum: 1.5, maximum: 1.5, mean: 1.5 });
    expect(body.columns[2].topValues).toEqual([{ value: 'no', count: 2 }, { value: 'yes', count: 1 }]);
  });

  it.each([
    ['a row with too few fields', 'a,b,c\n1,2,3\n4,5\n', /^Line 3 of the CSV has 2 fields, and the first line names 3 columns\./],
    ['a row with too many fields', 'a,b\n1,2\n3,4\n5,6,7\n', /^Line 4 of the CSV has 3 fields/],
    ['a ragged row far below', `a,b\n${'1,2\n'.repeat(30_000)}1\n`, /^Line 30002 of the CSV has 1 field,/],
    ['a quote that stays open', 'a,b\n1,"x\n2,3\n', /^Line 2 of the CSV opens a quote/],
    ['bytes that are no text', Buffer.from([0x61, 0x2c, 0x62, 0x0a, 0x31, 0x2c, 0xff, 0xfe, 0x0a]).toString('latin1'), /UTF-8/],
    ['no rows', 'a,b\n', /no rows/],
    ['a name twice', 'a,A\n1,2\n', /Column 2 is named A/],
    ['nothing that is CSV', '\u0000\u0001\u0002', /unprintable/],
  ])('are refused with %s', async (_what, content, detail) => {
    const { digest } = (await upload(Buffer.from(content, 'latin1'), { 'content-type': 'text/csv' })).body;
    await refused(() => registerDataset('broken', digest, plain), 422, 'dataset-unreadable', detail);
  });

  it('are refused when reading them takes more memory than there is', async () => {
    const file = { path: new URL('credit.csv', FIXTURES).pathname, mediaType: 'text/csv' as const };
    await expect(readContent(file, undefined, { scratch: dataDir, memoryMb: 1 })).rejects.toMatchObject({ reason: 'DATASET_TOO_LARGE', status: 422 });
  });
  it('are refused when they are no Parquet', () => refused(() => registerDataset('broken', credit.files['credit.csv'] ?? '', { ...plain, mediaType: 'application/vnd.apache.parquet' }), 422, 'dataset-unreadable', /cannot be read as application\/vnd\.apache\.parquet/));
  it('are refused without the bytes', () => refused(() => registerDataset('none', `sha256:${'0'.repeat(64)}`, plain), 404, 'artefact-not-found'));
  it('are refused with an unknown column', () => refused(() => registerDataset('none', credit.files['shifted.csv'] ?? ''), 422, 'column-unknown', /no column named split/));
  it('are refused with personal data and no lawful basis', () => refused(() => registerDataset('none', credit.files['credit.csv'] ?? '', { ...declared, lawfulBasis: '' }), 422, 'lawful-basis-missing'));
  it('are refused with a column that has no split in some row', async () => {
    const digest = await csv('a,s\n1,train\n2,\n');
    await refused(() => registerDataset('none', digest, { ...plain, splitColumn: 's' }), 422, 'split-unusable');
  });
  it('are refused with unknown fields and wrong types', async () => {
    const answer = await refused(() => registerDataset('none', 'sha256:1', { ...declared, colour: 'blue', mediaType: 'text/html', piiClasses: { age: 'secret' }, licence: '' }), 400, 'invalid-request');
    expect(answer.body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual(['/colour', '/digest', '/licence', '/mediaType', '/piiClasses/age']);
  });
  it('are refused with a stale revision', () => refused(() => registerDataset('none', credit.files['recent.csv'] ?? '', declared, { 'if-match': '"3"' }), 412, 'revision-mismatch'));
  it('are refused with too much JSON', () => refused(() => registerDataset('none', credit.files['recent.csv'] ?? '', { ...declared, source: 'x'.repeat(2_000_000) }), 413, 'body-too-large'));
  it('that are not there are not found', async () => {
    await refused(() => call('GET', `${BASE}/dataset-versions/${randomUUID()}`), 404, 'dataset-version-not-found');
    await refused(() => call('GET', `${BASE}/datasets/german-credit/versions/99`), 404, 'dataset-version-not-found');
    await refused(() => call('GET', `${BASE}/dataset-versions/1`), 400, 'invalid-request');
    await refused(() => call('GET', `/v1/projects/other/dataset-versions/${credit.data.body.id}`), 404, 'dataset-version-not-found');
  });
});

describe('Models', () => {
  it('are registered for a use case and found again', async () => {
    const answer = credit.model;
    expect([answer.status, answer.headers.get('etag'), answer.headers.get('location')]).toEqual([201, '"1"', `${BASE}/models/${answer.body.id}`]);
    expect(answer.body).toMatchObject({ name: 'credit-risk', useCaseId, revision: 1, stream: `registry.Model-${answer.body.id}` });
    expect((await call('GET', `${BASE}/models/${answer.body.id}`)).body).toMatchObject({ id: answer.body.id, task: 'binary-classification', registeredBy: 'dana' });
    const { rows } = await sql.query('select subjects from ledger.event where stream = $1', [answer.body.stream]);
    expect(rows).toEqual([{ subjects: [`model:${answer.body.id}`, `use-case:${useCaseId}`] }]);
  });

  it('have a name of their own in their project, also when two ask at once', async () => {
    await refused(() => registerModel('credit-risk'), 409, 'model-name-taken', /credit-risk/);
    const answers = await Promise.all([registerModel('raced'), registerModel('raced')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect((await call('POST', '/v1/projects/other/models', { name: 'credit-risk', task: 'ranking', useCaseId })).status).toBe(201);
  });

  it('are registered once under one idempotency key', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const [first, again] = [await registerModel('replayed', key), await registerModel('replayed', key)];
    expect([again.status, again.body]).toEqual([201, first.body]);
  });

  it('are listed in pages', async () => {
    const first = (await call('GET', `${BASE}/models?limit=2`)).body;
    expect(first.items).toHaveLength(2);
    const rest = (await call('GET', `${BASE}/models?after=${first.next}`)).body;
    expect(rest).not.toHaveProperty('next');
    expect([...first.items, ...rest.items].map(({ name }: { name: string }) => name)).toEqual(['credit-risk', 'raced', 'replayed']);
    await refused(() => call('GET', `${BASE}/models?limit=201`), 400, 'invalid-request');
    await refused(() => call('GET', `${BASE}/models?colour=blue`), 400, 'invalid-request');
  });

  it('are refused with faults', async () => {
    await refused(() => registerModel('a/b'), 400, 'invalid-request');
    await refused(() => call('POST', `${BASE}/models`, { name: 'x', task: 'ranking', useCaseId: 'none', owner: 'dana' }), 400, 'invalid-request');
    await refused(() => registerModel('x', { 'if-match': '"1"' }), 412, 'revision-mismatch');
    await refused(() => registerModel('x', { authorization: 'Bearer dana' }), 401, 'credential-refused');
    await refused(() => call('GET', `${BASE}/models/${randomUUID()}`), 404, 'model-not-found');
  });
});

describe('Model versions', () => {
  it('are registered with what ONNX Runtime says of them, and numbered without gaps when they come at once', async () => {
    const answers = Object.entries(credit.versions);
    expect(answers.map(([, { status }]) => status)).toEqual([201, 201, 201]);
    expect(answers.map(([, { body }]) => body.version).sort()).toEqual([1, 2, 3]);
    for (const [name, { body, headers }] of answers) {
      const file = credit.files[name] ?? '';
      expect(body).toMatchObject({
        modelId: credit.model.body.id,
        revision: 1,
        stream: `registry.ModelVersion-${body.id}`,
        artefactDigest: `sha256:${createHash('sha256').update(Buffer.from(file.slice(7), 'hex')).digest('hex')}`,
        outputs: [{ name: 'label', datatype: 'INT64', shape: [-1] }, { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] }],
      });
      expect(body.inputs).toHaveLength(21);
      expect(body.inputs[0]).toEqual({ name: 'duration_months', datatype: 'FP32', shape: [-1, 1] });
      expect(body.inputs[20]).toEqual({ name: 'foreign_worker', datatype: 'BYTES', shape: [-1, 1] });
      expect(headers.get('location')).toBe(`${BASE}/model-versions/${body.id}`);
    }
    const id = versionId('credit-v1');
    const { body: row } = await call('GET', `${BASE}/model-versions/${id}`);
    expect(row).toMatchObject({
      id,
      state: 'registered',
      contributors: ['ben', 'dana'],
      trainingMetrics: { auc: 0.7 },
      datasetVersionId: credit.data.body.id,
      datasetDigest: credit.files['credit.csv'],
      files: [{ path: 'model.onnx', digest: credit.files['credit-v1.onnx'], sizeBytes: (await fixture('credit-v1.onnx')).length }],
      useCaseId,
    });
    const { rows } = await sql.query('select subjects from ledger.event where stream = $1', [row.stream]);
    expect(rows).toEqual([{ subjects: [`model:${credit.model.body.id}`, `model-version:${id}`, `dataset-version:${credit.data.body.id}`, `use-case:${useCaseId}`] }]);
    const list = (await call('GET', `${BASE}/models/${credit.model.body.id}/versions`)).body;
    expect(list.items).toHaveLength(3);
  });

  it('are registered once under one idempotency key', async () => {
    const { id: modelId } = (await registerModel('replayed-version')).body;
    const key = { 'idempotency-key': randomUUID() };
    const body = versionBody(credit.files['credit-v1.onnx'] ?? '', credit.data.body.id);
    const [first, again] = [await registerVersion(modelId, body, key), await registerVersion(modelId, body, key)];
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect((await registerVersion(modelId, versionBody(credit.files['credit-v2.onnx'] ?? '', credit.data.body.id))).body.version).toBe(2);
  });

  it('are refused with an artefact that the model has already', () =>
    refused(() => registerVersion(credit.model.body.id, versionBody(credit.files['credit-v2.onnx'] ?? '', credit.data.body.id)), 409, 'artefact-already-registered', /is version [123] of credit-risk/));
  it('are refused with a file that is not ONNX', () => refused(() => registerVersion(credit.model.body.id, versionBody(credit.files['credit.csv'] ?? '', credit.data.body.id)), 422, 'artefact-not-onnx', /Protobuf/));
  it('are refused with an artefact that is not here', () => refused(() => registerVersion(credit.model.body.id, versionBody(`sha256:${'0'.repeat(64)}`, credit.data.body.id)), 404, 'artefact-not-found'));
  it('are refused with data that are not here', () => refused(() => registerVersion(credit.model.body.id, versionBody(credit.files['credit-v1.onnx'] ?? '', randomUUID())), 404, 'dataset-version-not-found'));
  it('are refused for a model that is not here', () => refused(() => registerVersion(randomUUID(), versionBody(credit.files['credit-v1.onnx'] ?? '', credit.data.body.id)), 404, 'model-not-found'));
  it('are refused with faults', async () => {
    const faulty = { ...versionBody(credit.files['credit-v1.onnx'] ?? '', credit.data.body.id), stage: 'production', trainingMetrics: { auc: 'high' }, source: { repository: 'r', commit: 'HEAD' }, artefact: { digest: credit.files['credit-v1.onnx'], path: '../model.onnx', format: 'pickle' } };
    const answer = await refused(() => registerVersion(credit.model.body.id, faulty), 400, 'invalid-request');
    expect(answer.body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual(['/artefact/format', '/artefact/path', '/source/commit', '/stage', '/trainingMetrics/auc']);
    await refused(() => call('GET', `${BASE}/model-versions/${randomUUID()}`), 404, 'model-version-not-found');
    await refused(() => call('GET', `${BASE}/models/${randomUUID()}/versions`), 404, 'model-not-found');
  });
});

describe('Evaluations', () => {
  const datasets: Record<string, string> = {};
  const evaluate = (versionId: string, body: object, headers: Record<string, string> = {}): Promise<Answer> => call('POST', `${BASE}/model-versions/${versionId}/evaluations`, body, headers);
  const valueOf = (metrics: { name: string; value: number }[], name: string): number | undefined => metrics.find((metric) => metric.name === name)?.value;
  let expected: Record<string, Record<string, Record<string, number> & { sex: Record<string, Record<string, number>> }>>;

  beforeAll(async () => {
    expected = JSON.parse((await fixture('metrics.json')).toString()).models;
    datasets['credit.csv'] = credit.data.body.id;
    datasets['recent.csv'] = (await registerDataset('recent-credit', credit.files['recent.csv'] ?? '')).body.id;
    datasets['shifted.csv'] = (await registerDataset('shifted-credit', credit.files['shifted.csv'] ?? '', { ...declared, splitColumn: undefined })).body.id;
    const { DuckDBInstance } = await import('@duckdb/node-api');
    const duck = await (await DuckDBInstance.create(':memory:')).connect();
    const parquet = join(dataDir, 'credit.parquet');
    await duck.run(`copy (select * from read_csv('${new URL('credit.csv', FIXTURES).pathname}', auto_type_candidates = ['BIGINT', 'VARCHAR'])) to '${parquet}' (format parquet)`);
    duck.closeSync();
    const { digest } = (await upload(await readFile(parquet), { 'content-type': 'application/vnd.apache.parquet' })).body;
    await rm(parquet);
    datasets['credit.parquet'] = (await registerDataset('parquet-credit', digest, { ...declared, mediaType: 'application/vnd.apache.parquet' })).body.id;
  });

  it.each([
    ['credit-v1', 'credit.csv', 'test'],
    ['credit-v2', 'credit.csv', 'test'],
    ['credit-v3', 'credit.csv', 'test'],
    ['credit-v2', 'credit.csv', 'train'],
    ['credit-v3', 'recent.csv', 'test'],
    ['credit-v2', 'recent.csv', 'train'],
    ['credit-v2', 'shifted.csv', ''],
    ['credit-v2', 'credit.parquet', 'test'],
  ])('of %s on %s %s agree with scikit-learn', async (model, data, split) => {
    const { status, body } = await evaluate(versionId(model), { datasetVersionId: datasets[data], ...(split ? { split } : {}) });
    expect(status).toBe(201);
    const reference = expected[model]?.[`${data.replace('parquet', 'csv')}${split && `#${split}`}`];
    expect(body.rowCount).toBe(reference?.['rows']);
    for (const [name, digits] of [['accuracy', 9], ['f1', 9], ['auc', 7], ['log_loss', 6]] as const) expect(valueOf(body.metrics, name)).toBeCloseTo(reference?.[name] ?? Number.NaN, digits);
    const comparable = Object.values(reference?.sex ?? {}).every((of) => (of['n'] ?? 0) >= 20 && (of['positives'] ?? 0) >= 5);
    expect(valueOf(body.metrics, 'equal_opportunity_difference:sex')).toEqual(comparable ? expect.closeTo(reference?.['equal_opportunity_difference'] ?? Number.NaN, 9) : undefined);
    expect(body.groups.map(({ group }: { group: string }) => group)).toEqual(['female', 'male']);
    for (const { attribute, group, rowCount, positiveCount, metrics } of body.groups) {
      const of = reference?.sex[group] ?? {};
      expect([attribute, rowCount, positiveCount]).toEqual(['sex', of['n'], of['positives']]);
      for (const name of ['tpr', 'fpr', 'selection_rate']) expect(valueOf(metrics, name)).toBeCloseTo(of[name] ?? Number.NaN, 9);
    }
  });

  it('compare two versions on the same rows, and say what they concern', async () => {
    const [v1, v2] = [credit.versions['credit-v1.onnx']?.body, credit.versions['credit-v2.onnx']?.body];
    const data = credit.data.body;
    const { status, body, headers } = await evaluate(v2.id, { datasetVersionId: data.id, split: 'test', compareWith: v1.id });
    expect([status, body.revision, body.stream]).toEqual([201, 1, `registry.Evaluation-${body.id}`]);
    expect(body.comparison).toMatchObject({ modelVersionId: v1.id, version: v1.version });
    const metric = (model: string, name: string): number => expected[model]?.['credit.csv#test']?.[name] ?? Number.NaN;
    for (const name of ['accuracy', 'auc']) expect(valueOf(body.comparison.differences, name)).toBeCloseTo(metric('credit-v2', name) - metric('credit-v1', name), 7);

    const read = await call('GET', headers.get('location') ?? '');
    expect(read.body).toMatchObject({ id: body.id, metrics: body.metrics, groups: body.groups, comparison: body.comparison, artefactDigest: v2.artefactDigest, datasetDigest: credit.files['credit.csv'], split: 'test' });
    const list = (await call('GET', `${BASE}/model-versions/${v2.id}/evaluations?limit=200`)).body;
    expect(list.items.map(({ id }: { id: string }) => id)).toContain(body.id);
    const { rows } = await sql.query('select subjects from ledger.event where stream = $1', [body.stream]);
    expect(rows[0].subjects.sort()).toEqual([`model:${credit.model.body.id}`, `model-version:${v2.id}`, `model-version:${v1.id}`, `dataset-version:${data.id}`, `use-case:${useCaseId}`, `evaluation:${body.id}`].sort());
  });

  it('are recorded once under one idempotency key', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const order = { datasetVersionId: credit.data.body.id, split: 'test' };
    const id = versionId('credit-v1');
    const [first, again] = [await evaluate(id, order, key), await evaluate(id, order, key)];
    expect([again.status, again.body]).toEqual([201, first.body]);
  });

  it('give the model texts as the file has them', async () => {
    // 01 would be a number to a reader that guesses, and yes a boolean; the model knows them as texts.
    const lines = (await fixture('credit.csv')).toString().trim().split('\n').slice(0, 60);
    const numbered = lines.map((line, i) => (i === 0 ? line : line.replace(/,(yes|no)(,[01],)/, ',01$2'))).join('\n');
    const { id } = (await registerDataset('texts', await csv(numbered), { ...declared, protectedColumns: ['foreign_worker'] })).body;
    const { status, body } = await evaluate(versionId('credit-v2'), { datasetVersionId: id, split: 'test' });
    expect([status, body.groups.map(({ group }: { group: string }) => group)]).toEqual([201, ['01']]);
  });

  it('are refused when they cannot be made', async () => {
    const id = versionId('credit-v1');
    const data = datasets['credit.csv'];
    await refused(() => evaluate(id, { datasetVersionId: data, split: 'holdout' }), 422, 'split-unknown', /Its splits are test, train/);
    await refused(() => evaluate(id, { datasetVersionId: randomUUID(), split: 'test' }), 404, 'dataset-version-not-found');
    await refused(() => evaluate(randomUUID(), { datasetVersionId: data, split: 'test' }), 404, 'model-version-not-found');
    await refused(() => evaluate(id, { datasetVersionId: data, split: 'test', compareWith: randomUUID() }), 404, 'model-version-not-found');
    await refused(() => evaluate(id, { datasetVersionId: data, split: 'test', compareWith: id }), 422, 'comparison-unfit');
    await refused(() => evaluate(id, { datasetVersionId: data, split: 'test', threshold: 0.5 }), 400, 'invalid-request');
    await refused(() => evaluate(id, { datasetVersionId: data, split: 'test' }, { 'if-match': '"7"' }), 412, 'revision-mismatch');
    await refused(() => call('GET', `${BASE}/evaluations/${randomUUID()}`), 404, 'evaluation-not-found');
  });

  it('are refused on data that do not fit the model', async () => {
    const id = versionId('credit-v1');
    const small = (await registerDataset('small', await csv('x,y\n1,0\n2,1\n'), { ...plain, labelColumn: 'y' })).body.id;
    await refused(() => evaluate(id, { datasetVersionId: small }), 422, 'input-unmatched', /duration_months \(no column has this name\)/);
    const unlabelled = (await registerDataset('unlabelled', credit.files['shifted.csv'] ?? '', plain)).body.id;
    await refused(() => evaluate(id, { datasetVersionId: unlabelled }), 422, 'label-missing');
    const otherLabel = (await registerDataset('amounts', credit.files['shifted.csv'] ?? '', { ...plain, labelColumn: 'amount' })).body.id;
    await refused(() => evaluate(id, { datasetVersionId: otherLabel }), 422, 'label-not-binary', /column amount/);
  });
});

describe('The views', () => {
  const TABLES = ['dataset_version', 'model', 'model_alias', 'model_version', 'evaluation', 'version_counter'];
  const everything = async (): Promise<unknown> => Promise.all(TABLES.map(async (table) => (await sql.query(`select to_jsonb(t) as row from registry.${table} t where to_jsonb(t) ->> 'last_version' is distinct from '0' order by 1`)).rows));

  it('are the same when they are built anew from the ledger, and when an event is projected twice', async () => {
    const before = await everything();
    const orm = await MikroORM.init({ clientUrl: database.url, driverOptions: { connectionString: database.url, options: '-c search_path=registry' }, contextName: 'rebuilt', schema: 'registry', entities: [...(registry.database?.entities ?? [])] });
    try {
      await orm.em.fork().transactional(async (em) => {
        const tx = { em, sql: sqlOf(em) };
        await tx.sql.query(`truncate ${TABLES.map((table) => `registry.${table}`).join(', ')}`);
        await tx.sql.query('select ledger.sequence(100000)');
        const events = await readLedger(tx.sql, { from: 0, limit: 100_000 });
        const seen = events.filter(({ type }) => !type.startsWith('vitae.access.')); // no view is made of who was turned away
        for (const event of [...seen, ...seen]) await rebuilt(tx, event);
      });
    } finally {
      await orm.close(true);
    }
    expect(await everything()).toEqual(before);
  });
});

function rebuilt(tx: ViewTransaction, recorded: RecordedEvent): Promise<void> {
  switch (recorded.stream.split('-')[0]) {
    case datasetVersion.category:
      return projectDatasetVersion(tx, [recorded as RecordedEvent<DatasetVersionRegistered>]);
    case model.category:
      return projectModel(tx, [recorded as RecordedEvent<ModelEvent>]);
    case modelVersion.category:
      return projectModelVersion(tx, [recorded as RecordedEvent<ModelVersionEvent>]);
    case evaluation.category:
      return projectEvaluation(tx, [recorded as RecordedEvent<EvaluationEvent>]);
    default:
      throw new Error(`nobody projects ${recorded.stream}`);
  }
}

describe('The service', () => {
  it('describes its routes', async () => {
    const { paths } = (await call('GET', '/openapi.json')).body;
    const described = ['artefacts', 'artefact-uploads/{uploadId}', 'datasets/{name}/versions', 'models/{modelId}/versions', 'model-versions/{id}/evaluations'];
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(described.map((path) => `/v1/projects/{projectId}/${path}`)));
    const schema = paths['/v1/projects/{projectId}/models'].post.requestBody.content['application/json'].schema;
    expect(JSON.stringify(schema)).toContain('useCaseId');
  });
  it('is ready', async () => expect((await call('GET', '/readyz')).status).toBe(200));
});

describe('the views', () => {
  it('say what the ledger says, and are the same after a rebuild', async () => {
    const same = (tables: readonly { readonly table: string }[]) => tables.map(({ table }) => expect.objectContaining({ table, unfounded: 0, missing: 0 }));
    const compared = await rebuildViews(registry, database.url, { swap: false });
    expect(compared.tables).toEqual(same(compared.tables));
    expect(await rebuildViews(registry, database.url, { swap: true })).toMatchObject({ swapped: true });
    const again = await rebuildViews(registry, database.url, { swap: false });
    expect(again.tables).toEqual(same(again.tables));
  });
});
