import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { identityEnvironment, nodeFlags, startNats, startSuite, type Session, type SuiteSettings } from '@vitae/local';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { cpuSecondsOf, ownCpuSeconds } from './cpu.ts';
import type { Testbed } from './testbed.ts';

/** The ledger service as users run it: a process of its own on a new database, with a real NATS. */
export interface LedgerService {
  readonly databaseUrl: string;
  readonly nats: NatsConnection;
  /** `http://…` of the service. */
  readonly address: string;
  /** Who reads its log. */
  readonly as: Session;
  /** CPU seconds used so far by each of the processes. */
  cpu(): Readonly<Record<'postgres' | 'nats' | 'ledger' | 'client', number>>;
  stop(): Promise<void>;
}

export async function startLedgerService(testbed: Testbed): Promise<LedgerService> {
  const databaseUrl = await testbed.ledger();
  const dataDir = join(testbed.directory, `service-${new URL(databaseUrl).pathname.slice(1)}`);
  const broker = await startNats({ storeDir: join(dataDir, 'nats') });
  try {
    const suite = await startSuite({ dataDir, databaseUrl, natsUrl: broker.url, programs: ledgerOnly });
    const nats = await connect({ servers: broker.url });
    return {
      databaseUrl,
      nats,
      address: suite.addressOf('ledger'),
      as: suite.as('audrey'),
      cpu: () => ({
        postgres: cpuSecondsOf(testbed.server.pid) ?? Number.NaN,
        nats: cpuSecondsOf(broker.pid) ?? Number.NaN,
        ledger: cpuSecondsOf(suite.pidOf('ledger') ?? 0) ?? Number.NaN,
        client: ownCpuSeconds(),
      }),
      stop: async () => {
        await nats.close();
        await suite.stop();
        await broker.stop();
        await rm(dataDir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await broker.stop();
    throw error;
  }
}

function ledgerOnly({ root, dataDir, ports, databaseUrl, natsUrl, identity, env }: SuiteSettings) {
  const settings = { NODE_ENV: 'production', VITAE_MODE: 'local', VITAE_DATA_DIR: join(dataDir, 'ledger'), HOST: '127.0.0.1', LOG_LEVEL: 'warn' };
  return [
    {
      name: 'ledger',
      command: process.execPath,
      args: [...nodeFlags, join(root, 'services', 'ledger', 'dist', 'main.js')],
      env: { ...env, ...identityEnvironment('ledger', identity), ...settings, PORT: String(ports.ledger), DATABASE_URL: databaseUrl, NATS_URL: natsUrl },
      cwd: root,
      logFile: join(dataDir, 'ledger.log'),
      readyUrls: [`http://127.0.0.1:${ports.ledger}/readyz`],
    },
  ];
}
