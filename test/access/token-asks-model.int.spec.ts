import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { as, eventually, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';

// An application that only asks a model: its token says so, governance gave it, and the runtime asks governance.

interface Running {
  readonly url: string;
  stop(): Promise<void>;
}
interface Kit {
  boot(definition: unknown, env: NodeJS.ProcessEnv): Promise<Running>;
}
// What is outside knows services by HTTP alone; here they are loaded by their place, to be started.
const load = <T>(path: string): Promise<T> => import(new URL(`../../${path}`, import.meta.url).href) as Promise<T>;
async function start(name: string, env: NodeJS.ProcessEnv): Promise<Running> {
  const [{ boot }, { [name]: definition }] = await Promise.all([load<Kit>('libs/service-kit/src/index.ts'), load<Record<string, unknown>>(`services/${name}/src/app.module.ts`)]);
  return boot(definition, { ...specAccess(), PORT: '0', LOG_LEVEL: 'silent', ...env });
}

const FIXTURES = new URL('../fixtures/german-credit/', import.meta.url);
let database: FreshDatabase, broker: FreshNats, files: Server, governance: Running, runtime: Running, directory: string;
let inputs: object[];

beforeAll(async () => {
  [database, broker, directory] = await Promise.all([freshDatabase(), freshNats(), mkdtemp(join(tmpdir(), 'vitae-asks-'))]);
  const model = await readFile(new URL('credit-v1.onnx', FIXTURES));
  files = createServer((_request, response) => void response.end(model)); // the bytes of the one model there is
  await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
  const registryUrl = `http://127.0.0.1:${(files.address() as AddressInfo).port}`;
  governance = await start('governance', { DATABASE_URL: database.url, NATS_URL: broker.url });
  const ownToken = join(directory, 'runtime.token');
  await writeFile(ownToken, as('service/runtime', { roles: ['service'] }).replace('Bearer ', ''));
  runtime = await start('runtime', { VITAE_DATA_DIR: directory, GOVERNANCE_URL: governance.url, REGISTRY_URL: registryUrl, MONITORING_URL: registryUrl, VITAE_SERVICE_TOKEN_FILE: ownToken });

  const digest = `sha256:${createHash('sha256').update(model).digest('hex')}`;
  for (const [n, projectId] of ['alpha', 'beta'].entries()) {
    const id = (what: number) => `01990000-0000-7000-8000-0000000000${what}${n}`;
    const variants = [{ variantId: id(1), modelVersionId: id(2), version: 1, weight: 100, artefactUrl: `${registryUrl}/v1/projects/${projectId}/artefacts/${digest}`, digest }];
    const made = await call(runtime, 'PUT', `/admin/endpoints/${projectId}-credit`, as('service/deployment', { roles: ['service'] }), { projectId, endpointId: id(3), variants });
    expect(made.status).toBeLessThan(300);
  }
  const { rows } = JSON.parse(await readFile(new URL('parity.json', FIXTURES), 'utf8')) as { rows: Record<string, number | string>[] };
  inputs = Object.entries(rows[0] ?? {}).map(([name, value]) => ({ name, shape: [1, 1], datatype: typeof value === 'string' ? 'BYTES' : 'FP32', data: [value] }));
});
afterAll(async () => {
  await Promise.all([runtime?.stop(), governance?.stop()]);
  files?.close();
  await Promise.all([broker?.drop(), database?.drop(), rm(directory, { recursive: true, force: true })]);
});

async function call({ url }: Running, method: string, path: string, authorization: string, body?: object) {
  const response = await fetch(`${url}${path}`, { method, headers: { authorization, ...(body ? { 'content-type': 'application/json' } : {}) }, ...(body ? { body: JSON.stringify(body) } : {}) });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as any }; // eslint-disable-line @typescript-eslint/no-explicit-any -- answers of many forms
}

describe('an API token with model.infer and nothing else', () => {
  it('asks the models of its project, and does nothing else anywhere, until it is revoked', async () => {
    const owner = as('human/olivia', { roles: ['business-owner'], projects: ['alpha'] });
    const { body: token } = await call(governance, 'POST', '/v1/api-tokens', owner, { name: 'shop', projects: ['alpha'], permissions: ['model.infer'] });
    const shop = `Bearer ${token.token}`;
    const ask = (endpoint: string) => call(runtime, 'POST', `/v2/models/${endpoint}/infer`, shop, { inputs });

    const answer = await eventually(async () => {
      const { status, body } = await ask('alpha-credit');
      expect(status).toBe(200);
      return body;
    });
    expect(answer).toMatchObject({ model_name: 'alpha-credit', outputs: expect.arrayContaining([expect.objectContaining({ name: 'label' })]) });
    expect((await call(runtime, 'GET', '/v2/models', shop)).body).toEqual({ models: ['alpha-credit'] });
    expect((await ask('beta-credit')).status).toBe(404);
    for (const [at, method, path] of [
      [runtime, 'GET', '/admin/endpoints'],
      [runtime, 'PUT', '/admin/endpoints/alpha-credit'],
      [governance, 'GET', '/v1/projects/alpha/use-cases'],
      [governance, 'POST', '/v1/projects/alpha/use-cases'],
      [governance, 'GET', '/v1/api-tokens'],
      [governance, 'POST', '/v1/introspect'],
    ] as const) expect([path, (await call(at, method, path, shop, method === 'GET' ? undefined : {})).status]).toEqual([path, 403]);

    expect((await call(governance, 'DELETE', `/v1/api-tokens/${token.id}`, owner)).status).toBe(200);
    await eventually(async () => expect(await ask('alpha-credit')).toMatchObject({ status: 401, body: { error: expect.stringContaining('refused') } }), { timeout: 30_000 });
  }, 60_000);
});
