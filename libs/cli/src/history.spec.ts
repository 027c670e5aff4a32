import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { diff, events, follow, life, serving, state } from './history.ts';
import { rebuild } from './rebuild.ts';

// What is asked and what is made of the answers; that the ledger answers so is its own spec's matter.

let server: Server;
let seen: { path: string; lastEventId: string | undefined }[];
let answers: ((response: ServerResponse) => void)[];
let url: string;
const token = 'a-token';

beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push({ path: request.url ?? '', lastEventId: request.headers['last-event-id'] as string | undefined });
    answers.shift()?.(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
});
afterAll(() => void server.close());
beforeEach(() => {
  seen = [];
  answers = [];
});

const json = (body: object) => (response: ServerResponse) => void response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
const item = (index: number) => ({ envelope: { index: String(index), type: 'vitae.registry.v1.ModelRegistered', stream: 'registry.Model-1', recordedAt: '2026-01-01T00:00:00.000000Z', actor: { id: 'dana' }, reason: 'a spec' }, payload: {} });
const deed = { index: 7, type: 'vitae.governance.v1.UseCaseApproved', recordedAt: '2026-01-01T00:00:00.000000Z', actor: { id: 'erin' }, reason: 'worth it' };

describe('vitae history', () => {
  it('lists events with the filters that were named, and says that there is more', async () => {
    answers = [json({ items: [item(3)], next: 4 })];
    const { lines } = await events({ url, token, project: 'credit', subject: 'model:a', since: '2026-01-01T00:00:00+01:00', limit: '1' });
    expect(seen.map(({ path }) => path)).toEqual(['/api/ledger/v1/projects/credit/events?subject=model%3Aa&since=2026-01-01T00%3A00%3A00%2B01%3A00&limit=1']);
    expect(lines).toEqual(['       3  2026-01-01T00:00:00.000000Z  registry ModelRegistered by dana: a spec', 'There is more: --from 4']);
  });

  it('asks for the whole installation when no project is named, and for the latest first', async () => {
    answers = [json({ items: [], next: 2 })];
    expect((await events({ url, token, latest: true, limit: '5' })).lines).toEqual(['There is more: --to 2']);
    expect(seen[0]?.path).toBe('/api/ledger/v1/events?limit=5&order=desc');
  });

  it('follows, and comes again after the last event that it saw', async () => {
    const printed: string[] = [];
    const frames = (...indices: number[]) => (response: ServerResponse) => void response.setHeader('content-type', 'text/event-stream').end(indices.map((index) => `id: ${index}\nevent: x\ndata: ${JSON.stringify(item(index))}\n\n`).join(''));
    const refuse = (response: ServerResponse) => void response.writeHead(400, { 'content-type': 'application/problem+json' }).end('{"title":"enough"}');
    answers = [frames(1, 2), frames(3), refuse];
    await expect(follow({ url, token, limit: '' }, (line) => void printed.push(line))).rejects.toThrow('enough');
    expect(printed.map((line) => Number(line.trim().split(' ')[0]))).toEqual([1, 2, 3]);
    expect(seen.map(({ lastEventId }) => lastEventId)).toEqual([undefined, '2', '3']);
  });

  it('shows state, life and serving as of a point', async () => {
    answers = [json({ asOf: { index: 9 }, revision: 2, state: { a: 1 }, last: deed }), json({ asOf: { index: 9 }, state: { name: 'credit' }, stages: [{ stage: 'plan', count: 1, events: [deed] }] }), json({ endpoint: 'credit', environment: 'prod', weights: [{ version: 2, weight: 100 }], since: { index: 7, recordedAt: 't', actor: 'erin' }, asOf: { index: 9 } })];
    const options = { url, token, project: 'credit', asOf: '2026-01-01T00:00:00Z' };
    expect((await state('governance.UseCase-1', options)).lines[0]).toBe('governance.UseCase-1 at revision 2, as of index 9');
    expect((await life('m', options)).lines.slice(0, 3)).toEqual(['credit as of index 9', 'plan: 1 event', '  7  2026-01-01T00:00:00.000000Z  governance UseCaseApproved by erin: worth it']);
    expect((await serving('e', options)).lines).toEqual(['credit in prod as of index 9: version 2: 100 %', 'since event 7, t, by erin']);
    expect(seen.map(({ path }) => path.replace(/\?.*/, ''))).toEqual(['streams/governance.UseCase-1/state', 'models/m/life', 'endpoints/e/serving'].map((path) => `/api/ledger/v1/projects/credit/${path}`));
  });
});

describe('vitae diff', () => {
  it('says what changed, from what to what, and by whom', async () => {
    answers = [json({ from: { index: 3 }, to: { index: 9 }, events: 2, changes: [{ path: '/state', old: 'a', by: deed }, { path: '/new', new: 1, by: deed }] })];
    const { lines } = await diff('governance.UseCase-1', { url, token, project: 'credit', from: '3' });
    expect(lines).toEqual([
      'governance.UseCase-1 between index 3 and 9: 2 events, 2 differences',
      '  /state', '    "a" → (absent)', '    7  2026-01-01T00:00:00.000000Z  governance UseCaseApproved by erin: worth it',
      '  /new', '    (absent) → 1', '    7  2026-01-01T00:00:00.000000Z  governance UseCaseApproved by erin: worth it',
    ]);
  });
});

describe('vitae rebuild', () => {
  it.each([
    ['../etc', 'postgres://x', /is not the name/],
    ['deployment', undefined, /--database-url/],
    ['nosuchservice', 'postgres://x', /There is no/],
  ])('cannot run for %s at %s', async (service, databaseUrl, message) => {
    await expect(rebuild(service, databaseUrl === undefined ? {} : { databaseUrl })).rejects.toThrow(message);
  });
});
