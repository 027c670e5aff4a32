import { createHash, createPrivateKey, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { keyId, parseCertificates, parsePublicKey, signModel, verifyModelSignature, type DigestedFile } from '@vitae/model-signing';
import { boot, rebuildViews, type Running } from '@vitae/service-kit';
import { as, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import pg from 'pg';
import { registry } from '../app.module.ts';

const CREDIT = new URL('../../../../test/fixtures/german-credit/', import.meta.url);
const VECTORS = new URL('../../../../test/fixtures/model-signing/', import.meta.url);

let database: FreshDatabase;
let nats: FreshNats;
let dataDir: string;
let service: Running;
let sql: pg.Pool;
let onnx: string;
let card: string;

beforeAll(async () => {
  [database, nats, dataDir] = await Promise.all([freshDatabase(), freshNats(), mkdtemp(join(tmpdir(), 'vitae-signatures-'))]);
  service = await boot(registry, { ...specAccess(), PORT: '0', DATABASE_URL: database.url, NATS_URL: nats.url, VITAE_DATA_DIR: dataDir, LOG_LEVEL: 'silent' });
  sql = new pg.Pool({ connectionString: database.url, max: 2 });
  onnx = kept(await readFile(new URL('credit-v1.onnx', CREDIT)));
  card = kept(Buffer.from('# Card\n'));
});

afterAll(async () => {
  await sql?.end();
  await service?.stop();
  await Promise.allSettled([database?.drop(), nats?.drop(), rm(dataDir, { recursive: true, force: true })]);
});

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a spec asserts on the shape itself
type Answer = { status: number; body: any };

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const raw = body instanceof Uint8Array;
  const response = await fetch(`${service.url}/v1/projects/${path}`, {
    method,
    headers: { authorization: as('human/dana'), 'content-type': raw ? 'application/octet-stream' : 'application/json', ...headers },
    ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
  } as RequestInit);
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}
/** What projects bring before they register, by its digest. */
const brought = new Map<string, Uint8Array>();
function kept(bytes: Uint8Array): string {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  brought.set(digest, bytes);
  return digest;
}
const vector = (name: string): Promise<string> => readFile(new URL(name, VECTORS), 'utf8');
const told = ({ status, body }: Answer): [number, string] => [status, String(body?.type).split('/').at(-1) ?? ''];

/** A project of its own with a dataset and a model, so that no test sees another's trust. */
async function newProject() {
  const project = `p-${randomUUID().slice(0, 8)}`;
  const bring = async (): Promise<void> => {
    for (const [digest, bytes] of brought) expect((await call('POST', `${project}/artefacts`, bytes)).body.digest).toBe(digest);
  };
  const digest = kept(await readFile(new URL('credit.csv', CREDIT)));
  await bring();
  const datasetVersionId = (await call('POST', `${project}/datasets/german-credit/versions`, { digest, mediaType: 'text/csv', source: 'Statlog', licence: 'CC BY 4.0' })).body.id;
  const modelId = (await call('POST', `${project}/models`, { name: 'credit-risk', task: 'binary-classification', useCaseId: randomUUID() })).body.id;
  return {
    project,
    modelId,
    register: async (artefact: object, headers: Record<string, string> = {}) => {
      await bring();
      return call('POST', `${project}/models/${modelId}/versions`, { artefact: { digest: onnx, path: 'model.onnx', format: 'onnx', files: [{ path: 'README.md', digest: card }], ...artefact }, datasetVersionId, source: { repository: 'r', commit: 'abcdef0' } }, headers);
    },
    trust: (name: string, pem: string) => call('POST', `${project}/signing-trust/keys`, { name, pem }),
  };
}

const files = (): DigestedFile[] => [{ path: 'model.onnx', digest: onnx }, { path: 'README.md', digest: card }];
async function signed(key: string, over = files(), chain: readonly string[] = []): Promise<string> {
  const certificates = (await Promise.all(chain.map(vector))).flatMap(parseCertificates);
  return kept(Buffer.from(signModel({ name: 'credit-risk', files: over, privateKey: createPrivateKey(await vector(`${key}.key.pem`)), certificates })));
}
async function eventsAbout(modelId: string): Promise<{ type: string; payload: Record<string, unknown>; stream: string }[]> {
  const { rows } = await sql.query(`select type, payload, stream from ledger.event where $1 = any(subjects) and type like '%Version%' order by recorded_at, revision`, [`model:${modelId}`]);
  return rows.map(({ type, payload, stream }) => ({ type: type.split('.').at(-1), payload: typeof payload === 'string' ? JSON.parse(payload) : payload, stream }));
}

describe('A signed version', () => {
  it('is registered with who signed it, and gives bundle and statement back to whoever wants to see for himself', async () => {
    const { project, modelId, register, trust } = await newProject();
    expect((await trust('release team', await vector('p384.pub.pem'))).status).toBe(201);
    const bundle = await signed('p384');
    const { status, body } = await register({ signature: { digest: bundle } });
    expect(status).toBe(201);

    const [registered, verified] = await eventsAbout(modelId);
    expect([registered?.type, verified?.type, registered?.stream === verified?.stream]).toEqual(['ModelVersionRegistered', 'ModelVersionSignatureVerified', true]);
    const key = parsePublicKey(await vector('p384.pub.pem'));
    expect(verified?.payload).toEqual({
      modelVersionId: body.id, modelId, version: 1, artefactDigest: body.artefactDigest, bundleDigest: bundle, method: 'key', keyId: keyId(key), signer: 'release team', subjectDigest: body.artefactDigest,
    });
    expect((await call('GET', `${project}/model-versions/${body.id}`)).body.revision).toBe(2);

    const { body: signature } = await call('GET', `${project}/model-versions/${body.id}/signature`);
    expect(signature).toMatchObject({ method: 'key', signer: 'release team', bundleDigest: bundle, bundlePath: '', statement: { name: 'credit-risk', subjectDigest: body.artefactDigest } });
    expect(verifyModelSignature(Buffer.from(JSON.stringify(signature.bundle)), files(), { keys: [key], certificates: [], at: new Date() }).keyId).toBe(keyId(key));
    expect(told(await call('GET', `other/model-versions/${body.id}/signature`))).toEqual([404, 'signature-not-found']);
  });

  it('by a certificate is registered below a trusted authority; the bundle may lie among the files', async () => {
    const { project, modelId, register, trust } = await newProject();
    const answer = await trust('our authority', await vector('root.crt.pem'));
    expect(answer.body).toMatchObject({ method: 'certificate', subject: expect.stringContaining('CN=root') });
    const { status, body } = await register({ signature: { digest: await signed('p256', files(), ['leaf.crt.pem', 'between.crt.pem']), path: 'model.sig' } });
    expect(status).toBe(201);
    const { payload } = (await eventsAbout(modelId))[1] ?? {};
    expect(payload).toMatchObject({ method: 'certificate', signer: expect.stringContaining('CN=leaf'), bundlePath: 'model.sig' });
    // The signature is not among the files that are signed, so the digest is the same with and without it.
    expect(body.artefactDigest).toBe(payload?.['subjectDigest']);
    expect((await call('GET', `${project}/model-versions/${body.id}`)).body.files.map(({ path }: { path: string }) => path)).toEqual(['model.onnx', 'README.md']);
    expect(told(await register({ signature: { digest: card, path: 'readme.md' } }))).toEqual([400, 'invalid-request']);
  });

  it('is once under one idempotency key, and so is a rejected one', async () => {
    const { modelId, register, trust } = await newProject();
    await trust('release team', await vector('p256.pub.pem'));
    const [wrong, right] = [{ 'idempotency-key': randomUUID() }, { 'idempotency-key': randomUUID() }];
    const stranger = { signature: { digest: await signed('other') } };
    for (let i = 0; i < 2; i += 1) expect(told(await register(stranger, wrong))).toEqual([422, 'signature-rejected']);
    const friend = { signature: { digest: await signed('p256') } };
    const answers = [await register(friend, right), await register(friend, right)];
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(answers[0]?.body).toEqual(answers[1]?.body);
    expect((await eventsAbout(modelId)).map(({ type }) => type)).toEqual(['ModelVersionSignatureRejected', 'ModelVersionRegistered', 'ModelVersionSignatureVerified']);
  });
});

describe('A version is refused, with an event that says so,', () => {
  const rejection = async (artefact: object, prepare: (project: Awaited<ReturnType<typeof newProject>>) => Promise<unknown>): Promise<Record<string, unknown>> => {
    const project = await newProject();
    await prepare(project);
    const answer = await project.register(artefact);
    expect(told(answer)).toEqual([422, 'signature-rejected']);
    const [event, ...more] = await eventsAbout(project.modelId);
    expect([event?.type, more]).toEqual(['ModelVersionSignatureRejected', []]);
    expect(answer.body.detail).toContain(event?.payload['detail']);
    // Nothing of the version is there, and its number is not used up.
    expect((await call('GET', `${project.project}/models/${project.modelId}/versions`)).body.items).toEqual([]);
    expect(told(await call('GET', `${project.project}/model-versions/${String(event?.payload['modelVersionId'])}`))).toEqual([404, 'model-version-not-found']);
    expect(await readdir(join(dataDir, 'scratch'))).toEqual([]);
    return event?.payload ?? {};
  };
  const trusting = (name: string) => async ({ trust }: Awaited<ReturnType<typeof newProject>>) => trust(name, await vector(`${name}.pub.pem`));

  it('when nobody whom the project trusts signed it', async () => {
    const bundleDigest = await signed('other');
    expect(await rejection({ signature: { digest: bundleDigest } }, trusting('p256'))).toMatchObject({
      fault: 'UNTRUSTED',
      modelName: 'credit-risk',
      bundleDigest,
      artefactDigest: `sha256:${createHash('sha256').update(Buffer.from(card.slice(7) + onnx.slice(7), 'hex')).digest('hex')}`,
    });
  });
  it('when the signature is over other files', async () => {
    const digest = await signed('p256', [{ path: 'model.onnx', digest: onnx }]);
    expect(await rejection({ signature: { digest } }, trusting('p256'))).toMatchObject({ fault: 'OTHER_FILES', detail: 'the file README.md was not signed' });
  });
  it('when a file was left out of the signature, though other verifiers would pass over it', async () => {
    const all = [...files(), { path: '.gitignore', digest: card }];
    expect(await rejection({ signature: { digest: await signed('p256') }, files: all.slice(1) }, trusting('p256'))).toMatchObject({ fault: 'OTHER_FILES', detail: 'the file .gitignore was left out of the signature' });
  });
  it('when the signature was changed', async () => {
    const bundle = JSON.parse(signModel({ name: 'x', files: files(), privateKey: createPrivateKey(await vector('p256.key.pem')) }));
    bundle.dsseEnvelope.payload = Buffer.from(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString().replace('"x"', '"y"')).toString('base64');
    expect(await rejection({ signature: { digest: kept(Buffer.from(JSON.stringify(bundle))) } }, trusting('p256'))).toMatchObject({ fault: 'WRONG' });
  });
  it('when the bundle is none, deep, or far too large', async () => {
    for (const bytes of [Buffer.from('{"a":1}'), Buffer.from('['.repeat(500_000)), Buffer.alloc(2 * 1024 * 1024, '[')]) {
      expect((await rejection({ signature: { digest: kept(bytes) } }, trusting('p256')))['fault']).toMatch(/MALFORMED|UNSUPPORTED/);
    }
  });
  it('when the key is no longer trusted', async () => {
    const id = keyId(parsePublicKey(await vector('p256.pub.pem')));
    const digest = await signed('p256');
    const distrusting = async (project: Awaited<ReturnType<typeof newProject>>) => {
      await trusting('p256')(project);
      expect((await call('DELETE', `${project.project}/signing-trust/keys/${id}`)).status).toBe(200);
    };
    expect(await rejection({ signature: { digest } }, distrusting)).toMatchObject({ fault: 'UNTRUSTED' });
  });
  it('when it has none and its project demands one', async () => {
    const demanding = async (project: Awaited<ReturnType<typeof newProject>>) => {
      expect(told(await call('PUT', `${project.project}/signing-trust/requirement`, { required: true }))).toEqual([409, 'no-signing-key-trusted']);
      await trusting('p256')(project);
      expect((await call('PUT', `${project.project}/signing-trust/requirement`, { required: true })).body).toMatchObject({ required: true, revision: 2 });
    };
    expect(await rejection({}, demanding)).toMatchObject({ fault: 'MISSING' });
  });
  it('before anything of it was opened', async () => {
    const digest = await signed('other', [{ path: 'model.onnx', digest: card }, { path: 'README.md', digest: card }]);
    expect(await rejection({ digest: card, signature: { digest } }, trusting('p256'))).toMatchObject({ fault: 'UNTRUSTED' }); // and not artefact-not-onnx
  });
  it('but is simply not found when the bundle is not here', async () => {
    const { register, modelId } = await newProject();
    expect(told(await register({ signature: { digest: `sha256:${'0'.repeat(64)}` } }))).toEqual([404, 'artefact-not-found']);
    expect(await eventsAbout(modelId)).toEqual([]);
  });
});

describe("A project's trust", () => {
  it('is listed with who gave it, and belongs to the project alone', async () => {
    const { project, trust } = await newProject();
    const pem = await vector('p521.pub.pem');
    const id = keyId(parsePublicKey(pem));
    await trust('release team', pem);
    await trust('release team, again', pem);
    const { body } = await call('GET', `${project}/signing-trust`);
    expect(body).toEqual({ required: false, keys: [{ signingKeyId: id, method: 'key', pem, name: 'release team', subject: '', trustedAt: expect.any(String), trustedBy: 'dana' }] });
    expect((await call('GET', 'other/signing-trust')).body).toEqual({ required: false, keys: [] });
    expect(told(await call('DELETE', `other/signing-trust/keys/${id}`))).toEqual([404, 'signing-key-not-trusted']);
  });

  it.each([
    ['a private key', 'p256.key.pem'],
    ['something else', 'p256.sig'],
  ])('is not given to %s', async (_what, name) => {
    const { trust } = await newProject();
    expect(told(await trust('x', await vector(name)))).toEqual([422, 'signing-key-unusable']);
  });

  it('is not given to two certificates at once', async () => {
    const { trust } = await newProject();
    expect(told(await trust('x', (await vector('root.crt.pem')) + (await vector('between.crt.pem'))))).toEqual([422, 'signing-key-unusable']);
  });

  it('and the signatures are the same when they are made anew from the ledger', async () => {
    await sql.query('select ledger.sequence(100000)');
    const { tables } = await rebuildViews(registry, database.url, { swap: false });
    const ours = tables.filter(({ table }) => table.includes('sign'));
    expect(ours.map(({ table, unfounded, missing }) => [table, unfounded, missing])).toEqual([['model_version_signature', 0, 0], ['signing_trust', 0, 0]]);
    expect((await sql.query('select count(*)::integer as n from registry.model_version_signature')).rows[0].n).toBeGreaterThan(2);
  });
});
