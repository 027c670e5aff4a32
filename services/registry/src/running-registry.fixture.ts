import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { pooledSql, readLedger } from '@vitae/event-store';
import { ensureLedgerStream, onAppended, publishFrom } from '@vitae/messaging';
import { boot, type Running } from '@vitae/service-kit';
import { freshDatabase, freshNats, specAccess, type FreshDatabase } from '@vitae/testing';
import pg from 'pg';
import { registry } from './app.module.ts';

/** The whole service on a database and a NATS of its own. */
export interface RunningRegistry {
  readonly service: Running;
  readonly database: FreshDatabase;
  readonly pool: pg.Pool;
  /** What the ledger service does: gives events their index and publishes them. Happens by itself after each append, too. */
  relay(): Promise<void>;
  stop(): Promise<void>;
}

export async function runRegistry(settings: NodeJS.ProcessEnv = {}): Promise<RunningRegistry> {
  const [first, second, third] = await Promise.allSettled([freshDatabase(), freshNats(), mkdtemp(join(tmpdir(), 'vitae-registry-'))]);
  if (first.status === 'rejected') throw first.reason;
  if (second.status === 'rejected') throw second.reason;
  if (third.status === 'rejected') throw third.reason;
  const [database, broker, dataDir] = [first.value, second.value, third.value];
  const pool = new pg.Pool({ connectionString: database.url, max: 4 });
  const nats = await connect({ servers: broker.url });
  const service = await boot(registry, { ...specAccess(), PORT: '0', DATABASE_URL: database.url, NATS_URL: broker.url, VITAE_DATA_DIR: dataDir, LOG_LEVEL: 'silent', ...settings });
  const sql = pooledSql(pool);
  const [origin] = await sql.query<{ id: string }>('select id from ledger.origin');
  let published = await ensureLedgerStream(nats, origin?.id ?? '');
  let running = Promise.resolve();
  const relay = (): Promise<void> =>
    (running = running.then(async () => {
      await sql.query('select ledger.sequence(10000)');
      for (let sent = 1; sent > 0; published += sent) sent = await publishFrom(nats, await readLedger(sql, { from: published, limit: 1_000 }));
    }));
  const stopRelay = onAppended(nats, () => void relay());
  await relay();
  return {
    service,
    database,
    pool,
    relay,
    stop: async () => {
      stopRelay();
      await service.stop();
      await relay();
      await nats.close();
      await pool.end();
      await Promise.allSettled([database.drop(), broker.drop(), rm(dataDir, { recursive: true, force: true })]);
    },
  };
}
