import { globSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { nkeyAuthenticator, nkeys, PermissionViolationError, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { startNats, type NatsServer } from '@vitae/local';
import { accountsConfig, ensureLedgerStream, KEEPER, LEDGER_STREAM, rightsOf, rightsOfKeeper, rightsOfSubscriber, serviceConsumers, suiteLogins, type NatsLogin } from './index.ts';

// A prober: every login's own key, against every subject that anybody has a right to and against those that nobody has.

const ORIGIN = '01990000-0000-7000-8000-0000000000aa';
const seeds = new Map<string, Uint8Array>();
let directory: string, server: NatsServer, logins: readonly NatsLogin[];
const connections = new Map<string, NatsConnection>();
const violations = new Map<string, string[]>();

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vitae-rights-'));
  const rights = { ...Object.fromEntries(suiteLogins.map((name) => [name, rightsOf(name)])), 'risk-register': rightsOfSubscriber('risk-register', ['credit', 'fraud']), bi: rightsOfSubscriber('bi', ['credit']), [KEEPER]: rightsOfKeeper(['risk-register', 'bi']), 'who may do nothing': { publish: [], subscribe: [] } };
  logins = Object.entries(rights).map(([name, these]) => {
    const pair = nkeys.createUser();
    seeds.set(name, pair.getSeed());
    return { name, publicKey: pair.getPublicKey(), rights: these };
  });
  const configFile = join(directory, 'nats-server.conf');
  await writeFile(configFile, accountsConfig(logins));
  server = await startNats({ storeDir: join(directory, 'store'), configFile });
  for (const { name } of logins) {
    const nats = await connect({ servers: server.url, authenticator: nkeyAuthenticator(seeds.get(name)), inboxPrefix: `_INBOX.${name}`, timeout: 1_000, reconnect: false });
    connections.set(name, nats);
    violations.set(name, []);
    void (async () => {
      for await (const status of nats.status()) if (status.type === 'error' && status.error instanceof PermissionViolationError) violations.get(name)?.push(`${status.error.operation} ${status.error.subject}`);
    })();
  }
  await ensureLedgerStream(as('ledger'), ORIGIN);
}, 120_000);
afterAll(async () => {
  await Promise.all([...connections.values()].map((nats) => nats.close()));
  await server?.stop();
  await rm(directory, { recursive: true, force: true });
});

function as(name: string): NatsConnection {
  const nats = connections.get(name);
  if (!nats) throw new Error(`no login ${name}`);
  return nats;
}

/** Written without the code under test: NATS' own rule. `*` is one token, `>` the rest. */
const covers = (pattern: string, subject: string): boolean =>
  new RegExp(`^${pattern.split('.').map((token) => (token === '*' ? '[^.]+' : token === '>' ? '.+' : token.replaceAll(/[$^]/g, '\\$&'))).join('\\.')}$`).test(subject);

const attempts = (): { publish: string[]; subscribe: string[] } => {
  const instance = (subject: string): string => subject.replace(/>$/, 'x.Y.Z').replaceAll('*', 'x');
  const granted = { publish: logins.flatMap(({ rights }) => rights.publish), subscribe: logins.flatMap(({ rights }) => rights.subscribe) };
  const nobodys = [
    '$JS.API.STREAM.DELETE.VITAE_LEDGER', '$JS.API.STREAM.PURGE.VITAE_LEDGER', '$JS.API.STREAM.UPDATE.VITAE_LEDGER', '$JS.API.STREAM.MSG.DELETE.VITAE_LEDGER', '$JS.API.STREAM.LIST',
    '$JS.API.STREAM.CREATE.OTHER', '$JS.API.STREAM.RESTORE.VITAE_LEDGER', '$JS.API.STREAM.SNAPSHOT.VITAE_LEDGER', '$JS.API.CONSUMER.LIST.VITAE_LEDGER', '$JS.API.CONSUMER.CREATE.VITAE_LEDGER',
    '$JS.API.CONSUMER.DURABLE.CREATE.VITAE_LEDGER.governance-lifecycle', '$JS.API.CONSUMER.DELETE.VITAE_LEDGER.governance-lifecycle', '$JS.API.CONSUMER.CREATE.VITAE_LEDGER.another',
    '$JS.API.CONSUMER.MSG.NEXT.VITAE_LEDGER.another', '$JS.API.DIRECT.GET.VITAE_LEDGER', '$SYS.REQ.SERVER.PING', '$SYS.ACCOUNT.VITAE.CLAIMS.UPDATE', 'vitae', 'vitae.other', 'governance.decisions', '_INBOX.x', '_INBOX.another.x', '_R_.x',
  ];
  return {
    publish: [...new Set([...granted.publish, ...granted.subscribe].map(instance).concat(nobodys))],
    subscribe: [...new Set([...granted.subscribe, ...granted.publish.map(instance), ...nobodys, '>', '*', '*.>', 'vitae.>', 'vitae.ledger.*.governance.>', '_INBOX.>', '_INBOX.*.x', '$JS.>', '$JS.ACK.>', '$SYS.>'])],
  };
};

/** What the server let through: for a publication no violation, for a subscription no error of its own. */
async function probe(name: string): Promise<{ publish: string[]; subscribe: string[] }> {
  const nats = as(name);
  const tried = attempts();
  violations.set(name, []);
  for (const subject of tried.publish) nats.publish(subject);
  await nats.flush();
  const refused = new Set<string>();
  const subscriptions = tried.subscribe.map((subject) => nats.subscribe(subject, { callback: (error) => void (error && refused.add(subject)) }));
  await nats.flush();
  const unheard = new Set(violations.get(name)?.filter((line) => line.startsWith('publish ')).map((line) => line.slice('publish '.length)));
  const passed = { publish: tried.publish.filter((subject) => !unheard.has(subject)), subscribe: tried.subscribe.filter((subject) => !refused.has(subject)) };
  for (const subscription of subscriptions) subscription.unsubscribe();
  return passed;
}

/** Of a constant of the services. */
async function valueOf(root: string, constant: string): Promise<string> {
  for (const file of globSync('services/*/src/**/*.ts', { cwd: root })) {
    const value = new RegExp(`const ${constant} = '([^']+)'`).exec(await readFile(join(root, file), 'utf8'))?.[1];
    if (value) return value;
  }
  throw new Error(`no constant ${constant}`);
}

describe('the rights at NATS', () => {
  it.each([...suiteLogins, 'risk-register', 'bi', KEEPER, 'who may do nothing'])('of %s are its list, no less and no more', async (name) => {
    const rights = logins.find((login) => login.name === name)?.rights ?? { publish: [], subscribe: [] };
    const tried = attempts();
    expect(await probe(name)).toEqual({
      publish: tried.publish.filter((subject) => rights.publish.some((pattern) => covers(pattern, subject))),
      subscribe: tried.subscribe.filter((subject) => rights.subscribe.some((pattern) => covers(pattern, subject))),
    });
  });

  it('let nobody but the ledger publish an event or make a stream, and nobody take one away', async () => {
    const may = (subject: string): string[] => logins.filter(({ rights }) => rights.publish.some((pattern) => covers(pattern, subject))).map(({ name }) => name);
    expect(may('vitae.ledger.credit.governance.ApprovalCase.ApprovalGranted')).toEqual(['ledger']);
    expect(may('$JS.API.STREAM.CREATE.VITAE_LEDGER')).toEqual(['ledger']);
    for (const call of ['DELETE', 'PURGE', 'UPDATE', 'MSG.DELETE', 'RESTORE']) for (const stream of ['VITAE_LEDGER', 'VITAE_INFERENCE']) expect(may(`$JS.API.STREAM.${call}.${stream}`)).toEqual([]);
    expect([may('vitae.inference.credit.e'), may('$JS.API.CONSUMER.CREATE.VITAE_INFERENCE.x')]).toEqual([['monitoring'], ['monitoring']]);
    expect(logins.flatMap(({ rights }) => [...rights.publish, ...rights.subscribe]).filter((subject) => /^(>|\$JS\.(API\.)?>|\$SYS|_INBOX\.>)/.test(subject))).toEqual([]);
  });

  it('keep a forged event out of the stream, whoever forges it', async () => {
    const manager = await jetstreamManager(as('ledger'));
    const before = (await manager.streams.info(LEDGER_STREAM)).state.messages;
    for (const name of ['governance', 'registry', 'auditor', 'risk-register', 'bi', KEEPER]) {
      await expect(jetstream(as(name), { checkAPI: false }).publish('vitae.ledger.credit.governance.ApprovalCase.ApprovalGranted', '{}', { timeout: 500 })).rejects.toThrow();
    }
    expect((await manager.streams.info(LEDGER_STREAM)).state.messages).toBe(before);
  });

  // Who may make a consumer says where its messages go, and the server sends them there by itself.
  it.each(['$JS.API.STREAM.DELETE.VITAE_LEDGER', '$JS.API.STREAM.PURGE.VITAE_LEDGER', '$JS.API.CONSUMER.DELETE.VITAE_LEDGER.registry-lifecycle', 'vitae.ledger.credit.governance.Gate.GateDecided'])(
    'let nobody have events delivered to %s with an effect there',
    async (deliver_subject) => {
      const [ledger, own] = await Promise.all([jetstreamManager(as('ledger')), jetstreamManager(as('auditor'))]);
      const before = await ledger.streams.info(LEDGER_STREAM);
      const config = { durable_name: 'auditor', ack_policy: AckPolicy.None, deliver_policy: DeliverPolicy.All, deliver_subject };
      const answer = await own.consumers.add(LEDGER_STREAM, config).then(() => 'made', (error: Error) => error.message);
      expect(answer).toBe(deliver_subject.startsWith('vitae.') ? 'consumer deliver subject forms a cycle' : 'made');
      // Each is stored before the next is sent, so that what the server does with them has had its time.
      for (let n = 0; n < 50; n += 1) await jetstream(as('ledger')).publish('vitae.ledger.credit.registry.Model.ModelRegistered', '');
      const after = await ledger.streams.info(LEDGER_STREAM);
      expect([after.created, after.state.first_seq, after.state.messages]).toEqual([before.created, 1, before.state.messages + 50]);
      await own.consumers.delete(LEDGER_STREAM, 'auditor').catch(() => undefined);
    },
  );

  it('are what the services need: each consumer that their code declares has its place', async () => {
    const root = fileURLToPath(new URL('../../..', import.meta.url));
    const declared: Record<string, string[]> = { ledger: [] };
    for (const file of globSync('services/*/src/**/*.ts', { cwd: root })) {
      const text = await readFile(join(root, file), 'utf8');
      for (const [, name, constant] of text.matchAll(/@LedgerConsumer\(\{ name: (?:'([^']+)'|(\w+)) \}\)/g)) {
        (declared[file.split(/[\\/]/)[1] ?? ''] ??= []).push(name ?? (await valueOf(root, constant ?? '')));
      }
    }
    expect(Object.fromEntries(Object.entries(declared).map(([service, names]) => [service, names.sort()]))).toEqual(serviceConsumers);
  });
});
