import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { boot, type Running } from '@vitae/service-kit';
import { console as frontDoor } from './app.module.ts';
import { send, type Answer, type Asked } from './browser.fixture.ts';
import { startEcho, type Echoed } from './echo.fixture.ts';
import { SessionSeal } from './session/session-seal.store.ts';
import type { ConsoleConfig } from './config.ts';

let directory: string;
let behind: Awaited<ReturnType<typeof startEcho>>;
let door: Running;
/** Behind a proxy that speaks TLS, in a cluster, with a page of elsewhere that may ask. */
let clustered: Running;
let settings: NodeJS.ProcessEnv;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vitae-edge-'));
  behind = await startEcho();
  const services = Object.fromEntries(['REGISTRY', 'GOVERNANCE', 'MONITORING', 'LEDGER', 'RUNTIME'].map((name) => [`${name}_URL`, behind.url]));
  // Nothing listens on port 9 (discard): a service that is down.
  settings = { PORT: '0', LOG_LEVEL: 'silent', VITAE_DATA_DIR: directory, OIDC_ISSUER: 'https://issuer.example', OIDC_AUDIENCE: 'vitae', VITAE_GRANTS_FILE: join(directory, 'grants.json'), ...services, DEPLOYMENT_URL: 'http://127.0.0.1:9' };
  const files = { VITAE_SESSION_KEY_FILE: join(directory, 'session.key'), VITAE_CLIENT_SECRET_FILE: join(directory, 'client.secret') };
  await writeFile(files.VITAE_SESSION_KEY_FILE, `${randomBytes(32).toString('base64url')}\n`);
  await writeFile(files.VITAE_CLIENT_SECRET_FILE, 'secret\n');
  settings = { ...settings, ...files };
  door = await boot(frontDoor, { ...settings, VITAE_MODE: 'local', VITAE_MAX_BODY_BYTES: '2000' });
  clustered = await boot(frontDoor, { ...settings, VITAE_MODE: 'cluster', VITAE_PUBLIC_URL: 'https://vitae.example', VITAE_TRUSTED_PROXIES: '1', VITAE_CORS_ORIGINS: 'https://notebooks.example, https://other.example' });
});
afterAll(async () => {
  await Promise.all([door.stop(), clustered.stop()]);
  await behind.close();
  await rm(directory, { recursive: true });
});

const ask = (path: string, asked?: Asked): Promise<Answer> => send(door.url, path, asked);
const echoed = (answer: Answer): Echoed => answer.json<Echoed>();
const problem = (answer: Answer): string => `${answer.status} ${answer.json<{ type: string }>().type.split('/').at(-1)}`;

describe('the front door', () => {
  it('passes method, path, headers and body on, and the answer back', async () => {
    const content = new Uint8Array(3_000_000); // more than any JSON limit: the door reads no body
    const answer = await ask('/api/registry/v1/projects/p/artefacts?x=1', { method: 'POST', headers: { authorization: 'Bearer own', 'vitae-reason': 'because' }, body: content });
    expect([answer.status, answer.headers.etag]).toEqual([201, '"7"']);
    expect(echoed(answer)).toMatchObject({ method: 'POST', url: '/v1/projects/p/artefacts?x=1', bytes: content.length, headers: { authorization: 'Bearer own', 'vitae-reason': 'because', 'x-forwarded-prefix': '/api/registry' } });
  });

  it('leads /v2 to the runtime, which has no prefix there', async () => {
    expect(echoed(await ask('/v2/models/credit/ready'))).toMatchObject({ url: '/v2/models/credit/ready', headers: { 'x-forwarded-prefix': '' } });
  });

  it('passes on that there were too many requests, and when to come again', async () => {
    const answer = await ask('/api/registry/v1/busy');
    expect([problem(answer), answer.headers['retry-after']]).toEqual(['429 too-many-requests', '7']);
  });

  it('answers 503 with a problem document for a service that is down', async () => {
    const answer = await ask('/api/deployment/v1/projects/p/endpoints');
    expect([problem(answer), answer.headers['retry-after']]).toEqual(['503 service-unavailable', '1']);
  });

  it.each(['/api/nobody/v1', '/api/runtime/admin/endpoints', '/api/runtime/%61dmin/endpoints', '/api/registry/metrics', '/api/ledger/READYZ', '/api/governance/healthz/', '/API/runtime/admin'])('answers 404 with a problem document for %s', async (path) => {
    expect(problem(await ask(path))).toBe('404 route-unknown');
  });

  it('is ready when all services are, and names those that are not', async () => {
    behind.warm = false;
    const answer = await ask('/readyz');
    behind.warm = true;
    expect(answer.status).toBe(503);
    expect(answer.json()['detail']).toMatch(/registry: it warms up/);
    expect(answer.json()['detail']).toMatch(/deployment does not answer/);
    expect((await ask('/healthz')).json()).toMatchObject({ status: 'ok' });
  });

  it('has a page for people, without scripts, that says who one is and where the documents are', async () => {
    const { status, headers, text } = await ask('/');
    expect([status, headers['content-type'], headers['cache-control'], headers['referrer-policy']]).toEqual([200, 'text/html; charset=utf-8', 'no-store', 'same-origin']);
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/]{43}='; form-action 'self' https:\/\/issuer\.example; frame-ancestors 'none'; base-uri 'none'$/);
    expect(text).toContain(`You are not logged in`);
    expect(text).toContain(`href="${door.url}/auth/login"`);
    expect(text.match(/href="\/api\/\w+\/openapi\.json"/g)).toHaveLength(6);
    expect(text).not.toMatch(/<script|src=|onclick|https?:\/\/(?!127\.0\.0\.1)/);
  });
});

describe('a path with two readings', () => {
  it.each([
    '/api/registry/../runtime/admin', '/api/registry/%2e%2e/runtime/admin', '/api/runtime/./admin', '/api/runtime//admin', '/api/runtime/..%5cadmin', '/api/runtime\\admin', '/api/runtime/%00admin',
    '/api/runtime/x%2f..%2fadmin', '/api/registry/metrics#x', '/api/registry/%c0%ae%c0%ae/metrics', '/v2/../admin', '/v2/%2e%2e/admin',
  ])('reaches no service: %s', async (path) => {
    behind.seen.length = 0;
    const { status } = await ask(path);
    expect([behind.seen, status === 400 || status === 404]).toEqual([[], true]);
  });

  it('and one that names another host reaches none either', async () => {
    behind.seen.length = 0;
    expect([(await ask('http://evil.example/api/runtime/admin')).status, (await ask('//127.0.0.1/api/runtime/admin')).status, behind.seen]).toEqual([400, 404, []]);
  });
});

describe('what a client says of itself', () => {
  const spoofed = { 'x-forwarded-for': '127.0.0.1, 10.0.0.1', 'x-real-ip': '127.0.0.1', forwarded: 'for=127.0.0.1', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'gopher', 'x-forwarded-prefix': '/evil', 'x-forwarded-user': 'root', 'x-original-url': '/admin' };
  const said = (answer: Answer): Record<string, string> => Object.fromEntries(Object.entries(echoed(answer).headers).filter(([name]) => /forwarded|x-real|x-original/.test(name)));

  it('is not believed', async () => {
    const { host } = new URL(door.url);
    expect(said(await ask('/api/registry/v1/x', { headers: { ...spoofed, cookie: 'other=1' } }))).toEqual({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http', 'x-forwarded-host': host, 'x-forwarded-prefix': '/api/registry' });
    expect(said(await ask('/api/registry/v1/x', { headers: { 'x-forwarded-for': '203.0.113.9' } }))['x-forwarded-for']).toBe('127.0.0.1');
    expect(echoed(await ask('/api/registry/v1/x', { headers: { cookie: 'other=1' } })).headers['cookie']).toBeUndefined();
  });

  it('is believed of the proxy before us alone, where there is one', async () => {
    const answer = await send(clustered.url, '/api/registry/v1/x', { headers: { ...spoofed, host: 'evil.example', 'x-forwarded-for': '127.0.0.1, 203.0.113.9' } });
    expect(said(answer)).toEqual({ 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'vitae.example', 'x-forwarded-prefix': '/api/registry' });
  });
});

describe('pages of other origins', () => {
  const from = (origin: string, more: Record<string, string> = {}) => ({ headers: { origin, ...more } });
  const preflight = (origin: string): Asked => ({ method: 'OPTIONS', ...from(origin, { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' }) });
  const allowances = ({ headers }: Answer): readonly string[] => Object.keys(headers).filter((name) => name.startsWith('access-control-'));

  it('are told nothing by default, whatever a service says', async () => {
    behind.seen.length = 0;
    const asked = await ask('/api/registry/v1/x', preflight('https://notebooks.example'));
    expect([problem(asked), allowances(asked), behind.seen]).toEqual(['403 origin-not-allowed', [], []]);
    expect(allowances(await ask('/api/registry/v1/x', from('https://notebooks.example')))).toEqual([]);
  });

  it('may read where they are named, without our cookie; the door answers the preflight', async () => {
    behind.seen.length = 0;
    const asked = await send(clustered.url, '/api/registry/v1/x', preflight('https://other.example'));
    expect([asked.status, asked.headers['access-control-allow-origin'], behind.seen]).toEqual([204, 'https://other.example', []]);
    const read = await send(clustered.url, '/api/registry/v1/x', from('https://notebooks.example', { authorization: 'Bearer t' }));
    expect([read.status, read.headers['access-control-allow-origin'], read.headers['access-control-allow-credentials'], read.headers.vary]).toEqual([201, 'https://notebooks.example', undefined, 'Origin']);
  });

  it('that are not named may not, and nobody may at /auth', async () => {
    expect(problem(await send(clustered.url, '/api/registry/v1/x', preflight('https://evil.example')))).toBe('403 origin-not-allowed');
    for (const path of ['/auth/session', '/auth/login', '/']) expect([path, allowances(await send(clustered.url, path, from('https://notebooks.example')))]).toEqual([path, []]);
  });
});

describe('over https', () => {
  it('sets cookies that belong to this host alone, and believes no others', async () => {
    const seal = new SessionSeal({ ...settings, VITAE_MODE: 'cluster' } as unknown as ConsoleConfig);
    await seal.onModuleInit();
    const now = Math.floor(Date.now() / 1_000);
    const sealed = await seal.seal('vitae-session', { id: 'i', subject: 'dana', accessToken: 'a', accessUntil: now + 7_200, secret: 's', since: now - 600, seen: now - 600, generation: 0 });
    const own = await send(clustered.url, '/api/registry/v1/x', { headers: { cookie: `__Host-vitae-session=1~${sealed}` } });
    expect(echoed(own).headers['authorization']).toBe('Bearer a');
    expect(own.headers['set-cookie']).toEqual([expect.stringMatching(/^__Host-vitae-session=1~[\w.-]+; Path=\/; HttpOnly; SameSite=Lax; Secure$/)]);
    const planted = await send(clustered.url, '/api/registry/v1/x', { headers: { cookie: `vitae-session=1~${sealed}` } });
    expect(echoed(planted).headers['authorization']).toBeUndefined();
  });

  it('tells browsers to stay with https', async () => {
    for (const path of ['/', '/auth/session', '/api/nobody']) expect((await send(clustered.url, path)).headers['strict-transport-security']).toBe('max-age=31536000; includeSubDomains');
    expect((await ask('/')).headers['strict-transport-security']).toBeUndefined();
  });
});

describe('whatever the door answers itself', () => {
  it.each(['/', '/auth/session', '/auth/callback', '/auth/login?returnTo=//x', '/api/nobody', '/healthz', '/nothing'])('has security headers: %s', async (path) => {
    const { headers } = await ask(path);
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'content-security-policy': expect.stringMatching(/default-src 'none'.*frame-ancestors 'none'/), 'x-frame-options': 'SAMEORIGIN', 'referrer-policy': expect.stringMatching(/^(no-referrer|same-origin)$/) });
    expect(headers['x-powered-by']).toBeUndefined();
    if (path === '/' || path.startsWith('/auth')) expect(headers['cache-control']).toBe('no-store');
  });

  it('is not TRACE', async () => {
    const answer = await ask('/api/registry/v1/x', { method: 'TRACE' });
    expect(problem(answer)).toBe('405 method-not-allowed');
    expect(answer.headers['allow']).toBe('GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'); // RFC 9110 section 15.5.6 wants it
  });
});

describe('what is too much', () => {
  it('is a body over the limit, before a byte of it went on; the registry weighs its artefacts itself', async () => {
    behind.seen.length = 0;
    expect(problem(await ask('/api/governance/v1/x', { method: 'POST', body: 'x'.repeat(2_001) }))).toBe('413 body-too-large');
    expect(behind.seen).toEqual([]);
    expect(echoed(await ask('/api/governance/v1/x', { method: 'POST', body: 'x'.repeat(2_000) })).bytes).toBe(2_000);
    expect(echoed(await ask('/api/registry/v1/x', { method: 'POST', body: 'x'.repeat(5_000) })).bytes).toBe(5_000);
  });

  it('is more than 16 KiB of headers', async () => expect((await ask('/api/registry/v1/x', { headers: { 'x-large': 'x'.repeat(20_000) } })).status).toBe(431));

  it('is waiting for a body that does not arrive', async () => {
    const impatient = await boot(frontDoor, { ...settings, VITAE_MODE: 'local', VITAE_BODY_STALL_SECONDS: '1' });
    const { hostname, port } = new URL(impatient.url);
    const socket = connect(Number(port), hostname);
    socket.write(`POST /api/registry/v1/x HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: 1000\r\n\r\nbegun`);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => void chunks.push(chunk));
    await once(socket, 'close');
    await impatient.stop();
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 408 [\s\S]*body-stalled/);
  });

  it('is a request that says its length twice', async () => {
    const { hostname, port } = new URL(door.url);
    const socket = connect(Number(port), hostname);
    behind.seen.length = 0;
    socket.write(`POST /api/registry/v1/x HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/runtime/admin HTTP/1.1\r\nHost: x\r\n\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect([answer.toString().split('\r\n', 1)[0], behind.seen]).toEqual(['HTTP/1.1 400 Bad Request', []]);
  });
});

describe('in a cluster', () => {
  it('does not start without its address, its secret and its key, and names them', async () => {
    const start = boot(frontDoor, { PORT: '0', LOG_LEVEL: 'silent', OIDC_ISSUER: 'https://issuer.example', OIDC_AUDIENCE: 'vitae', VITAE_GRANTS_FILE: 'grants.json', VITAE_MODE: 'cluster' });
    await expect(start).rejects.toThrow(/VITAE_PUBLIC_URL is missing[\s\S]*VITAE_SESSION_KEY_FILE is missing[\s\S]*VITAE_CLIENT_SECRET_FILE is missing/);
  });

  it.each(['*', 'https://a.example/path', 'https://a.example,', 'ftp://a.example'])('does not start with pages of %j', async (origins) => {
    await expect(boot(frontDoor, { ...settings, VITAE_MODE: 'local', VITAE_CORS_ORIGINS: origins })).rejects.toThrow(/VITAE_CORS_ORIGINS is .*; expected exact origins/);
  });
});
