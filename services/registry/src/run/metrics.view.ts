import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { MetricPoint } from '@vitae/contracts';
import type { Sql } from '@vitae/event-store';
import { sqlOf, type Page } from '@vitae/service-kit';
import { keysetPage } from '../search/keyset.view.ts';
import type { SortKey } from '../search/sort-key.ts';
import type { Point } from './run.ts';
import type { PointShown } from './tracked.ts';
import { uuidOf, uuidOfModel } from './tracking-id.ts';

/** As PostgreSQL takes them: a list for each column. JavaScript's names of NaN and the infinities are PostgreSQL's as well. */
const columnsOf = (points: readonly (Point | MetricPoint)[]): readonly unknown[] => [
  points.map(({ key }) => key),
  points.map(({ timestamp }) => String(timestamp)),
  points.map(({ step }) => String(step)),
  points.map(({ value }) => String(value)),
  points.map(({ modelId }) => modelId),
  points.map(({ datasetName }) => datasetName),
  points.map(({ datasetDigest }) => datasetDigest),
];
const UNNESTED = 'unnest($2::text[], $3::bigint[], $4::bigint[], $5::float8[], $6::text[], $7::text[], $8::text[]) with ordinality as p (key, timestamp, step, value, model_id, dataset_name, dataset_digest, n)';
const FIELDS = 'key, timestamp, step, value, model_id, dataset_name, dataset_digest';

/** Notes points, and which of them are the newest of their metric. Points that are there already stay one. */
export async function addPoints(sql: Sql, runId: string, points: readonly MetricPoint[]): Promise<void> {
  if (points.length === 0) return;
  const values = [runId, ...columnsOf(points)];
  await sql.query(
    `with added as (insert into run_metric_point (run_id, ${FIELDS}) select $1::uuid, ${FIELDS} from ${UNNESTED} on conflict do nothing)
     insert into run_metric as m (run_id, ${FIELDS})
     select distinct on (key) $1::uuid, ${FIELDS} from ${UNNESTED} order by key, step desc, timestamp desc, value desc
     on conflict (run_id, key) do update set timestamp = excluded.timestamp, step = excluded.step, value = excluded.value, model_id = excluded.model_id,
       dataset_name = excluded.dataset_name, dataset_digest = excluded.dataset_digest
     where (excluded.step, excluded.timestamp, excluded.value) > (m.step, m.timestamp, m.value)`,
    values,
  );
}

/** Those of the points that the run has not logged yet, each once. */
export async function newPoints(sql: Sql, runId: string, points: readonly Point[]): Promise<readonly Point[]> {
  if (points.length === 0) return [];
  const rows = await sql.query<{ n: number }>(
    `select min(p.n)::int as n from ${UNNESTED}
     where not exists (select from registry.run_metric_point o where o.run_id = $1 and o.key = p.key and o.timestamp = p.timestamp and o.step = p.step and o.value = p.value and o.model_id = p.model_id)
     group by p.key, p.timestamp, p.step, p.value, p.model_id order by 1`,
    [uuidOf(runId), ...columnsOf(points)],
  );
  return rows.flatMap(({ n }) => points[n - 1] ?? []);
}

const SHOWN = `o.run_id as "runId", o.key, o.value, o.timestamp::float8 as timestamp, o.step::float8 as step, o.model_id as "modelId", o.dataset_name as "datasetName", o.dataset_digest as "datasetDigest"`;

const IN_TIME: readonly SortKey[] = [
  { sql: 'o.timestamp', type: 'bigint', direction: 'asc' },
  { sql: 'o.step', type: 'bigint', direction: 'asc' },
  { sql: 'o.value', type: 'float8', direction: 'asc' },
  { sql: 'o.model_id', type: 'text', direction: 'asc' },
];

/** What was measured, point by point. */
@Injectable()
export class Metrics {
  constructor(private readonly em: EntityManager) {}

  /** All points of one metric of a run, in the order of their times. @throws Refused CURSOR_MALFORMED. */
  history(runId: string, key: string, limit: number, after: string): Promise<Page<PointShown>> {
    return keysetPage<PointShown>(this.em, { first: [uuidOf(runId), key], keys: () => IN_TIME, limit, after }, () => ({ select: SHOWN, from: 'registry.run_metric_point o', where: 'o.run_id = $1 and o.key = $2' }));
  }

  /** Of each run at most so many points between two steps, evenly chosen, the first and the last among them. */
  sampled(projectId: string, runIds: readonly string[], key: string, { from, to, most }: { readonly from: number | undefined; readonly to: number | undefined; readonly most: number }): Promise<readonly PointShown[]> {
    return sqlOf(this.em.fork()).query<PointShown>(
      `select ${SHOWN} from (
         select o.*, row_number() over w as n, count(*) over (partition by o.run_id) as of
         from registry.run_metric_point o join registry.run r on r.id = o.run_id and r.project_id = $1
         where o.run_id = any($2::uuid[]) and o.key = $3 and ($4::bigint is null or o.step >= $4) and ($5::bigint is null or o.step <= $5)
         window w as (partition by o.run_id order by o.step, o.timestamp, o.value)
       ) o
       where o.of <= $6 or o.n = 1 or o.n = o.of or (o.n * ($6 - 1)) / o.of <> ((o.n - 1) * ($6 - 1)) / o.of
       order by o.run_id, o.step, o.timestamp, o.value`,
      [projectId, runIds.map(uuidOf), key, from ?? null, to ?? null, most],
    );
  }

  /** The newest point of each metric that was measured of a logged model, for each run and data. */
  ofModels(modelIds: readonly string[]): Promise<readonly PointShown[]> {
    return sqlOf(this.em.fork()).query<PointShown>(
      `select distinct on (o.model_id, o.key, o.run_id, o.dataset_name, o.dataset_digest) ${SHOWN} from registry.run_metric_point o
       where o.model_id <> '' and o.model_id = any($1::text[]) order by o.model_id, o.key, o.run_id, o.dataset_name, o.dataset_digest, o.step desc, o.timestamp desc, o.value desc`,
      [modelIds.filter((id) => uuidOfModel(id) !== undefined)],
    );
  }
}
