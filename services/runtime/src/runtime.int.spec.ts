import { createHash, randomBytes } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { boot, type Running } from '@vitae/service-kit';
import { as, eventually, specAccess } from '@vitae/testing';
import { runtime } from './app.module.ts';
import { murmur3 } from './routing/murmur3.ts';

const fixtures = new URL('../../../test/fixtures/german-credit/', import.meta.url);
const endpointId = '01990000-0000-7000-8000-0000000000ee';
const variantId = (n: number): string => `01990000-0000-7000-8000-00000000000${n}`;
const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

interface Parity {
  readonly rows: readonly Record<string, number | string>[];
  readonly labels: Readonly<Record<string, readonly number[]>>;
  readonly probabilities: Readonly<Record<string, readonly (readonly number[])[]>>;
}

/** The registry's part that the runtime needs: bytes by digest. It can be away, and it can lie. */
const registry = { files: new Map<string, Uint8Array>(), away: false, asked: 0, shown: [] as (string | undefined)[] };
/** Monitoring's part: all that arrived, in order. */
const monitoring = { events: [] as { headers: IncomingHttpHeaders; body: string }[], refuse: 0 };

let registryServer: Server, monitoringServer: Server, registryUrl: string, service: Running, directory: string, env: NodeJS.ProcessEnv;
let parity: Parity;
const digests: Record<number, string> = {};

beforeAll(async () => {
  registryServer = createServer((req, res) => {
    registry.asked += 1;
    registry.shown.push(req.headers.authorization);
    const bytes = registry.files.get(decodeURIComponent(req.url ?? '').split('/').at(-1) ?? '');
    if (registry.away) res.writeHead(503).end();
    else if (bytes) res.end(bytes);
    else res.writeHead(404).end();
  });
  monitoringServer = createServer((req, res) => {
    const parts: Buffer[] = [];
    req.on('data', (part: Buffer) => parts.push(part)).on('end', () => {
      if (monitoring.refuse > 0) {
        monitoring.refuse -= 1;
        res.writeHead(503).end();
        return;
      }
      monitoring.events.push({ headers: req.headers, body: Buffer.concat(parts).toString() });
      res.writeHead(202).end();
    });
  });
  registryUrl = await listen(registryServer);
  for (const version of [1, 2, 3]) {
    const bytes = await readFile(new URL(`credit-v${version}.onnx`, fixtures));
    digests[version] = sha256(bytes);
    registry.files.set(digests[version], bytes);
  }
  parity = JSON.parse(await readFile(new URL('parity.json', fixtures), 'utf8')) as Parity;
  directory = await mkdtemp(join(tmpdir(), 'vitae-runtime-'));
  await writeFile(join(directory, 'own-token'), 'the runtime itself\n');
  env = {
    ...specAccess(),
    LOG_LEVEL: 'silent',
    PORT: '0',
    VITAE_DATA_DIR: join(directory, 'data'),
    MONITORING_URL: await listen(monitoringServer),
    REGISTRY_URL: registryUrl,
    VITAE_SERVICE_TOKEN_FILE: join(directory, 'own-token'),
    RUNTIME_MAX_CONCURRENT: '4',
    RUNTIME_MAX_BODY_BYTES: String(1024 * 1024),
  };
  service = await boot(runtime, env);
});
afterAll(async () => {
  await service?.stop();
  registryServer?.close();
  monitoringServer?.close();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(() => {
  Object.assign(registry, { away: false, asked: 0, shown: [] });
  monitoring.refuse = 0;
});

function listen(server: Server): Promise<string> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)));
}

const variant = (version: number, weight: number, over: object = {}) => ({
  variantId: variantId(version),
  modelVersionId: `01990000-0000-7000-8000-0000000000a${version}`,
  version,
  weight,
  artefactUrl: `${registryUrl}/v1/projects/bank/artefacts/${digests[version]}`,
  digest: digests[version],
  ...over,
});
const route = (...variants: object[]) => ({ projectId: 'bank', endpointId, variants });

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}, base = service.url) {
  const response = await fetch(`${base}${path}`, {
    method,
    headers: { authorization: as('service/deployment'), ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: (text === '' ? undefined : JSON.parse(text)) as any }; // eslint-disable-line @typescript-eslint/no-explicit-any -- answers of many forms, each asserted whole
}
const put = (name: string, ...variants: object[]) => call('PUT', `/admin/endpoints/${name}`, route(...variants));
const observe = async (name: string) => (await call('GET', '/admin/endpoints')).body.find((endpoint: { endpointName: string }) => endpoint.endpointName === name)?.variants;
const ready = (name: string, ...versions: number[]) =>
  eventually(async () => {
    const variants = (await observe(name)) as { variantId: string; state: string }[];
    expect(versions.map((version) => variants.find((one) => one.variantId === variantId(version))?.state)).toEqual(versions.map(() => 'ready'));
  });

/** One input for each column, as the models take them. */
function inputsOf(rows: Parity['rows']) {
  return Object.keys(rows[0] ?? {}).map((name) => {
    const data = rows.map((row) => row[name]);
    return { name, shape: [rows.length, 1], datatype: typeof data[0] === 'string' ? 'BYTES' : 'FP32', data };
  });
}
const credit = (rows: Parity['rows'] = parity.rows.slice(0, 2)) => ({ inputs: inputsOf(rows) });
let answered = 0;
async function infer(body: unknown, headers: Record<string, string> = {}, model = 'credit') {
  const answer = await call('POST', `/v2/models/${model}/infer`, body, headers);
  if (answer.status === 200) answered += 1;
  return answer;
}

describe('the runtime', () => {
  it('is ready with nothing to serve, and says what it is', async () => {
    expect((await call('GET', '/readyz')).status).toBe(200);
    expect((await call('GET', '/v2')).body).toEqual({ name: 'vitae-runtime', version: '0.1.0', extensions: [] });
    expect((await call('GET', '/v2/health/live')).body).toEqual({ live: true });
    expect((await call('GET', '/v2/health/ready')).body).toEqual({ ready: true });
    expect((await call('GET', '/v2/models')).body).toEqual({ models: [] });
  });

  it('loads the variants of a route, keeps what is the same, and tells how each is', async () => {
    const first = await put('credit', variant(1, 100));
    expect(first).toMatchObject({ status: 200, body: { endpointName: 'credit', endpointId, projectId: 'bank', variants: [{ variantId: variantId(1), weight: 100 }] } });
    await ready('credit', 1);
    expect(await observe('credit')).toEqual([{ variantId: variantId(1), state: 'ready', weight: 100 }]);
    await put('credit', variant(1, 100));
    await put('credit', variant(1, 100), variant(2, 0));
    await ready('credit', 1, 2);
    expect(registry.asked).toBe(2);
  });

  it('tells of a model as the Open Inference Protocol says', async () => {
    const { body } = await call('GET', '/v2/models/credit');
    expect(body).toMatchObject({ name: 'credit', versions: ['1', '2'], platform: 'onnx_onnxv1' });
    expect(body.inputs.find(({ name }: { name: string }) => name === 'age')).toEqual({ name: 'age', datatype: 'FP32', shape: [-1, 1] });
    expect(body.inputs.find(({ name }: { name: string }) => name === 'sex')).toEqual({ name: 'sex', datatype: 'BYTES', shape: [-1, 1] });
    expect(body.outputs).toEqual([
      { name: 'label', datatype: 'INT64', shape: [-1] },
      { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] },
    ]);
    expect((await call('GET', '/v2/models/credit/ready')).body).toEqual({ name: 'credit', ready: true });
    expect((await call('GET', '/v2/models/credit/versions/2/ready')).body).toEqual({ name: 'credit', ready: true });
    expect((await call('GET', '/v2/models')).body).toEqual({ models: ['credit'] });
  });

  it('answers an inference, in the protocol’s form', async () => {
    const { status, headers, body } = await infer({ id: 'mine', ...credit() }, { 'x-request-id': 'r-1' });
    expect(status).toBe(200);
    expect(headers.get('vitae-variant')).toBe(variantId(1));
    expect(headers.get('x-request-id')).toBe('r-1');
    expect(body).toMatchObject({ model_name: 'credit', model_version: '1', id: 'mine' });
    expect(body.outputs.map(({ data: _data, ...rest }: { data: unknown }) => rest)).toEqual([
      { name: 'label', shape: [2], datatype: 'INT64' },
      { name: 'probabilities', shape: [2, 2], datatype: 'FP32' },
    ]);
    const only = await infer({ ...credit(), outputs: [{ name: 'label' }] });
    expect(only.body.outputs).toHaveLength(1);
    expect(only.body.id).toBe(only.headers.get('x-request-id'));
  });

  it('logs request and response to monitoring, as KServe’s logger writes them, and tries until it has both', async () => {
    monitoring.refuse = 3;
    const sent = credit();
    const { body } = await infer(sent, { 'x-request-id': 'labelled-later' });
    const mine = () => monitoring.events.filter(({ headers }) => headers['ce-metadata'] === '{"X-Request-Id":["labelled-later"]}');
    await eventually(() => expect(mine()).toHaveLength(2));
    const [request, response] = mine();
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-type': 'org.kubeflow.serving.inference.request',
      'ce-inferenceservicename': 'credit',
      'ce-namespace': 'bank',
      'ce-component': 'predictor',
      'ce-annotations': JSON.stringify({ 'vitae.dev/variant-id': variantId(1), 'vitae.dev/model-version-id': variant(1, 0).modelVersionId, 'vitae.dev/endpoint-id': endpointId }),
    });
    expect(request?.body).toBe(JSON.stringify(sent));
    expect(response?.headers).toMatchObject({ 'ce-type': 'org.kubeflow.serving.inference.response', 'ce-id': request?.headers['ce-id'], 'ce-statuscode': '200' });
    expect(JSON.parse(response?.body ?? '')).toEqual(body);
  });

  it('splits the traffic by weight, each request id always to the same variant', async () => {
    await put('credit', variant(1, 70), variant(2, 30));
    const expected = (id: string) => variantId((murmur3(`${endpointId}:${id}`) / 2 ** 32) * 100 < 70 ? 1 : 2);
    const served = new Set<string>();
    for (let i = 0; i < 40; i += 1) {
      const { headers, body } = await infer(credit(), { 'x-request-id': `split-${i}` });
      expect(headers.get('vitae-variant')).toBe(expected(`split-${i}`));
      served.add(body.model_version);
    }
    expect([...served].sort()).toEqual(['1', '2']);
    expect((await infer(credit(), {}, 'credit/versions/2')).headers.get('vitae-variant')).toBe(variantId(2));
  });

  it('answers every request while weights change and variants come and go', async () => {
    let changing = true;
    const answers = new Map<number, number>();
    const clients = [1, 2, 3].map(async () => {
      while (changing) {
        const { status } = await infer(credit(parity.rows));
        answers.set(status, (answers.get(status) ?? 0) + 1);
      }
    });
    for (let round = 0; round < 10; round += 1) {
      await put('credit', variant(1, 100), variant(3, 0));
      await ready('credit', 1, 3);
      await put('credit', variant(1, 50), variant(3, 50));
      await put('credit', variant(1, 0), variant(3, 100));
      await put('credit', variant(1, 100), variant(3, 0));
      await put('credit', variant(1, 100));
    }
    changing = false;
    await Promise.all(clients);
    expect([...answers.keys()]).toEqual([200]);
    expect(await observe('credit')).toEqual([{ variantId: variantId(1), state: 'ready', weight: 100 }]);
  });

  it('gives no traffic to a variant that is not ready', async () => {
    registry.away = true;
    await put('credit', variant(1, 50), variant(2, 50));
    await eventually(async () => expect((await observe('credit'))[1]).toEqual({ variantId: variantId(2), state: 'loading', weight: 50, reason: expect.stringMatching(/answered 503$/) }));
    for (let i = 0; i < 10; i += 1) expect((await infer(credit())).headers.get('vitae-variant')).toBe(variantId(1));
    expect((await call('POST', '/v2/models/credit/versions/2/infer', credit())).status).toBe(503);
    registry.away = false; // it was only away: nobody has to do anything
    await ready('credit', 2);
    await put('credit', variant(1, 100));
  });

  it.each([
    ['bytes with another digest', () => variant(2, 0, { variantId: variantId(7), digest: `sha256:${'0'.repeat(64)}` }), /gave bytes with digest sha256:[0-9a-f]{64}, not sha256:0{64}$/],
    ['bytes that the registry does not have', () => variant(2, 0, { variantId: variantId(8), artefactUrl: `${registryUrl}/gone`, digest: `sha256:${'1'.repeat(64)}` }), /\/gone answered 404$/],
    ['bytes that are no ONNX', () => {
      const bytes = Buffer.from('not a model');
      registry.files.set(sha256(bytes), bytes);
      return variant(2, 0, { variantId: variantId(9), artefactUrl: `${registryUrl}/${sha256(bytes)}`, digest: sha256(bytes) });
    }, /protobuf parsing failed/],
  ])('fails a variant with %s, and says why', async (_fault, broken, reason) => {
    await put('credit', variant(1, 100), broken());
    await eventually(async () => expect((await observe('credit'))[1]).toMatchObject({ state: 'failed', reason: expect.stringMatching(reason), weight: 0 }));
    expect((await infer(credit())).status).toBe(200);
    await put('credit', variant(1, 100));
  });

  describe('bad input', () => {
    const faults: [string, () => Promise<{ status: number; body: unknown }>, number, RegExp][] = [
      ['an unknown model', () => call('POST', '/v2/models/nobody/infer', credit()), 404, /^there is no model nobody; GET \/v2\/models/],
      ['an unknown model’s metadata', () => call('GET', '/v2/models/nobody'), 404, /^there is no model nobody/],
      ['an unknown version', () => call('POST', '/v2/models/credit/versions/9/infer', credit()), 404, /^model credit has no version 9; it has 1$/],
      ['no JSON', () => infer('{"inputs":'), 400, /^the body is not JSON/],
      ['an empty body', () => infer(''), 400, /^the body is not JSON/],
      ['an unknown field', () => infer({ ...credit(), extra: 1 }), 400, /Unrecognized key: "extra"/],
      ['no inputs', () => infer({}), 400, /inputs/],
      ['a lacking input', () => infer({ inputs: credit().inputs.slice(1) }), 400, /^the request lacks the input duration_months$/],
      ['an unknown input', () => infer({ inputs: [...credit().inputs, { name: 'x', shape: [2, 1], datatype: 'FP32', data: [1, 2] }] }), 400, /^the model has no input x;/],
      ['another datatype', () => infer({ inputs: credit().inputs.map((input) => ({ ...input, datatype: 'FP32' })) }), 400, /has datatype FP32; the model takes BYTES$/],
      ['another rank', () => infer({ inputs: credit().inputs.map((input) => ({ ...input, shape: [2] })) }), 400, /has shape \[2\]; the model takes \[-1, 1\]/],
      ['too few values', () => infer({ inputs: credit().inputs.map((input) => ({ ...input, data: input.data.slice(1) })) }), 400, /has 1 values; its shape \[2, 1\] asks for 2$/],
      ['text for a number', () => infer({ inputs: credit().inputs.map((input) => (input.name === 'age' ? { ...input, data: ['old', 'young'] } : input)) }), 400, /^input age: element 0 is "old"/],
      ['inputs of different lengths', () => infer({ inputs: credit().inputs.map((input) => (input.name === 'age' ? { ...input, shape: [1, 1], data: [30] } : input)) }), 400, /^input .* has 1 rows and input .* has 2; send the same number in all$|^input .* has 2 rows and input .* has 1; send the same number in all$/],
      ['an unknown output', () => infer({ ...credit(), outputs: [{ name: 'score' }] }), 400, /^the model has no output score/],
      ['a body that is too large', () => infer(JSON.stringify({ ...credit(), id: 'x'.repeat(2 * 1024 * 1024) })), 413, /^the body has more than 1048576 bytes; send fewer rows/],
      ['another content type', () => infer(credit(), { 'content-type': 'text/csv' }), 415, /^the body is text\/csv; send application\/json$/],
      ['a compressed body', () => infer(credit(), { 'content-encoding': 'gzip' }), 415, /^the body is gzip-encoded/],
      ['binary tensor data', () => infer(credit(), { 'inference-header-content-length': '10' }), 415, /^the binary tensor data extension/],
      ['a request id with spaces', () => infer(credit(), { 'x-request-id': 'a b' }), 400, /^X-Request-Id cannot be read/],
    ];
    it.each(faults)('%s', async (_fault, request, status, error) => {
      const answer = await request();
      expect(answer).toMatchObject({ status, body: { error: expect.stringMatching(error) } });
    });

    const routes: [string, () => Promise<{ status: number; body: unknown }>, number, string][] = [
      ['an unknown field', () => put('credit', { ...variant(1, 100), mirror: 1 }), 400, 'invalid-request'],
      ['weights that do not add up', () => put('credit', variant(1, 60), variant(2, 60)), 400, 'invalid-request'],
      ['a variant named twice', () => put('credit', variant(1, 50), variant(1, 50)), 400, 'invalid-request'],
      ['a name that is none', () => put('Credit%20Scoring', variant(1, 100)), 400, 'invalid-request'],
      ['no JSON', () => call('PUT', '/admin/endpoints/credit', '{'), 400, 'malformed-json'],
      ['another content type', () => call('PUT', '/admin/endpoints/credit', 'x', { 'content-type': 'text/plain' }), 415, 'unsupported-media-type'],
      ['a body that is too large', () => call('PUT', '/admin/endpoints/credit', JSON.stringify({ x: 'x'.repeat(300_000) })), 413, 'body-too-large'],
      ['an endpoint to remove that is not there', () => call('DELETE', '/admin/endpoints/nobody'), 404, 'endpoint-not-found'],
    ];
    it.each(routes)('of a route: %s', async (_fault, request, status, slug) => {
      const before = await readFile(join(directory, 'data/runtime/routes.json'), 'utf8');
      expect(await request()).toMatchObject({ status, body: { type: `https://vitae.dev/problems/${slug}`, status, detail: expect.stringMatching(/\S/) } });
      expect(await readFile(join(directory, 'data/runtime/routes.json'), 'utf8')).toBe(before);
    });
  });

  it('answers 429 when more inferences are at work than it takes on', async () => {
    await put('credit', variant(3, 100));
    await ready('credit', 3);
    const many = credit(Array.from({ length: 1_500 }, (_, i) => parity.rows[i % parity.rows.length] as Parity['rows'][number]));
    const busy = await eventually(async () => {
      const answers = await Promise.all(Array.from({ length: 16 }, () => infer(many)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]));
      return answers.find(({ status }) => status === 429);
    });
    expect(busy?.headers.get('retry-after')).toBe('1');
    expect(busy?.body).toEqual({ error: '4 inferences are at work, the most that this runtime takes on; send the request again' });
    expect((await infer(credit())).status).toBe(200);
  });

  it.each([1, 2, 3])('computes for version %d what it was seen to compute when it was made', async (version) => {
    await put('parity', variant(version, 100));
    await ready('parity', version);
    const { body } = await infer(credit(parity.rows), {}, 'parity');
    expect(body.outputs[0].data).toEqual(parity.labels[`credit-v${version}`]);
    const probabilities = body.outputs[1].data as number[];
    const expected = parity.probabilities[`credit-v${version}`]?.flat() ?? [];
    expect(probabilities).toHaveLength(expected.length);
    expect(probabilities.every((value, i) => Math.abs(value - (expected[i] ?? Number.NaN)) < 1e-4)).toBe(true);
  });

  it('has logged each inference that it answered, and no other request', async () => {
    await eventually(() => expect(monitoring.events).toHaveLength(2 * answered));
    expect(new Set(monitoring.events.map(({ headers }) => `${headers['ce-id']} ${headers['ce-type']}`)).size).toBe(2 * answered);
    expect(new Set(monitoring.events.map(({ headers }) => headers.authorization))).toEqual(new Set(['Bearer the runtime itself']));
  });

  it('serves the same after a kill -9, without the registry', async () => {
    await put('credit', variant(1, 90), variant(2, 10));
    await ready('credit', 1, 2);
    const before = await call('GET', '/admin/endpoints');
    // What a process that is killed now leaves behind is what is on disk now.
    await cp(join(directory, 'data'), join(directory, 'killed'), { recursive: true });
    registry.away = true;
    registry.asked = 0;
    const again = await boot(runtime, { ...env, VITAE_DATA_DIR: join(directory, 'killed') });
    try {
      await eventually(async () => expect((await call('GET', '/readyz', undefined, {}, again.url)).status).toBe(200));
      expect((await call('GET', '/admin/endpoints', undefined, {}, again.url)).body).toEqual(before.body);
      const sameArm = await infer(credit(), { 'x-request-id': 'r-7' });
      const answer = await call('POST', '/v2/models/credit/infer', credit(), { 'x-request-id': 'r-7' }, again.url);
      expect(answer.headers.get('vitae-variant')).toBe(sameArm.headers.get('vitae-variant'));
      expect(registry.asked).toBe(0);
    } finally {
      await again.stop();
    }
  });

  describe('who may do what', () => {
    type Rights = Parameters<typeof as>[1];
    const by = (rights: Rights) => ({ authorization: as('human/vera', rights) });
    const asker: Rights = { roles: ['business-owner'], projects: ['alpha'] };
    const inAlpha = async () => {
      await call('PUT', '/admin/endpoints/alphas', { ...route(variant(1, 100)), projectId: 'alpha' });
      await ready('alphas', 1);
    };

    it('anybody may ask whether it is healthy', async () => {
      for (const path of ['/v2', '/v2/health/live', '/v2/health/ready']) expect((await call('GET', path, undefined, { authorization: '' })).status).toBe(200);
    });

    it.each([['', /^The request brings no credential/], ['Bearer guessed', /^The credential was refused/]])('nobody asks a model with %j, in the protocol’s form', async (authorization, error) => {
      const requests = [call('GET', '/v2/models', undefined, { authorization }), call('GET', '/v2/models/credit', undefined, { authorization }), infer(credit(), { authorization })];
      for (const answer of await Promise.all(requests)) {
        expect(answer).toMatchObject({ status: 401, body: { error: expect.stringMatching(error) } });
        expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm="vitae"/);
      }
    });

    it('who has a role in a project asks its models; those of others are not there', async () => {
      await inAlpha();
      expect((await call('GET', '/v2/models', undefined, by(asker))).body).toEqual({ models: ['alphas'] });
      expect((await infer(credit(), by(asker), 'alphas')).status).toBe(200);
      const [others, nobodys] = [await infer(credit(), by(asker)), await infer(credit(), by(asker), 'nobody')];
      expect(others).toMatchObject({ status: 404, body: { error: nobodys.body.error.replace('nobody', 'credit') } });
      expect((await call('GET', '/v2/models/credit', undefined, by(asker))).status).toBe(404);
      expect((await call('GET', '/v2/models/credit/ready', undefined, by(asker))).status).toBe(404);
    });

    it('who may only read does not ask', async () => {
      await inAlpha();
      expect(await infer(credit(), by({ roles: ['viewer'] }), 'alphas')).toMatchObject({ status: 403, body: { error: expect.stringContaining('model.infer') } });
      const elsewhere = { authorization: as('human/vera', { roles: [], claims: { groups: ['viewer@alpha', 'business-owner@beta'] } }) };
      expect(await infer(credit(), elsewhere, 'alphas')).toMatchObject({ status: 403, body: { error: expect.stringContaining('model.infer on project alpha') } });
      expect((await call('GET', '/v2/models', undefined, elsewhere)).body).toEqual({ models: [] });
    });

    it('only a service changes what is served', async () => {
      const before = await call('GET', '/admin/endpoints');
      for (const [headers, status, slug] of [
        [{ authorization: '' }, 401, 'credential-missing'],
        [{ authorization: as('human/pat') }, 403, 'permission-missing'],
        [{ authorization: as('service/deployment', { roles: ['service'], projects: ['alpha'] }) }, 403, 'permission-missing'],
      ] as const) {
        const stranger = await call('PUT', '/admin/endpoints/credit', route(), headers);
        expect(stranger).toMatchObject({ status, body: { type: `https://vitae.dev/problems/${slug}` } });
        expect((await call('GET', '/admin/endpoints', undefined, headers)).status).toBe(status);
        expect((await call('DELETE', '/admin/endpoints/credit', undefined, headers)).status).toBe(status);
      }
      expect((await call('GET', '/admin/endpoints')).body).toEqual(before.body);
    });
  });

  it('answers 429 in the protocol’s form to who asks too often, with Retry-After', async () => {
    const strict = await boot(runtime, { ...env, VITAE_DATA_DIR: join(directory, 'strict'), VITAE_RATE_LIMIT_PER_MINUTE: '2' });
    try {
      const asked = () => call('GET', '/v2/models', undefined, { authorization: as('machine/eager') }, strict.url);
      expect([(await asked()).status, (await asked()).status]).toEqual([200, 200]);
      const { status, headers, body } = await asked();
      expect([status, body]).toEqual([429, { error: expect.stringMatching(/^This caller may send 2 requests a minute, and has\./) }]);
      expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    } finally {
      await strict.stop();
    }
  });

  it('forgets an endpoint that is removed', async () => {
    expect((await call('DELETE', '/admin/endpoints/credit')).status).toBe(204);
    expect((await infer(credit())).status).toBe(404);
    expect(await observe('credit')).toBeUndefined();
  });
});

describe('a model file', () => {
  it('shows the registry of its configuration who it is, and no other address that a model may have', async () => {
    const failed = (name: string) => eventually(async () => expect(await observe(name)).toMatchObject([{ state: 'failed' }]));
    for (const [name, at, shown] of [['ours', registryUrl, 'Bearer the runtime itself'], ['theirs', registryUrl.replace('127.0.0.1', 'localhost'), undefined]] as const) {
      const bytes = randomBytes(32); // no model, but it has to be fetched to be known for none
      registry.files.set(sha256(bytes), bytes);
      registry.shown = [];
      await put(name, variant(1, 100, { variantId: variantId(name === 'ours' ? 8 : 9), artefactUrl: `${at}/v1/projects/bank/artefacts/${sha256(bytes)}`, digest: sha256(bytes) }));
      await failed(name);
      expect([name, registry.shown]).toEqual([name, [shown]]);
    }
  });
});
