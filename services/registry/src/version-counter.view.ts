import type { Sql } from '@vitae/event-store';

/**
 * The next version number under a scope. Locks the scope's counter until the transaction ends, so that whoever
 * comes second waits and then sees this one's version; a transaction that appends nothing uses up no number.
 */
export async function nextVersion(sql: Sql, scope: string): Promise<number> {
  const last = await lockCounter(sql, scope);
  if (last !== undefined) return last + 1;
  await sql.query('insert into registry.version_counter (scope, last_version) values ($1, 0) on conflict do nothing', [scope]);
  return ((await lockCounter(sql, scope)) ?? 0) + 1;
}

/** Undefined for a scope that has no counter yet. */
async function lockCounter(sql: Sql, scope: string): Promise<number | undefined> {
  const [counter] = await sql.query<{ last_version: number }>('select last_version from registry.version_counter where scope = $1 for update', [scope]);
  return counter?.last_version;
}

/** Notes a version number as given. Repeating it changes nothing, so that the counter is rebuilt with the views. */
export async function countVersion(sql: Sql, scope: string, version: number): Promise<void> {
  await sql.query(
    `insert into version_counter as c (scope, last_version) values ($1, $2)
     on conflict (scope) do update set last_version = greatest(c.last_version, excluded.last_version)`,
    [scope, version],
  );
}

export const scopeOfDataset = (projectId: string, datasetName: string): string => `dataset/${projectId}/${datasetName}`;
export const scopeOfModel = (modelId: string): string => `model/${modelId}`;
