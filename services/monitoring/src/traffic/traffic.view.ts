import type { Sql } from '@vitae/event-store';

/** How many rows of an endpoint were received, lost, unreadable and labelled. */
export interface Traffic {
  readonly rows: number;
  readonly lost: number;
  readonly unreadable: number;
  readonly labelled: number;
}

/** An endpoint and the project that its traffic came under. */
export interface EndpointKey {
  readonly projectId: string;
  readonly endpointId: string;
}

/**
 * Locks the traffic of endpoints until the transaction ends, in one order for all, so that two transactions never wait
 * for each other. Everything that counts an endpoint's rows MUST hold this lock: otherwise a prediction and its label
 * that arrive at the same time would not see each other.
 */
export async function lockTraffic(sql: Sql, endpoints: readonly EndpointKey[]): Promise<void> {
  const keys = [projects(endpoints), ids(endpoints)];
  await sql.query(
    `insert into monitoring.endpoint_traffic (project_id, endpoint_id)
     select distinct project_id, endpoint_id from unnest($1::text[], $2::uuid[]) as k (project_id, endpoint_id)
     order by project_id, endpoint_id on conflict do nothing`,
    keys,
  );
  await sql.query(
    `select 1 from monitoring.endpoint_traffic
     where (project_id, endpoint_id) in (select * from unnest($1::text[], $2::uuid[]))
     order by project_id, endpoint_id for update`,
    keys,
  );
}

/** The endpoints MUST be locked. */
export async function addTraffic(sql: Sql, added: readonly (EndpointKey & Partial<Traffic>)[]): Promise<void> {
  if (added.length === 0) return;
  await sql.query(
    `update monitoring.endpoint_traffic t
     set rows = t.rows + a.rows, lost = t.lost + a.lost, unreadable = t.unreadable + a.unreadable, labelled = t.labelled + a.labelled
     from (
       select project_id, endpoint_id, sum(rows) as rows, sum(lost) as lost, sum(unreadable) as unreadable, sum(labelled) as labelled
       from unnest($1::text[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
         as u (project_id, endpoint_id, rows, lost, unreadable, labelled)
       group by project_id, endpoint_id
     ) a
     where t.project_id = a.project_id and t.endpoint_id = a.endpoint_id`,
    [projects(added), ids(added), ...(['rows', 'lost', 'unreadable', 'labelled'] as const).map((count) => added.map((entry) => entry[count] ?? 0))],
  );
}

export async function trafficOf(sql: Sql, { projectId, endpointId }: EndpointKey): Promise<Traffic> {
  const [row] = await sql.query<Record<keyof Traffic, string>>(
    'select rows, lost, unreadable, labelled from monitoring.endpoint_traffic where project_id = $1 and endpoint_id = $2',
    [projectId, endpointId],
  );
  return { rows: Number(row?.rows ?? 0), lost: Number(row?.lost ?? 0), unreadable: Number(row?.unreadable ?? 0), labelled: Number(row?.labelled ?? 0) };
}

/** Requests that still wait for their response. */
export async function waitingOf(sql: Sql, { projectId, endpointId }: EndpointKey): Promise<number> {
  const [row] = await sql.query<{ n: string }>(
    `select count(*) as n from monitoring.exchange where state = 'waiting' and endpoint_id = $2 and project_id = $1`,
    [projectId, endpointId],
  );
  return Number(row?.n ?? 0);
}

const projects = (keys: readonly EndpointKey[]): string[] => keys.map(({ projectId }) => projectId);
const ids = (keys: readonly EndpointKey[]): string[] => keys.map(({ endpointId }) => endpointId);
