import { randomUUID } from 'node:crypto';
import type { Pool, PoolConfig } from 'pg';
import type { Appender } from './closed-loop.ts';
import { importPeer } from './peers.ts';
import { METADATA } from './sample-event.ts';

/** What we use of @event-driven-io/emmett-postgresql 0.42. */
interface EmmettPostgres {
  getPostgreSQLEventStore(url: string, options: { schema: { autoMigration: 'None' }; connectionOptions: { pooled: true; pool: Pool } }): EventStore;
}
interface EventStore {
  readonly schema: { migrate(): Promise<unknown> };
  appendToStream(stream: string, events: readonly object[], options: { expectedStreamVersion: bigint }): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * emmett through its public interface, on a database of its own. Its schema is made first and then left alone, which
 * saves it looking before each append; its pool has a connection for each writer and is the one of its own `pg`.
 */
export async function emmett(url: string, connections: number): Promise<Appender> {
  const { getPostgreSQLEventStore } = await importPeer<EmmettPostgres>('@event-driven-io', 'emmett-postgresql', 'dist', 'index.js');
  const { default: pg } = await importPeer<{ default: { Pool: new (config: PoolConfig) => Pool } }>('pg', 'lib', 'index.js');
  const pool = new pg.Pool({ connectionString: url, max: connections });
  pool.on('error', () => undefined); // `end` answers before the connections are closed, and the server may be quicker
  const store = getPostgreSQLEventStore(url, { schema: { autoMigration: 'None' }, connectionOptions: { pooled: true, pool } });
  await store.schema.migrate();
  const metadata = JSON.parse(METADATA) as object;
  return {
    name: 'emmett',
    append: async ({ id, revision, events }) => {
      const messages = events.map(({ data }) => ({ type: 'UseCaseDrafted', data, metadata: { ...metadata, messageId: randomUUID() } }));
      await store.appendToStream(`governance.UseCase-${id}`, messages, { expectedStreamVersion: BigInt(revision) });
    },
    close: async () => {
      await store.close();
      await pool.end();
    },
  };
}
