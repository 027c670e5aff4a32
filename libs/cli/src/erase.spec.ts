import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { approve, change, personOf, preview, status, type EraseOptions } from './erase.ts';

// What is sent and what is made of the answers; that the ledger answers so is its own spec's matter.

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly bearer: string | undefined;
  readonly reason: string | undefined;
  readonly body: string;
}
const people = [
  { id: 'psn_1', mail: 'Paula@Example.org' },
  { id: 'psn_2', mail: 'paula@example.org.uk' },
  { id: 'psn_3', mail: 'two@example.org' },
  { id: 'psn_4', mail: 'two@example.org' },
];
let server: Server;
let seen: Seen[];
let options: EraseOptions;

const step = { event: 'ErasureRequested', by: 'rita', at: '2026-11-21T09:00:00.000Z', reason: 'has left' };
const erasure = { person: 'paula', state: 'erased', held: false, keyIds: ['a', 'b'], revision: 3, steps: [step, { ...step, event: 'PersonalTextErased', by: 'ledger', reason: '' }] };
const found = { person: 'paula', keys: 1, events: 2, texts: 6, projects: [{ projectId: 'credit', events: 2, texts: 6 }] };

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { authorization: bearer, 'vitae-reason': reason } = request.headers as Record<string, string | undefined>;
      seen.push({ method: request.method ?? '', path: request.url ?? '', bearer, reason, body: Buffer.concat(chunks).toString() });
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(request.url?.endsWith('/search') ? { items: people } : request.url?.endsWith('/preview') ? found : erasure));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  options = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`, token: 'of-rita' };
});
afterAll(() => void server.close());
beforeEach(() => void (seen = []));

const sent = (method: string, path: string, more: Partial<Seen> = {}): Seen => ({ method, path: `/api/ledger/v1/erasures${path}`, bearer: 'Bearer of-rita', reason: undefined, body: '', ...more });

describe('vitae erase', () => {
  it('requests with the person and the reason, and says how it stands then', async () => {
    const { lines } = await change('paula', 'POST', '', { ...options, reason: 'has left, für immer' });
    expect(seen).toEqual([sent('POST', '', { reason: 'has%20left%2C%20f%C3%BCr%20immer', body: '{"person":"paula"}' }), sent('GET', '/paula')]);
    expect(lines).toEqual(['paula: erased, 2 keys destroyed', `  ${step.at}  ErasureRequested by rita: has left`, `  ${step.at}  PersonalTextErased by ledger`]);
  });

  it('approves only with --yes; without, it shows what would be erased and changes nothing', async () => {
    const asked = await approve('paula', options);
    expect(seen).toEqual([sent('GET', '/paula/preview')]);
    expect(asked.lines).toEqual([
      'An erasure of paula would make 6 texts in 2 events unreadable (1 key).',
      '  credit: 6 texts in 2 events',
      'Nothing was done. The same command with --yes destroys the keys, for ever.',
    ]);
    await approve('paula', { ...options, yes: true });
    expect(seen.slice(1)).toEqual([sent('POST', '/paula/approval'), sent('GET', '/paula')]);
  });

  it('refuses, holds and lifts under the same address', async () => {
    for (const [method, path] of [['POST', '/refusal'], ['POST', '/hold'], ['DELETE', '/hold']] as const) await change('a@b.example', method, path, { ...options, reason: 'x' });
    expect(seen.filter(({ method }) => method !== 'GET').map(({ method, path, reason }) => [method, path, reason])).toEqual([
      ['POST', '/api/ledger/v1/erasures/a%40b.example/refusal', 'x'],
      ['POST', '/api/ledger/v1/erasures/a%40b.example/hold', 'x'],
      ['DELETE', '/api/ledger/v1/erasures/a%40b.example/hold', 'x'],
    ]);
  });

  it('gives programs all that it found', async () => {
    expect((await status('paula', options)).json).toEqual(erasure);
    expect((await preview('paula', options)).json).toEqual(found);
  });

  it('finds the person by a mail that is theirs alone, and sends it in the body', async () => {
    expect(await personOf(undefined, { ...options, mail: 'paula@example.org' })).toBe('psn_1');
    expect(seen).toMatchObject([{ method: 'POST', path: '/api/governance/v1/people/search', body: '{"mail":"paula@example.org"}' }]);
    expect(await personOf('psn_9', options)).toBe('psn_9');
    await expect(personOf(undefined, { ...options, mail: 'two@example.org' })).rejects.toThrow('2 people have the mail two@example.org: psn_3, psn_4. Name one of them.');
    await expect(personOf(undefined, { ...options, mail: 'pau@example.org' })).rejects.toThrow('Nobody has the mail pau@example.org');
    await expect(personOf('psn_1', { ...options, mail: 'paula@example.org' })).rejects.toThrow('and not both');
    await expect(personOf(undefined, options)).rejects.toThrow('Say who');
  });
});
