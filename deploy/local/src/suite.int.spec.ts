import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { portsFrom } from './ports.ts';
import { isAlive } from './process-table.ts';
import { addressOf, environmentOf, type SuiteSettings } from './services.ts';
import { startSuite, type Suite } from './suite.ts';
import type { Program } from './supervisor.ts';

/** Ready when it can reach database and broker; when asked to stop it writes down whether it still can. */
const tinyService = `
  import { createServer } from 'node:http';
  import { connect } from 'node:net';
  import { writeFileSync } from 'node:fs';
  const reach = (url) => new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.once('connect', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
  });
  const both = async () => (await reach(process.env.DATABASE_URL)) && (await reach(process.env.NATS_URL));
  createServer(async (_, response) => response.writeHead((await both()) ? 200 : 503).end()).listen(Number(process.env.PORT), process.env.HOST);
  process.on('SIGTERM', async () => { writeFileSync(process.env.DIARY, (await both()) ? 'database and broker were still there' : 'too late'); process.exit(0); });
`;

let directory: string;
let suite: Suite | undefined;
let lines: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vitae-suite-'));
  writeFileSync(join(directory, 'tiny.mjs'), tinyService);
  lines = [];
});
afterEach(async () => {
  await suite?.stop();
  suite = undefined;
  rmSync(directory, { recursive: true, force: true });
});

const tiny = (settings: SuiteSettings): Program[] => [
  {
    name: 'registry',
    command: process.execPath,
    args: [join(directory, 'tiny.mjs')],
    env: { ...environmentOf('registry', settings), DIARY: join(directory, 'diary') },
    cwd: directory,
    logFile: join(directory, 'registry.log'),
    readyUrls: [`${addressOf(settings.ports, 'registry')}/readyz`],
  },
];
const start = async (changes = {}): Promise<Suite> =>
  (suite = await startSuite({ dataDir: join(directory, 'data'), durable: false, report: (line) => lines.push(line), programs: tiny, ...changes }));

describe('startSuite', () => {
  it('starts database, broker and services, and stops them in the other order', async () => {
    const { stop, pidOf, ports } = await start();
    const pid = pidOf('registry')!;
    expect(isAlive(pid)).toBe(true);
    await stop();
    await stop(); // harmless
    expect(isAlive(pid)).toBe(false);
    expect(readFileSync(join(directory, 'diary'), 'utf8')).toBe('database and broker were still there');
    expect(lines.slice(-4)).toEqual(['stopping the services', 'stopping the OpenID provider', 'stopping NATS', 'stopping PostgreSQL']);
    const again = await start({ portBase: ports.console }); // everything was given back
    expect(again.ports).toEqual(ports);
  });

  it('survives the kill of a service', async () => {
    const { kill, pidOf, ready, restartsOf } = await start();
    const before = pidOf('registry');
    kill('registry', 'SIGKILL');
    while (restartsOf('registry') === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    await ready('registry');
    expect(pidOf('registry')).not.toBe(before);
  });

  it('goes on without the JetStream store of the last time', async () => {
    const { stop, natsStoreDir } = await start();
    await stop();
    expect(existsSync(join(natsStoreDir, 'jetstream'))).toBe(true);
    rmSync(natsStoreDir, { recursive: true });
    await start();
  });

  it('uses a database, a broker and an issuer that are given, and starts none', async () => {
    const { databaseUrl, natsUrl, issuer } = await start();
    const env = { ...process.env, VITAE_GRANTS_FILE: join(directory, 'data/access/grants.json') };
    const second = await startSuite({ dataDir: join(directory, 'second'), databaseUrl, natsUrl, issuer, env, programs: tiny });
    await second.stop();
    expect(second.issuer).toBe(issuer);
    expect(() => second.as('dana')).toThrow('known to the local OpenID provider only');
    expect(existsSync(join(directory, 'second/keys/oidc'))).toBe(false);
    expect(existsSync(join(directory, 'second/postgres'))).toBe(false);
    expect(existsSync(join(directory, 'second/nats'))).toBe(false);
  });

  it('tells each service whose tokens to believe, who may what, and who it is', async () => {
    let told: SuiteSettings | undefined;
    const { issuer } = await start({ programs: (settings: SuiteSettings) => tiny((told = settings)) });
    for (const service of ['ledger', 'console'] as const) {
      expect(environmentOf(service, told!)).toMatchObject({
        OIDC_ISSUER: issuer,
        OIDC_AUDIENCE: 'vitae',
        VITAE_GRANTS_FILE: join(directory, 'data/access/grants.json'),
        VITAE_CLIENT_ID: `vitae-${service}`,
        VITAE_CLIENT_SECRET_FILE: join(directory, `data/keys/oidc/vitae-${service}.secret`),
      });
    }
  });

  it('leaves nothing running when a service does not start', async () => {
    const programs = (settings: SuiteSettings) => tiny(settings).map((program) => ({ ...program, args: ['-e', 'process.exit(7)'] }));
    await expect(start({ programs })).rejects.toThrow('registry does not start (status 7, 5 times)');
    expect(lines.slice(-2)).toEqual(['stopping NATS', 'stopping PostgreSQL']);
  });

  it('gives the start up when it is told to', async () => {
    const impatient = new AbortController();
    const programs = (settings: SuiteSettings) => {
      setImmediate(() => impatient.abort(new Error('Ctrl-C')));
      return tiny(settings).map((program) => ({ ...program, readyUrls: ['http://127.0.0.1:1/'] }));
    };
    await expect(start({ programs, signal: impatient.signal })).rejects.toThrow('Ctrl-C');
    expect(lines.at(-1)).toBe('stopping PostgreSQL');
  });

  it('tells when the broker has ended by itself', async () => {
    const { broken, ports } = await start();
    const { pid } = JSON.parse(readFileSync(join(directory, 'data/logs/nats.log'), 'utf8').match(/\[(\d+)\]/)?.[1] ? `{"pid":${RegExp.$1}}` : '{}') as { pid: number };
    expect(ports).toEqual(portsFrom(ports.console));
    process.kill(pid, 'SIGKILL');
    await expect(broken).resolves.toMatch(/^nats ended by itself \(SIGKILL\)/);
  });
});
