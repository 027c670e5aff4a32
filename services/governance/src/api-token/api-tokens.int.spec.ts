import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { boot, Introspection, type Running } from '@vitae/service-kit';
import { as, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import { Pool } from 'pg';
import { governance } from '../app.module.ts';

let database: FreshDatabase;
let broker: FreshNats;
let pool: Pool;
let service: Running;
let logged = '';
const log = new Writable({ write: (line: Buffer, _encoding, done) => ((logged += line.toString()), done()) });

/** What each may: ben makes models in credit and reads everywhere, eva reads in fraud, ada administers, the runtime is a service. */
const callers: Readonly<Record<string, string>> = {
  'human/ben': as('human/ben', { claims: { groups: ['ml-engineer@credit', 'viewer'] } }),
  'human/eva': as('human/eva', { roles: ['viewer'], projects: ['fraud'] }),
  'human/ada': as('human/ada', { roles: ['administrator'] }),
  'machine/ci': as('machine/ci'),
  'system/runtime': as('service/runtime'),
};

beforeAll(async () => {
  [database, broker] = await Promise.all([freshDatabase(), freshNats()]);
  pool = new Pool({ connectionString: database.url, max: 2 });
  pool.on('error', () => undefined);
  service = await boot(governance, { ...specAccess(), PORT: '0', DATABASE_URL: database.url, NATS_URL: broker.url, LOG_LEVEL: 'trace' }, { log });
});
afterAll(async () => {
  await service?.stop();
  await pool?.end();
  await broker?.drop();
  await database?.drop();
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- a spec asserts on the shape itself
}
async function call(method: string, path: string, { as: who = 'human/ben', body, headers = {} }: { as?: string; body?: object | string; headers?: Record<string, string> } = {}): Promise<Answer> {
  const json = typeof body === 'object';
  const response = await fetch(`${service.url}${path}`, {
    method,
    headers: { authorization: callers[who] ?? '', ...(json ? { 'content-type': 'application/json' } : {}), ...headers },
    ...(body === undefined ? {} : { body: json ? JSON.stringify(body) : body }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}
const wish = { name: 'ci', projects: ['credit'], permissions: ['model.register', 'registry.read'] };
const issue = (more: object = {}, who = 'human/ben', headers = {}) => call('POST', '/v1/api-tokens', { as: who, body: { ...wish, ...more }, headers });
const introspect = (token: string, who = 'system/runtime') =>
  call('POST', '/v1/introspect', { as: who, body: new URLSearchParams({ token }).toString(), headers: { 'content-type': 'application/x-www-form-urlencoded' } });
const eventsOf = async (id: string) => (await pool.query<{ type: string; project_id: string; payload: string }>('select type, project_id, payload::text from ledger.event where stream = $1 order by revision', [`governance.ApiToken-${id}`])).rows;
const told = ({ status, body }: Answer) => [status, body.reason ?? body.type.split('/').at(-1)];

describe('an API token', () => {
  it('is shown once, to who made it, and kept by nobody', async () => {
    const answer = await issue();
    expect(answer).toMatchObject({ status: 201, body: { ...wish, owner: 'ben', token: expect.stringMatching(/^vitae_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$/) } });
    expect([answer.headers.get('cache-control'), answer.headers.get('location')]).toEqual(['no-store', `/v1/api-tokens/${answer.body.id}`]);
    expect(Date.parse(answer.body.expiresAt) - Date.now()).toBeLessThanOrEqual(30 * 86_400_000);
    const [event] = await eventsOf(answer.body.id);
    expect(event).toMatchObject({ type: 'vitae.governance.v1.ApiTokenIssued', project_id: 'vitae' });
    expect(JSON.parse(event!.payload)).toEqual({ tokenId: answer.body.id, ...wish, owner: 'ben', expiresAt: answer.body.expiresAt });
  });

  it('leaves neither secret nor hash in events, logs and answers', async () => {
    const { body } = await issue();
    await introspect(body.token);
    await call('GET', `/v1/api-tokens/${body.id}`);
    await introspect(body.token.slice(0, -1)); // mistyped
    const secret = body.token.split('_')[2].slice(0, 43);
    const { rows: [row] } = await pool.query<{ hex: string; base64: string }>(`select encode(secret_hash, 'hex') as hex, encode(secret_hash, 'base64') as base64 from access.api_token where id = $1`, [body.id]);
    const { rows } = await pool.query<{ all: string }>(`select string_agg(e::text, '') as all from ledger.event e`);
    const places = { events: rows[0]!.all, logged, list: JSON.stringify((await call('GET', '/v1/api-tokens')).body), one: JSON.stringify((await call('GET', `/v1/api-tokens/${body.id}`)).body), told: JSON.stringify((await introspect(body.token)).body) };
    expect(logged).toContain('/v1/introspect');
    for (const [place, text] of Object.entries(places)) for (const trace of [secret, row!.hex, row!.base64]) expect([place, text.includes(trace)]).toEqual([place, false]);
  });

  it('is not shown again to who sends the request again, and is made once', async () => {
    const key = { 'idempotency-key': 'made-by-ci' };
    const first = await issue({ name: 'again' }, 'human/ben', key);
    const second = await issue({ name: 'again' }, 'human/ben', key);
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.body).toMatchObject({ id: first.body.id, name: 'again', owner: 'ben', expiresAt: first.body.expiresAt });
    expect(second.body.token).toBeUndefined();
    // The key is ben's own: somebody else's request under it is another one.
    expect((await issue({ name: 'again', projects: ['fraud'], permissions: ['registry.read'] }, 'human/eva', key)).status).toBe(201);
    expect(await introspect(first.body.token)).toMatchObject({ body: { active: true } });
  });

  it.each([
    ['a permission that its maker does not have', { projects: ['fraud'] }, 'human/ben', [403, 'permission-not-yours']],
    ['all projects for a few', { projects: ['*'] }, 'human/ben', [403, 'permission-not-yours']],
    ['an approval', { permissions: ['approval.model-risk'] }, 'human/ben', [403, 'permission-of-people']],
    ['a permission that does not exist', { permissions: ['model.destroy'] }, 'human/ben', [422, 'permission-unknown']],
    ['rights that an administrator does not have himself', {}, 'human/ada', [403, 'permission-not-yours']],
    ['anything to a machine that asks', {}, 'machine/ci', [403, 'permission-missing']],
    ['more than a year', { expiresAt: new Date(Date.now() + 366 * 86_400_000).toISOString() }, 'human/ben', [422, 'expiry-out-of-range']],
    ['a time that is over', { expiresAt: '2020-01-01T00:00:00Z' }, 'human/ben', [422, 'expiry-out-of-range']],
    ['no time that can be read', { expiresAt: 'tomorrow' }, 'human/ben', [400, 'invalid-request']],
    ['no permission', { permissions: [] }, 'human/ben', [400, 'invalid-request']],
    ['one permission twice', { permissions: ['registry.read', 'registry.read'] }, 'human/ben', [400, 'invalid-request']],
    ['all projects and one more', { projects: ['*', 'credit'] }, 'human/ben', [400, 'invalid-request']],
    ['a name of a person', { name: 'Ben\'s laptop' }, 'human/ben', [400, 'invalid-request']],
    ['an owner', { owner: 'ada' }, 'human/ben', [400, 'invalid-request']],
  ])('does not give %s', async (_what, more, who, expected) => expect(told(await issue(more, who))).toEqual(expected));

  it('is seen by its owner and by administrators', async () => {
    const { body } = await issue({ name: 'seen' });
    const path = `/v1/api-tokens/${body.id}`;
    const item = { id: body.id, name: 'seen', owner: 'ben', projects: wish.projects, permissions: wish.permissions, state: 'live', expiresAt: body.expiresAt, revokedAt: null, lastUsedAt: null, createdAt: expect.stringMatching(/^20.*Z$/) };
    expect((await call('GET', path)).body).toEqual(item);
    expect((await call('GET', path, { as: 'human/ada' })).body).toEqual(item);
    expect(told(await call('GET', path, { as: 'human/eva' }))).toEqual([404, 'api-token-not-found']);
    expect(told(await call('DELETE', path, { as: 'human/eva' }))).toEqual([404, 'api-token-not-found']);
    expect(told(await call('GET', '/v1/api-tokens/aaaaaaaaaaaa'))).toEqual([404, 'api-token-not-found']);
    expect(told(await call('GET', '/v1/api-tokens/1'))).toEqual([400, 'invalid-request']);
  });

  it('is listed page by page, each once', async () => {
    for (const name of ['a', 'b', 'c']) await issue({ name, projects: ['fraud'], permissions: ['registry.read'] }, 'human/eva');
    const everybody = Number((await pool.query('select count(*) from access.api_token')).rows[0].count);
    const walk = async (who: string): Promise<string[]> => {
      const ids: string[] = [];
      for (let next = ''; ; ) {
        const { status, body } = await call('GET', `/v1/api-tokens?limit=2${next}`, { as: who });
        expect(status).toBe(200);
        ids.push(...body.items.map(({ id }: { id: string }) => id));
        if (body.nextPageToken === undefined) return ids;
        next = `&pageToken=${body.nextPageToken}`;
      }
    };
    const evas = await walk('human/eva');
    expect(evas).toEqual((await pool.query(`select id from access.api_token where owner = 'eva' order by id`)).rows.map(({ id }: { id: string }) => id));
    expect(new Set(await walk('human/ada')).size).toBe(everybody);
    expect(told(await call('GET', '/v1/api-tokens?pageToken=x'))).toEqual([400, 'invalid-request']);
  });

  it('is revoked by its owner, once and for good', async () => {
    const { body } = await issue();
    const path = `/v1/api-tokens/${body.id}`;
    expect((await introspect(body.token)).body).toMatchObject({ active: true });
    expect(await call('DELETE', path)).toMatchObject({ status: 200, body: { id: body.id, state: 'revoked' } });
    expect(await call('DELETE', path)).toMatchObject({ status: 200, body: { state: 'revoked' } });
    expect((await call('GET', path)).body).toMatchObject({ state: 'revoked', revokedAt: expect.any(String) });
    expect((await eventsOf(body.id)).map(({ type }) => type.split('.').at(-1))).toEqual(['ApiTokenIssued', 'ApiTokenRevoked']);
    expect((await introspect(body.token)).body).toEqual({ active: false });
  });

  it('is revoked by an administrator', async () => {
    const { body } = await issue();
    expect((await call('DELETE', `/v1/api-tokens/${body.id}`, { as: 'human/ada' })).status).toBe(200);
    expect((await introspect(body.token)).body).toEqual({ active: false });
  });
});

describe('introspection', () => {
  it('tells services what a token is good for, and notes that it was used', async () => {
    const { body } = await issue();
    const answer = await introspect(body.token);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).toEqual({ active: true, token_type: 'Bearer', sub: body.id, username: 'ci', owner: 'ben', projects: wish.projects, permissions: wish.permissions, exp: Math.floor(Date.parse(body.expiresAt) / 1_000) });
    expect((await call('GET', `/v1/api-tokens/${body.id}`)).body.lastUsedAt).toMatch(/^20.*Z$/);
  });

  it('tells nothing of what is no token', async () => {
    for (const token of ['vitae_', 'eyJhbGciOiJub25lIn0.e30.', `vitae_${'a'.repeat(12)}_${'b'.repeat(49)}`]) expect(await introspect(token)).toMatchObject({ status: 200, body: { active: false } });
  });

  it.each([
    ['a person', () => introspect('vitae_', 'human/ada'), [403, 'permission-missing']],
    ['JSON', () => call('POST', '/v1/introspect', { as: 'system/runtime', body: { token: 'vitae_' } }), [415, 'unsupported-media-type']],
    ['no token', () => call('POST', '/v1/introspect', { as: 'system/runtime', body: 'tokens=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } }), [400, 'invalid-request']],
    ['two tokens', () => call('POST', '/v1/introspect', { as: 'system/runtime', body: 'token=a&token=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } }), [400, 'invalid-request']],
    ['a book', () => introspect('x'.repeat(9_000)), [413, 'body-too-large']],
  ])('refuses %s', async (_what, ask, expected) => expect(told(await ask())).toEqual(expected));

  it('is what services without a database ask: once for each token within its time', async () => {
    const { body } = await issue();
    let asked = 0;
    /** On the way to governance: counts, and can be away. */
    let away = false;
    const door: Server = createServer((request, response) => {
      asked += 1;
      if (away) return void response.writeHead(502).end();
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part)).on('end', async () => {
        const answer = await fetch(`${service.url}${request.url}`, { method: 'POST', headers: { 'content-type': String(request.headers['content-type']), authorization: String(request.headers.authorization) }, body: Buffer.concat(parts) });
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
      });
    });
    await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
    try {
      const client = () => new Introspection({ GOVERNANCE_URL: `http://127.0.0.1:${(door.address() as AddressInfo).port}` }, { authorizationHeader: () => Promise.resolve({ authorization: callers['system/runtime'] ?? '' }) });
      const runtime = client();
      const good = { id: body.id, name: 'ci', owner: 'ben', projects: wish.projects, permissions: wish.permissions, expiresAt: expect.any(Date) };
      expect(await Promise.all([runtime.check(body.token), runtime.check(body.token)])).toEqual([good, good]);
      expect(asked).toBe(1);
      await call('DELETE', `/v1/api-tokens/${body.id}`);
      expect(await runtime.check(body.token)).toEqual(good); // for ten seconds
      expect(await client().check(body.token)).toEqual({ refused: 'unknown' });
      expect(await runtime.check(`${body.token}x`)).toEqual({ refused: 'malformed' });
      expect(asked).toBe(2);

      away = true;
      const other = (await issue()).body.token;
      await expect(runtime.check(other)).rejects.toMatchObject({ status: 503, slug: 'introspection-unavailable', extra: { headers: { 'Retry-After': '2' } } });
      away = false;
      expect(await runtime.check(other)).toMatchObject({ name: 'ci' });
    } finally {
      door.closeAllConnections();
      door.close();
    }
  });
});

describe('people', () => {
  it('are told by their pseudonyms, also who was erased, and nobody else', async () => {
    for (const [subject, name] of [['nora', 'Nora Lind'], ['otto', 'Otto Berg']]) await pool.query('select access.pseudonym_of($1, $2, $3, $4)', ['https://issuer.test', subject, name, `${subject}@example.test`]);
    await pool.query(`select access.erase_person('otto')`);
    const answer = await call('GET', '/v1/people?ids=otto,nora,nobody');
    expect(answer.body).toEqual({ items: [{ id: 'nora', name: 'Nora Lind', mail: 'nora@example.test', erased: false }, { id: 'otto', name: '', mail: '', erased: true }] });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it.each(['', '?ids=', '?ids=a,,b', `?ids=${Array.from({ length: 101 }, (_, i) => `p${i}`).join()}`, '?ids=a%27--', '?name=Nora'])('are not found by %s', async (query) =>
    expect(told(await call('GET', `/v1/people${query}`))).toEqual([400, 'invalid-request']));

  describe('by name or mail', () => {
    const search = (body: object, who = 'human/ada') => call('POST', '/v1/people/search', { as: who, body });

    it('are found whole or by the beginning, in whatever case, twenty at most, and never who was erased', async () => {
      for (const [subject, name] of [['tove', 'Tove Dahl'], ['tova', 'Tova Dahlin'], ['tor', 'Tor%_']]) await pool.query('select access.pseudonym_of($1, $2, $3, $4)', ['https://issuer.test', subject, name, `${subject}@Example.test`]);
      for (let i = 0; i < 25; i += 1) await pool.query('select access.pseudonym_of($1, $2, $3, $4)', ['https://issuer.test', `many${i}`, `Many ${i}`, `many${i}@example.test`]);
      const tove = { id: 'tove', name: 'Tove Dahl', mail: 'tove@Example.test', erased: false };
      const answer = await search({ mail: 'TOVE@example.test' });
      expect([answer.status, answer.headers.get('cache-control'), answer.body]).toEqual([200, 'no-store', { items: [tove] }]);
      expect((await search({ name: 'tove dahl' })).body.items.map(({ id }: { id: string }) => id)).toEqual(['tove']);
      expect((await search({ name: 'TOV' })).body.items.map(({ id }: { id: string }) => id)).toEqual(['tova', 'tove']);
      expect((await search({ name: 'Tor%' })).body.items.map(({ id }: { id: string }) => id)).toEqual(['tor']);
      expect((await search({ mail: '%@example' })).body.items).toEqual([]);
      expect((await search({ name: 'many' })).body.items).toHaveLength(20);
      await pool.query(`select access.erase_person('tove')`);
      expect((await search({ mail: 'tove@example.test' })).body.items).toEqual([]);
      expect(logged).not.toContain('tove@');
    });

    it('are told to who may see people everywhere, and the ledger knows', async () => {
      expect(told(await search({ mail: 'nora@example.test' }, 'human/eva'))).toEqual([403, 'permission-missing']);
      const { rows } = await pool.query<{ n: number }>(`select count(*)::int as n from ledger.event where type = 'vitae.access.v1.SensitiveRead' and payload->>'permission' = 'person.read' and metadata->'actor'->>'id' = 'ada'`);
      expect(rows[0]?.n).toBeGreaterThan(0);
    });

    it.each([{}, { mail: 'ab' }, { mail: 'a@b.test', name: 'Ab' }, { id: 'nora' }, { mail: 7 }])('are not searched by %j', async (body) => expect(told(await search(body))).toEqual([400, 'invalid-request']));
  });
});
