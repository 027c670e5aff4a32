import { defineEntity, p, type EntityManager, type InferEntity } from '@mikro-orm/postgresql';
import { eventFromJson, type BaselineActivated } from '@vitae/contracts';
import type { RecordedEvent, Sql } from '@vitae/event-store';
import { Problem } from '@vitae/service-kit';
import type { EndpointKey } from '../traffic/traffic.view.ts';
import { referenceOf, type Reference } from './reference.ts';

export const Baseline = defineEntity({
  name: 'Baseline',
  tableName: 'baseline',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text(),
    endpointId: p.uuid(),
    modelId: p.uuid(),
    datasetVersionId: p.uuid(),
    datasetDigest: p.text(),
    split: p.text(),
    rowCount: p.bigint('number'),
    features: p.json<FeatureRow[]>(),
    rule: p.json<object>(),
    event: p.json<object>(),
    activatedAt: p.datetime(),
    revision: p.integer(),
  },
});
export type Baseline = InferEntity<typeof Baseline>;

/** A feature as a reader of the API sees it. */
export type FeatureRow = { readonly name: string } & Reference['features'][number][1];

/** Applies BaselineActivated: the baseline's row, and that it is the one in force unless a newer one is. */
export async function projectBaseline({ em, sql }: { em: EntityManager; sql: Sql }, recorded: RecordedEvent<BaselineActivated>): Promise<void> {
  const { event, projectId, payload, recordedAt, revision } = recorded;
  const { baselineId, endpointId, modelId, datasetVersionId, datasetDigest, split, rowCount } = event;
  const { features, windowRows, rule } = referenceOf(event);
  await em.upsert(Baseline, {
    id: baselineId,
    projectId,
    endpointId,
    modelId,
    datasetVersionId,
    datasetDigest,
    split,
    rowCount: Number(rowCount),
    features: features.map(([name, bins]) => ({ name, ...bins })),
    rule: { version: event.rule?.version, windowRows, ...rule },
    event: JSON.parse(payload) as object,
    activatedAt: new Date(recordedAt),
    revision,
  });
  await sql.query(
    `insert into active_baseline as active (project_id, endpoint_id, baseline_id) values ($1, $2, $3)
     on conflict (project_id, endpoint_id) do update set baseline_id = excluded.baseline_id
       where (select activated_at from baseline where id = active.baseline_id)
           < (select activated_at from baseline where id = excluded.baseline_id)`,
    [projectId, endpointId, baselineId],
  );
}

/** @throws Problem 404 baseline-not-found */
export async function baselineOf(em: EntityManager, projectId: string, id: string): Promise<Baseline> {
  const found = await em.findOne(Baseline, { id, projectId });
  if (!found) throw new Problem(404, 'baseline-not-found', 'Baseline not found', `There is no baseline ${id} in project ${projectId}. Activate one with POST /v1/projects/${projectId}/baselines.`);
  return found;
}

/** A baseline in force, ready for counting. */
export interface ActiveBaseline extends EndpointKey {
  readonly baselineId: string;
  readonly modelId: string;
  readonly reference: Reference;
}

/** Baselines never change, so what was rebuilt once is kept: a few for each endpoint that this process counts. */
const rebuilt = new Map<string, ActiveBaseline>();
const MOST_REBUILT = 200;

/** The baselines in force of those of the endpoints that have one. The endpoints MUST be locked. */
export async function activeBaselines(sql: Sql, endpoints: readonly EndpointKey[]): Promise<readonly ActiveBaseline[]> {
  const active = await sql.query<{ baseline_id: string }>(
    `select baseline_id from monitoring.active_baseline where (project_id, endpoint_id) in (select * from unnest($1::text[], $2::uuid[]))`,
    [endpoints.map(({ projectId }) => projectId), endpoints.map(({ endpointId }) => endpointId)],
  );
  return Promise.all(active.map(({ baseline_id: id }) => rebuild(sql, id)));
}

async function rebuild(sql: Sql, baselineId: string): Promise<ActiveBaseline> {
  const kept = rebuilt.get(baselineId);
  if (kept) return kept;
  const [row] = await sql.query<{ project_id: string; event: string }>('select project_id, event::text as event from monitoring.baseline where id = $1', [baselineId]);
  if (!row) throw new Error(`baseline ${baselineId} is in force and has no row`);
  const event = eventFromJson('vitae.monitoring.v1.BaselineActivated', row.event) as BaselineActivated;
  const baseline = { projectId: row.project_id, endpointId: event.endpointId, baselineId, modelId: event.modelId, reference: referenceOf(event) };
  const oldest = rebuilt.keys().next().value;
  if (rebuilt.size >= MOST_REBUILT && oldest !== undefined) rebuilt.delete(oldest);
  rebuilt.set(baselineId, baseline);
  return baseline;
}
