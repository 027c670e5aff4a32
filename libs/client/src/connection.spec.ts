import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { vitae } from './client.ts';
import { connect } from './connection.ts';
import { digestOf } from './digest.ts';
import { VitaeProblem } from './problem.ts';
import { USUAL_RETRIES } from './retry.ts';

// Who asks, over a real line: which token each request carries, and what happens when it is refused.

const problem = (status: number, title: string, headers: Record<string, string> = {}) => (response: ServerResponse) =>
  void response.writeHead(status, { 'content-type': 'application/problem+json', ...headers }).end(JSON.stringify({ type: 'https://vitae.dev/problems/x', title, status, detail: 'Do.', permission: 'model.register' }));

let server: Server;
let url: string;
let directory: string;
/** What the server takes; everything else gets a 401. */
let accepted: string;
let seen: { readonly method: string; readonly path: string; readonly token: string | undefined }[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vitae-client-'));
  server = createServer((request, response) => {
    const token = request.headers.authorization?.replace('Bearer ', '');
    seen.push({ method: request.method ?? '', path: request.url ?? '', token });
    if (token === accepted) answer(request, response);
    else problem(401, 'Who?', { 'www-authenticate': 'Bearer error="invalid_token"' })(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true });
});
beforeEach(() => {
  [seen, accepted] = [[], 'new'];
  answer = (_, response) => void response.setHeader('content-type', 'application/json').end('{}');
});

const retry = { ...USUAL_RETRIES, first: 1 };
const get = (token?: Parameters<typeof connect>[0]['token'], init: RequestInit = {}): Promise<Response> => connect({ url, token, retry }).send(new Request(`${url}/x`, init));
const tokens = (): (string | undefined)[] => seen.map(({ token }) => token);

describe('a request', () => {
  it('carries the token that the provider has at that moment', async () => {
    let n = 0;
    const connection = connect({ url, token: async () => (accepted = `token-${(n += 1)}`) });
    await connection.send(new Request(`${url}/x`));
    await connection.send(new Request(`${url}/x`));
    expect(tokens()).toEqual(['token-1', 'token-2']);
  });

  it('is sent once more with another token after a 401, body and all, and the provider knows which was refused', async () => {
    const asked: unknown[] = [];
    let body = '';
    answer = (request, response) => void request.on('data', (chunk: Buffer) => (body += chunk.toString())).on('end', () => response.end());
    await get(async (refused) => (asked.push(refused), refused === undefined ? 'old' : 'new'), { method: 'POST', body: 'what to do' });
    expect([asked, tokens(), body]).toEqual([[undefined, 'old'], ['old', 'new'], 'what to do']);
  });

  it('is not sent again with the token that was refused, and only once with others', async () => {
    await expect(get('old')).rejects.toMatchObject({ status: 401, challenge: 'Bearer error="invalid_token"' });
    await expect(get(async () => 'old')).rejects.toBeInstanceOf(VitaeProblem);
    let n = 0;
    await expect(get(async () => `wrong-${(n += 1)}`)).rejects.toBeInstanceOf(VitaeProblem);
    expect(tokens()).toEqual(['old', 'old', 'wrong-1', 'wrong-2']);
  });

  it('does not renew what a login has to renew', async () => {
    accepted = 'old';
    answer = (_, response) => problem(401, 'Log in again', { 'www-authenticate': 'Bearer error="insufficient_user_authentication", max_age=900' })(response);
    await expect(get(async (refused) => (refused === undefined ? 'old' : 'new'))).rejects.toMatchObject({ title: 'Log in again', challenge: expect.stringContaining('max_age=900') });
    expect(tokens()).toEqual(['old']);
  });

  it('fails with what the provider says, and with what a refusal says beyond the usual', async () => {
    await expect(get(async () => Promise.reject(new Error('log in first')))).rejects.toThrow('log in first');
    expect(seen).toEqual([]);
    answer = (_, response) => problem(403, 'Not allowed')(response);
    await expect(get('new')).rejects.toMatchObject({ status: 403, more: { permission: 'model.register' } });
  });

  it('needs no token where nobody asks for one', async () => {
    accepted = undefined as unknown as string;
    await get();
    expect(tokens()).toEqual([undefined]);
  });
});

describe('an upload', () => {
  it('goes on with a new token where the old one ended', async () => {
    const bytes = randomBytes(1_000);
    await writeFile(join(directory, 'a.bin'), bytes);
    const digest = await digestOf(join(directory, 'a.bin'));
    let got = Buffer.alloc(0);
    // A small tus server, whose token is exchanged when the upload was made: the first bytes meet a 401.
    answer = (request, response) => {
      const tus = { 'tus-resumable': '1.0.0', 'upload-offset': String(got.length), 'upload-length': String(bytes.length), 'vitae-digest': digest };
      const path = request.url ?? '';
      if (path.includes('/artefacts/')) response.writeHead(404).end();
      else if (request.method === 'POST') {
        accepted = 'newer';
        response.writeHead(201, { ...tus, location: `${path}/1` }).end();
      } else if (request.method === 'HEAD') response.writeHead(200, tus).end();
      else {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
          got = Buffer.concat([got, ...chunks]);
          response.writeHead(204, { ...tus, 'upload-offset': String(got.length) }).end();
        });
      }
    };
    const client = vitae({ url, project: 'credit', retry, token: async (refused) => (refused === 'new' || accepted === 'newer' && seen.at(-1)?.token === 'newer' ? 'newer' : 'new') });
    expect(await client.artefacts.upload(join(directory, 'a.bin'))).toMatchObject({ digest, how: 'sent' });
    expect(got.equals(bytes)).toBe(true);
    expect(seen.map(({ method, token }) => [method, token])).toEqual([['HEAD', 'new'], ['POST', 'new'], ['PATCH', 'new'], ['HEAD', 'newer'], ['PATCH', 'newer']]);
  });
});
