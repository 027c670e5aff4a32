import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startPostgres, type PostgresServer } from '@vitae/local';
import { ledgerMigrations, migrate } from '@vitae/event-store';
import { Client, Pool, type PoolConfig } from 'pg';

/** One PostgreSQL for all contenders, thrown away afterwards. */
export interface Testbed {
  readonly server: PostgresServer;
  readonly directory: string;
  /** A new, empty database; its URL. */
  database(name: string): Promise<string>;
  /** A new database with the ledger's tables; its URL. */
  ledger(): Promise<string>;
  query(text: string): Promise<readonly Record<string, string>[]>;
  /** Drops every database made here and writes all out: the next part finds no vacuum and no checkpoint of the last one. */
  clear(): Promise<void>;
  /** Stops the server and removes all that it kept, which may be gigabytes. May be called twice. */
  stop(): Promise<void>;
}

/** The same for everybody; durable, with checkpoints far apart, so that none falls into one contender's run. */
const SETTINGS = {
  shared_buffers: '4GB',
  max_wal_size: '8GB',
  checkpoint_timeout: '30min',
  wal_buffers: '64MB',
} as const;

/** @param more settings of PostgreSQL beside the usual ones. */
export async function startTestbed(parent: string, more: Readonly<Record<string, string>> = {}): Promise<Testbed> {
  const directory = await mkdtemp(join(parent, 'vitae-bench-'));
  const server = await startPostgres({ dataDir: join(directory, 'postgres'), settings: { ...SETTINGS, ...more } }).catch(async (error: unknown) => {
    await rm(directory, { recursive: true, force: true });
    throw error;
  });
  const admin = new Client({ connectionString: server.url });
  await admin.connect();
  admin.on('error', () => undefined); // lost when the server is stopped under it; a query under way rejects by itself
  let made = 0;
  const names: string[] = [];
  let stopped: Promise<void> | undefined;
  const database = async (name: string): Promise<string> => {
    const unique = `${name}_${(made += 1)}`;
    names.push(unique);
    await admin.query(`create database ${admin.escapeIdentifier(unique)}`);
    const url = new URL(server.url);
    url.pathname = `/${unique}`;
    return url.href;
  };
  return {
    server,
    directory,
    database,
    ledger: async () => {
      const url = await database('vitae');
      await migrate(url, ledgerMigrations);
      return url;
    },
    query: async (text) => (await admin.query<Record<string, string>>(text)).rows,
    clear: async () => {
      for (const name of names.splice(0)) await admin.query(`drop database ${admin.escapeIdentifier(name)} with (force)`);
      await admin.query('checkpoint');
    },
    stop: () =>
      (stopped ??= (async () => {
        await server.stop();
        await admin.end();
        await rm(directory, { recursive: true, force: true });
      })()),
  };
}

/** A pool with all its connections open, so that none is made while time is taken. */
export async function openPool(connectionString: string, max: number, config: PoolConfig = {}): Promise<Pool> {
  const pool = new Pool({ connectionString, max, ...config });
  pool.on('error', () => undefined); // an idle connection lost at the end is no news; one in use rejects its query
  const clients = await Promise.all(Array.from({ length: max }, () => pool.connect()));
  for (const client of clients) client.release();
  return pool;
}
