import type { Pool, PoolClient } from 'pg';

/** One SQL statement with $1 parameters, in whatever transaction the caller holds. Rejects as `pg` does. */
export interface Sql {
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

/** One open database transaction. Services add what their views need. */
export interface Transaction {
  readonly sql: Sql;
}

/** Runs work in a transaction of its own: commit when it resolves, rollback when it rejects. */
export type Transact<Tx extends Transaction> = <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;

/** Sql on a `pg` pool (each statement its own transaction) or on one client (the caller's transaction). */
export function pooledSql(client: Pool | PoolClient): Sql {
  return {
    async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
      const result = await client.query<Row>(text, [...values]);
      return result.rows;
    },
  };
}

/** Names of prepared statements: PostgreSQL wants them short. */
const names = new Map<string, string>();

/**
 * Like pooledSql, for a few statements that are sent again and again: each is parsed once on a connection, and kept there.
 * MUST NOT get texts without end.
 */
export function preparedSql(client: Pool | PoolClient): Sql {
  return {
    async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
      let name = names.get(text);
      if (name === undefined) names.set(text, (name = `vitae-${names.size}`));
      const result = await client.query<Row>({ name, text, values: [...values] });
      return result.rows;
    },
  };
}

/** Runs work in one READ COMMITTED transaction on the pool: commits when it resolves, rolls back when it rejects. */
export function transactOn(pool: Pool): Transact<Transaction> {
  return (work) => inTransaction(pool, (client) => work({ sql: pooledSql(client) }));
}

/** The same with the client itself. A commit that fails rejects as `commitFailed` throws. */
export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>, commitFailed?: (error: unknown) => never): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // A connection that breaks while it is lent out says so here, too; the statement at hand rejects anyway.
  const breaks = (error: Error): void => void (broken = error);
  client.on('error', breaks);
  try {
    await client.query('begin isolation level read committed');
    const result = await work(client);
    await client.query('commit').catch((error: unknown) => {
      commitFailed?.(error);
      throw error;
    });
    return result;
  } catch (error) {
    await client.query('rollback').catch((cause: Error) => (broken = cause));
    throw error;
  } finally {
    client.off('error', breaks);
    client.release(broken);
  }
}
