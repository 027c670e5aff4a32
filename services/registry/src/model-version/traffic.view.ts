import type { RetirementApproved, TrafficShifted, VariantRemoved } from '@vitae/contracts';
import type { RecordedEvent, Sql } from '@vitae/event-store';
import type { ViewTransaction } from '@vitae/service-kit';
import type { Serving } from '../model/model.ts';
import type { ModelVersionEvent } from './model-version-state.ts';
import type { ApprovedRetirement, RetirementState } from './reactions.ts';

/** From here on the endpoint's requests go to exactly these variants. */
export async function projectTraffic(sql: Sql, { endpointId, endpointName, environment, weights }: TrafficShifted): Promise<void> {
  const serving = weights.filter(({ weight }) => weight > 0);
  await sql.query('delete from traffic where endpoint_id = $1', [endpointId]);
  await sql.query(
    `insert into traffic (endpoint_id, endpoint_name, environment, variant_id, model_version_id, weight)
     select $1, $2, $3, * from unnest($4::uuid[], $5::uuid[], $6::integer[])`,
    [endpointId, endpointName, environment, serving.map(({ variantId }) => variantId), serving.map(({ modelVersionId }) => modelVersionId), serving.map(({ weight }) => weight)],
  );
}

/** What is gone serves nothing, whatever the last shift said. */
export async function projectRemoval(sql: Sql, { endpointId, variantId }: VariantRemoved): Promise<void> {
  await sql.query('delete from traffic where endpoint_id = $1 and variant_id = $2', [endpointId, variantId]);
}

export async function projectApproval(sql: Sql, projectId: string, { modelVersionId, retirementId }: RetirementApproved): Promise<void> {
  await sql.query(
    `insert into approved_retirement (model_version_id, retirement_id, project_id) values ($1, $2, $3) on conflict do nothing`,
    [modelVersionId, retirementId, projectId],
  );
}

/** The retirement was carried out. */
export async function forgetApproval(sql: Sql, { modelVersionId }: Pick<ApprovedRetirement, 'modelVersionId'>): Promise<void> {
  await sql.query('delete from approved_retirement where model_version_id = $1', [modelVersionId]);
}

/** What the consumer does when it has retired a version, told by the events that it appended. */
export async function projectRetirement({ sql }: ViewTransaction, events: readonly RecordedEvent<ModelVersionEvent>[]): Promise<void> {
  for (const { event } of events) if (event.$typeName === 'vitae.registry.v1.ModelVersionRetired') await forgetApproval(sql, event);
}

/** The endpoints that send requests to a version, or to any version of a model. */
export function servingOf(sql: Sql, of: { readonly modelVersionId: string } | { readonly modelId: string }): Promise<Serving[]> {
  const [column, id] = 'modelId' in of ? ['v.model_id', of.modelId] : ['v.id', of.modelVersionId];
  return sql.query<Serving>(
    `select distinct t.endpoint_id as "endpointId", t.endpoint_name as "endpointName", t.environment, v.version
     from registry.model_version v join registry.traffic t on t.model_version_id = v.id where ${column} = $1 order by t.endpoint_name, t.endpoint_id`,
    [id],
  );
}

/** Everything that decides which of a project's retirements are due. */
export async function retirementState(sql: Sql, projectId: string): Promise<RetirementState> {
  const rows = await sql.query<{ model_version_id: string; retirement_id: string; serving: boolean }>(
    `select r.model_version_id, r.retirement_id, exists (select 1 from registry.traffic t where t.model_version_id = r.model_version_id) as serving
     from registry.approved_retirement r where r.project_id = $1 order by r.model_version_id`,
    [projectId],
  );
  return {
    approved: rows.map((row) => ({ modelVersionId: row.model_version_id, retirementId: row.retirement_id })),
    serving: new Set(rows.filter(({ serving }) => serving).map((row) => row.model_version_id)),
  };
}
