import type { Sql } from '@vitae/event-store';
import type { NamedVersion } from './refusals.ts';

// What a dataset version was made of, and what is built on it. What is written once has no circles, so both ways end.

/** The version $2 and everything it was made of, however far back. */
const ANCESTRY = `with recursive ancestry (id) as (select $2::uuid union select e.source_id from registry.dataset_derivation e join ancestry a on e.dataset_version_id = a.id)`;
const NAMED = `d.id as "datasetVersionId", d.dataset_name as "datasetName", d.version`;

/** Which of them are in quarantine now. */
export const quarantinedAmong = (sql: Sql, projectId: string, id: string): Promise<NamedVersion[]> =>
  sql.query<NamedVersion>(`${ANCESTRY} select ${NAMED} from registry.dataset_version d where d.project_id = $1 and d.id in (select id from ancestry) and d.quarantine is not null order by d.id`, [projectId, id]);

export interface HeldVersion extends NamedVersion {
  readonly quarantined: boolean;
  readonly erased: boolean;
}

/** All of them. None can go into quarantine or be erased until the transaction ends. */
export const holdAncestry = (sql: Sql, projectId: string, id: string): Promise<HeldVersion[]> =>
  sql.query<HeldVersion>(
    `${ANCESTRY} select ${NAMED}, d.quarantine is not null as quarantined, d.erasure is not null as erased from registry.dataset_version d
     where d.project_id = $1 and d.id in (select id from ancestry) order by d.id for share of d`,
    [projectId, id],
  );

/** Model versions that were trained on it, neither retired nor deleted; the newest first. */
export const trainedOn = (sql: Sql, projectId: string, id: string, limit: number): Promise<readonly string[]> => living(sql, 'select $2::uuid', [projectId, id, limit]);

/** The same, also of those that were trained on what was made of it. */
export const builtOn = (sql: Sql, projectId: string, id: string, limit: number): Promise<readonly string[]> =>
  living(sql, 'select $2::uuid union select e.dataset_version_id from registry.dataset_derivation e join made m on e.source_id = m.id', [projectId, id, limit]);

async function living(sql: Sql, made: string, parameters: readonly [projectId: string, id: string, limit: number]): Promise<readonly string[]> {
  const rows = await sql.query<{ id: string }>(
    `with recursive made (id) as (${made})
     select v.id from registry.model_version v join registry.model m on m.id = v.model_id
     where v.project_id = $1 and v.dataset_version_id in (select id from made) and v.state in ('registered', 'deprecated') and v.deleted_at is null and m.deleted_at is null
     order by v.id desc limit $3`,
    parameters,
  );
  return rows.map((row) => row.id);
}
