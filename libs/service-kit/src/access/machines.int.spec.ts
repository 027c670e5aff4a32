import { createServer, type IncomingMessage, type Server } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { MikroORM } from '@mikro-orm/postgresql';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ledgerMigrations, migrate } from '@vitae/event-store';
import { freshDatabase, specAccess, type FreshDatabase } from '@vitae/testing';
import Provider from 'oidc-provider';
import { Pool } from 'pg';
import type { BaseConfig } from '../config.ts';
import { openDatabase } from '../database.ts';
import { API_TOKEN_BYTES, apiTokenText, readApiToken } from './api-token-text.ts';
import { API_TOKEN_MEMORY_MS, ApiTokens } from './api-tokens.store.ts';
import { accessMigrations } from './migrations.ts';
import { openAuthentication } from './open-authentication.ts';
import { People } from './people.store.ts';
import { ServiceToken, type ServiceTokenSettings } from './service-token.client.ts';
import { TokenReview } from './token-review.client.ts';

let directory: string;
let database: FreshDatabase;
let pool: Pool;
let orm: MikroORM;

beforeAll(async () => {
  [directory, database] = await Promise.all([mkdtemp(join(tmpdir(), 'vitae-access-')), freshDatabase()]);
  pool = new Pool({ connectionString: database.url, max: 12 });
  pool.on('error', () => undefined);
  await pool.query('drop event trigger pseudonym_is_subject'); // pseudonyms as they are everywhere else
  await migrate(database.url, ledgerMigrations);
  await migrate(database.url, accessMigrations);
  orm = await openDatabase('registry', database.url, { DATABASE_POOL_SIZE: 4 }, { schema: 'registry', migrations: new URL('.', import.meta.url), entities: [] });
});
afterAll(async () => {
  await orm?.close(true);
  await pool?.end();
  await database?.drop();
  await rm(directory, { recursive: true, force: true });
});

const issuer = 'https://issuer.test';
const seen = async (subject: string, name = 'Dana', mail = 'dana@example.test', at = issuer) =>
  (await pool.query<{ id: string }>('select access.pseudonym_of($1, $2, $3, $4) as id', [at, subject, name, mail])).rows[0]!.id;
const person = async (id: string) => (await pool.query('select name, mail, erased_at is not null as erased from access.person where id = $1', [id])).rows[0] as unknown;

describe('a pseudonym', () => {
  it('is a random id, the same at every login', async () => {
    const id = await seen('first');
    expect(id).toMatch(/^psn_[0-9a-f]{32}$/);
    expect(await seen('first')).toBe(id);
    expect(await seen('second')).not.toBe(id);
    expect(await seen('first', 'Dana', 'dana@example.test', 'https://another.test')).not.toBe(id); // the same subject of somebody else
  });

  it('stands for the name that the issuer says now', async () => {
    const id = await seen('renamed', 'Dana Before');
    expect(await seen('renamed', 'Dana After', 'after@example.test')).toBe(id);
    expect(await person(id)).toEqual({ name: 'Dana After', mail: 'after@example.test', erased: false });
  });

  it('writes nothing when nothing has changed', async () => {
    const id = await seen('quiet');
    const version = async () => (await pool.query<{ xmin: string }>('select xmin::text from access.person where id = $1', [id])).rows[0]!.xmin;
    const before = await version();
    await seen('quiet');
    expect(await version()).toBe(before);
  });

  it('is one when a person comes in at twelve doors for the first time', async () => {
    const before = Number((await pool.query('select count(*) from access.person')).rows[0].count);
    const ids = await Promise.all(Array.from({ length: 12 }, () => seen('everywhere')));
    expect(new Set(ids).size).toBe(1);
    expect(Number((await pool.query('select count(*) from access.person')).rows[0].count)).toBe(before + 1);
  });

  it('is one when the first login is committed while the second waits for it', async () => {
    const first = await pool.connect();
    try {
      await first.query('begin');
      const { rows } = await first.query<{ id: string }>('select access.pseudonym_of($1, $2, $3, $4) as id', [issuer, 'slow', 'Dana', '']);
      const second = seen('slow', 'Dana', '');
      await waiting();
      await first.query('commit');
      expect(await second).toBe(rows[0]!.id);
    } finally {
      first.release();
    }
  });

  it('is made by the second login when the first is rolled back', async () => {
    const first = await pool.connect();
    try {
      await first.query('begin');
      await first.query('select access.pseudonym_of($1, $2, $3, $4)', [issuer, 'broken', 'Dana', '']);
      const second = seen('broken', 'Dana', '');
      await waiting();
      await first.query('rollback');
      expect(await person(await second)).toMatchObject({ name: 'Dana' });
    } finally {
      first.release();
    }
  });

  it('is nobody\'s after an erasure, and who comes back is somebody new', async () => {
    const id = await seen('gone', 'Zwetschge', 'zwetschge@example.test');
    await seen('gone too', 'Zwetschge');
    expect((await pool.query('select access.erase_person($1) as done', [id])).rows).toEqual([{ done: true }]);
    expect((await pool.query('select access.erase_person($1) as done', [id])).rows).toEqual([{ done: false }]);
    expect(await person(id)).toEqual({ name: '', mail: '', erased: true });
    expect((await pool.query('select from access.account where person_id = $1', [id])).rowCount).toBe(0);
    expect(await seen('gone', 'Zwetschge', 'zwetschge@example.test')).not.toBe(id);
    await expect(pool.query(`update access.person set name = 'Zwetschge' where id = $1`, [id])).rejects.toThrow('erased_is_empty');
  });

  it('is remembered by a service for a minute, and a new name is told at once', async () => {
    const people = new People(orm.em);
    const account = { issuer, subject: 'kept', name: 'Dana', mail: '' };
    const id = await people.pseudonymOf(account);
    await pool.query('select access.erase_person($1)', [id]);
    expect(await people.pseudonymOf(account)).toBe(id);
    expect(await people.pseudonymOf({ ...account, name: 'Another' })).not.toBe(id);
  });

  /** Until somebody waits for the lock of another transaction. */
  async function waiting(): Promise<void> {
    for (let found = 0; found === 0; ) {
      found = (await pool.query(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%pseudonym_of%'`)).rowCount ?? 0;
    }
  }
});

describe('an API token', () => {
  const HOUR = `now() + interval '1 hour'`;
  async function issued({ expires = HOUR, owner = 'ben' } = {}): Promise<{ text: string; id: string; hash: Buffer }> {
    const text = apiTokenText(randomBytes(API_TOKEN_BYTES));
    const { id, hash } = readApiToken(text)!;
    await pool.query(
      `insert into access.api_token (id, name, owner, projects, permissions, secret_hash, created_at, expires_at) values ($1, 'ci', $2, '{credit}', '{model.register}', $3, now() - interval '2 hours', ${expires})`,
      [id, owner, hash],
    );
    return { text, id, hash };
  }
  const tokens = () => new ApiTokens(orm.em);

  it('is told with what it is good for', async () => {
    const { text, id } = await issued();
    expect(await tokens().check(text)).toEqual({ id, name: 'ci', owner: 'ben', projects: ['credit'], permissions: ['model.register'], expiresAt: expect.any(Date) });
  });

  it('is refused by reason', async () => {
    const [good, over, ended] = [await issued(), await issued({ expires: `now() - interval '1 second'` }), await issued()];
    await pool.query('update access.api_token set revoked_at = now() where id = $1', [ended.id]);
    expect(await tokens().check(over.text)).toEqual({ refused: 'expired' });
    expect(await tokens().check(ended.text)).toEqual({ refused: 'revoked' });
    expect(await tokens().check(apiTokenText(randomBytes(API_TOKEN_BYTES)))).toEqual({ refused: 'unknown' });
    expect(await tokens().check(good.text.slice(0, -1))).toEqual({ refused: 'malformed' });
  });

  it('needs its own secret, and one that was revoked or is over tells nobody else so', async () => {
    const mine = await issued();
    const other = await issued();
    await pool.query('update access.api_token set revoked_at = now() where id = $1', [mine.id]);
    const outcome = async (hash: Buffer | null) => (await pool.query('select * from access.use_api_token($1, $2)', [mine.id, hash])).rows;
    expect(await outcome(other.hash)).toEqual([{ outcome: 'unknown', name: null, owner: null, projects: null, permissions: null, expires_at: null }]);
    expect(await outcome(mine.hash)).toMatchObject([{ outcome: 'revoked' }]);
    for (const none of [null, Buffer.alloc(0)]) expect(await outcome(none)).toMatchObject([{ outcome: 'unknown' }]);
    expect((await pool.query('select outcome from access.use_api_token($1, null)', [other.id])).rows).toEqual([{ outcome: 'unknown' }]); // a live one
  });

  it('ends with its owner\'s erasure', async () => {
    const owner = await seen('maker');
    const { text } = await issued({ owner });
    expect(await tokens().check(text)).toMatchObject({ name: 'ci' });
    await pool.query('select access.erase_person($1)', [owner]);
    expect(await tokens().check(text)).toEqual({ refused: 'revoked' });
  });

  it('is remembered, so that its revocation acts when the memory ends', async () => {
    const { text, id } = await issued();
    const before = tokens();
    expect(await before.check(text)).toMatchObject({ id });
    await pool.query('update access.api_token set revoked_at = now() where id = $1', [id]);
    expect(await before.check(text)).toMatchObject({ id });
    expect(await tokens().check(text)).toEqual({ refused: 'revoked' }); // as after the memory's time
    expect(API_TOKEN_MEMORY_MS).toBeLessThanOrEqual(10_000); // how long that is: brief-memory.spec.ts
  });

  it('notes its use at most once a minute', async () => {
    const { text, id } = await issued();
    const used = async () => (await pool.query<{ at: string | null }>('select last_used_at::text as at from access.api_token where id = $1', [id])).rows[0]!.at;
    expect(await used()).toBeNull();
    await Promise.all(Array.from({ length: 8 }, () => tokens().check(text)));
    const first = await used();
    expect(first).not.toBeNull();
    await tokens().check(text);
    expect(await used()).toBe(first);
    await pool.query(`update access.api_token set last_used_at = now() - interval '61 seconds' where id = $1`, [id]);
    const earlier = await used();
    await tokens().check(text);
    expect(await used()).not.toBe(earlier);
  });
});

describe('a service\'s own token', () => {
  let server: Server;
  let settings: ServiceTokenSettings;
  /** What the issuer was asked for since the test began. */
  let asked: { path: string; resource?: string | undefined }[];
  let secret: string;

  beforeAll(async () => {
    server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = (id: string, grants: string[]) => ({ client_id: id, client_secret: 'the secret of deployment', grant_types: grants, redirect_uris: [], response_types: [] });
    const provider = new Provider(at, {
      jwks: { keys: [generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })] },
      clients: [client('vitae-deployment', ['client_credentials']), client('vitae-hasty', ['client_credentials'])],
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_context: unknown, resource: string) => ({ scope: '', audience: resource, accessTokenFormat: 'jwt' }),
        },
      },
      ttl: { ClientCredentials: (_context: unknown, _token: unknown, { clientId }: { clientId: string }) => (clientId === 'vitae-hasty' ? 10 : 600) },
    });
    server.on('request', (request: IncomingMessage, response) => {
      asked.push({ path: request.url ?? '' });
      void provider.callback()(request, response);
    });
    secret = join(directory, 'client-secret');
    await writeFile(secret, 'the secret of deployment\n');
    settings = { VITAE_MODE: 'local', OIDC_ISSUER: at, OIDC_AUDIENCE: 'https://vitae.test', VITAE_CLIENT_ID: 'vitae-deployment', VITAE_CLIENT_SECRET_FILE: secret };
  });
  beforeEach(() => {
    asked = [];
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const claimsOf = (header: { authorization?: string }) => JSON.parse(Buffer.from(header.authorization!.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
  const asksForTokens = () => asked.filter(({ path }) => path === '/token').length;

  it('comes from the issuer, for this suite, and is asked for once by all who need it', async () => {
    const token = new ServiceToken(settings);
    const headers = await Promise.all(Array.from({ length: 5 }, () => token.authorizationHeader()));
    expect(headers[0]!.authorization).toMatch(/^Bearer eyJ/);
    expect(claimsOf(headers[0]!)).toMatchObject({ iss: settings.OIDC_ISSUER, aud: 'https://vitae.test', client_id: 'vitae-deployment' });
    expect(new Set(headers.map(({ authorization }) => authorization)).size).toBe(1);
    expect(asksForTokens()).toBe(1);
  });

  it('is renewed before it ends, and not sooner', async () => {
    let now = 0;
    const token = new ServiceToken(settings, () => now);
    const first = await token.authorizationHeader();
    now = 479_000; // a fifth of its ten minutes is left
    expect(await token.authorizationHeader()).toEqual(first);
    now = 481_000;
    expect(await token.authorizationHeader()).not.toEqual(first);
    expect(asksForTokens()).toBe(2);
  });

  it('goes on while it is good when the issuer is away, and then says what is wrong', async () => {
    let now = 0;
    const token = new ServiceToken({ ...settings, VITAE_CLIENT_ID: 'vitae-hasty' }, () => now);
    const first = await token.authorizationHeader();
    await writeFile(secret, 'another secret');
    try {
      now = 9_000;
      expect(await token.authorizationHeader()).toEqual(first);
      now = 10_000;
      await expect(token.authorizationHeader()).rejects.toThrow(/^the service's own token could not be had from http:\S+ as client vitae-hasty: invalid_client \(.*\)\. Check OIDC_ISSUER, VITAE_CLIENT_ID and VITAE_CLIENT_SECRET_FILE/);
      await expect(token.authorizationHeader()).rejects.not.toThrow('another secret');
    } finally {
      await writeFile(secret, 'the secret of deployment\n');
    }
    expect(claimsOf(await token.authorizationHeader())).toMatchObject({ client_id: 'vitae-hasty' }); // without a restart
  });

  it('is not asked for over http but on one machine', async () => {
    await expect(new ServiceToken({ ...settings, VITAE_MODE: 'cluster' }).authorizationHeader()).rejects.toThrow('could not be had');
    expect(asked).toEqual([]);
  });

  it('is read from its file for each call', async () => {
    const file = join(directory, 'projected');
    const token = new ServiceToken({ VITAE_MODE: 'cluster', VITAE_SERVICE_TOKEN_FILE: file });
    await expect(token.authorizationHeader()).rejects.toThrow(`${file} cannot be read (ENOENT)`);
    await writeFile(file, 'one\n');
    expect(await token.authorizationHeader()).toEqual({ authorization: 'Bearer one' });
    await writeFile(file, 'two\n');
    expect(await token.authorizationHeader()).toEqual({ authorization: 'Bearer two' });
    await writeFile(file, '\n');
    await expect(token.authorizationHeader()).rejects.toThrow(`${file} is empty`);
  });

  it('is not there where nobody set one', async () => expect(await new ServiceToken({ VITAE_MODE: 'local' }).authorizationHeader()).toEqual({}));
});

describe('a service account token', () => {
  /** Speaks as the API server does. */
  let server: Server;
  let at: string;
  let answer: { status: number; body: unknown };
  let heard: { path: string; authorization: string | undefined; body: string }[];

  beforeEach(async () => {
    heard = [];
    server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (part: string) => (body += part)).on('end', () => {
        heard.push({ path: request.url ?? '', authorization: request.headers.authorization, body });
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const review = (status: object) => ({
    status: 201,
    body: {
      kind: 'TokenReview', apiVersion: 'authentication.k8s.io/v1', metadata: { creationTimestamp: null, managedFields: [] },
      spec: { token: 'the-token', audiences: ['vitae'] }, status,
    },
  });
  const user = {
    username: 'system:serviceaccount:vitae:deployment', uid: 'b6c1', groups: ['system:serviceaccounts', 'system:serviceaccounts:vitae', 'system:authenticated'],
    extra: { 'authentication.kubernetes.io/pod-name': ['deployment-7d9c'], 'authentication.kubernetes.io/pod-uid': ['77aa'] },
  };
  const reviewing = async (settings = {}) => new TokenReview({ VITAE_TOKEN_REVIEW_URL: `${at}/apis/authentication.k8s.io/v1/tokenreviews`, VITAE_WORKLOAD_AUDIENCE: 'vitae', ...settings });

  it('is reviewed with our audience and by the pod\'s own token, once in ten seconds', async () => {
    answer = review({ authenticated: true, user, audiences: ['vitae'] });
    const own = join(directory, 'own-token');
    await writeFile(own, 'our-own\n');
    const { reviewToken } = await reviewing({ VITAE_WORKLOAD_TOKEN_FILE: own });
    const workload = { subject: user.username, namespace: 'vitae', name: 'deployment', pod: 'deployment-7d9c' };
    expect(await Promise.all([reviewToken('the-token'), reviewToken('the-token')])).toEqual([workload, workload]);
    expect(heard).toEqual([{
      path: '/apis/authentication.k8s.io/v1/tokenreviews', authorization: 'Bearer our-own',
      body: '{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"the-token","audiences":["vitae"]}}',
    }]);
  });

  it.each([
    ['a server that does not look at audiences', { authenticated: true, user }, 'audience'],
    ['an empty list', { authenticated: true, user, audiences: [] }, 'audience'],
    ['another audience', { authenticated: true, user, audiences: ['https://kubernetes.default.svc'] }, 'audience'],
    ['a token that is over', { user: {}, error: '[invalid bearer token, service account token has expired]' }, 'not-authenticated'],
    ['a deleted pod', { user: {}, error: '[invalid bearer token, service account token has been invalidated]' }, 'not-authenticated'],
    ['a person', { authenticated: true, user: { username: 'kubernetes-admin', groups: ['system:masters'] }, audiences: ['vitae'] }, 'not-a-service-account'],
    ['a node', { authenticated: true, user: { username: 'system:node:worker-1' }, audiences: ['vitae'] }, 'not-a-service-account'],
  ])('is refused: %s', async (_what, status, refused) => {
    answer = review(status);
    expect(await (await reviewing()).reviewToken('the-token')).toEqual({ refused });
  });

  it.each([
    ['may not ask', { status: 403, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: 'tokenreviews.authentication.k8s.io is forbidden: User "system:serviceaccount:vitae:registry" cannot create resource "tokenreviews"', reason: 'Forbidden', code: 403 } }],
    ['is answered by somebody else', { status: 200, body: { hello: 'world' } }],
  ])('is not called bad by a service that %s', async (_why, given) => {
    answer = given;
    await expect((await reviewing()).reviewToken('the-token')).rejects.toMatchObject({ status: 503, slug: 'token-review-unavailable', extra: { headers: { 'Retry-After': '2' } } });
  });

  it('is verified by the keys of the cluster\'s issuer, which are asked for with our own token', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const asked: (string | undefined)[] = [];
    let url = '';
    const cluster = createServer((request, response) => {
      asked.push(request.headers.authorization);
      const keys = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'sa', alg: 'ES256' }] };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(request.url === '/keys' ? keys : { issuer: url, jwks_uri: `${url}/keys` }));
    });
    await new Promise<void>((resolve) => cluster.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(cluster.address() as AddressInfo).port}`;
    const own = join(directory, 'own-token');
    await writeFile(own, 'our-own\n');
    const now = Math.floor(Date.now() / 1000);
    const token = (said: object = {}) => {
      const text = [{ alg: 'ES256', kid: 'sa' }, { iss: url, aud: ['vitae'], sub: user.username, iat: now, exp: now + 600, ...said }].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
      return `${text}.${sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
    };
    const grants = join(directory, 'workload-grants.json');
    await writeFile(grants, JSON.stringify({ grants: [{ subject: user.username, role: 'service', projects: ['*'] }] }));
    const nobody = { check: () => Promise.resolve({ refused: 'unknown' as const }) };
    const settings = { ...specAccess(), VITAE_GRANTS_FILE: grants, VITAE_WORKLOAD_ISSUER: url, VITAE_WORKLOAD_AUDIENCE: 'vitae', VITAE_WORKLOAD_TOKEN_FILE: own } as BaseConfig;
    const authentication = await openAuthentication(settings, { apiTokens: nobody, tokenReview: { reviewToken: () => Promise.reject(new Error('nobody asked for a review')) } });
    try {
      const come = (text: string) => authentication.principalOf(`Bearer ${text}`);
      expect(await come(token())).toEqual({ kind: 'service', id: 'vitae.deployment', onBehalfOf: '', grants: [{ role: 'service', projects: ['*'] }] });
      expect(new Set(asked)).toEqual(new Set(['Bearer our-own']));
      await expect(come(token({ aud: ['https://kubernetes.default.svc'] }))).rejects.toMatchObject({ fault: 'audience-wrong' });
      await expect(come(token({ sub: 'kubernetes-admin' }))).rejects.toMatchObject({ fault: 'claims-wrong' });
      await expect(come(token({ iss: 'https://other.example' }))).rejects.toMatchObject({ fault: 'key-unknown' }); // the issuer of people is asked, and does not have it
    } finally {
      authentication.close();
      cluster.closeAllConnections();
      cluster.close();
    }
  });
});
