import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { boot } from '@vitae/service-kit';
import { as, findS3Server, freshDatabase, freshNats, freshS3, specAccess, type FreshS3 } from '@vitae/testing';
import { registry } from '../app.module.ts';
import { depotContract } from './depot-contract.fixture.ts';
import { placeOf, S3Depot, s3Client } from './s3-depot.store.ts';

/** Undefined where there is no Go to build it with, nor one built before: then only the file system keeps the contract. */
const binary = await findS3Server();

(binary ? describe : describe.skip)('On a real S3 server,', () => {
  let s3: FreshS3;
  beforeAll(async () => {
    s3 = await freshS3(binary ?? '');
  });
  afterAll(() => s3?.drop());
  const client = (secretAccessKey = s3.secretAccessKey) => s3Client(s3.url, { credentials: { accessKeyId: s3.accessKeyId, secretAccessKey }, maxAttempts: 1 });

  depotContract('bytes in a bucket, under a prefix,', async () => {
    const prefix = 'some/prefix';
    return {
      depot: new S3Depot(client(), { bucket: s3.bucket, prefix }),
      fileOf: (tier, key) => join(s3.root, s3.bucket, prefix, tier, key),
    };
  });

  it('what went wrong half-way leaves neither an object nor parts of one', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'vitae-s3-draft-'));
    const depot = new S3Depot(client(), { bucket: s3.bucket, prefix: '' });
    const draft = join(directory, 'draft');
    await writeFile(draft, randomBytes(20 * 1024 * 1024));
    const truncating = depot.keep('artefacts', 'half', draft);
    await writeFile(draft, randomBytes(9 * 1024 * 1024)); // shorter now than it was when it was measured
    await expect(truncating).rejects.toThrow();
    expect(await depot.sizeOf('artefacts', 'half')).toBeUndefined();
    expect((await client().send(new ListMultipartUploadsCommand({ Bucket: s3.bucket }))).Uploads ?? []).toEqual([]);
    await rm(directory, { recursive: true });
  });

  it('a whole service keeps what it gets there, and nothing of it on its own disk', async () => {
    const [database, nats, dataDir] = await Promise.all([freshDatabase(), freshNats(), mkdtemp(join(tmpdir(), 'vitae-s3-service-'))]);
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey });
    const service = await boot(registry, { ...specAccess(), PORT: '0', DATABASE_URL: database.url, NATS_URL: nats.url, VITAE_DATA_DIR: dataDir, VITAE_ARTEFACTS: `s3://${s3.bucket}/vitae`, VITAE_S3_ENDPOINT: s3.url, LOG_LEVEL: 'silent' });
    try {
      const call = async (method: string, path: string, body?: object, headers: Record<string, string> = {}) => {
        const raw = body instanceof Uint8Array;
        const sent = body === undefined ? {} : { body: raw ? body : JSON.stringify(body) };
        return fetch(`${service.url}/v1/projects/credit${path}`, { method, headers: { authorization: as('human/dana'), 'content-type': raw ? 'application/octet-stream' : 'application/json', ...headers }, ...sent } as RequestInit);
      };
      const fixture = (name: string) => readFile(new URL(`../../../../test/fixtures/german-credit/${name}`, import.meta.url));
      const kept = async (name: string) => ((await (await call('POST', '/artefacts', await fixture(name))).json()) as { digest: string }).digest;
      const [csv, onnx] = [await kept('credit.csv'), await kept('credit-v1.onnx')];
      const { id: datasetVersionId } = (await (await call('POST', '/datasets/german-credit/versions', { digest: csv, mediaType: 'text/csv', source: 'Statlog', licence: 'CC BY 4.0' })).json()) as { id: string };
      const { id: modelId } = (await (await call('POST', '/models', { name: 'credit-risk', task: 'ranking', useCaseId: randomUUID() })).json()) as { id: string };
      const version = await call('POST', `/models/${modelId}/versions`, { artefact: { digest: onnx, path: 'model.onnx', format: 'onnx' }, datasetVersionId, source: { repository: 'r', commit: 'abcdef0' } });
      expect(version.status).toBe(201);
      const range = await call('GET', `/artefacts/${onnx}`, undefined, { range: 'bytes=-9' });
      expect([range.status, Buffer.from(await range.arrayBuffer())]).toEqual([206, (await fixture('credit-v1.onnx')).subarray(-9)]);
      expect(((await (await fetch(`${service.url}/readyz`)).json()) as { checks: object[] }).checks).toContainEqual({ name: 'object store', ok: true });
      expect((await readdir(dataDir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())).toEqual([]);
      expect((await readdir(join(s3.root, s3.bucket, 'vitae', 'artefacts', 'sha256'))).sort()).toEqual([csv, onnx].map((digest) => digest.slice(7, 9)).sort());
    } finally {
      await service.stop();
      delete process.env['AWS_ACCESS_KEY_ID'];
      delete process.env['AWS_SECRET_ACCESS_KEY'];
      await Promise.allSettled([database.drop(), nats.drop(), rm(dataDir, { recursive: true, force: true })]);
    }
  });

  it('a store that refuses us is our fault, and one that is gone is a 503', async () => {
    const stranger = new S3Depot(client('wrong'), { bucket: s3.bucket, prefix: '' });
    await expect(stranger.sizeOf('artefacts', 'x')).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    await expect(new S3Depot(client(), { bucket: 'nowhere', prefix: '' }).reachable()).rejects.toThrow();
    const gone = new S3Depot(s3Client('http://127.0.0.1:9', { credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, maxAttempts: 1 }), { bucket: s3.bucket, prefix: '' });
    await expect(gone.sizeOf('artefacts', 'x')).rejects.toMatchObject({ status: 503, slug: 'artefacts-unavailable' });
  });
});

describe('An address of a bucket', () => {
  it('has a bucket, and a prefix or none', () => {
    expect(placeOf('s3://models')).toEqual({ bucket: 'models', prefix: '' });
    expect(placeOf('s3://models/vitae/prod/')).toEqual({ bucket: 'models', prefix: 'vitae/prod' });
  });
});
