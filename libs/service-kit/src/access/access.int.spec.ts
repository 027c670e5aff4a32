import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, Module, Param, Post } from '@nestjs/common';
import { as, eventually, signed, specAccess } from '@vitae/testing';
import { z } from 'zod';
import { TokenVerifier } from './verify-token.client.ts';
import { baseConfig, boot, Context, InProject, Known, mustHave, Needs, Public, type CommandContext, type Running, type ServiceDefinition } from '../index.ts';

@Controller('v1/projects/:projectId')
@Needs('registry.read')
class ProjectController {
  @Get('models')
  list(@Param('projectId') projectId: string) {
    return { projectId };
  }

  @Post('models')
  @Needs('model.register')
  register(@Context() { actor, projectId }: CommandContext, @Body({ schema: z.strictObject({ name: z.string() }) }) { name }: { name: string }) {
    return { name, projectId, actor: { id: actor.id, kind: actor.kind } };
  }

  @Post('approvals')
  @Needs('approval.business-owner', 'approval.model-risk')
  approve(@Context() { principal, projectId }: CommandContext) {
    mustHave(principal, 'approval.model-risk', projectId);
    return { approved: true };
  }

  @Get('open')
  @Public('a spec')
  open() {
    return { open: true };
  }
}

@Controller('installation')
@Needs('history.read')
class InstallationController {
  @Get()
  all() {
    return { all: true };
  }

  @Get('elsewhere')
  @InProject(() => 'alpha')
  elsewhere() {
    return { elsewhere: true };
  }

  @Get('somewhere')
  @InProject('any')
  somewhere() {
    return { somewhere: true };
  }

  @Get('known')
  @Known('a spec')
  known() {
    return { known: true };
  }
}

@Module({ controllers: [ProjectController, InstallationController] })
class AccessModule {}

const definition: ServiceDefinition = { name: 'access-spec', module: AccessModule, config: baseConfig };
const lines: string[] = [];
let service: Running;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vitae-access-'));
  service = await boot(definition, { ...specAccess(), PORT: '0', LOG_LEVEL: 'trace' }, { log: { write: (line) => void lines.push(line) } });
});
afterAll(async () => {
  await service.stop();
  await rm(directory, { recursive: true });
});

async function ask(path: string, authorization?: string, { at = service, ...init }: RequestInit & { at?: Running } = {}) {
  const response = await fetch(`${at.url}${path}`, { ...init, headers: { ...(init.body ? { 'content-type': 'application/json' } : {}), ...(authorization === undefined ? {} : { authorization }) } });
  const body = (await response.json()) as Record<string, unknown> & { type?: string };
  return { status: response.status, slug: body.type?.replace('https://vitae.dev/problems/', ''), reason: body['reason'], challenge: response.headers.get('www-authenticate'), body };
}
const models = '/v1/projects/alpha/models';
const register = (authorization?: string, body: unknown = { name: 'm' }, path = models) => ask(path, authorization, { method: 'POST', body: JSON.stringify(body) });

describe('who is not known', () => {
  it('gets 401 and a challenge on every route but a public one', async () => {
    expect(await ask(models)).toMatchObject({ status: 401, slug: 'credential-missing', challenge: 'Bearer realm="vitae"' });
    expect(await ask('/installation')).toMatchObject({ status: 401, slug: 'credential-missing' });
    expect(await ask('/installation/known')).toMatchObject({ status: 401, slug: 'credential-missing' });
    expect(await ask('/v1/whoami')).toMatchObject({ status: 401, slug: 'credential-missing' });
    expect(await ask('/v1/projects/alpha/open')).toMatchObject({ status: 200 });
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
  });

  it('has no body read, however wrong it is', async () => {
    const response = await fetch(`${service.url}${models}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"name":' });
    expect(response.status).toBe(401);
  });
});

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const now = Math.floor(Date.now() / 1000);
const claims = (more: object = {}) => ({ iss: specAccess().OIDC_ISSUER, aud: 'vitae', sub: 'ben', client_id: 'spec', iat: now, exp: now + 600, groups: ['ml-engineer'], ...more });
const bearer = (token: string): string => `Bearer ${token}`;
const header = { alg: 'ES256', typ: 'at+jwt', kid: 'spec' };
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signedBy = (key: typeof stranger.privateKey, head: object, said: object): string => {
  const text = `${base64(head)}.${base64(said)}`;
  return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
};

/** HMAC under the public key as text, as a library would do that takes the algorithm from the token. */
async function confused(): Promise<string> {
  const { keys } = (await (await fetch(`${specAccess().OIDC_ISSUER}/jwks`)).json()) as { keys: object[] };
  const text = `${base64({ ...header, alg: 'HS256' })}.${base64(claims())}`;
  return `${text}.${createHmac('sha256', JSON.stringify(keys[0])).update(text).digest('base64url')}`;
}

describe('a bad token', () => {
  it.each<[string, () => string | Promise<string>, string]>([
    ['without a signature (alg none)', () => bearer(`${base64({ ...header, alg: 'none' })}.${base64(claims())}.`), 'algorithm-refused'],
    ['signed by HS256 with the public key', async () => bearer(await confused()), 'algorithm-refused'],
    ['of another issuer', () => bearer(signed(claims({ iss: 'https://evil.example' }))), 'issuer-wrong'],
    ['for another audience', () => bearer(signed(claims({ aud: 'account' }))), 'audience-wrong'],
    ['without an audience', () => bearer(signed(claims({ aud: undefined }))), 'audience-wrong'],
    ['without a subject', () => bearer(signed(claims({ sub: undefined }))), 'claims-wrong'],
    ['without an end', () => bearer(signed(claims({ exp: undefined }))), 'claims-wrong'],
    ['that lives for ever', () => bearer(signed(claims({ exp: now + 10 * 365 * 86_400 }))), 'claims-wrong'],
    ['that has expired', () => bearer(signed(claims({ iat: now - 900, exp: now - 60 }))), 'expired'],
    ['that is not yet valid', () => bearer(signed(claims({ nbf: now + 120 }))), 'not-yet-valid'],
    ['from the future', () => bearer(signed(claims({ iat: now + 120, exp: now + 900 }))), 'not-yet-valid'],
    ['of another key under our key id', () => bearer(signedBy(stranger.privateKey, header, claims())), 'signature-wrong'],
    ['of a key that the issuer does not have', () => bearer(signedBy(stranger.privateKey, { ...header, kid: 'other' }, claims())), 'key-unknown'],
    ['that brings its key along (jwk)', () => bearer(signedBy(stranger.privateKey, { ...header, jwk: stranger.publicKey.export({ format: 'jwk' }) }, claims())), 'key-in-header'],
    ['that says where its key is (jku)', () => bearer(signedBy(stranger.privateKey, { ...header, jku: 'https://evil.example/jwks' }, claims())), 'key-in-header'],
    ['that is for something else (typ)', () => bearer(signed(claims(), { typ: 'logout+jwt' })), 'type-refused'],
    ['whose claims were changed', () => bearer(signed(claims()).replace(/\.[^.]+\./, `.${base64(claims({ groups: ['administrator'] }))}.`)), 'signature-wrong'],
    ['that is huge', () => bearer(signed(claims({ groups: Array.from({ length: 900 }, (_, index) => `group-${index}`) }))), 'too-large'],
    ['of random bytes', () => bearer(randomBytes(40).toString('base64url')), 'malformed'],
    ['of three random parts', () => bearer([1, 2, 3].map(() => randomBytes(20).toString('base64url')).join('.')), 'malformed'],
    ['that is an API token mistyped', () => bearer('vitae_0123456789_abcdefghijklmnopqrstuvwxyz'), 'malformed'],
    ['in a scheme that is none of ours', () => 'Negotiate aaaa', 'scheme-unknown'],
  ])('%s gets 401 and says why, on public routes too', async (_name, make, reason) => {
    const authorization = await make();
    const before = lines.length;
    for (const path of [models, '/v1/projects/alpha/open']) {
      expect(await ask(path, authorization)).toMatchObject({ status: 401, slug: 'credential-refused', reason, challenge: 'Bearer realm="vitae", error="invalid_token"' });
    }
    const logged = lines.slice(before).join('');
    expect(logged).toContain(`"fault":"${reason}"`);
    expect(logged).not.toContain(authorization.split(' ')[1]);
  });

  it('may be late or early by the half minute by which clocks differ', async () => {
    expect((await ask(models, bearer(signed(claims({ exp: now - 5 }))))).status).toBe(200);
    expect((await ask(models, bearer(signed(claims({ nbf: now + 5 }))))).status).toBe(200);
  });
});

describe('who is known', () => {
  it('is the actor of what they do, and told what they may', async () => {
    const ben = as('human/ben', { roles: ['ml-engineer'], projects: ['alpha'] });
    expect((await register(ben)).body).toEqual({ name: 'm', projectId: 'alpha', actor: { id: expect.stringMatching(/^passing_[0-9a-f]{24}$/), kind: 1 } }); // without a database nobody has a pseudonym
    expect((await ask('/v1/whoami?project=alpha', ben)).body).toMatchObject({ kind: 'human', grants: [{ role: 'ml-engineer', projects: ['alpha'] }], permissions: expect.arrayContaining(['model.register']) });
    expect((await ask('/v1/whoami?project=beta', ben)).body).toMatchObject({ permissions: [] });
    expect((await register(as('machine/ci'))).body).toMatchObject({ actor: { id: 'ci', kind: 2 } });
    expect((await register(as('service/deployment'))).body).toMatchObject({ actor: { id: 'deployment', kind: 3 } });
  });

  it('may not do what their roles do not give, and learns which would', async () => {
    const viewer = as('human/vera', { roles: ['viewer'] });
    expect((await ask(models, viewer)).status).toBe(200);
    const denied = await register(viewer);
    expect(denied).toMatchObject({ status: 403, slug: 'permission-missing', body: { permissions: ['model.register'], projectId: 'alpha', roles: ['data-scientist', 'ml-engineer'] } });
    expect(denied.body['detail']).toContain('This needs model.register on project alpha: to register models and versions');
  });

  it('reaches no project without a grant there, and the whole installation by a grant on all alone', async () => {
    const alpha = as('human/ben', { roles: ['ml-engineer'], projects: ['alpha'] });
    expect((await ask('/v1/projects/beta/models', alpha)).status).toBe(403);
    expect((await ask('/installation', alpha)).status).toBe(403);
    expect((await ask('/installation', as('human/audrey', { roles: ['auditor'] }))).status).toBe(200);
  });

  it('gets nowhere by an address whose project is none', async () => {
    const all = as('human/pia');
    const alpha = as('human/ben', { roles: ['viewer'], projects: ['alpha'] });
    for (const project of ['*', 'alpha,beta', '%20', 'ALPHA', '..%2falpha']) {
      expect([project, (await ask(`/v1/projects/${project}/models`, alpha)).status]).toEqual([project, 403]);
      expect([project, (await register(all, { name: 'm' }, `/v1/projects/${project}/models`)).status]).toEqual([project, 400]);
    }
    for (const project of ['null,null', '*', '%00', 'a%20b', '-', 'a'.repeat(64)]) expect(await ask(`/v1/projects/${project}/models`, all)).toMatchObject({ status: 400, slug: 'project-malformed' });
  });

  it('is asked where the route says it is at home, or anywhere', async () => {
    const alpha = as('human/ben', { roles: ['viewer'], projects: ['alpha'] });
    const beta = as('human/bea', { roles: ['viewer'], projects: ['beta'] });
    expect([(await ask('/installation/elsewhere', alpha)).status, (await ask('/installation/elsewhere', beta)).status]).toEqual([200, 403]);
    expect([(await ask('/installation/somewhere', beta)).status, (await ask('/installation/somewhere', as('human/nobody', { roles: [] }))).status]).toEqual([200, 403]);
    expect((await ask('/installation/known', as('human/nobody', { roles: [] }))).status).toBe(200);
  });

  it('needs the one right of several that a command asks for when it knows which', async () => {
    const approve = (who: string) => ask('/v1/projects/alpha/approvals', who, { method: 'POST', body: '{}' });
    expect((await approve(as('human/mira', { roles: ['validator'] }))).status).toBe(201);
    expect(await approve(as('human/olivia', { roles: ['business-owner'] }))).toMatchObject({ status: 403, body: { permissions: ['approval.model-risk'] } });
    expect((await approve(as('human/ada', { roles: ['administrator'] }))).status).toBe(403);
    expect((await approve(as('machine/robot'))).status).toBe(403);
  });

  it('logs in again for a decision when the login is older than a quarter of an hour', async () => {
    const late = (authTime: number | undefined) => ask('/v1/projects/alpha/approvals', as('human/mira', { roles: ['validator'], claims: { auth_time: authTime } }), { method: 'POST', body: '{}' });
    expect(await late(now - 1000)).toMatchObject({
      status: 401, slug: 'login-too-old', challenge: 'Bearer realm="vitae", error="insufficient_user_authentication", max_age=900', body: { permission: 'approval.model-risk', maxAge: 900 },
    });
    expect((await late(undefined)).status).toBe(401);
    expect((await late(now - 600)).status).toBe(201);
  });
});

describe('a service', () => {
  it('does not start with a route that says nothing of who may call it', async () => {
    @Controller('forgotten')
    class Forgotten {
      @Get()
      read() {
        return {};
      }
    }
    @Module({ controllers: [Forgotten] })
    class ForgetfulModule {}
    await expect(boot({ ...definition, module: ForgetfulModule }, { ...specAccess(), PORT: '0', LOG_LEVEL: 'silent' })).rejects.toThrow("These routes say nothing of who may call them; put @Needs(…) or @Public('why') on them: GET /forgotten (Forgotten.read)");
  });

  it('does not start with grants that it cannot read', async () => {
    const file = join(directory, 'wrong.json');
    await writeFile(file, '{"grants":[{"group":"g","role":"owner","projects":["*"]}]}');
    const env = { ...specAccess(), PORT: '0', LOG_LEVEL: 'silent' };
    await expect(boot(definition, { ...env, VITAE_GRANTS_FILE: file })).rejects.toThrow(/VITAE_GRANTS_FILE .*wrong\.json" cannot be used: grants\/0/);
    await expect(boot(definition, { ...env, VITAE_GRANTS_FILE: join(directory, 'none.json') })).rejects.toThrow(/none\.json" cannot be used: ENOENT/);
  });

  it('takes a role away when the grants change, and keeps the last good ones', async () => {
    const file = join(directory, 'grants.json');
    const grant = (role: string) => writeFile(file, JSON.stringify({ grants: [{ group: 'ml-engineer', role, projects: ['*'] }] }));
    await grant('ml-engineer');
    const changing = await boot(definition, { ...specAccess(), VITAE_GRANTS_FILE: file, PORT: '0', LOG_LEVEL: 'silent' });
    try {
      const ben = as('human/ben', { roles: ['ml-engineer'] });
      const tried = () => ask(models, ben, { at: changing, method: 'POST', body: '{"name":"m"}' });
      expect((await tried()).status).toBe(201);
      await grant('viewer');
      await eventually(async () => expect((await tried()).status).toBe(403), { timeout: 30_000 });
      await writeFile(file, 'broken');
      expect((await ask(models, ben, { at: changing })).status).toBe(200);
    } finally {
      await changing.stop();
    }
  });
});

describe('an issuer', () => {
  let server: Server;
  let asked: string[];
  let keys: object[];
  let rotating: Running;
  const issuerUrl = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const first = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = (key: typeof first.publicKey, kid: string) => ({ ...key.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' });
  const token = (key: typeof first.privateKey, kid: string) => bearer(signedBy(key, { ...header, kid }, claims({ iss: issuerUrl(), jti: randomBytes(4).toString('hex') })));

  beforeAll(async () => {
    asked = [];
    keys = [jwk(first.publicKey, 'first')];
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.setHeader('content-type', 'application/json').end(JSON.stringify(request.url === '/keys' ? { keys } : { issuer: issuerUrl(), jwks_uri: `${issuerUrl()}/keys` }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    rotating = await boot(definition, { ...specAccess(), OIDC_ISSUER: issuerUrl(), PORT: '0', LOG_LEVEL: 'silent' });
  });
  afterAll(async () => {
    await rotating.stop();
    server.close();
  });

  it('is asked for its keys once, however many tokens name a key that it does not have', async () => {
    expect((await ask(models, token(first.privateKey, 'first'), { at: rotating })).status).toBe(200);
    const flood = await Promise.all(Array.from({ length: 50 }, (_, index) => ask(models, token(stranger.privateKey, `made-up-${index}`), { at: rotating })));
    expect(new Set(flood.map(({ status, reason }) => `${status} ${String(reason)}`))).toEqual(new Set(['401 key-unknown']));
    expect(asked.filter((path) => path === '/keys').length).toBeLessThanOrEqual(2);
  });

  it('that goes away has its keys used on, for their time; of an unknown key nothing is said', async () => {
    const gone = createServer((request, response) => {
      const url = `http://127.0.0.1:${(gone.address() as AddressInfo).port}`;
      response.setHeader('content-type', 'application/json').end(JSON.stringify(request.url === '/keys' ? { keys: [jwk(first.publicKey, 'first')] } : { issuer: url, jwks_uri: `${url}/keys` }));
    });
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
    const issuer = `http://127.0.0.1:${(gone.address() as AddressInfo).port}`;
    // Fresh for no time: each token asks, as it does after five minutes.
    const [patient, hasty] = [3_600_000, 0].map((usedOn) => new TokenVerifier({ issuer, audience: 'vitae' }, { fresh: 0, usedOn, pause: 0 })) as [TokenVerifier, TokenVerifier];
    const of = (key: typeof first.privateKey, kid: string) => signedBy(key, { ...header, kid }, claims({ iss: issuer }));
    expect(await patient.verify(of(first.privateKey, 'first'))).toMatchObject({ sub: 'ben' });
    expect(await hasty.verify(of(first.privateKey, 'first'))).toMatchObject({ sub: 'ben' });
    await expect(patient.verify(of(stranger.privateKey, 'other'))).rejects.toMatchObject({ fault: 'key-unknown' });

    gone.closeAllConnections();
    await new Promise((resolve) => gone.close(resolve));
    for (let times = 0; times < 3; times += 1) expect(await patient.verify(of(first.privateKey, 'first'))).toMatchObject({ sub: 'ben' });
    await expect(patient.verify(of(stranger.privateKey, 'first'))).rejects.toMatchObject({ fault: 'signature-wrong' });
    await expect(patient.verify(of(stranger.privateKey, 'other'))).rejects.toMatchObject({ status: 503, slug: 'issuer-unavailable' });
    await expect(hasty.verify(of(first.privateKey, 'first'))).rejects.toMatchObject({ status: 503, slug: 'issuer-unavailable' });
  });

  it('that is away makes nobody unknown: the service says that it cannot check', async () => {
    const away = await boot(definition, { ...specAccess(), OIDC_ISSUER: 'http://127.0.0.1:1', PORT: '0', LOG_LEVEL: 'silent' });
    try {
      const answer = await ask(models, as('human/ben'), { at: away });
      expect(answer).toMatchObject({ status: 503, slug: 'issuer-unavailable' });
    } finally {
      await away.stop();
    }
  });
});
