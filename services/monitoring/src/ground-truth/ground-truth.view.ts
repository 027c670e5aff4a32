import type { Sql } from '@vitae/event-store';
import type { EndpointKey } from '../traffic/traffic.view.ts';
import type { RequestLabels } from './labels.ts';

/** Labels given before, by request id. The endpoint MUST be locked. */
export async function knownLabels(sql: Sql, { projectId, endpointId }: EndpointKey, requestIds: readonly string[]): Promise<ReadonlyMap<string, readonly number[]>> {
  const rows = await sql.query<{ request_id: string; labels: string }>(
    `select request_id, array_to_json(labels)::text as labels from monitoring.ground_truth where project_id = $1 and endpoint_id = $2 and request_id = any($3::text[])`,
    [projectId, endpointId, requestIds],
  );
  return new Map(rows.map(({ request_id, labels }) => [request_id, JSON.parse(labels) as number[]]));
}

export interface GivenLabels extends RequestLabels {
  /** Whether their prediction was there, and they were compared with it. */
  readonly counted: boolean;
}

export async function storeLabels(sql: Sql, { projectId, endpointId }: EndpointKey, given: readonly GivenLabels[], by: { readonly actor: string; readonly at: string }): Promise<void> {
  if (given.length === 0) return;
  await sql.query(
    `insert into monitoring.ground_truth (project_id, endpoint_id, request_id, labels, actor, given_at, counted)
     select $1, $2, request_id, labels::smallint[], $6, $7::timestamptz, counted from unnest($3::text[], $4::text[], $5::boolean[]) as u (request_id, labels, counted)`,
    [
      projectId,
      endpointId,
      given.map(({ requestId }) => requestId),
      given.map(({ labels }) => `{${labels.join(',')}}`), // each row's array as text: unnest would flatten arrays of arrays
      given.map(({ counted }) => counted),
      by.actor,
      by.at,
    ],
  );
}

/** Labels that came before their prediction, for requests that have one now; they count as taken. The endpoint MUST be locked. */
export async function takeWaitingLabels(sql: Sql, { projectId, endpointId }: EndpointKey, requestIds: readonly string[]): Promise<readonly RequestLabels[]> {
  const rows = await sql.query<{ request_id: string; labels: string }>(
    `update monitoring.ground_truth set counted = true
     where project_id = $1 and endpoint_id = $2 and request_id = any($3::text[]) and not counted
     returning request_id, array_to_json(labels)::text as labels`,
    [projectId, endpointId, requestIds],
  );
  return rows.map(({ request_id, labels }) => ({ requestId: request_id, labels: JSON.parse(labels) as (0 | 1)[] }));
}
