import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { nkeys } from '@nats-io/nats-core';
import { startNats, type NatsServer } from '@vitae/local';
import { accountsConfig, rightsOf } from '@vitae/messaging';
import { Broker, type BrokerSettings } from './broker.ts';

const tlsFile = (name: string): string => fileURLToPath(new URL(`../../../test/fixtures/tls/${name}`, import.meta.url));
const trusted = { NATS_CA_FILE: tlsFile('authority.pem') };
const certificate = { NATS_CERT_FILE: tlsFile('client.pem'), NATS_KEY_FILE: tlsFile('client.key.pem') };

let directory: string, server: NatsServer, NATS_NKEY_FILE: string, strangersFile: string, NATS_URL: string;

const seedFile = async (name: string, seed: Uint8Array): Promise<string> => {
  const file = join(directory, name);
  await writeFile(file, new TextDecoder().decode(seed));
  return file;
};
const failure = (settings: BrokerSettings): Promise<string> =>
  Broker.open('registry', settings).then(
    async (broker) => {
      await broker.drain();
      return 'let in';
    },
    (error: Error) => error.message,
  );

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vitae-broker-'));
  const [pair, stranger] = [nkeys.createUser(), nkeys.createUser()];
  [NATS_NKEY_FILE, strangersFile] = await Promise.all([seedFile('registry.nk', pair.getSeed()), seedFile('stranger.nk', stranger.getSeed())]);
  const configFile = join(directory, 'nats-server.conf');
  const tls = `tls { cert_file: ${JSON.stringify(tlsFile('server.pem'))}, key_file: ${JSON.stringify(tlsFile('server.key.pem'))}, ca_file: ${JSON.stringify(tlsFile('authority.pem'))}, verify: true }\n`;
  await writeFile(configFile, tls + accountsConfig([{ name: 'registry', publicKey: pair.getPublicKey(), rights: rightsOf('registry') }]));
  server = await startNats({ storeDir: join(directory, 'store'), configFile });
  NATS_URL = server.url.replace('nats:', 'tls:');
}, 120_000);
afterAll(async () => {
  await server?.stop();
  await rm(directory, { recursive: true, force: true });
});

describe('a service at NATS', () => {
  it('comes in by its nkey, over TLS, with a certificate of its own', async () => {
    const broker = await Broker.open('registry', { NATS_URL, NATS_NKEY_FILE, ...trusted, ...certificate });
    await broker.check();
    broker.hint();
    await broker.check();
    await broker.drain();
    expect(broker.nats.isClosed()).toBe(true);
  });

  it('is not let in with the key of somebody else, or without one', async () => {
    expect(await failure({ NATS_URL, NATS_NKEY_FILE: strangersFile, ...trusted, ...certificate })).toMatch(/^registry cannot reach NATS at 127\.0\.0\.1:\d+: .*Authorization Violation.*correct NATS_URL or NATS_NKEY_FILE\.$/i);
    expect(await failure({ NATS_URL, ...trusted, ...certificate })).toMatch(/Authorization Violation|authorization/i);
  });

  it('does not speak to a server that none of its authorities vouches for', async () => {
    expect(await failure({ NATS_URL, NATS_NKEY_FILE, NATS_CA_FILE: tlsFile('other-authority.pem'), ...certificate })).toMatch(/cannot reach NATS/);
    expect(await failure({ NATS_URL, NATS_NKEY_FILE, ...certificate })).toMatch(/cannot reach NATS/);
  });

  it('says which file it cannot read', async () => {
    expect(await failure({ NATS_URL, NATS_NKEY_FILE: join(directory, 'none.nk') })).toBe(`The file ${join(directory, 'none.nk')}, which NATS_NKEY_FILE names, cannot be read: ENOENT.`);
    expect(await failure({ NATS_URL, NATS_NKEY_FILE: tlsFile('authority.pem'), ...trusted, ...certificate })).toBe(`${tlsFile('authority.pem')}, which NATS_NKEY_FILE names, holds no nkey of a user.`);
  });
});
