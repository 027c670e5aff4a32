import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { boot, type Running } from '@vitae/service-kit';
import { decodeJwt } from 'jose';
import { console as frontDoor } from '../app.module.ts';
import { Browser, send, type Answer, type Asked } from '../browser.fixture.ts';
import type { ConsoleConfig } from '../config.ts';
import { startEcho, type Echoed } from '../echo.fixture.ts';
import { startIssuer, type Issuer } from './issuer.fixture.ts';
import type { Session } from './session.ts';
import { line, sessionLines } from './session-cookie.ts';
import { SessionSeal } from './session-seal.store.ts';

let directory: string;
let echo: Awaited<ReturnType<typeof startEcho>>;
let issuer: Issuer;
let door: Running;
let seal: SessionSeal;
let settings: NodeJS.ProcessEnv;
let logged = '';

const sealWith = async (file: string): Promise<SessionSeal> => {
  const made = new SessionSeal({ VITAE_MODE: 'local', VITAE_SESSION_KEY_FILE: file } as ConsoleConfig);
  await made.onModuleInit();
  return made;
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vitae-door-'));
  [echo, issuer] = await Promise.all([startEcho(), startIssuer()]);
  const secret = join(directory, 'client.secret');
  await writeFile(secret, `${issuer.clientSecret}\n`);
  const services = Object.fromEntries(['REGISTRY', 'GOVERNANCE', 'DEPLOYMENT', 'MONITORING', 'LEDGER', 'RUNTIME'].map((name) => [`${name}_URL`, echo.url]));
  settings = { VITAE_MODE: 'local', PORT: '0', LOG_LEVEL: 'trace', OIDC_ISSUER: issuer.url, OIDC_AUDIENCE: 'vitae', VITAE_GRANTS_FILE: join(directory, 'grants.json'), VITAE_DATA_DIR: directory, VITAE_CLIENT_SECRET_FILE: secret, ...services, RUNTIME_URL: 'http://127.0.0.1:9' }; // nothing listens there (discard)
  const log = new Writable({
    write(chunk, _encoding, done) {
      logged += String(chunk);
      done();
    },
  });
  door = await boot(frontDoor, settings, { log });
  issuer.open(door.url);
  seal = await sealWith(join(directory, 'session.key'));
});
beforeEach(() => {
  issuer.accessTokenSeconds = 600;
  issuer.broken = false;
  issuer.person = { sub: 'dana', name: 'Dana <Okafor>', groups: ['data-scientists'] };
  issuer.asked();
});
afterAll(async () => {
  await door.stop();
  await Promise.all([issuer.close(), echo.close()]);
  await rm(directory, { recursive: true });
});

const loggedIn = async (browser = new Browser()): Promise<Browser> => {
  const answer = await browser.go(`${door.url}/auth/login?returnTo=/api/registry/v1/x`);
  expect(answer.status).toBe(201);
  return browser;
};
const echoed = (answer: Answer): Echoed => answer.json<Echoed>();
const bearer = (answer: Answer): string => /^Bearer (\S+)$/.exec(echoed(answer).headers['authorization'] ?? '')?.[1] ?? '';
const problem = (answer: Answer): string => `${answer.status} ${answer.json<{ type: string }>().type.split('/').at(-1)}`;
const get = (browser: Browser, path: string, asked: Asked = {}): Promise<Answer> => browser.once(`${door.url}${path}`, asked);
const csrfOf = async (browser: Browser): Promise<string> => (await get(browser, '/auth/session')).json<{ csrfToken: string }>().csrfToken;

/** A browser with a session that the spec has sealed itself, with the door's own key unless told. */
async function browserWith(changes: Partial<Session>, by = seal): Promise<Browser> {
  const now = Math.floor(Date.now() / 1_000);
  const session: Session = { id: randomBytes(16).toString('hex'), subject: 'dana', accessToken: 'an-access-token', accessUntil: now + 600, secret: 's', since: now, seen: now, generation: 0, ...changes };
  const browser = new Browser();
  browser.take(sessionLines('vitae-session', await by.seal('vitae-session', session), [], { secure: false }) ?? []);
  return browser;
}

describe('logging in', () => {
  it('leads over the issuer back to where one wanted to go, with a cookie that scripts cannot read', async () => {
    const browser = await loggedIn();
    expect(browser.cookies.get('vitae-session')?.line).toMatch(/^vitae-session=1~[\w.-]+; Path=\/; HttpOnly; SameSite=Lax$/);
    expect([...browser.cookies.keys()].filter((name) => name.startsWith('vitae-login'))).toEqual([]);
    expect(issuer.asked()).toEqual(['authorization_code ok']);
  });

  it.each(['/auth/configuration', '/api/auth/configuration'])('tells everybody at %s where the command line logs in', async (path) => {
    const { status, json, headers } = await get(new Browser(), path);
    expect([status, json()]).toEqual([200, { issuer: issuer.url, audience: 'vitae', cliClientId: 'vitae-cli' }]);
    expect([headers['cache-control'], headers['set-cookie']]).toEqual(['no-store', undefined]);
    expect(problem(await get(new Browser(), path, { method: 'DELETE' }))).toMatch(/^404 route-/);
  });

  it('asks the issuer with code, PKCE, state and nonce', async () => {
    const { status, headers } = await get(new Browser(), '/auth/login');
    const { origin, searchParams } = new URL(headers.location ?? '');
    expect([status, origin, headers['cache-control']]).toEqual([303, issuer.url, 'no-store']);
    expect(Object.fromEntries(searchParams)).toMatchObject({ response_type: 'code', client_id: 'vitae-console', redirect_uri: `${door.url}/auth/callback`, code_challenge_method: 'S256', scope: 'openid profile email', state: expect.stringMatching(/^[\w-]{43}$/), nonce: expect.stringMatching(/^[\w-]{43}$/), code_challenge: expect.stringMatching(/^[\w-]{43}$/) });
  });

  it('turns the cookie into a bearer, and passes no cookie on', async () => {
    const answer = await get(await loggedIn(), '/api/registry/v1/projects/p/models');
    expect(decodeJwt(bearer(answer))).toMatchObject({ iss: issuer.url, sub: 'dana', aud: 'vitae', groups: ['data-scientists'] });
    expect(echoed(answer).headers['cookie']).toBeUndefined();
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['set-cookie']).toBeUndefined(); // neither the service's nor a new one of ours
  });

  it('says who is logged in, until when, and the CSRF token', async () => {
    const { json, headers } = await get(await loggedIn(), '/auth/session');
    const session = json<Record<string, string>>();
    expect(session).toEqual({ loggedIn: true, issuer: issuer.url, subject: 'dana', name: 'Dana <Okafor>', since: expect.any(String), until: expect.any(String), csrfToken: expect.stringMatching(/^[\w-]{43}$/) });
    expect(Date.parse(session['until'] ?? '') - Date.parse(session['since'] ?? '')).toBe(30 * 60_000);
    expect(headers['cache-control']).toBe('no-store');
    expect((await get(new Browser(), '/auth/session')).json()).toEqual({ loggedIn: false });
    const idle = await browserWith({ seen: 1 });
    expect([(await get(idle, '/auth/session')).json(), idle.cookies.size]).toEqual([{ loggedIn: false, why: 'The session was not used for 30 minutes.' }, 0]);
  });

  it('lets two tabs log in at once', async () => {
    const browser = new Browser();
    const first = await get(browser, '/auth/login?returnTo=/api/ledger/first');
    const second = await get(browser, '/auth/login?returnTo=/api/ledger/second');
    expect(echoed(await browser.go(first.headers.location ?? '')).url).toBe('/first');
    expect(echoed(await browser.go(second.headers.location ?? '')).url).toBe('/second');
  });

  it('gives up old attempts before their cookies fill the requests', async () => {
    const browser = new Browser();
    for (let attempt = 0; attempt < 9; attempt += 1) await get(browser, '/auth/login');
    expect(browser.cookies.size).toBeLessThanOrEqual(5);
  });

  it.each(['https://evil.example', '//evil.example', '/\\evil.example', '/..//evil.example', 'javascript:alert(1)'])('sends nobody to %j', async (wish) => {
    const answer = await get(new Browser(), `/auth/login?returnTo=${encodeURIComponent(wish)}`);
    expect([problem(answer), answer.headers.location, answer.text.includes('evil')]).toEqual(['400 return-to-refused', undefined, false]);
    expect(problem(await get(new Browser(), `/auth/login?returnTo=/&returnTo=${encodeURIComponent(wish)}`))).toBe('400 return-to-refused');
  });

  it('asks for a login that is young enough, and takes no other', async () => {
    const browser = await loggedIn();
    const { headers } = await get(browser, '/auth/login?maxAge=0');
    expect(new URL(headers.location ?? '').searchParams.get('max_age')).toBe('0');
    expect((await browser.go(headers.location ?? '')).status).toBe(200);
    // Somebody takes the wish out of the address: the issuer then tells no time, and the door takes no login without.
    const untold = new URL((await get(browser, '/auth/login?maxAge=900')).headers.location ?? '');
    untold.searchParams.delete('max_age');
    expect(problem(await browser.go(untold.href))).toBe('400 login-refused');
    expect(problem(await get(browser, '/auth/login?maxAge=-1'))).toBe('400 max-age-malformed');
  });

  it('keeps a session larger than a cookie in pieces', async () => {
    issuer.person = { ...issuer.person, groups: Array.from({ length: 150 }, (_, index) => `a-group-with-a-long-name-${index}`) };
    const browser = await loggedIn();
    expect([...browser.cookies.keys()].filter((name) => name.startsWith('vitae-session')).length).toBeGreaterThan(1);
    expect(decodeJwt(bearer(await get(browser, '/api/registry/v1/x')))['groups']).toHaveLength(150);
    issuer.person = { ...issuer.person, groups: [] };
    await browser.go(`${door.url}/auth/login`); // and takes them away again
    expect([...browser.cookies.keys()].filter((name) => name.startsWith('vitae-session'))).toEqual(['vitae-session']);
  });

  it('says so when a session is too large for any cookies', async () => {
    issuer.person = { ...issuer.person, groups: Array.from({ length: 600 }, (_, index) => `a-group-with-a-long-name-${index}`) };
    expect(problem(await new Browser().go(`${door.url}/auth/login`))).toBe('403 session-too-large');
  });
});

describe('a login that is not ours', () => {
  /** An answer of the issuer that waits to be given to the door. */
  const answered = async (browser: Browser): Promise<string> => {
    let answer = await get(browser, '/auth/login');
    while (!answer.headers.location?.startsWith(`${door.url}/auth/callback`)) answer = await browser.once(new URL(answer.headers.location ?? '', answer.url).href);
    return answer.headers.location;
  };

  it('is refused in another browser than began it: nobody is logged in as somebody else', async () => {
    const answer = await new Browser().once(await answered(new Browser()));
    expect([problem(answer), answer.headers['set-cookie'], answer.json()['instance']]).toEqual(['400 login-not-begun', undefined, '/auth/callback']);
  });

  it('is refused with another state', async () => {
    const browser = new Browser();
    const url = new URL(await answered(browser));
    url.searchParams.set('state', `${url.searchParams.get('state')?.slice(0, 20)}AAAAAAAAAAAAAAAAAAAAAAA`);
    expect(problem(await browser.once(url.href))).toBe('400 login-not-begun');
  });

  it('is refused from another issuer', async () => {
    const browser = new Browser();
    const url = new URL(await answered(browser));
    url.searchParams.set('iss', 'https://evil.example');
    expect(problem(await browser.once(url.href))).toBe('400 login-refused');
    expect(issuer.asked()).toEqual([]); // the code went nowhere
  });

  it('is refused the second time, also to who has kept the cookie', async () => {
    const browser = new Browser();
    const url = await answered(browser);
    const copied = browser.copy();
    expect((await browser.once(url)).status).toBe(303);
    expect(problem(await browser.once(url))).toBe('400 login-not-begun');
    const again = await copied.once(url);
    expect([problem(again), issuer.asked()]).toEqual(['400 login-refused', ['authorization_code ok', 'authorization_code invalid_grant']]);
    expect(again.text).not.toContain(new URL(url).searchParams.get('code'));
  });

  it('is refused when the issuer says no, and when it comes too late', async () => {
    const browser = new Browser();
    const state = new URL((await get(browser, '/auth/login')).headers.location ?? '').searchParams.get('state') ?? '';
    const refused = await get(browser, `/auth/callback?error=access_denied&state=${state}&iss=${encodeURIComponent(issuer.url)}`);
    expect(problem(refused)).toBe('400 login-refused');
    const late = new Browser();
    late.take([line(`vitae-login-${'L'.repeat(16)}`, await seal.seal('vitae-login', { state: 'L'.repeat(43), nonce: 'n', verifier: 'v', returnTo: '/', until: 1 }), { secure: false })]);
    expect(problem(await get(late, `/auth/callback?code=c&state=${'L'.repeat(43)}`))).toBe('400 login-not-begun');
  });

  it('cannot make a session of a login cookie', async () => {
    const browser = new Browser();
    await get(browser, '/auth/login');
    const [, attempt] = [...browser.cookies][0] ?? [];
    browser.take([line('vitae-session', `1~${attempt?.value}`, { secure: false })]);
    expect(problem(await get(browser, '/api/registry/v1/x'))).toBe('401 session-expired');
  });
});

describe('an issuer that is away', () => {
  it('is 503 with Retry-After, and tells nothing of our insides', async () => {
    const browser = new Browser();
    const { headers: begun } = await get(browser, '/auth/login');
    issuer.broken = true;
    const answer = await browser.go(begun.location ?? '');
    expect([problem(answer), answer.headers['retry-after']]).toEqual(['503 issuer-unavailable', '5']);
    expect(answer.text).not.toMatch(/stack|\.ts:|node_modules|code=/);
  });

  it('is 503 before anything is known of it, too', async () => {
    // Nothing listens on port 9 (discard).
    const other = await boot(frontDoor, { ...settings, OIDC_ISSUER: 'http://127.0.0.1:9' });
    const answer = await send(other.url, '/auth/login');
    await other.stop();
    expect([problem(answer), answer.headers['retry-after']]).toEqual(['503 issuer-unavailable', '5']);
  });

  it('does not end a session whose access token is good for a while', async () => {
    issuer.accessTokenSeconds = 30;
    const browser = await loggedIn();
    issuer.broken = true;
    expect(bearer(await get(browser, '/api/registry/v1/x'))).not.toBe('');
  });

  it('is 503 for a session that has to be renewed, which is not lost', async () => {
    const browser = await browserWith({ refreshToken: 'r', accessUntil: 1 });
    issuer.broken = true;
    const answer = await get(browser, '/api/registry/v1/x');
    expect([problem(answer), answer.headers['set-cookie']]).toEqual(['503 issuer-unavailable', undefined]);
  });
});

describe('a session cookie', () => {
  const cases: readonly (readonly [string, () => Promise<Browser>])[] = [
    ['forged', async () => jar(`1~${Buffer.from('{"alg":"dir","enc":"A256GCM"}').toString('base64url')}..AAAA.BBBB.CCCC`)],
    ['empty', async () => jar('')],
    ['cut', async () => jar((await loggedIn()).cookies.get('vitae-session')?.value.slice(0, -9) ?? '')],
    ['without its second piece', async () => jar((await loggedIn()).cookies.get('vitae-session')?.value.replace('1~', '2~') ?? '')],
    ['changed in one character', async () => jar(((await loggedIn()).cookies.get('vitae-session')?.value ?? '').replace(/.(.{40})$/, (last, rest: string) => `${last.startsWith('A') ? 'B' : 'A'}${rest}`))],
    ['of another key', async () => browserWith({}, await sealWith(join(directory, 'other.key')))],
    ['not used for 31 minutes', async () => browserWith({ seen: Math.floor(Date.now() / 1_000) - 31 * 60 })],
    ['begun 12 hours ago', async () => browserWith({ since: Math.floor(Date.now() / 1_000) - 12 * 3_600 })],
    ['with an access token at its end and nothing to renew it', async () => browserWith({ accessUntil: 1 })],
  ];
  const jar = (value: string): Browser => {
    const browser = new Browser();
    browser.take([line('vitae-session', value, { secure: false })]);
    return browser;
  };

  it.each(cases)('that is %s is answered 401 and taken away, and no service is asked', async (_, made) => {
    const browser = await made();
    echo.seen.length = 0;
    const answer = await get(browser, '/api/registry/v1/x');
    expect([problem(answer), echo.seen]).toEqual(['401 session-expired', []]);
    expect(browser.cookies.has('vitae-session')).toBe(false);
  });

  it('that is no good does not keep the public documents closed', async () => {
    expect(echoed(await get(jar('1~x'), '/api/registry/openapi.json'))).toMatchObject({ url: '/openapi.json', headers: expect.not.objectContaining({ authorization: expect.anything() }) });
  });

  it('is not looked at beside an Authorization header', async () => {
    const browser = await loggedIn();
    const answer = await get(browser, '/api/registry/v1/x', { method: 'POST', headers: { authorization: 'Bearer own' }, body: 'x' });
    expect([bearer(answer), echoed(answer).headers['cookie']]).toEqual(['own', undefined]);
    expect(bearer(await get(jar('1~forged'), '/api/registry/v1/x', { headers: { authorization: 'Bearer own' } }))).toBe('own');
  });

  it('is written again when it was not for a while, so that the idle time begins anew', async () => {
    const browser = await browserWith({ seen: Math.floor(Date.now() / 1_000) - 29 * 60, accessUntil: Math.floor(Date.now() / 1_000) + 7_200 });
    expect((await get(browser, '/auth/session')).headers['set-cookie']).toBeUndefined(); // asking is no use of it
    const before = browser.cookies.get('vitae-session')?.value;
    expect((await get(browser, '/api/registry/v1/x')).status).toBe(201);
    const until = Date.parse((await get(browser, '/auth/session')).json<{ until: string }>().until);
    expect(browser.cookies.get('vitae-session')?.value).not.toBe(before);
    expect(until - Date.now()).toBeGreaterThan(29 * 60_000);
  });

  it('opens with a key that is no longer the first, and with none that was taken away', async () => {
    const keys = join(directory, 'rotated.key');
    const [old, next] = [randomBytes(32).toString('base64url'), randomBytes(32).toString('base64url')];
    await writeFile(keys, `${next}\n${old}\n`);
    await writeFile(join(directory, 'old.key'), `${old}\n`);
    const before = await (await sealWith(join(directory, 'old.key'))).seal('vitae-session', { id: 1 });
    const rotated = await sealWith(keys);
    expect(await rotated.open('vitae-session', before)).toEqual({ id: 1 });
    expect(await rotated.open('vitae-login', before)).toBeUndefined(); // sealed for something else
    expect(await (await sealWith(join(directory, 'old.key'))).open('vitae-session', await rotated.seal('vitae-session', { id: 2 }))).toBeUndefined();
  });

  it('is sealed with a key that only its owner reads; one that is no key stops the start', async () => {
    expect((await stat(join(directory, 'session.key'))).mode & 0o777).toBe(0o600);
    await writeFile(join(directory, 'bad.key'), 'secret\n');
    const start = boot(frontDoor, { ...settings, VITAE_SESSION_KEY_FILE: join(directory, 'bad.key') });
    await expect(start).rejects.toThrow(/VITAE_SESSION_KEY_FILE .* holds no session keys/);
    await expect(start).rejects.not.toThrow(/secret/);
  });
});

describe('renewing', () => {
  it('happens once for all tabs, whose old cookies go on working', async () => {
    issuer.accessTokenSeconds = 30; // less than what an access token has to be good for: due at once
    const browser = await loggedIn();
    const old = browser.copy();
    issuer.asked();
    issuer.accessTokenSeconds = 600;
    const answers = await Promise.all(Array.from({ length: 12 }, () => get(old.copy(), '/api/registry/v1/x')));
    expect(issuer.asked()).toEqual(['refresh_token ok']);
    expect(new Set(answers.map(bearer)).size).toBe(1);
    expect(answers.every(({ headers }) => headers['set-cookie']?.length === 1)).toBe(true);
    // A tab that comes late with the cookie from before: it gets the newer tokens, and its refresh token is not used twice.
    expect(bearer(await get(old, '/api/registry/v1/y'))).toBe(bearer(answers[0] as Answer));
    expect(issuer.asked()).toEqual([]);
    // And what it was given is the session as it is now.
    expect((await get(old, '/api/registry/v1/z')).headers['set-cookie']).toBeUndefined();
  });

  it('is not lost when the service that the request was for is down', async () => {
    issuer.accessTokenSeconds = 30;
    const browser = await loggedIn();
    issuer.accessTokenSeconds = 600;
    const before = browser.cookies.get('vitae-session')?.value;
    const answer = await get(browser, '/api/runtime/v1/x');
    expect([problem(answer), browser.cookies.get('vitae-session')?.value === before]).toEqual(['503 service-unavailable', false]);
  });

  it('goes on from one refresh to the next', async () => {
    issuer.accessTokenSeconds = 30;
    const browser = await loggedIn();
    issuer.asked();
    const tokens = [bearer(await get(browser, '/api/registry/v1/1')), bearer(await get(browser, '/api/registry/v1/2')), bearer(await get(browser, '/api/registry/v1/3'))];
    expect([new Set(tokens).size, issuer.asked()]).toEqual([3, ['refresh_token ok', 'refresh_token ok', 'refresh_token ok']]);
  });

  it('that the issuer refuses ends the session with its access token, and is not asked for again and again', async () => {
    const browser = await browserWith({ refreshToken: 'not-a-token', accessUntil: 1 });
    const answers = [await get(browser, '/api/registry/v1/x'), await get(browser, '/api/registry/v1/x')];
    expect([answers.map(problem), issuer.asked()]).toEqual([['401 session-expired', '401 session-expired'], ['refresh_token invalid_grant']]);
    expect(browser.cookies.has('vitae-session')).toBe(true); // another tab may just have got a better one
    const young = await browserWith({ refreshToken: 'not-a-token', accessUntil: Math.floor(Date.now() / 1_000) + 30 });
    expect(bearer(await get(young, '/api/registry/v1/x'))).toBe('an-access-token');
  });
});

describe('a request with the cookie that changes something', () => {
  const post = (browser: Browser, headers: Record<string, string>): Promise<Answer> => get(browser, '/api/registry/v1/x', { method: 'POST', headers, body: '{}' });

  it('goes through from a page of ours, without the token of the page', async () => {
    const browser = await loggedIn();
    const answer = await post(browser, { 'x-csrf-token': await csrfOf(browser), 'sec-fetch-site': 'same-origin', origin: door.url });
    expect([answer.status, echoed(answer).headers['x-csrf-token'], echoed(answer).bytes]).toEqual([201, undefined, 2]);
    expect((await post(browser, { 'x-csrf-token': await csrfOf(browser) })).status).toBe(201); // a browser that says nothing of itself
  });

  const matrix: readonly (readonly [string, Record<string, string>])[] = [
    ['no token', {}],
    ['a wrong token', { 'x-csrf-token': 'x'.repeat(43) }],
    ['another site', { token: 'own', 'sec-fetch-site': 'cross-site' }],
    ['a neighbouring site', { token: 'own', 'sec-fetch-site': 'same-site' }],
    ['no site at all', { token: 'own', 'sec-fetch-site': 'none' }],
    ['another origin', { token: 'own', origin: 'https://evil.example' }],
    ['another port', { token: 'own', origin: 'http://127.0.0.1:1' }],
    ['origin null', { token: 'own', 'sec-fetch-site': 'same-origin', origin: 'null' }],
    ['the token of another session', { token: 'other' }],
  ];
  it.each(matrix)('is refused with %s', async (_, { token, ...headers }) => {
    const browser = await browserWith({});
    const csrf = token === 'own' ? await csrfOf(browser) : token === 'other' ? await csrfOf(await browserWith({ secret: 't' })) : undefined;
    echo.seen.length = 0;
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND']) {
      const answer = await get(browser, '/api/registry/v1/x', { method, headers: { ...headers, ...(csrf === undefined ? {} : { 'x-csrf-token': csrf }) } });
      expect([method, problem(answer)]).toEqual([method, '403 csrf-refused']);
    }
    expect(echo.seen).toEqual([]);
    expect((await get(browser, '/api/registry/v1/x', { headers })).status).toBe(201); // reading needs no token
  });
});

describe('logging out', () => {
  const form = (csrf: string): Asked => ({ method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded', origin: door.url, 'sec-fetch-site': 'same-origin' }, body: new URLSearchParams({ csrf }).toString() });

  it('ends the session here, for copies of the cookie too, its refresh token, and leads to the logout of the issuer', async () => {
    const browser = await loggedIn();
    const copied = browser.copy();
    const page = await get(browser, '/');
    expect(page.text).toContain('You are logged in as Dana &#60;Okafor&#62;');
    const csrf = /name="csrf" value="([\w-]+)"/.exec(page.text)?.[1] ?? '';
    const answer = await get(browser, '/auth/logout', form(csrf));
    expect([answer.status, answer.headers.location?.startsWith(`${issuer.url}/session/end?`), browser.cookies.has('vitae-session')]).toEqual([303, true, false]);
    expect(new URL(answer.headers.location ?? '').searchParams.get('post_logout_redirect_uri')).toBe(`${door.url}/`);
    expect(page.headers['content-security-policy']).toContain(`form-action 'self' ${issuer.url};`);
    expect(problem(await get(copied, '/api/registry/v1/x'))).toBe('401 session-expired');
    expect((await browser.once(answer.headers.location ?? '')).status).toBe(200); // the issuer asks whether one is sure
  });

  it('makes the refresh token worthless, so that another replica cannot go on with it either', async () => {
    issuer.accessTokenSeconds = 1;
    const browser = await loggedIn();
    const copied = browser.copy();
    const { csrfToken } = (await get(browser, '/auth/session')).json<{ csrfToken: string }>();
    await get(browser, '/auth/logout', form(csrfToken));
    issuer.asked();
    const replica = await boot(frontDoor, { ...settings, LOG_LEVEL: 'silent' });
    await copied.once(`${replica.url}/api/registry/v1/x`);
    await replica.stop();
    expect(issuer.asked()).toEqual(['refresh_token invalid_grant']);
  });

  it('is refused without the token, from elsewhere and by GET', async () => {
    const browser = await loggedIn();
    const csrf = await csrfOf(browser);
    expect(problem(await get(browser, '/auth/logout', form('wrong')))).toBe('403 csrf-refused');
    expect(problem(await get(browser, '/auth/logout', { ...form(csrf), headers: { origin: 'null' } }))).toBe('403 csrf-refused');
    expect((await get(browser, '/auth/logout')).status).toBe(404);
    expect(problem(await get(browser, '/auth/logout', form('x'.repeat(5_000))))).toBe('413 body-too-large');
    expect((await get(browser, '/auth/session')).json()['loggedIn']).toBe(true);
  });

  it('of nobody leads home', async () => {
    expect((await get(new Browser(), '/auth/logout', { method: 'POST' })).headers.location).toBe('/');
  });
});

it('writes no token, cookie, code or secret into the log, and shows none', async () => {
  const browser = await loggedIn();
  const answer = await get(browser, '/api/registry/v1/x');
  const page = await get(browser, '/');
  for (const secret of [bearer(answer), browser.cookies.get('vitae-session')?.value ?? '', issuer.clientSecret]) {
    expect(secret.length).toBeGreaterThan(20);
    expect(logged.includes(secret)).toBe(false);
    expect(page.text.includes(secret)).toBe(false);
  }
  expect(logged).toMatch(/"path":"\/auth\/callback"/);
  expect(logged).not.toMatch(/code=|state=|eyJ[\w-]+\./);
});
