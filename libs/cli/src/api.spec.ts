import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Command } from 'commander';
import { callApiJson, withApi, type ApiOptions } from './api.ts';
import { CannotRun, ProblemFound } from './outcome.ts';

let server: Server;
let url: string;
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
    const answer = await callApiJson<{ id: number }>({ url, as: 'human/dana' }, '/registry/v1/models', { method: 'POST', body: { name: 'scoring' }, reason: 'größere Daten' });
    expect(answer).toEqual({ id: 1 });
    expect(last).toMatchObject({ method: 'POST', url: '/api/registry/v1/models', text: '{"name":"scoring"}' });
    expect(last.headers).toMatchObject({ 'vitae-actor': 'human/dana', 'vitae-reason': 'gr%C3%B6%C3%9Fere%20Daten', 'content-type': 'application/json' });
  });

  it('turns problem details into one line, and the exit code 1', async () => {
    await expect(callApiJson({ url }, 'registry/v1/refused')).rejects.toEqual(new ProblemFound('Not yours: Ask Dana.'));
    await expect(callApiJson({ url }, 'gone')).rejects.toThrow(/^502 Bad Gateway from /);
  });

  it('says what to do when nothing answers, and the exit code 2', async () => {
    await expect(callApiJson({ url: 'http://127.0.0.1:1/api' }, 'registry/v1/models')).rejects.toBeInstanceOf(CannotRun);
    await expect(callApiJson({ url: 'http://127.0.0.1:1/api' }, 'registry/v1/models')).rejects.toThrow('http://127.0.0.1:1/api/registry/v1/models does not answer');
  });

  it('takes the front door and the actor from options', () => {
    const command = withApi(new Command('x')).parse(['--as', 'human/dana'], { from: 'user' });
    expect(command.opts<ApiOptions>()).toEqual({ url: 'http://127.0.0.1:7400/api', as: 'human/dana' });
  });
});
