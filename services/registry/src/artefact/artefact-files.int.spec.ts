import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { boot, type Running } from '@vitae/service-kit';
import { as, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import pg from 'pg';
import { registry } from '../app.module.ts';
import { onnxWithWeights, weights } from './onnx-with-weights.fixture.ts';

const FIXTURES = new URL('../../../../test/fixtures/german-credit/', import.meta.url);
const BASE = '/v1/projects/credit';

let database: FreshDatabase;
let nats: FreshNats;
let dataDir: string;
let service: Running;
let sql: pg.Pool;
let datasetVersionId: string;

beforeAll(async () => {
  [database, nats, dataDir] = await Promise.all([freshDatabase(), freshNats(), mkdtemp(join(tmpdir(), 'vitae-artefacts-'))]);
  service = await boot(registry, { ...specAccess(), PORT: '0', DATABASE_URL: database.url, NATS_URL: nats.url, VITAE_DATA_DIR: dataDir, LOG_LEVEL: 'silent' });
  sql = new pg.Pool({ connectionString: database.url, max: 2 });
  const digest = await kept(await readFile(new URL('credit.csv', FIXTURES)));
  datasetVersionId = (await call('POST', '/datasets/german-credit/versions', { digest, mediaType: 'text/csv', source: 'Statlog', licence: 'CC BY 4.0' })).body.id;
});

afterAll(async () => {
  await sql?.end();
  await service?.stop();
  await Promise.allSettled([database?.drop(), nats?.drop(), rm(dataDir, { recursive: true, force: true })]);
});

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a spec asserts on the shape itself
async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: any }> {
  const raw = body instanceof Uint8Array;
  const response = await fetch(`${service.url}${BASE}${path}`, {
    method,
    headers: { authorization: as('human/dana'), 'content-type': raw ? 'application/octet-stream' : 'application/json' },
    ...(body === undefined ? {} : { body: raw || typeof body === 'string' ? body : JSON.stringify(body) }),
  } as RequestInit);
  return { status: response.status, body: JSON.parse(await response.text()) };
}

const kept = async (bytes: Uint8Array): Promise<string> => (await call('POST', '/artefacts', bytes)).body.digest;
const raw = (digest: string): Buffer => Buffer.from(digest.slice(7), 'hex');
const newModel = async (): Promise<string> => (await call('POST', '/models', { name: `model-${randomUUID()}`, task: 'binary-classification', useCaseId: randomUUID() })).body.id;

async function register(digest: string, files: readonly { path: string; digest: string }[], path = 'model.onnx') {
  const source = { repository: 'https://example.org/credit.git', commit: 'abcdef0' };
  return call('POST', `/models/${await newModel()}/versions`, { artefact: { digest, path, format: 'onnx', files }, datasetVersionId, source });
}

/** Asserts the problem, that nothing was recorded, and that nothing is left lying about. */
async function refused(attempt: () => ReturnType<typeof register>, status: number, slug: string): Promise<string> {
  const count = async () => (await sql.query(`select count(*)::integer as n from ledger.event where type like '%ModelVersion%'`)).rows[0].n;
  const before = await count();
  const { status: got, body } = await attempt();
  expect([got, body.type]).toEqual([status, `https://vitae.dev/problems/${slug}`]);
  expect(await count()).toBe(before);
  expect(await readdir(join(dataDir, 'scratch'))).toEqual([]);
  return JSON.stringify(body);
}

describe('A version of several files', () => {
  it('is opened with all of them, and has the digest of the model signing standard', async () => {
    const [model, weightsDigest, config, card] = await Promise.all([onnxWithWeights('data/w.bin'), weights, Buffer.from('{"a":1}'), Buffer.from('# Card\n')].map(kept)) as [string, string, string, string];
    const { status, body } = await register(model, [{ path: 'data/w.bin', digest: weightsDigest }, { path: 'config.json', digest: config }, { path: 'README.md', digest: card }]);
    expect([status, body.inputs]).toEqual([201, [{ name: 'x', datatype: 'FP32', shape: [3] }]]);
    const inOrder = [card, config, weightsDigest, model]; // README.md, config.json, data/w.bin, model.onnx
    expect(body.artefactDigest).toBe(`sha256:${createHash('sha256').update(Buffer.concat(inOrder.map(raw))).digest('hex')}`);
    expect((await call('GET', `/model-versions/${body.id}`)).body.files).toEqual([
      { path: 'model.onnx', digest: model, sizeBytes: expect.any(Number), content: 'onnx', flags: [] },
      { path: 'data/w.bin', digest: weightsDigest, sizeBytes: 12, content: 'unknown', flags: [] },
      { path: 'config.json', digest: config, sizeBytes: 7, content: 'json', flags: [] },
      { path: 'README.md', digest: card, sizeBytes: 7, content: 'text', flags: [] },
    ]);
    expect(await readdir(join(dataDir, 'scratch'))).toEqual([]);
  });

  it('is refused without one that the model needs', async () => {
    const model = await kept(onnxWithWeights('w.bin'));
    expect(await refused(() => register(model, []), 422, 'artefact-not-onnx')).not.toContain(dataDir);
    await refused(async () => register(model, [{ path: 'w.bin', digest: `sha256:${'0'.repeat(64)}` }]), 404, 'artefact-not-found');
  });

  it.each(['../../secret', 'a/../../../secret', '/secret'])('is refused when the model reaches for %s, outside of the version', async (location) => {
    await writeFile(join(dataDir, 'secret'), weights); // it is there, and would do
    const model = await kept(onnxWithWeights(location === '/secret' ? join(dataDir, 'secret') : location));
    await refused(() => register(model, []), 422, 'artefact-not-onnx');
  });

  it('is refused with paths that lead elsewhere, or clash', async () => {
    const [model, other] = [await kept(onnxWithWeights('w.bin')), await kept(weights)];
    for (const path of ['../w.bin', '/w.bin', 'a\\w.bin', 'a//w.bin', 'w\0.bin', 'a/./w.bin']) await refused(() => register(model, [{ path, digest: other }]), 400, 'invalid-request');
    const clash = await refused(() => register(model, [{ path: 'w.bin', digest: other }, { path: 'W.BIN', digest: other }, { path: 'model.onnx', digest: other }, { path: 'Model.onnx/w', digest: other }]), 400, 'invalid-request');
    expect(JSON.parse(clash).errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(['/artefact/files/1/path', '/artefact/files/2/path', '/artefact/files/3/path']);
    const many = Array.from({ length: 512 }, (_, i) => ({ path: `f${i}`, digest: other }));
    await refused(() => register(model, many), 400, 'invalid-request');
  });

  it('keeps pickles, archives and files that lie about their type, flagged and never opened', async () => {
    const model = await kept(await readFile(new URL('credit-v1.onnx', FIXTURES)));
    // A pickle that would run `false` when it was loaded, under two names; and a gzip bomb of 64 MB in 64 KB.
    const pickle = await kept(Buffer.from("cos\nsystem\n(S'false'\ntR."));
    const bomb = await kept(gzipSync(Buffer.alloc(64 * 1024 * 1024)));
    const { status, body } = await register(model, [{ path: 'a.pkl', digest: pickle }, { path: 'b.safetensors', digest: pickle }, { path: 'c.tgz', digest: bomb }]);
    expect(status).toBe(201);
    const { files } = (await call('GET', `/model-versions/${body.id}`)).body;
    expect(files.slice(1).map(({ path, content, flags }: Record<string, unknown>) => [path, content, flags])).toEqual([
      ['a.pkl', 'pickle', ['runs-code']],
      ['b.safetensors', 'pickle', ['runs-code', 'not-what-it-says']],
      ['c.tgz', 'gzip', ['archive']],
    ]);
    // Nothing was unpacked: the bytes are there once, as they came.
    expect(files[3].sizeBytes).toBeLessThan(100_000);
    const lying = JSON.parse((await sql.query(`select payload::text from ledger.event where stream = $1`, [body.stream])).rows[0].payload);
    expect(lying.artefact.files[2]).toMatchObject({ content: 'pickle', flags: ['runs-code', 'not-what-it-says'] });
  });

  it('that is a pickle with the name of a model is refused, not loaded', async () => {
    const pickle = await kept(Buffer.from("cos\nsystem\n(S'true'\ntR."));
    await refused(() => register(pickle, []), 422, 'artefact-not-onnx');
  });
});

describe('A registration', () => {
  it('of 10 MB of JSON, and of deep JSON, is refused', async () => {
    const path = `/models/${await newModel()}/versions`;
    await refused(() => call('POST', path, { artefact: 'x'.repeat(10 * 1024 * 1024) }), 413, 'body-too-large');
    await refused(() => call('POST', path, `{"artefact":${'['.repeat(200_000)}${']'.repeat(200_000)}}`), 400, 'invalid-request');
    await refused(() => call('POST', path, '{"artefact":{"digest"'), 400, 'malformed-json');
  });
});
