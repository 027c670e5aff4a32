import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { boot, type Running } from '@vitae/service-kit';
import { console as frontDoor } from './app.module.ts';

/** A service behind the door that answers what it was asked: a real HTTP server, so that real bytes pass. */
function echo(ready: () => boolean): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url === '/readyz') {
      response.statusCode = ready() ? 200 : 503;
      return response.end(JSON.stringify(ready() ? { status: 'ready' } : { detail: 'it warms up' }));
    }
    void bodyOf(request).then((body) => {
      response.setHeader('ETag', '"7"');
      response.statusCode = 201;
      response.end(JSON.stringify({ method: request.method, url: request.url, actor: request.headers['vitae-actor'], bytes: body.length }));
    });
    return undefined;
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}
async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

let behind: Server;
let door: Running;
let warm = true;

beforeAll(async () => {
  behind = await echo(() => warm);
  const services = Object.fromEntries(['REGISTRY', 'GOVERNANCE', 'MONITORING', 'LEDGER', 'RUNTIME'].map((name) => [`${name}_URL`, urlOf(behind)]));
  // Nothing listens on port 9 (discard): a service that is down.
  door = await boot(frontDoor, { VITAE_MODE: 'local', PORT: '0', LOG_LEVEL: 'silent', ...services, DEPLOYMENT_URL: 'http://127.0.0.1:9' });
});
afterAll(async () => {
  await door.stop();
  await new Promise((resolve) => behind.close(resolve));
});

const ask = async (path: string, init?: RequestInit) => {
  const response = await fetch(`${door.url}${path}`, init);
  return { response, body: (await response.json()) as Record<string, unknown> };
};

describe('the front door', () => {
  it('passes method, path, headers and body on, and the answer back', async () => {
    const content = new Uint8Array(3_000_000); // more than any JSON limit: the door reads no body
    const { response, body } = await ask('/api/registry/v1/projects/p/artefacts?x=1', { method: 'POST', headers: { 'Vitae-Actor': 'human/dana' }, body: content });
    expect(response.status).toBe(201);
    expect(response.headers.get('etag')).toBe('"7"');
    expect(body).toEqual({ method: 'POST', url: '/v1/projects/p/artefacts?x=1', actor: 'human/dana', bytes: content.length });
  });

  it('leads /v2 to the runtime', async () => {
    expect((await ask('/v2/models/credit/ready')).body['url']).toBe('/v2/models/credit/ready');
  });

  it('answers 503 with a problem document for a service that is down', async () => {
    const { response, body } = await ask('/api/deployment/v1/projects/p/endpoints');
    expect(response.status).toBe(503);
    expect(body).toMatchObject({ type: 'https://vitae.dev/problems/service-unavailable', status: 503 });
  });

  it.each(['/api/nobody/v1', '/api/runtime/admin/endpoints'])('answers 404 with a problem document for %s', async (path) => {
    const { response, body } = await ask(path);
    expect(response.status).toBe(404);
    expect(body['type']).toBe('https://vitae.dev/problems/route-unknown');
  });

  it('is ready when all services are, and names those that are not', async () => {
    warm = false;
    const { response, body } = await ask('/readyz');
    warm = true;
    expect(response.status).toBe(503);
    expect(body['detail']).toMatch(/registry: it warms up/);
    expect(body['detail']).toMatch(/deployment does not answer/);
    expect((await ask('/healthz')).body).toMatchObject({ status: 'ok' });
  });
});
