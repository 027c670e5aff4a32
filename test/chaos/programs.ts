import { join } from 'node:path';
import type { IdentityServer } from '@vitae/local';
import type { ConsumerSettings } from './consumer.ts';
import type { Program } from './kept-process.ts';
import { ledgerBundle, programOf } from './places.ts';
import type { WriterSettings } from './writer.ts';

/** Where and as what a ledger service runs. */
export interface LedgerServiceSettings {
  readonly name: string;
  /** Takes its log. */
  readonly directory: string;
  /** Keeps the key of the log: replicas share it. */
  readonly dataDir: string;
  readonly port: number;
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly identity: IdentityServer;
  readonly exportDir?: string;
}

/** Sequencer, publisher, integrator and signer, as `npm start` runs them, only that they sign more often. */
export function ledgerService({ name, directory, dataDir, port, databaseUrl, natsUrl, identity, exportDir }: LedgerServiceSettings): Program {
  return {
    name,
    args: ['--import', ledgerBundle.telemetry, ledgerBundle.program],
    logFile: join(directory, `${name}.log`),
    env: {
      NODE_ENV: 'production',
      NODE_COMPILE_CACHE: join(directory, 'compiled'),
      LOG_LEVEL: 'warn',
      HOST: '127.0.0.1',
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      NATS_URL: natsUrl,
      ...identity.environmentOf('ledger'),
      VITAE_MODE: 'local',
      VITAE_DATA_DIR: dataDir,
      VITAE_CHECKPOINT_MS: '100',
      KEYRING_DATABASE_URL: '',
      VITAE_TENANT_KEY_FILE: '',
      ...(exportDir === undefined ? {} : { VITAE_LOG_EXPORT_DIR: exportDir }),
    },
  };
}

export function writer(settings: WriterSettings, directory: string): Program {
  return { name: settings.name, args: [programOf('writer'), JSON.stringify(settings)], logFile: join(directory, `${settings.name}.log`) };
}

export function consumer(settings: ConsumerSettings, directory: string): Program {
  return { name: settings.name, args: [programOf('consumer'), JSON.stringify(settings)], logFile: join(directory, `${settings.name}.log`) };
}
