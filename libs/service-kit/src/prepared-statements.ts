import type { Pool, PoolClient } from 'pg';

/** More than all services have of them together; what comes later is sent as it is, so that no connection fills up. */
const MOST = 500;
/** Texts by the names that they are prepared under, which PostgreSQL wants short. */
const names = new Map<string, string>();

/** Says of a statement that it comes again and again, with the same text. */
export function known(text: string): void {
  if (!names.has(text) && names.size < MOST) names.set(text, `vitae-${names.size}`);
}

/**
 * Has known statements parsed and planned once on each connection, and not each time: that was half of what a command cost
 * PostgreSQL. Kysely knows no names of statements, so they are given behind it.
 */
export function sendPrepared(pool: Pool): void {
  pool.on('connect', (client) => {
    const send = client.query.bind(client) as (query: unknown, values?: unknown, ...rest: unknown[]) => unknown;
    client.query = ((query: unknown, values?: unknown, ...rest: unknown[]) => {
      const name = typeof query === 'string' && Array.isArray(values) && values.length > 0 ? names.get(query) : undefined;
      return name === undefined ? send(query, values, ...rest) : send({ name, text: query, values }, ...rest);
    }) as PoolClient['query'];
  });
}
