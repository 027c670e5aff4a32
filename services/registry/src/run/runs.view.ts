import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { RecordedEvent, Snapshot, Sql } from '@vitae/event-store';
import { sqlOf, type Page, type ViewTransaction } from '@vitae/service-kit';
import { clausesSql, type ClauseColumns } from '../search/clause-condition.ts';
import type { Clause } from '../search/clauses.ts';
import type { Parameters } from '../search/condition.ts';
import { keysetPage } from '../search/keyset.view.ts';
import type { SortKey } from '../search/sort-key.ts';
import { addFile, removeFiles } from './logged-files.view.ts';
import { addPoints } from './metrics.view.ts';
import { RUN_NAME_TAG, type RunEvent, type RunState, type RunStatus } from './run.ts';
import type { RunShown, ViewType } from './tracked.ts';
import { uuidOf } from './tracking-id.ts';

export async function projectRun({ sql }: ViewTransaction, events: readonly RecordedEvent<RunEvent>[]): Promise<void> {
  for (const recorded of events) {
    const { event, projectId, stream, revision, recordedAt, actor } = recorded;
    const id = uuidOf(event.runId);
    const at = new Date(recordedAt);
    const change = async (set = '', ...values: unknown[]): Promise<boolean> =>
      (await sql.query(`update run set revision = $2, updated_at = greatest(updated_at, $3) ${set && `, ${set}`} where id = $1 and revision < $2 returning id`, [id, revision, at, ...values])).length > 0;
    switch (event.$typeName) {
      case 'vitae.registry.v1.RunStarted':
        await sql.query(
          `insert into run (id, project_id, experiment_id, stream, revision, name, user_id, status, started_at, artifact_uri, params, tags, created_by, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, 'RUNNING', $8, $9, '{}', $10::jsonb, $11, $12) on conflict (id) do nothing`,
          [id, projectId, event.experimentId, stream, revision, event.name, event.userId, String(event.startedAt), event.artifactUri, JSON.stringify(objectOf(event.tags)), actor.id, at],
        );
        break;
      case 'vitae.registry.v1.RunLogged': {
        const { metrics, params, tags } = event;
        const name = tags.findLast(({ key }) => key === RUN_NAME_TAG)?.value;
        const fresh =
          params.length + tags.length === 0
            ? await change()
            : await change('params = params || $4::jsonb, tags = tags || $5::jsonb, name = coalesce($6, name)', JSON.stringify(objectOf(params)), JSON.stringify(objectOf(tags)), name ?? null);
        if (fresh && id) await addPoints(sql, id, metrics);
        break;
      }
      case 'vitae.registry.v1.RunTagRemoved':
        await change('tags = tags - $4::text', event.key);
        break;
      case 'vitae.registry.v1.RunInputsLogged':
        if (await change('model_inputs = model_inputs || $4::jsonb', JSON.stringify(event.modelIds))) {
          for (const { name, digest, sourceType, source, schema, profile, tags } of event.datasets) {
            await sql.query(
              `insert into run_dataset (run_id, name, digest, source_type, source, schema, profile, tags) values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb) on conflict (run_id, name, digest) do nothing`,
              [id, name, digest, sourceType, source, schema, profile, JSON.stringify(objectOf(tags))],
            );
          }
        }
        break;
      case 'vitae.registry.v1.RunOutputsLogged':
        await change('model_outputs = model_outputs || $4::jsonb', JSON.stringify(event.models.map(({ modelId, step }) => ({ modelId, step: Number(step) }))));
        break;
      case 'vitae.registry.v1.RunRenamed':
        await change('name = $4, tags = tags || jsonb_build_object($5::text, $4::text)', event.name, RUN_NAME_TAG);
        break;
      case 'vitae.registry.v1.RunEnded':
      case 'vitae.registry.v1.RunResumed':
        await change('status = $4, ended_at = nullif($5::bigint, 0)', event.status, String(event.endedAt));
        break;
      case 'vitae.registry.v1.RunDeleted':
        await change('deleted_at = $3');
        break;
      case 'vitae.registry.v1.RunRestored':
        await change('deleted_at = null');
        break;
      case 'vitae.registry.v1.RunArtifactLogged':
        if ((await change()) && id) await addFile(sql, id, { path: event.path, digest: event.digest, sizeBytes: Number(event.sizeBytes) });
        break;
      case 'vitae.registry.v1.RunArtifactRemoved':
        if ((await change()) && id) await removeFiles(sql, id, event.path);
        break;
    }
  }
}

const objectOf = (list: readonly { readonly key: string; readonly value: string }[]): Readonly<Record<string, string>> => Object.fromEntries(list.map(({ key, value }) => [key, value]));

export interface LockedRun {
  readonly experimentId: string;
  readonly artifactUri: string;
  readonly experimentDeleted: boolean;
  readonly modelInputs: readonly string[];
  readonly modelOutputs: readonly { readonly modelId: string; readonly step: number }[];
  readonly stream: string;
  /** What its events fold to, but for what a run may have millions of: the row is written with each of them. */
  readonly snapshot: Snapshot<RunState>;
}

/** Locked until the transaction ends: what a run logs comes one after the other. */
export async function lockRun(sql: Sql, projectId: string, runId: string): Promise<LockedRun | undefined> {
  const id = uuidOf(runId);
  if (id === undefined) return undefined;
  const [row] = await sql.query<LockedRow>(
    `select r.experiment_id as "experimentId", r.artifact_uri as "artifactUri", r.stream, r.revision, r.name, r.status, coalesce(r.ended_at, 0)::float8 as "endedAt", r.params, r.tags,
       r.model_inputs as "modelInputs", r.model_outputs as "modelOutputs", r.deleted_at is not null as deleted,
       exists (select from registry.experiment e where e.project_id = r.project_id and e.id = r.experiment_id and e.deleted_at is not null) as "experimentDeleted"
     from registry.run r where r.project_id = $1 and r.id = $2 for no key update of r`,
    [projectId, id],
  );
  if (!row) return undefined;
  const { experimentId, artifactUri, experimentDeleted, modelInputs, modelOutputs, stream, revision, name, status, endedAt, params, tags, deleted } = row;
  const state = { is: deleted ? ('deleted' as const) : ('active' as const), runId, experimentId, name, status, endedAt, params: new Map(Object.entries(params)), tags: new Map(Object.entries(tags)) };
  return { experimentId, artifactUri, experimentDeleted, modelInputs, modelOutputs, stream, snapshot: { state, revision } };
}

interface LockedRow extends Pick<LockedRun, 'experimentId' | 'artifactUri' | 'experimentDeleted' | 'modelInputs' | 'modelOutputs' | 'stream'> {
  readonly revision: number;
  readonly name: string;
  readonly status: RunStatus;
  readonly endedAt: number;
  readonly params: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly deleted: boolean;
}

/** Which data, by name and digest, the run is known to have read. */
export async function datasetsRead(sql: Sql, runId: string): Promise<ReadonlySet<string>> {
  const rows = await sql.query<{ name: string; digest: string }>('select name, digest from registry.run_dataset where run_id = $1', [uuidOf(runId)]);
  return new Set(rows.map(({ name, digest }) => JSON.stringify([name, digest])));
}

/** SQL of a number that JSON can carry, or else of its name. */
export const jsonNumber = (sql: string): string => `case when ${sql} in ('NaN', 'Infinity', '-Infinity') then to_jsonb(${sql}::text) else to_jsonb(${sql}) end`;

export const pointSql = (m: string): string =>
  `jsonb_build_object('key', ${m}.key, 'value', ${jsonNumber(`${m}.value`)}, 'timestamp', ${m}.timestamp, 'step', ${m}.step, 'modelId', ${m}.model_id, 'datasetName', ${m}.dataset_name, 'datasetDigest', ${m}.dataset_digest)`;

const DELETED = `(r.deleted_at is not null or exists (select from registry.experiment e where e.project_id = r.project_id and e.id = r.experiment_id and e.deleted_at is not null))`;

const SHOWN = `r.id, r.project_id as "projectId", r.experiment_id as "experimentId", r.name, r.user_id as "userId", r.status, r.started_at::float8 as "startedAt", r.ended_at::float8 as "endedAt",
  r.artifact_uri as "artifactUri", r.params, r.tags, r.model_inputs as "modelInputs", r.model_outputs as "modelOutputs", ${DELETED} as deleted,
  coalesce((select jsonb_agg(${pointSql('m')} order by m.key) from registry.run_metric m where m.run_id = r.id), '[]') as metrics,
  coalesce((select jsonb_agg(jsonb_build_object('name', d.name, 'digest', d.digest, 'sourceType', d.source_type, 'source', d.source, 'schema', d.schema, 'profile', d.profile, 'tags', d.tags) order by d.name, d.digest)
    from registry.run_dataset d where d.run_id = r.id), '[]') as datasets`;

const STATES: Readonly<Record<ViewType, string>> = { ACTIVE_ONLY: `not ${DELETED}`, DELETED_ONLY: DELETED, ALL: 'true' };

const FIELDS: Readonly<Record<string, string>> = {
  run_id: `replace(r.id::text, '-', '')`,
  run_name: 'r.name',
  user_id: 'r.user_id',
  status: 'r.status',
  artifact_uri: 'r.artifact_uri',
  start_time: 'r.started_at',
  end_time: 'r.ended_at',
};
const DATASET: Readonly<Record<string, string>> = { name: 'd.name', digest: 'd.digest', context: `(d.tags ->> 'mlflow.data.context')` };

const COLUMNS: ClauseColumns = {
  attribute: (name) => FIELDS[name] ?? '',
  tags: 'r.tags',
  params: 'r.params',
  metric: (key, is) => `exists (select from registry.run_metric m where m.run_id = r.id and m.key = ${key} and ${is('m.value')})`,
  dataset: (what, is) => `exists (select from registry.run_dataset d where d.run_id = r.id and ${is(DATASET[what] ?? '')})`,
};

export interface SortWish {
  readonly entity: string;
  readonly key: string;
  readonly direction: 'asc' | 'desc';
}

export interface RunQuery {
  readonly experimentIds: readonly string[];
  readonly clauses: readonly Clause[];
  readonly sort: readonly SortWish[];
  readonly view: ViewType;
  readonly limit: number;
  readonly after: string;
}

/** What has no value comes last whichever way is sorted, what is not a number before that. */
export function sortKeys(sort: readonly SortWish[], sqlFor: (wish: SortWish) => { readonly sql: string; readonly type: 'text' | 'float8' }): SortKey[] {
  return sort.flatMap((wish): SortKey[] => {
    const { sql, type } = sqlFor(wish);
    if (type === 'text') return [{ sql: `(${sql} is null)::int`, type: 'bigint', direction: 'asc' }, { sql: `coalesce(${sql}, '')`, type: 'text', direction: wish.direction }];
    const number = `(${sql})::float8`;
    return [
      { sql: `(case when ${number} is null then 2 when ${number} = 'NaN' then 1 else 0 end)`, type: 'bigint', direction: 'asc' },
      { sql: `coalesce(nullif(${number}, 'NaN'), 0)`, type: 'float8', direction: wish.direction },
    ];
  });
}

function runKeys(sort: readonly SortWish[], parameter: Parameters): readonly SortKey[] {
  const keys = sortKeys(sort, ({ entity, key }) => {
    if (entity === 'metric') return { sql: `(select m.value from registry.run_metric m where m.run_id = r.id and m.key = ${parameter(key)})`, type: 'float8' };
    if (entity === 'param' || entity === 'tag') return { sql: `(r.${entity}s ->> ${parameter(key)}::text)`, type: 'text' };
    return { sql: FIELDS[key] ?? '', type: key === 'start_time' || key === 'end_time' ? 'float8' : 'text' };
  });
  const started: readonly SortKey[] = sort.some(({ key, entity }) => entity === 'attribute' && key === 'start_time') ? [] : [{ sql: 'r.started_at', type: 'bigint', direction: 'desc' }];
  return [...keys, ...started, { sql: 'r.id', type: 'uuid', direction: 'asc' }];
}

/** Questions about runs, each within one project. */
@Injectable()
export class Runs {
  constructor(private readonly em: EntityManager) {}

  /** Deleted ones, too. */
  async byId(projectId: string, runId: string): Promise<RunShown | undefined> {
    const id = uuidOf(runId);
    if (id === undefined) return undefined;
    const [row] = await sqlOf(this.em.fork()).query<RunShown>(`select ${SHOWN} from registry.run r where r.project_id = $1 and r.id = $2`, [projectId, id]);
    return row;
  }

  /** @throws Refused CURSOR_MALFORMED. */
  search(projectId: string, { experimentIds, clauses, sort, view, limit, after }: RunQuery): Promise<Page<RunShown>> {
    return keysetPage<RunShown>(this.em, { first: [projectId, experimentIds], keys: (parameter) => runKeys(sort, parameter), limit, after }, (parameter) => ({
      select: SHOWN,
      from: 'registry.run r',
      where: `r.project_id = $1 and r.experiment_id = any($2::text[]) and ${STATES[view]} and ${clausesSql(clauses, COLUMNS, parameter)}`,
    }));
  }

  /** What the runs of experiments read: each data once for each experiment, with what it was read for. */
  datasets(projectId: string, experimentIds: readonly string[], most: number): Promise<readonly { readonly experimentId: string; readonly name: string; readonly digest: string; readonly context: string | null }[]> {
    return sqlOf(this.em.fork()).query(
      `select distinct r.experiment_id as "experimentId", d.name, d.digest, d.tags ->> 'mlflow.data.context' as context
       from registry.run r join registry.run_dataset d on d.run_id = r.id
       where r.project_id = $1 and r.experiment_id = any($2::text[]) and not ${DELETED} order by 1, 2, 3, 4 limit $3`,
      [projectId, experimentIds, most],
    );
  }
}
