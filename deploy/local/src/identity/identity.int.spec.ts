import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify, type JWTPayload } from 'jose';
import * as oidc from 'openid-client';
import { logIn, machineToken, sessionsAt } from '../log-in.ts';
import { startIdentity, type IdentityServer } from '../identity-server.ts';
import { freePort, serviceNames } from '../ports.ts';
import { identityElsewhere, identityEnvironment, prepareIdentity, type Identity } from '../prepare-identity.ts';
import { browser, type Page } from './browser.ts';
import { apiResource } from './clients.ts';
import { personas } from './personas.ts';
import { serveIdentity } from './server.ts';

let directory: string;
let port: number;
let identity: Identity & { readonly keyDir: string };
let provider: IdentityServer;
const frontDoor = 'http://127.0.0.1:7400';

const start = async (): Promise<void> => {
  provider = await startIdentity({ dataDir: directory, port, frontDoor });
};
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vitae-identity-'));
  port = await freePort();
  identity = await prepareIdentity(directory, port);
  await start();
});
afterAll(async () => {
  await provider?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** As a service verifies a token: by the keys that the issuer shows, and nothing else. */
async function verified(token: string): Promise<JWTPayload> {
  const keys = createRemoteJWKSet(new URL(`${identity.issuer}/jwks`));
  const { payload } = await jwtVerify(token, keys, { issuer: identity.issuer, audience: 'vitae', typ: 'at+jwt', algorithms: ['ES256'], requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id'] });
  return payload;
}

const secretOf = (service: string): string => readFileSync(join(identity.keyDir, `vitae-${service}.secret`), 'utf8').trim();
const insecure = { execute: [oidc.allowInsecureRequests] };
const cli = (): Promise<oidc.Configuration> => oidc.discovery(new URL(identity.issuer), 'vitae-cli', undefined, oidc.None(), insecure);
const console_ = (): Promise<oidc.Configuration> => oidc.discovery(new URL(identity.issuer), 'vitae-console', undefined, oidc.ClientSecretBasic(secretOf('console')), insecure);

const verifier = oidc.randomPKCECodeVerifier();
const loopback = 'http://127.0.0.1:45678/callback';
async function authorization(config: oidc.Configuration, changes: Record<string, string> = {}): Promise<URL> {
  const challenge = { code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' };
  return oidc.buildAuthorizationUrl(config, { redirect_uri: loopback, scope: 'openid profile email groups', ...challenge, ...changes });
}
const without = (url: URL, ...names: string[]): URL => {
  for (const name of names) url.searchParams.delete(name);
  return url;
};
const redeem = (config: oidc.Configuration, page: Page) => oidc.authorizationCodeGrant(config, page.url, { pkceCodeVerifier: verifier });

/** Logs in and answers what the client gets for its code. */
async function tokensOf(persona: string, config: oidc.Configuration, changes: Record<string, string> = {}, { open } = browser()) {
  const page = await open(await authorization(config, changes));
  return redeem(config, await open(page.url, { persona }));
}

describe('a person', () => {
  it('logs in with a code and PKCE, and gets a token that says who, in which groups, when and how', async () => {
    const begun = Math.floor(Date.now() / 1000);
    const token = await (await logIn(identity.issuer, 'dana')).accessToken();
    const { exp, iat, auth_time: authTime, jti, ...claims } = await verified(token);
    expect(claims).toEqual({
      iss: identity.issuer,
      aud: 'vitae',
      sub: 'dana',
      client_id: 'vitae-cli',
      name: 'Dana Okafor',
      email: 'dana@vitae.example',
      email_verified: true,
      groups: ['data-scientists'],
      amr: ['user'],
    });
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'ES256', typ: 'at+jwt' });
    expect((exp ?? 0) - (iat ?? 0)).toBe(600);
    expect(authTime).toBeGreaterThanOrEqual(begun);
    expect(jti).toEqual(expect.any(String));
  });

  it.each(personas)('can be $id, $does', async ({ id, role }) => {
    const session = provider.as(id);
    expect(await verified(await session.accessToken())).toMatchObject({ sub: id, groups: [`${role}s`] });
    expect(await session.accessToken()).toBe(await session.accessToken()); // good for a while
  });

  it('keeps the time of the login through a refresh, and uses each refresh token once', async () => {
    const config = await cli();
    const first = await tokensOf('pat', config);
    const second = await oidc.refreshTokenGrant(config, first.refresh_token!);
    const before = await verified(first.access_token);
    expect(await verified(second.access_token)).toMatchObject({ sub: 'pat', groups: ['platform-engineers'], auth_time: before['auth_time'], amr: ['user'] });
    expect(second.refresh_token).not.toBe(first.refresh_token);
    // Used again, it is in two hands: nobody goes on with it, not with its successor either.
    await expect(oidc.refreshTokenGrant(config, first.refresh_token!)).rejects.toMatchObject({ error: 'invalid_grant' });
    await expect(oidc.refreshTokenGrant(config, second.refresh_token!)).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  it('logs in again where the last time was too long ago', async () => {
    const session = await logIn(identity.issuer, 'rosa');
    const before = await session.accessToken();
    await session.logInAgain();
    const [first, second] = [await verified(before), await verified(await session.accessToken())];
    expect(second.jti).not.toBe(first.jti);
    expect(second['auth_time']).toBeGreaterThanOrEqual(first['auth_time'] as number);
  });

  it('logs in at another device by typing its code', async () => {
    const config = await cli();
    const device = await oidc.initiateDeviceAuthorization(config, { scope: 'openid profile email groups' });
    const poll = oidc.pollDeviceAuthorizationGrant(config, { ...device, interval: 0.1 });
    const { open } = browser();
    const asked = await open(new URL(device.verification_uri));
    const confirm = await open(asked.url, { ...hiddenIn(asked), user_code: device.user_code });
    expect(confirm.text).toContain(device.user_code);
    const choice = await open(confirm.url, hiddenIn(confirm));
    const done = await open(choice.url, { persona: 'mira' });
    expect(done.text).toContain('You are logged in');
    expect(await verified((await poll).access_token)).toMatchObject({ sub: 'mira', groups: ['validators'], amr: ['user'], client_id: 'vitae-cli' });
  });

  it('is told when the code of a device is wrong', async () => {
    const { open } = browser();
    const asked = await open(new URL(`${identity.issuer}/device`));
    const refused = await open(asked.url, { ...hiddenIn(asked), user_code: 'AAAA-AAAA' });
    expect(refused.text).toMatch(/role="alert">This code is not known/);
  });

  it('logs in at the console and out again', async () => {
    const config = await console_();
    const { open } = browser();
    const tokens = await tokensOf('ada', config, { redirect_uri: `${frontDoor}/auth/callback` }, { open });
    expect(tokens.claims()).toMatchObject({ sub: 'ada', aud: 'vitae-console', name: 'Ada Haddad', groups: ['administrators'] });
    expect(await verified(tokens.access_token)).toMatchObject({ sub: 'ada', client_id: 'vitae-console' });

    const asked = await open(oidc.buildEndSessionUrl(config, { post_logout_redirect_uri: `${frontDoor}/`, id_token_hint: tokens.id_token! }));
    const out = await open(new URL(actionOf(asked)), { ...hiddenIn(asked), logout: 'yes' });
    expect([out.left, out.url.href]).toEqual([true, `${frontDoor}/`]);
    await expect(oidc.refreshTokenGrant(config, tokens.refresh_token!)).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  it('chooses anew each time, and can be somebody else in the same browser', async () => {
    const config = await cli();
    const { open } = browser();
    await tokensOf('emil', config, {}, { open });
    const page = await open(await authorization(config));
    expect(page.text).toContain('ML engineer (as you are now)');
    const switching = await open(page.url, { persona: 'rosa' }); // ends Emil's session first, by a form that sends itself
    const done = await open(new URL(actionOf(switching)), hiddenIn(switching));
    expect(await verified((await redeem(config, done)).access_token)).toMatchObject({ sub: 'rosa' });
  });
});

describe('who is not let in', () => {
  it('is nobody of the page', async () => {
    const { open } = browser();
    const page = await open(await authorization(await cli()));
    const refused = await open(page.url, { persona: 'mallory' });
    expect(refused).toMatchObject({ status: 422, left: false, text: expect.stringContaining('Nobody here has that name') });
    await expect(logIn(identity.issuer, 'mallory')).rejects.toThrow('did not log mallory in (422)');
  });

  it('changes their mind', async () => {
    const { open } = browser();
    const page = await open(await authorization(await cli()));
    const { url } = await open(page.url, { persona: '' });
    expect(url.origin).toBe('http://127.0.0.1:45678');
    expect(url.searchParams.get('error')).toBe('access_denied');
  });

  it('comes with an address of somebody else’s login, or with more than a choice', async () => {
    const { open } = browser();
    const mine = await open(await authorization(await cli()));
    expect(await browser().open(mine.url)).toMatchObject({ status: 400, left: false, text: expect.stringContaining('begin to log in again') });
    expect(await browser().open(mine.url, { persona: 'dana' })).toMatchObject({ status: 400, left: false });
    expect(await open(mine.url, { persona: 'dana'.padEnd(5_000, 'x') })).toMatchObject({ status: 413, left: false });
  });

  it.each([
    ['another machine', 'http://evil.example/callback'],
    ['another path', 'http://127.0.0.1:45678/other'],
    ['the console’s address at the command line’s client', 'http://127.0.0.1:7400/auth/callback'],
  ])('wants the code sent to %s', async (_, redirectUri) => {
    const page = await browser().open(await authorization(await cli(), { redirect_uri: redirectUri }));
    expect(page).toMatchObject({ status: 400, left: false, text: expect.stringContaining('redirect_uri') });
  });

  it('uses the console’s client with an address that is not the front door', async () => {
    const page = await browser().open(await authorization(await console_(), { redirect_uri: loopback }));
    expect(page).toMatchObject({ status: 400, left: false, text: expect.stringContaining('redirect_uri') });
  });

  it.each([
    ['no PKCE', (url: URL) => without(url, 'code_challenge', 'code_challenge_method')],
    ['plain PKCE', (url: URL) => (url.searchParams.set('code_challenge_method', 'plain'), url)],
  ])('comes with %s', async (_, change) => {
    for (const [config, redirect] of [[await cli(), loopback], [await console_(), `${frontDoor}/auth/callback`]] as const) {
      const { url } = await browser().open(change(await authorization(config, { redirect_uri: redirect })));
      expect(url.searchParams.get('error')).toBe('invalid_request');
    }
  });

  it('has the code, but not what it was asked for with', async () => {
    const config = await cli();
    const { open } = browser();
    const page = await open(await authorization(config));
    const { url } = await open(page.url, { persona: 'dana' });
    await expect(oidc.authorizationCodeGrant(config, url, { pkceCodeVerifier: oidc.randomPKCECodeVerifier() })).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  it('is a client that nobody knows, or asks for another audience', async () => {
    const stranger = await oidc.discovery(new URL(identity.issuer), 'stranger', undefined, oidc.None(), insecure);
    expect(await browser().open(await authorization(stranger))).toMatchObject({ status: 400, left: false });
    const { url } = await browser().open(await authorization(await cli(), { resource: 'urn:other:api' }));
    expect(url.searchParams.get('error')).toBe('invalid_target');
  });
});

describe('a service', () => {
  it.each(serviceNames)('gets a token as vitae-%s', async (service) => {
    const { VITAE_CLIENT_ID: clientId, VITAE_CLIENT_SECRET_FILE: file } = identityEnvironment(service, identity);
    const claims = await verified(await (await machineToken(identity.issuer, clientId!, file!)).accessToken());
    expect(claims).toMatchObject({ sub: `vitae-${service}`, client_id: `vitae-${service}` });
    expect(Object.keys(claims)).not.toContain('groups');
  });

  it('gets none with the secret of another, and none as a person', async () => {
    await expect(machineToken(identity.issuer, 'vitae-ledger', join(identity.keyDir, 'vitae-registry.secret'))).rejects.toMatchObject({ status: 401 });
    const config = await oidc.discovery(new URL(identity.issuer), 'vitae-ledger', undefined, oidc.ClientSecretBasic(secretOf('ledger')), insecure);
    expect(await browser().open(await authorization(config))).toMatchObject({ status: 400, left: false });
    await expect(oidc.clientCredentialsGrant(await cli(), { resource: apiResource })).rejects.toMatchObject({ error: 'invalid_request', error_description: 'requested grant type is not allowed for this client' });
  });
});

describe('the provider', () => {
  it('remembers, over a restart, who is logged in and what it signs with', async () => {
    const config = await cli();
    const tokens = await tokensOf('olivia', config);
    await provider.stop();
    await start();
    expect(await verified(tokens.access_token)).toMatchObject({ sub: 'olivia' });
    expect(await verified((await oidc.refreshTokenGrant(config, tokens.refresh_token!)).access_token)).toMatchObject({ sub: 'olivia' });
  });

  it('listens on this machine only, and says why', async () => {
    const settings = { port, frontDoor, keyDir: identity.keyDir, stateFile: join(directory, 'other.json') };
    for (const host of ['0.0.0.0', '::', '192.0.2.1', 'vitae.example']) {
      await expect(serveIdentity({ ...settings, host })).rejects.toThrow(`asks for no password, so it listens on 127.0.0.1 or ::1 only, and not on ${host}`);
    }
  });

  it('turns away a page that gives its own name our address', async () => {
    const status = await new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, path: '/.well-known/openid-configuration', headers: { host: `rebound.example:${port}` } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).once('error', reject).end();
    });
    expect(status).toBe(421);
  });

  it('lets no other page read its answers', async () => {
    const answer = await fetch(`${identity.issuer}/token`, { method: 'POST', headers: { origin: 'http://127.0.0.1:3000' }, body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', client_id: 'vitae-cli' }) });
    expect([answer.ok, answer.headers.get('access-control-allow-origin')]).toEqual([false, null]);
  });

  it('shows a page without scripts that says what it is', async () => {
    const { text, headers } = await browser().open(await authorization(await cli()));
    expect(text).toContain('Continue as <strong>Dana</strong>, data scientist');
    expect(text).toContain('one machine');
    expect(text).not.toMatch(/<script|\son\w+=/);
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; script-src; .*frame-ancestors 'none'/);
  });

  it('keeps its secrets to their owner, a different one for each service', () => {
    const files = readdirSync(identity.keyDir);
    expect(files).toHaveLength(serviceNames.length + 2);
    for (const file of [...files.map((name) => join(identity.keyDir, name)), identity.grantsFile, join(directory, 'access', 'logins.json')]) {
      expect([file, statSync(file).mode & 0o777]).toEqual([file, 0o600]);
    }
    expect(new Set(serviceNames.map(secretOf)).size).toBe(serviceNames.length);
  });
});

describe('the grants file', () => {
  it('gives each persona’s group its role and each service’s client its own, and is kept when it is there', async () => {
    const { grants } = JSON.parse(readFileSync(identity.grantsFile, 'utf8')) as { grants: unknown[] };
    expect(grants).toHaveLength(personas.length + serviceNames.length);
    expect(grants).toContainEqual({ group: 'data-scientists', role: 'data-scientist', projects: ['*'] });
    expect(grants).toContainEqual({ client: 'vitae-deployment', role: 'service', projects: ['*'] });
    const before = statSync(identity.grantsFile).mtimeMs;
    await prepareIdentity(directory, port);
    expect(statSync(identity.grantsFile).mtimeMs).toBe(before);
  });

  it('has to be named for an issuer of one’s own', () => {
    expect(() => identityElsewhere('https://login.example', {})).toThrow('VITAE_GRANTS_FILE has to name the file');
    expect(() => identityElsewhere('https://login.example', { VITAE_GRANTS_FILE: '/nowhere.json' })).toThrow('there is no /nowhere.json');
    const given = identityElsewhere('https://login.example', { VITAE_GRANTS_FILE: identity.grantsFile, OIDC_AUDIENCE: 'models' });
    expect(identityEnvironment('registry', given)).toEqual({ OIDC_ISSUER: 'https://login.example', OIDC_AUDIENCE: 'models', VITAE_GRANTS_FILE: identity.grantsFile });
    expect(() => sessionsAt(given).as('dana')).toThrow('dana is known to the local OpenID provider only, and https://login.example is another one.');
  });
});

function hiddenIn({ text }: Page): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]));
}

const actionOf = ({ text }: Page): string => /action="([^"]+)"/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? '';
