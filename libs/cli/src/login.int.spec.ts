import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@vitae/testing';
import type { Command } from 'commander';
import { callApiJson } from './api.ts';
import { httpLog } from './log/http-log.ts';
import { login, logout, type LoginOptions } from './login.ts';
import { CannotRun, type Outcome } from './outcome.ts';
import { newProgram, runVitae } from './program.ts';
import { newBrowser, type Browser } from './session/browser.fixture.ts';
import { startIssuer, type SpecIssuer } from './session/issuer.fixture.ts';
import { readSessions, sessionFile, withSessions, type Session } from './session/session-file.ts';
import { sessionToken } from './session/session-token.ts';
import { tokenFor } from './token-for.ts';
import * as tokens from './tokens.ts';
import { whoami } from './whoami.ts';

// People and programs at a front door, before a real issuer. The door takes the tokens that it is told to take.

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
interface Reply {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

let issuer: SpecIssuer;
let server: Server;
let url: string;
/** Where nobody answers. */
let nowhere: string;
let seen: Seen[];
/** What the door answers, beside its configuration. */
let reply: (request: Seen) => Reply;
let configuration: object;
let directory: string;
let home = 0;
const environment = { ...process.env };

beforeAll(async () => {
  [issuer, directory] = await Promise.all([startIssuer(), mkdtemp(join(tmpdir(), 'vitae-login-'))]);
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one: Seen = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() };
      const open = one.path.endsWith('/auth/configuration');
      if (!open) seen.push(one);
      const { status = 200, headers = {}, body } = open ? { body: configuration } : reply(one);
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body === undefined ? '' : JSON.stringify(body));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  nowhere = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`;
  await new Promise((resolve) => closed.close(resolve));
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await issuer.stop();
  await rm(directory, { recursive: true });
});
beforeEach(() => {
  seen = [];
  reply = () => ({ body: { id: 'ben', kind: 'human', onBehalfOf: '', grants: [{ role: 'viewer', projects: ['*'] }] } });
  configuration = { issuer: issuer.url, audience: issuer.audience, cliClientId: 'vitae-cli' };
  for (const name of ['VITAE_TOKEN', 'VITAE_TOKEN_FILE', 'VITAE_URL']) delete process.env[name];
  process.env['XDG_CONFIG_HOME'] = join(directory, `home-${(home += 1)}`);
});
afterEach(() => void Object.assign(process.env, environment));

/** What the command says to people while it waits: an address to open. */
async function logIn(options: Partial<LoginOptions>, browser: (address: string) => Promise<unknown>): Promise<Outcome> {
  const write = process.stderr.write.bind(process.stderr);
  let visited: Promise<unknown> = Promise.resolve();
  let begun = false;
  process.stderr.write = ((text: string) => {
    const [address] = /http:\S+(?=\n?$)/.exec(text) ?? [];
    if (!begun && address !== undefined) [begun, visited] = [true, browser(address)];
    return true;
  }) as typeof process.stderr.write;
  const outcome = login({ url, browser: false, ...options });
  try {
    return await outcome;
  } finally {
    process.stderr.write = write;
    await visited;
  }
}
const asBen = (options: Partial<LoginOptions> = {}, browser: Browser = newBrowser()): Promise<Outcome> => logIn(options, (address) => browser.visit(address));
const session = async (): Promise<Session> => {
  const [one] = Object.values(await readSessions());
  if (!one) throw new Error('nobody is logged in');
  return one;
};
const change = (changed: Partial<Session>): Promise<void> => withSessions(async ({ sessions, write }) => write({ ...sessions, [url]: { ...(sessions[url] as Session), ...changed } }));
const long = '2020-01-01T00:00:00.000Z';
const claimsOf = (token: string): Record<string, unknown> => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
const bearers = (): (string | undefined)[] => seen.map(({ headers }) => headers.authorization);

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
/** A command line in this process: a start of its own takes seconds of a busy machine. */
async function here(...args: readonly string[]): Promise<Ran> {
  const ran = { code: 0, stdout: '', stderr: '' };
  const writes = { stdout: process.stdout.write, stderr: process.stderr.write };
  for (const name of ['stdout', 'stderr'] as const) process[name].write = ((text: string) => Boolean((ran[name] += text))) as typeof process.stdout.write;
  try {
    await runVitae(args[0] === 'complete' ? args : [...args, '--url', url]);
    return { ...ran, code: Number(process.exitCode ?? 0) };
  } finally {
    for (const name of ['stdout', 'stderr'] as const) process[name].write = writes[name];
    process.exitCode = 0;
  }
}
const fixture = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
function vitae(args: readonly string[], node: readonly string[] = [], more: Record<string, string> = {}): Promise<Ran> {
  const env = { PATH: process.env['PATH'], XDG_CONFIG_HOME: process.env['XDG_CONFIG_HOME'], VITAE_URL: url, ...more };
  return new Promise((resolve) => {
    execFile(process.execPath, ['--conditions=@vitae/source', ...node, fixture('./main.ts'), ...args], { env }, (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }));
  });
}

describe('vitae login', () => {
  it('gets a token for this front door by the browser, and keeps it for its owner alone', async () => {
    let page: unknown;
    const { lines } = await logIn({}, async (address) => {
      const asked = Object.fromEntries(new URL(address).searchParams);
      expect(asked).toMatchObject({ response_type: 'code', client_id: 'vitae-cli', code_challenge_method: 'S256', resource: issuer.audience, scope: 'openid profile email offline_access' });
      expect(asked['redirect_uri']).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/);
      page = await newBrowser().visit(address);
    });
    expect(page).toMatchObject({ status: 200, text: expect.stringContaining('You may close this page') });
    expect(lines).toEqual([`Logged in at ${url} as ben of the spec.`]);
    expect(claimsOf((await session()).accessToken)).toMatchObject({ iss: issuer.url, aud: issuer.audience, sub: 'ben', client_id: 'vitae-cli' });
    const modes = await Promise.all([sessionFile(), join(sessionFile(), '..')].map(async (path) => ((await stat(path)).mode & 0o777).toString(8)));
    expect(modes).toEqual(['600', '700']);
    expect((await whoami({ url })).lines).toEqual(['ben of the spec (human, events call you ben)', '  viewer in all projects']);
    reply = () => ({ body: { id: 'ben', kind: 'machine', onBehalfOf: 'psn_1', grants: [{ permissions: ['model.read', 'model.register'], projects: ['credit'] }], permissions: ['model.read'] } });
    expect((await whoami({ url, project: 'credit' })).lines).toEqual(['ben of the spec (machine, events call you ben, on behalf of psn_1)', '  model.read, model.register in credit', '  may in credit: model.read']);
    expect(seen.map(({ path }) => path)).toEqual(['/api/governance/v1/whoami', '/api/governance/v1/whoami?project=credit']);
    expect(bearers()).toEqual(Array(2).fill(`Bearer ${(await session()).accessToken}`));
    expect(Object.keys(seen[0]?.headers ?? {}).filter((name) => name.startsWith('vitae-'))).toEqual([]);
  });

  it('refuses an answer with another state or at another address, and waits for its own', async () => {
    const refused: unknown[] = [];
    await logIn({}, async (address) => {
      const callback = new URL(address).searchParams.get('redirect_uri') as string;
      for (const other of [`${callback}?code=stolen&state=of-another-login`, `${callback}?code=stolen`, callback.replace('callback', '')]) {
        const response = await fetch(other);
        refused.push([response.status, /<p>(.*)<\/p>/.exec(await response.text())?.[1]]);
      }
      await newBrowser().visit(address);
    });
    const wrong = [400, 'This answer belongs to another login. Nothing was done with it.'];
    expect(refused).toEqual([wrong, wrong, [404, 'There is nothing here.']]);
    expect((await session()).name).toBe('ben of the spec');
  });

  it('fails with what the issuer says, and so does the page', async () => {
    let page: unknown;
    const failing = logIn({}, async (address) => (page = await newBrowser({ refuses: true }).visit(address)));
    await expect(failing).rejects.toThrow(`${issuer.url} refused: access_denied (End-User aborted interaction).`);
    expect(page).toMatchObject({ status: 400, text: expect.stringContaining('the terminal says why') });
    expect(await readSessions()).toEqual({});
  });

  it('needs a code of this login: one that was made up gives no session', async () => {
    const failing = logIn({}, async (address) => {
      const { searchParams } = new URL(address);
      await fetch(`${searchParams.get('redirect_uri')}?${new URLSearchParams({ code: 'made-up', state: searchParams.get('state') as string, iss: issuer.url })}`);
    });
    await expect(failing).rejects.toThrow('refused: invalid_grant');
  });

  it('works by a code on another device, and by itself where there is no browser', async () => {
    expect((await asBen({ device: true, browser: true })).ok).toBe(true);
    expect(claimsOf((await session()).accessToken)).toMatchObject({ aud: issuer.audience, sub: 'ben' });
    await expect(logIn({ browser: true }, (address) => newBrowser({ refuses: true }).visit(address))).rejects.toThrow('The login was refused on the other device.');
  });

  it('asks anew with --again, though the browser is logged in', async () => {
    const browser = newBrowser();
    await asBen({}, browser);
    const asked: string[] = [];
    await logIn({ again: true }, (address) => {
      asked.push(address);
      return browser.visit(address);
    });
    expect(Object.fromEntries(new URL(asked[0] as string).searchParams)).toMatchObject({ prompt: 'login consent', max_age: '0' });
    const silent = await startIssuer({ authTime: false });
    configuration = { issuer: silent.url, audience: silent.audience };
    try {
      await expect(asBen({ again: true, device: true, browser: true })).rejects.toThrow('does not say when you logged in');
    } finally {
      await silent.stop();
    }
  });

  it('says what is wrong with a door, an issuer, or an option', async () => {
    await expect(login({ url: `${nowhere}/api` })).rejects.toThrow(`${nowhere}/api/auth/configuration does not answer (ECONNREFUSED)`);
    await expect(login({ url, issuer: nowhere })).rejects.toThrow(`${nowhere} does not answer as an issuer does (ECONNREFUSED).`);
    await expect(login({ url: 'http://vitae.example/api' })).rejects.toThrow('would travel readable for all');
    await expect(login({ url, issuer: 'http://issuer.example', audience: 'a' })).rejects.toThrow('would travel readable for all');
    await expect(login({ url, audience: 'a' })).rejects.toThrow('--audience goes with --issuer');
    await expect(login({ url: 'nonsense' })).rejects.toThrow('nonsense is no address');
    configuration = { issuer: 'nonsense' };
    await expect(login({ url })).rejects.toThrow('does not say who lets people in');
    const codeOnly = await startIssuer({ device: false });
    try {
      await expect(login({ url, device: true, issuer: codeOnly.url, audience: codeOnly.audience })).rejects.toThrow('offers no login by code');
    } finally {
      await codeOnly.stop();
    }
  });
});

describe('a session', () => {
  it('is renewed once by two commands that run at once: the second waits, and uses what the first got', async () => {
    await asBen();
    await change({ renewAt: long, expiresAt: long });
    const [spent, before] = [issuer.refreshed(), await session()];
    const release = issuer.hold();
    const first = vitae(['whoami']);
    await eventually(() => expect(issuer.refreshed()).toBe(spent + 1)); // the issuer has taken the token; the first knows no other yet
    const waits = join(directory, 'waits');
    const second = vitae(['whoami', '--json'], ['--import', fixture('./session/report-waiting.fixture.mjs')], { WAITS_FILE: waits });
    await eventually(() => stat(waits));
    release();
    expect((await Promise.all([first, second])).map(({ code, stderr }) => [code, stderr])).toEqual([[0, ''], [0, '']]);
    const after = await session();
    expect([issuer.refreshed(), after.refreshToken === before.refreshToken]).toEqual([spent + 1, false]);
    expect(bearers()).toEqual([`Bearer ${after.accessToken}`, `Bearer ${after.accessToken}`]);
    expect(await issuer.refresh(after.refreshToken as string)).toBe(200); // nobody sent an old one: that would have ended it
  });

  it('is renewed once by requests of one command that run at once', async () => {
    await asBen();
    await change({ renewAt: long, expiresAt: long });
    const spent = issuer.refreshed();
    const got = await Promise.all(Array.from({ length: 5 }, () => sessionToken(url)));
    expect([new Set(got), issuer.refreshed()]).toEqual([new Set([(await session()).accessToken]), spent + 1]);
  });

  it('is renewed when the door refuses its token, and the command goes on', async () => {
    await asBen();
    const { accessToken } = await session();
    reply = ({ headers }) => (headers.authorization === `Bearer ${accessToken}` ? { status: 401, body: { title: 'Expired' } } : { body: { ok: 1 } });
    expect(await callApiJson({ url }, 'x')).toEqual({ ok: 1 });
    expect(bearers()).toEqual([`Bearer ${accessToken}`, `Bearer ${(await session()).accessToken}`]);
  });

  it('that was ended elsewhere is forgotten, and one is told to log in', async () => {
    await asBen();
    await issuer.revoke((await session()).refreshToken as string);
    await change({ renewAt: long, expiresAt: long });
    await expect(sessionToken(url)).rejects.toThrow(new CannotRun(`Your session at ${url} has ended. Log in: vitae login --url ${url}`));
    expect(await here('whoami')).toMatchObject({ code: 2, stderr: `vitae: You are not logged in at ${url}. Run vitae login --url ${url}; a program sets VITAE_TOKEN or VITAE_TOKEN_FILE instead.\n` });
    expect(seen).toEqual([]);
  });

  it('outlives an issuer that is away for as long as its token is good', async () => {
    await asBen();
    const { accessToken } = await session();
    await change({ issuer: nowhere, renewAt: long });
    expect(await sessionToken(url)).toBe(accessToken);
    await change({ expiresAt: long });
    await expect(sessionToken(url)).rejects.toThrow(`${nowhere} does not answer as an issuer does (ECONNREFUSED).`);
    expect((await session()).refreshToken).toBeDefined(); // it may be back
  });

  it('of one front door is shown to no other', async () => {
    await asBen();
    const other = url.replace('127.0.0.1', 'localhost');
    await expect(callApiJson({ url: other }, 'x')).rejects.toThrow(`You are not logged in at ${other}`);
    expect(seen).toEqual([]);
  });

  it('is not believed when others can read it, or when it is no session', async () => {
    await asBen();
    await chmod(sessionFile(), 0o640);
    await expect(sessionToken(url)).rejects.toThrow(/Others can read .*sessions\.json \(its mode is 640\).*chmod 600/);
    await expect(logout({ url })).rejects.toThrow('Others can read');
    await chmod(sessionFile(), 0o600);
    expect(await sessionToken(url)).toBe((await session()).accessToken);
    await writeFile(sessionFile(), '{"sessions":{"x":{}}}');
    await expect(sessionToken(url)).rejects.toThrow('is not what `vitae login` writes');
  });

  it('is kept in a directory that is closed to others, though it was there before', async () => {
    await mkdir(join(sessionFile(), '..'), { recursive: true, mode: 0o755 });
    await asBen();
    expect((await stat(join(sessionFile(), '..'))).mode & 0o777).toBe(0o700);
  });

  it('is not held for ever by a command that was killed', async () => {
    const lock = `${sessionFile()}.lock`;
    await mkdir(lock, { recursive: true });
    await utimes(lock, new Date(long), new Date(long));
    await asBen();
    await expect(stat(lock)).rejects.toThrow('ENOENT');
  });

  it('ends at the issuer with vitae logout, and here in any case', async () => {
    await asBen();
    const { refreshToken } = await session();
    expect((await logout({ url })).lines).toEqual([`Logged out at ${url}.`]);
    expect([await readSessions(), await issuer.refresh(refreshToken as string)]).toEqual([{}, 400]);
    expect((await logout({ url })).lines).toEqual([`You were not logged in at ${url}.`]);
    await asBen();
    await change({ issuer: nowhere });
    expect(await logout({ url })).toMatchObject({ ok: false, lines: [expect.stringContaining(`Forgotten here, but not ended at the issuer: ${nowhere} does not answer`)] });
    expect(await readSessions()).toEqual({});
  });
});

describe('what a service refuses', () => {
  it('is told with what to do: log in again, or whom to ask', async () => {
    await asBen();
    const problem = (status: number, more: object) => ({ status, body: { type: 'https://vitae.dev/problems/x', title: 'No', status, detail: 'Not so.', ...more } });
    reply = () => ({ ...problem(401, {}), headers: { 'www-authenticate': 'Bearer error="insufficient_user_authentication", max_age=900' } });
    const spent = issuer.refreshed();
    expect(await here('whoami')).toMatchObject({ code: 1, stderr: 'vitae: No: Not so.\nThis is only for who has logged in within the last 15 minutes. Run: vitae login --again\n' });
    expect([seen.length, issuer.refreshed()]).toEqual([1, spent]);
    reply = () => problem(403, { permissions: ['token.read'], projectId: null });
    expect((await here('tokens', 'list')).stderr).toBe('vitae: No: Not so.\nWhat you may do: vitae whoami\n');
  });
});

describe('a program', () => {
  it('says who it is by VITAE_TOKEN, or by what VITAE_TOKEN_FILE holds now', async () => {
    const path = join(directory, 'token');
    await writeFile(path, 'vitae_1_first\n');
    process.env['VITAE_TOKEN_FILE'] = path;
    const token = tokenFor(url);
    expect(await token()).toBe('vitae_1_first');
    await writeFile(path, 'vitae_1_second\n');
    expect(await token()).toBe('vitae_1_second');
    process.env['VITAE_TOKEN'] = 'vitae_2_other';
    expect(await token()).toBe('vitae_2_other');
    expect((await whoami({ url })).lines.at(-1)).toBe('  by VITAE_TOKEN');
  });

  it('is told what is wrong with its token, and never the token', async () => {
    process.env['VITAE_TOKEN_FILE'] = join(directory, 'none');
    await expect(tokenFor(url)()).rejects.toThrow('none, which cannot be read (ENOENT)');
    process.env['VITAE_TOKEN'] = 'two secret\nlines';
    await expect(tokenFor(url)()).rejects.toThrow(/^What stands in VITAE_TOKEN is no token: a token is one line without spaces\.$/);
    expect(seen).toEqual([]);
  });

  it('takes none from the command line', () => {
    const all = (command: Command): Command[] => [command, ...command.commands.flatMap((one) => all(one as Command))];
    const options = all(newProgram()).flatMap((command) => command.options.map(({ long, envVar }) => [long, envVar]));
    expect(options).toContainEqual(['--url', 'VITAE_URL']);
    expect(options.filter(([long, variable]) => ['--token', '--as'].includes(long ?? '') || variable?.startsWith('VITAE_TOKEN') || variable === 'VITAE_ACTOR')).toEqual([]);
  });
});

describe('vitae tokens', () => {
  const token = { id: 't1', name: 'nightly', owner: 'psn_1', projects: ['credit'], permissions: ['model.read', 'model.register'], createdAt: '2026-11-01T00:00:00Z', expiresAt: '2099-12-01T08:30:00Z', revokedAt: null, lastUsedAt: null, state: 'live' };

  it('prints a new one alone on stdout, and all else beside it', async () => {
    reply = () => ({ status: 201, body: { ...token, token: 'vitae_t1_secret' } });
    const args = ['tokens', 'create', 'nightly', '--projects', 'credit,pricing', '--permissions', 'model.read,model.register', '--expires', '2099-12-01T08:30:00Z'];
    process.env['VITAE_TOKEN'] = 't';
    const [ran, json] = [await here(...args), await here(...args, '--json')];
    expect(ran).toEqual({ code: 0, stdout: 'vitae_t1_secret\n', stderr: expect.stringMatching(/^Token nightly \(t1\), until 2099-12-01T08:30:00Z\. Keep it now: it is not shown again\./) });
    expect([JSON.parse(json.stdout), json.stderr]).toEqual([{ ok: true, ...token, token: 'vitae_t1_secret' }, '']);
    expect(seen.map(({ method, path, body }) => [method, path, JSON.parse(body)])[0]).toEqual(['POST', '/api/governance/v1/api-tokens', { name: 'nightly', projects: ['credit', 'pricing'], permissions: ['model.read', 'model.register'], expiresAt: '2099-12-01T08:30:00.000Z' }]);
  });

  it('tells people names, where these may be seen, and programs pseudonyms', async () => {
    process.env['VITAE_TOKEN'] = 't';
    const [dana, gone] = ['a', 'b'].map((digit) => `psn_${digit.repeat(32)}`);
    const items = [{ ...token, owner: dana }, { ...token, id: 't2', owner: gone }];
    reply = ({ path }) => ({ body: path.includes('/people?') ? { items: [{ id: dana, name: 'Dana Okafor' }, { id: gone, name: '' }] } : { items } });
    expect((await tokens.list({ url })).lines.map((line) => line.split('\t').at(-1))).toEqual(['Dana Okafor', gone]);
    expect(seen.at(-1)?.path).toBe(`/api/governance/v1/people?ids=${dana},${gone}`);
    expect(JSON.parse((await here('tokens', 'list', '--json')).stdout)).toEqual({ ok: true, items });
    expect(seen.at(-1)?.path).toBe('/api/governance/v1/api-tokens'); // nobody looked at a name
    reply = ({ path }) => (path.includes('/people?') ? { status: 403, body: { title: 'No', detail: 'Not so.' } } : { status: 404, body: { title: 'No', detail: `Not of ${dana}.` } });
    expect((await here('tokens', 'revoke', 't1')).stderr).toBe(`vitae: No: Not of ${dana}.\n`);
  });

  it('lists all pages, and revokes', async () => {
    process.env['VITAE_TOKEN'] = 't';
    const old = { ...token, id: 't2', state: 'revoked', revokedAt: '2026-11-02T00:00:00Z', lastUsedAt: '2026-11-01T09:15:00Z' };
    reply = ({ path }) => ({ body: path.includes('pageToken=n%2F2') ? { items: [old, { ...old, id: 't3', state: 'expired', revokedAt: null, expiresAt: long }] } : { items: [token], nextPageToken: 'n/2' } });
    expect((await tokens.list({ url })).lines.map((line) => line.split('\t'))).toEqual([
      ['t1', 'nightly', 'live', 'credit', 'model.read model.register', '2099-12-01 08:30', 'never', 'psn_1'],
      ['t2', 'nightly', 'revoked', 'credit', 'model.read model.register', '2099-12-01 08:30', '2026-11-01 09:15', 'psn_1'],
      ['t3', 'nightly', 'expired', 'credit', 'model.read model.register', '2020-01-01 00:00', '2026-11-01 09:15', 'psn_1'],
    ]);
    const complete = async (...words: string[]): Promise<string> => {
      process.env['VITAE_URL'] = url;
      return (await here('complete', '--', 'vitae', 'tokens', ...words)).stdout;
    };
    expect(await complete('')).toBe('create\tmake a token; prints it once, alone on stdout\nlist\tlist the tokens, with who made them and when they were last used\nrevoke\tend a token at once\n');
    expect(await complete('revoke', 't')).toBe('t1\tnightly\n');
    reply = () => ({ status: 204 });
    expect((await tokens.revoke('t 1', { url })).lines).toEqual(['Token t 1 is revoked.']);
    expect(seen.at(-1)).toMatchObject({ method: 'DELETE', path: '/api/governance/v1/api-tokens/t%201' });
  });
});

describe('a log behind a front door', () => {
  it('is read as who is logged in there, and a log elsewhere as nobody', async () => {
    await asBen();
    reply = ({ headers }) => (headers.authorization === undefined ? { status: 401 } : { body: 'here' });
    expect((await httpLog(`${url}/ledger/log`)('checkpoint'))?.toString()).toBe('"here"');
    expect(bearers()).toEqual([undefined, `Bearer ${(await session()).accessToken}`]);
    const read = httpLog(`${url}/ledger/log`);
    expect(await Promise.all(['events/000', 'tile/entries/000'].map(read))).toEqual(Array(2).fill(Buffer.from('"here"'))); // as a verification reads
    reply = () => ({ status: 403, body: {} });
    await expect(read('events/000')).rejects.toThrow('Who may read the history of all projects may read it');
    reply = ({ headers }) => (headers.authorization === undefined ? { status: 401 } : { body: 'here' });
    seen = [];
    const elsewhere = url.replace('127.0.0.1', 'localhost');
    for (const address of [`${elsewhere}/ledger/log`, url.replace('/api', '/api-other')]) await expect(httpLog(address)('checkpoint')).rejects.toThrow('It is not for everybody: log in at its front door');
    expect(bearers()).toEqual([undefined, undefined]);
    expect((await readFile(sessionFile(), 'utf8')).includes(url)).toBe(true);
  });
});
