import { glob, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstream } from '@nats-io/jetstream';
import { nkeyAuthenticator, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { keepSubscribers, prepareBroker, startNats, type NatsServer } from '@vitae/local';
import { eventually } from '@vitae/testing';
import { ensureLedgerStream } from './index.ts';

let directory: string, file: string, server: NatsServer, ledger: NatsConnection, auditor: NatsConnection;
let kept: { stop(): Promise<void> };
const reported: string[] = [];
const keys = () => join(directory, 'keys');
const listed = (...subscribers: readonly object[]) => writeFile(file, JSON.stringify(subscribers));

async function login(name: string, seedFile: string): Promise<NatsConnection> {
  const seed = (await readFile(seedFile, 'utf8')).trim();
  return connect({ servers: server.url, authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)), inboxPrefix: `_INBOX.${name}`, timeout: 2_000, reconnect: false });
}
/**
 * Comes once the durable is there, which is made last. Whoever came before the server knew the key would be cut off, and the
 * client of NATS throws where nobody can catch when that happens as it writes.
 */
async function subscriber(name: string): Promise<NatsConnection> {
  await eventually(async () => {
    const durables: string[] = [];
    for await (const found of glob(`**/obs/${name}`, { cwd: join(directory, 'store') })) durables.push(found);
    expect(durables).toHaveLength(1);
  }, { timeout: 30_000 });
  return login(name, join(keys(), 'subscribers', `${name}.nk`));
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vitae-subscribers-'));
  await mkdir(join(directory, 'access'));
  file = join(directory, 'access', 'subscribers.json');
  const { configFile, keyFileOf } = await prepareBroker(keys(), file);
  server = await startNats({ storeDir: join(directory, 'store'), configFile });
  ledger = await login('ledger', keyFileOf('ledger') ?? '');
  auditor = await login('auditor', keyFileOf('auditor') ?? '');
  await ensureLedgerStream(ledger, '01990000-0000-7000-8000-0000000000aa');
  kept = keepSubscribers({ directory: keys(), file, server, report: (line) => void reported.push(line) });
});
afterAll(async () => {
  await kept.stop();
  await Promise.all([ledger.close(), auditor.close()]);
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

async function told(project: string, name: string): Promise<void> {
  await jetstream(ledger, { checkAPI: false }).publish(`vitae.ledger.${project}.registry.Model.ModelRegistered`, name);
}
/** What its durable gives out next, as far as there is something. */
async function next(nats: NatsConnection, name: string): Promise<string | undefined> {
  const consumer = await jetstream(nats, { checkAPI: false }).consumers.get('VITAE_LEDGER', name);
  const message = await consumer.next({ expires: 1_000 });
  message?.ack();
  return message?.string();
}

describe('the list of subscribers', () => {
  it('lets them in while the server runs, to their projects alone, and out again', async () => {
    await told('credit', 'first of credit');
    await told('fraud', 'first of fraud');
    await listed({ name: 'bi', projects: ['credit'] });
    const bi = await subscriber('bi');
    await eventually(async () => expect(await next(bi, 'bi')).toBe('first of credit'), { timeout: 30_000 });
    expect(await next(bi, 'bi')).toBeUndefined();
    expect((await stat(join(keys(), 'subscribers', 'bi.nk'))).mode & 0o777).toBe(0o600);

    await listed({ name: 'bi', projects: ['credit', 'fraud'] });
    await eventually(async () => {
      await told('fraud', 'later of fraud');
      expect(await next(bi, 'bi')).toMatch(/of fraud$/);
    }, { timeout: 30_000 });
    expect(reported).toEqual([]);

    await listed();
    await eventually(() => expect(bi.isClosed()).toBe(true), { timeout: 30_000 });
    await eventually(async () => expect(await stat(join(keys(), 'subscribers', 'bi.nk')).catch(() => 'no key')).toBe('no key'), { timeout: 30_000 });
    await expect(auditor.request('$JS.API.CONSUMER.INFO.VITAE_LEDGER.bi', '', { timeout: 500 })).rejects.toThrow(); // not his, and gone
    expect(await readFile(join(keys(), 'nats-server.conf'), 'utf8')).not.toContain('VITAE_LEDGER.bi');
  }, 120_000);

  it('that is wrong is told once, and changes nothing', async () => {
    await listed({ name: 'mart', projects: ['credit'] });
    const mart = await subscriber('mart');
    await eventually(async () => expect(await next(mart, 'mart')).toBe('first of credit'), { timeout: 30_000 });
    await listed({ name: 'mart', projects: ['*'] });
    await eventually(() => expect(reported).toEqual([expect.stringMatching(/subscribers\.json cannot be used: 0\/projects\/0: expected/)]), { timeout: 30_000 });
    await mart.flush();
    expect(mart.isClosed()).toBe(false);
    await mart.close();
  }, 60_000);
});
