import type { Pool, PoolClient } from 'pg';

/**
 * Gives a connection that breaks while it is lent out back to its pool at once. Kysely does so only after a COMMIT or
 * ROLLBACK that was answered: one that breaks inside a transaction would be lost to the pool, and after as many of them as
 * the pool is large (a few restarts of PostgreSQL) nobody would get a connection any more.
 */
export function takeBackBroken(pool: Pool): void {
  const lent = new WeakSet<PoolClient>();
  pool.on('acquire', (client) => lent.add(client));
  pool.on('release', (_, client) => lent.delete(client));
  pool.on('connect', (client) => {
    client.on('error', (error) => {
      if (!lent.has(client)) return; // the pool itself sees to those that are idle
      const { release } = client;
      client.release = () => undefined; // whoever has it may give it back again, or not
      release(error);
    });
  });
}
