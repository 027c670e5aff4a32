import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { RecordedEvent, Snapshot, Sql } from '@vitae/event-store';
import { sqlOf, type Page, type ViewTransaction } from '@vitae/service-kit';
import { addFile, removeFiles } from '../run/logged-files.view.ts';
import { sortKeys, type SortWish } from '../run/runs.view.ts';
import type { LoggedModelShown } from '../run/tracked.ts';
import { uuidOf, uuidOfModel } from '../run/tracking-id.ts';
import { clausesSql } from '../search/clause-condition.ts';
import type { Clause } from '../search/clauses.ts';
import type { Parameters } from '../search/condition.ts';
import { keysetPage } from '../search/keyset.view.ts';
import type { SortKey } from '../search/sort-key.ts';
import type { LoggedModelEvent, LoggedModelState, LoggedModelStatus } from './logged-model.ts';

export async function projectLoggedModel({ sql }: ViewTransaction, events: readonly RecordedEvent<LoggedModelEvent>[]): Promise<void> {
  for (const recorded of events) {
    const { event, projectId, stream, revision, recordedAt, actor } = recorded;
    const id = uuidOfModel(event.modelId);
    const at = new Date(recordedAt);
    const change = async (set = '', ...values: unknown[]): Promise<boolean> =>
      (await sql.query(`update logged_model set revision = $2, updated_at = greatest(updated_at, $3) ${set && `, ${set}`} where id = $1 and revision < $2 returning id`, [id, revision, at, ...values])).length > 0;
    switch (event.$typeName) {
      case 'vitae.registry.v1.LoggedModelCreated':
        await sql.query(
          `insert into logged_model (id, project_id, experiment_id, stream, revision, name, model_type, source_run_id, status, artifact_uri, params, tags, created_at, created_by, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, 'LOGGED_MODEL_PENDING', $9, $10::jsonb, $11::jsonb, $12, $13, $12) on conflict (id) do nothing`,
          [id, projectId, event.experimentId, stream, revision, event.name, event.modelType, uuidOf(event.sourceRunId) ?? null, event.artifactUri, json(event.params), json(event.tags), at, actor.id],
        );
        break;
      case 'vitae.registry.v1.LoggedModelParamsLogged':
        await change('params = params || $4::jsonb', json(event.params));
        break;
      case 'vitae.registry.v1.LoggedModelFinalized':
        await change('status = $4', event.status);
        break;
      case 'vitae.registry.v1.LoggedModelTagged':
        await change('tags = tags || $4::jsonb', json(event.tags));
        break;
      case 'vitae.registry.v1.LoggedModelTagRemoved':
        await change('tags = tags - $4::text', event.key);
        break;
      case 'vitae.registry.v1.LoggedModelDeleted':
        await change('deleted_at = $3');
        break;
      case 'vitae.registry.v1.LoggedModelArtifactLogged':
        if ((await change()) && id) await addFile(sql, id, { path: event.path, digest: event.digest, sizeBytes: Number(event.sizeBytes) });
        break;
      case 'vitae.registry.v1.LoggedModelArtifactRemoved':
        if ((await change()) && id) await removeFiles(sql, id, event.path);
        break;
    }
  }
}

const json = (list: readonly { readonly key: string; readonly value: string }[]): string => JSON.stringify(Object.fromEntries(list.map(({ key, value }) => [key, value])));

export interface LockedLoggedModel {
  readonly experimentId: string;
  readonly sourceRunId: string | null;
  readonly stream: string;
  readonly snapshot: Snapshot<LoggedModelState>;
}

/** Locked until the transaction ends. */
export async function lockLoggedModel(sql: Sql, projectId: string, modelId: string): Promise<LockedLoggedModel | undefined> {
  const id = uuidOfModel(modelId);
  if (id === undefined) return undefined;
  const [row] = await sql.query<{ experimentId: string; sourceRunId: string | null; stream: string; revision: number; status: LoggedModelStatus; params: Record<string, string>; tags: Record<string, string>; deleted: boolean }>(
    `select experiment_id as "experimentId", source_run_id as "sourceRunId", stream, revision, status, params, tags, deleted_at is not null as deleted
     from registry.logged_model where project_id = $1 and id = $2 for no key update`,
    [projectId, id],
  );
  if (!row) return undefined;
  const { experimentId, sourceRunId, stream, revision, status, params, tags, deleted } = row;
  const state: LoggedModelState = { is: deleted ? 'deleted' : 'there', modelId, experimentId, status, params: new Map(Object.entries(params)), tags: new Map(Object.entries(tags)) };
  return { experimentId, sourceRunId, stream, snapshot: { state, revision } };
}

const SHOWN = `l.id, l.project_id as "projectId", l.experiment_id as "experimentId", l.name, l.model_type as "modelType", replace(l.source_run_id::text, '-', '') as "sourceRunId", l.status, l.artifact_uri as "artifactUri", l.params, l.tags,
  floor(extract(epoch from l.created_at) * 1000)::float8 as "createdAt", floor(extract(epoch from l.updated_at) * 1000)::float8 as "updatedAt", l.deleted_at is not null as deleted,
  coalesce((select jsonb_agg(jsonb_build_object('name', m.name, 'version', v.version) order by m.name, v.version) from registry.model_version v join registry.model m on m.id = v.model_id
    where v.logged_model_id = 'm-' || replace(l.id::text, '-', '') and v.project_id = l.project_id and v.deleted_at is null and m.deleted_at is null), '[]') as registrations`;

const FIELDS: Readonly<Record<string, string>> = {
  model_id: `('m-' || replace(l.id::text, '-', ''))`,
  name: 'l.name',
  model_type: 'l.model_type',
  status: `replace(l.status, 'LOGGED_MODEL_', '')`,
  source_run_id: `replace(l.source_run_id::text, '-', '')`,
  experiment_id: 'l.experiment_id',
  creation_timestamp: 'floor(extract(epoch from l.created_at) * 1000)',
  last_updated_timestamp: 'floor(extract(epoch from l.updated_at) * 1000)',
};

/** Data on which a metric was measured; without a digest all data of that name. */
export interface DatasetWish {
  readonly name: string;
  readonly digest: string | undefined;
}

export interface LoggedModelQuery {
  readonly experimentIds: readonly string[];
  readonly clauses: readonly Clause[];
  readonly datasets: readonly DatasetWish[];
  readonly sort: readonly (SortWish & { readonly dataset: DatasetWish | undefined })[];
  readonly limit: number;
  readonly after: string;
}

const NUMBERS: readonly string[] = ['creation_timestamp', 'last_updated_timestamp'];

function keysOf(sort: LoggedModelQuery['sort'], parameter: Parameters): readonly SortKey[] {
  const keys = sort.flatMap((wish) =>
    sortKeys([wish], ({ entity, key }) =>
      entity === 'metric'
        ? { sql: `(select o.value from registry.run_metric_point o where ${ofModel} and o.key = ${parameter(key)} and ${onData(wish.dataset ? [wish.dataset] : [], parameter)} order by o.timestamp desc, o.step desc, o.value desc limit 1)`, type: 'float8' }
        : entity === 'attribute'
          ? { sql: FIELDS[key] ?? '', type: NUMBERS.includes(key) ? 'float8' : 'text' }
          : { sql: `(l.${entity === 'tag' ? 'tags' : 'params'} ->> ${parameter(key)}::text)`, type: 'text' },
    ),
  );
  const created: readonly SortKey[] = sort.some(({ key }) => key === 'creation_timestamp') ? [] : [{ sql: 'floor(extract(epoch from l.created_at) * 1000)::bigint', type: 'bigint', direction: 'desc' }];
  return [...keys, ...created, { sql: 'l.id', type: 'uuid', direction: 'asc' }];
}

const ofModel = `o.model_id = 'm-' || replace(l.id::text, '-', '') and o.model_id <> ''`;

const onData = (datasets: readonly DatasetWish[], parameter: Parameters): string =>
  datasets.length === 0 ? 'true' : `(${datasets.map(({ name, digest }) => `(o.dataset_name = ${parameter(name)}${digest === undefined ? '' : ` and o.dataset_digest = ${parameter(digest)}`})`).join(' or ')})`;

/** Questions about logged models, each within one project. */
@Injectable()
export class LoggedModels {
  constructor(private readonly em: EntityManager) {}

  /** Deleted ones, too. */
  async byId(projectId: string, modelId: string): Promise<LoggedModelShown | undefined> {
    const id = uuidOfModel(modelId);
    if (id === undefined) return undefined;
    const [row] = await sqlOf(this.em.fork()).query<LoggedModelShown>(`select ${SHOWN} from registry.logged_model l where l.project_id = $1 and l.id = $2`, [projectId, id]);
    return row;
  }

  /** @throws Refused CURSOR_MALFORMED. */
  search(projectId: string, { experimentIds, clauses, datasets, sort, limit, after }: LoggedModelQuery): Promise<Page<LoggedModelShown>> {
    return keysetPage<LoggedModelShown>(this.em, { first: [projectId, experimentIds], keys: (parameter) => keysOf(sort, parameter), limit, after }, (parameter) => {
      const columns = {
        attribute: (name: string) => FIELDS[name] ?? '',
        tags: 'l.tags',
        params: 'l.params',
        metric: (key: string, is: (value: string) => string) => `exists (select from registry.run_metric_point o where ${ofModel} and o.key = ${key} and ${onData(datasets, parameter)} and ${is('o.value')})`,
      };
      return {
        select: SHOWN,
        from: 'registry.logged_model l',
        where: `l.project_id = $1 and l.experiment_id = any($2::text[]) and l.deleted_at is null and ${clausesSql(clauses, columns, parameter)}`,
      };
    });
  }
}
