import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startIdentity, startNats, startPostgres, type IdentityServer, type Session } from '@vitae/local';
import { ledgerMigrations, migrate } from '@vitae/event-store';
import { messagingMigrations } from '@vitae/messaging';
import { Client } from 'pg';

/** A PostgreSQL and a NATS server of a run's own, with the ledger's tables, that can be crashed as often as one likes; and who says who reads the log. */
export interface Servers {
  /** Of who may do everything. */
  readonly databaseUrl: string;
  /** Of who may append to the streams of `governance`, and nothing else. */
  readonly writerUrl: string;
  /** Another database of the same cluster. */
  readonly elsewhereUrl: string;
  readonly natsUrl: string;
  readonly identity: IdentityServer;
  /** An auditor, who may read the log over HTTP. */
  readonly reader: Session;
  /** Immediate stop: nothing is written out, no client is told. Then started again. */
  crashPostgres(): Promise<void>;
  /** SIGKILL, then started again; `emptied`: on an empty store. */
  crashNats(options?: { readonly emptied?: boolean }): Promise<void>;
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly directory: string;
  /** With fsync, as in production. Without, it withstands everything that happens here, too: no power is cut. */
  readonly durable: boolean;
  /** Makes the ledger's tables. Default: the migrations. */
  readonly prepare?: (databaseUrl: string) => Promise<void>;
}

export async function startServers({ directory, durable, prepare = migrated }: ServerOptions): Promise<Servers> {
  const dataDir = join(directory, 'postgres');
  const storeDir = join(directory, 'nats');
  const settings = { synchronous_commit: 'on', max_connections: 300 };
  let postgres = await startPostgres({ dataDir, durable, settings });
  let nats = await startNats({ storeDir });
  const identity = await startIdentity({ dataDir: join(directory, 'identity') });
  const { port } = postgres;
  const natsPort = nats.port;
  await prepare(postgres.url);
  const writerUrl = await furnish(postgres.url);
  return {
    databaseUrl: postgres.url,
    writerUrl,
    elsewhereUrl: databaseAt(postgres.url, 'elsewhere'),
    natsUrl: nats.url,
    identity,
    reader: identity.as('audrey'),
    crashPostgres: async () => {
      await postgres.stop('immediate');
      postgres = await startPostgres({ dataDir, durable, port, settings });
    },
    crashNats: async ({ emptied = false } = {}) => {
      await nats.stop('SIGKILL');
      if (emptied) await rm(storeDir, { recursive: true, force: true });
      nats = await startNats({ storeDir, port: natsPort });
    },
    stop: async () => {
      await identity.stop();
      await nats.stop('SIGKILL');
      await postgres.stop('immediate');
    },
  };
}

async function migrated(url: string): Promise<void> {
  await migrate(url, ledgerMigrations);
  await migrate(url, messagingMigrations);
}

/** Logins, the table of effects, and the other database. */
async function furnish(url: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`create role writer login password 'writer' in role vitae_governance`);
    await client.query(`alter role writer set vitae.projects = '*'`); // it works for all, as what no request asked for does
    await client.query('create database elsewhere');
    await client.query('create schema chaos');
    // No unique key: an effect that happens twice has to show.
    await client.query('create table chaos.effect (n bigint generated always as identity, index bigint not null, id uuid not null)');
  } finally {
    await client.end();
  }
  const writer = new URL(url);
  writer.username = 'writer';
  writer.password = 'writer';
  return writer.href;
}

function databaseAt(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${name}`;
  return other.href;
}
