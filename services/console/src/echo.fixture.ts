import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Echoed {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: number;
}

/** A service behind the door that answers what it was asked: a real HTTP server, so that real bytes pass. */
export async function startEcho(): Promise<{ readonly url: string; readonly seen: string[]; warm: boolean; close(): Promise<void> }> {
  const seen: string[] = [];
  const server: Server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    if (request.url === '/readyz') {
      response.statusCode = echo.warm ? 200 : 503;
      return void response.end(JSON.stringify(echo.warm ? { status: 'ready' } : { detail: 'it warms up' }));
    }
    if (request.url === '/v1/busy') return void response.writeHead(429, { 'Content-Type': 'application/problem+json', 'Retry-After': '7' }).end('{"type":"https://vitae.dev/problems/too-many-requests"}');
    return void bodyOf(request).then((body) => {
      response.setHeader('ETag', '"7"');
      // What no service may do to a browser from behind the door.
      response.setHeader('Set-Cookie', 'vitae-session=planted; Path=/');
      response.setHeader('Access-Control-Allow-Origin', '*');
      response.setHeader('Access-Control-Allow-Credentials', 'true');
      response.statusCode = 201;
      response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, bytes: body.length }));
    }, () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const echo = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    warm: true,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return echo;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
