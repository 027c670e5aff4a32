import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { VitaeUnreachable } from '@vitae/client';
import { Command } from 'commander';
import { callApiJson, withApi, type ApiOptions } from './api.ts';

let server: Server;
let url: string;
const token = 'a-token';
let last: IncomingMessage & { text?: string };

beforeAll(async () => {
  server = createServer((request, response) => {
    last = request;
    last.text = '';
    request.setEncoding('utf8').on('data', (text: string) => (last.text += text));
    request.on('end', () => {
      const refused = request.url === '/api/registry/v1/refused';
      response.writeHead(refused ? 409 : request.url === '/api/gone' ? 502 : 200, { 'content-type': refused ? 'application/problem+json' : 'application/json' });
      response.end(refused ? '{"title":"Not yours","detail":"Ask Dana."}' : '{"id":1}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe('a call of the API', () => {
  it('says who asks, why and what, and reads the answer', async () => {
    const answer = await callApiJson<{ id: number }>({ url, token: 'a-token' }, '/registry/v1/models', { method: 'POST', body: { name: 'scoring' }, reason: 'größere Daten' });
    expect(answer).toEqual({ id: 1 });
    expect(last).toMatchObject({ method: 'POST', url: '/api/registry/v1/models', text: '{"name":"scoring"}' });
    expect(last.headers).toMatchObject({ authorization: 'Bearer a-token', 'vitae-reason': 'gr%C3%B6%C3%9Fere%20Daten', 'content-type': 'application/json' });
  });

  it('turns problem details into an error', async () => {
    await expect(callApiJson({ url, token }, 'registry/v1/refused')).rejects.toMatchObject({ name: 'VitaeProblem', status: 409, message: 'Not yours: Ask Dana.' });
    await expect(callApiJson({ url, token }, 'gone')).rejects.toThrow(/^502 Bad Gateway: from /);
  });

  it('says when nothing answers', async () => {
    await expect(callApiJson({ url: 'http://127.0.0.1:1/api', token }, 'registry/v1/models')).rejects.toBeInstanceOf(VitaeUnreachable);
    await expect(callApiJson({ url: 'http://127.0.0.1:1/api', token }, 'registry/v1/models')).rejects.toThrow('http://127.0.0.1:1/api/registry/v1/models does not answer');
  });

  it('takes the front door from options', () => {
    const command = withApi(new Command('x')).parse(['--url', 'https://vitae.example/api'], { from: 'user' });
    expect(command.opts<ApiOptions>()).toEqual({ url: 'https://vitae.example/api' });
  });
});
