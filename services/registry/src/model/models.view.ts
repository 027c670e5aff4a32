import { defineEntity, EntityManager, p, type InferEntity } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { RecordedEvent, Snapshot, Sql } from '@vitae/event-store';
import { sqlOf, type Page, type ViewTransaction } from '@vitae/service-kit';
import type { SearchQuery } from '../request.ts';
import { parseFilter, type Filter } from '../search/filter.ts';
import { isoSql, search, type PageWish, type Searchable } from '../search/search.view.ts';
import type { ModelEvent, ModelState } from './model.ts';

export interface Deprecation {
  readonly reason: string;
  /** Empty when there is none. */
  readonly successorId: string;
  readonly at: string;
  readonly by: string;
}

export const ModelRow = defineEntity({
  name: 'ModelRow',
  tableName: 'model',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text(),
    name: p.text(),
    stream: p.text(),
    revision: p.integer(),
    state: p.text().$type<'active' | 'deprecated'>(),
    description: p.text(),
    task: p.text(),
    /** Null until somebody says it. */
    useCaseId: p.uuid().nullable(),
    tags: p.json<Readonly<Record<string, string>>>(),
    deprecation: p.json<Deprecation>().nullable(),
    registeredAt: p.datetime(),
    registeredBy: p.text(),
    updatedAt: p.datetime(),
    deletedAt: p.datetime().nullable(),
    deletedBy: p.text().nullable(),
  },
});

type Times = 'registeredAt' | 'updatedAt' | 'deletedAt';
/** A model as it is shown: times as RFC 3339 texts, its aliases, and the newest version in each state. */
export interface ModelShown extends Omit<InferEntity<typeof ModelRow>, Times> {
  readonly registeredAt: string;
  readonly updatedAt: string;
  readonly deletedAt: string | null;
  /** Version by alias. */
  readonly aliases: Readonly<Record<string, number>>;
  /** Who may change them, by alias. */
  readonly protectedAliases: Readonly<Record<string, readonly string[]>>;
  readonly latestVersions: readonly LatestVersion[];
}

/** The same without its versions, which cost more than all the rest. */
export type ModelAlone = Omit<ModelShown, 'latestVersions'>;

export interface LatestVersion {
  readonly id: string;
  readonly version: number;
  readonly state: 'registered' | 'deprecated' | 'retired' | 'purged';
  readonly description: string;
  readonly artefactDigest: string;
  readonly artefactSource: string;
  readonly runId: string;
  readonly runLink: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly registeredAt: string;
  readonly registeredBy: string;
  readonly updatedAt: string;
}

export async function projectModel({ em, sql }: ViewTransaction, events: readonly RecordedEvent<ModelEvent>[]): Promise<void> {
  for (const recorded of events) {
    const { event, projectId, stream, revision, recordedAt, actor } = recorded;
    const at = new Date(recordedAt);
    const change = (set = '', ...values: unknown[]): Promise<boolean> => changed(sql, recorded, set, values);
    switch (event.$typeName) {
      case 'vitae.registry.v1.ModelRegistered': {
        const { modelId: id, name, description, task, useCaseId } = event;
        await em.upsert(
          ModelRow,
          { id, projectId, name, stream, revision, state: 'active', description, task, useCaseId: useCaseId || null, tags: {}, registeredAt: at, registeredBy: actor.id, updatedAt: at },
          { onConflictFields: ['id'], onConflictAction: 'ignore' },
        );
        break;
      }
      case 'vitae.registry.v1.ModelRenamed':
        await change('name = $4', event.name);
        break;
      case 'vitae.registry.v1.ModelDescribed':
        await change('description = $4', event.description);
        break;
      case 'vitae.registry.v1.ModelPurposeStated':
        await change('task = $4, use_case_id = $5', event.task, event.useCaseId);
        break;
      case 'vitae.registry.v1.ModelTagged':
        await change('tags = tags || jsonb_build_object($4::text, $5::text)', event.key, event.value);
        break;
      case 'vitae.registry.v1.ModelTagRemoved':
        await change('tags = tags - $4::text', event.key);
        break;
      case 'vitae.registry.v1.ModelDeprecated':
        await change(`state = 'deprecated', deprecation = $4::jsonb`, JSON.stringify({ reason: event.reason, successorId: event.successorModelId, at, by: actor.id }));
        break;
      case 'vitae.registry.v1.ModelDeprecationLifted':
        await change(`state = 'active', deprecation = null`);
        break;
      case 'vitae.registry.v1.ModelDeleted':
        await change('deleted_at = $4, deleted_by = $5', at, actor.id);
        break;
      case 'vitae.registry.v1.ModelRestored':
        await change('deleted_at = null, deleted_by = null');
        break;
      case 'vitae.registry.v1.ModelAliasAssigned':
        if (await change()) await assign(sql, event.modelId, event.alias, event.version, event.modelVersionId);
        break;
      case 'vitae.registry.v1.ModelAliasRemoved':
        if (await change()) await unset(sql, event.modelId, event.alias, { kept: 'allowed', gone: 'version = null, model_version_id' });
        break;
      case 'vitae.registry.v1.ModelAliasProtected':
        if (await change()) await protect(sql, event.modelId, event.alias, event.allowed);
        break;
      case 'vitae.registry.v1.ModelAliasProtectionLifted':
        if (await change()) await unset(sql, event.modelId, event.alias, { kept: 'version', gone: 'allowed' });
        break;
      case 'vitae.registry.v1.ModelAliasChangeRefused':
        await sql.query('update model set revision = $2 where id = $1 and revision < $2', [event.modelId, revision]); // nothing of the model changed
        break;
    }
  }
}

/** Whether the event is new to the row; one that was projected before changes nothing. Parameters of `set` begin at $4. */
async function changed(sql: Sql, { event, revision, recordedAt }: RecordedEvent<ModelEvent>, set: string, values: readonly unknown[]): Promise<boolean> {
  const rows = await sql.query(`update model set revision = $2, updated_at = greatest(updated_at, $3) ${set && `, ${set}`} where id = $1 and revision < $2 returning id`, [
    event.modelId,
    revision,
    new Date(recordedAt),
    ...values,
  ]);
  return rows.length > 0;
}

async function assign(sql: Sql, modelId: string, alias: string, version: number, modelVersionId: string): Promise<void> {
  await sql.query(
    `insert into model_alias as a (model_id, alias, version, model_version_id) values ($1, $2, $3, $4)
     on conflict (model_id, alias) do update set version = excluded.version, model_version_id = excluded.model_version_id`,
    [modelId, alias, version, modelVersionId],
  );
}

async function protect(sql: Sql, modelId: string, alias: string, allowed: readonly string[]): Promise<void> {
  await sql.query(
    `insert into model_alias as a (model_id, alias, allowed) values ($1, $2, $3::jsonb) on conflict (model_id, alias) do update set allowed = excluded.allowed`,
    [modelId, alias, JSON.stringify(allowed)],
  );
}

/** Takes one half of an alias's row away, and the row when the other half is not there. */
async function unset(sql: Sql, modelId: string, alias: string, { kept, gone }: { readonly kept: 'allowed' | 'version'; readonly gone: 'allowed' | 'version = null, model_version_id' }): Promise<void> {
  await sql.query(`delete from model_alias where model_id = $1 and alias = $2 and ${kept} is null`, [modelId, alias]);
  await sql.query(`update model_alias set ${gone} = null where model_id = $1 and alias = $2`, [modelId, alias]);
}

/** What a command has to know of its model. */
export interface LockedModel {
  readonly name: string;
  /** Empty when nobody has said it yet. */
  readonly useCaseId: string;
  readonly deleted: boolean;
  /** What its events fold to: the row is written with each of them. A model has as many events as it has tags set and aliases moved in its life. */
  readonly snapshot: Snapshot<ModelState>;
}

/** Locked as by lockModel, for who needs no more than these of it: a version that is registered changes no tag and no alias. */
export async function lockModelName(sql: Sql, projectId: string, modelId: string): Promise<Omit<LockedModel, 'snapshot'> | undefined> {
  const [row] = await sql.query<Omit<LockedModel, 'snapshot'>>(
    `select name, coalesce(use_case_id::text, '') as "useCaseId", deleted_at is not null as deleted from registry.model where project_id = $1 and id = $2 for no key update`,
    [projectId, modelId],
  );
  return row;
}

/** Locked until the transaction ends: the changes of one model happen one after the other. */
export async function lockModel(sql: Sql, projectId: string, modelId: string): Promise<LockedModel | undefined> {
  const [row] = await sql.query<LockedRow>(
    `select name, task, coalesce(use_case_id::text, '') as use_case_id, deleted_at is not null as deleted, revision, description, state, deprecation ->> 'successorId' as successor, tags
     from registry.model where project_id = $1 and id = $2 for no key update`,
    [projectId, modelId],
  );
  if (!row) return undefined;
  const aliases = await sql.query<AliasRow>('select alias, version, model_version_id, allowed from registry.model_alias where model_id = $1', [modelId]);
  const { name, description, deleted, revision } = row;
  const known = {
    modelId,
    name,
    description,
    task: row.task,
    useCaseId: row.use_case_id,
    tags: new Map(Object.entries(row.tags)),
    aliases: new Map(aliases.map(({ alias, version, model_version_id: modelVersionId, allowed }) => [alias, { ...(modelVersionId && version ? { target: { version, modelVersionId } } : {}), ...(allowed ? { allowed } : {}) }])),
  };
  const living = row.state === 'active' ? { is: 'active' as const, ...known } : { is: 'deprecated' as const, ...known, successorModelId: row.successor ?? '' };
  return { name, useCaseId: row.use_case_id, deleted, snapshot: { state: deleted ? { is: 'deleted', was: living } : living, revision } };
}

interface LockedRow {
  readonly name: string;
  readonly task: string;
  readonly use_case_id: string;
  readonly deleted: boolean;
  readonly revision: number;
  readonly description: string;
  readonly state: 'active' | 'deprecated';
  readonly successor: string | null;
  readonly tags: Readonly<Record<string, string>>;
}
interface AliasRow {
  readonly alias: string;
  readonly version: number | null;
  readonly model_version_id: string | null;
  readonly allowed: readonly string[] | null;
}

/**
 * Keeps others from taking or leaving these names until the transaction ends. MUST come before the append: so the order in
 * which names change hands is the ledger's order, and a rebuild meets no name twice.
 */
export async function lockNames(sql: Sql, projectId: string, names: readonly string[]): Promise<void> {
  for (const name of [...new Set(names)].sort()) await sql.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`registry.model/${projectId}/${name}`]);
}

const SQL_OF: Readonly<Record<string, string>> = { name: 'm.name', task: 'm.task', state: 'm.state', useCaseId: `coalesce(m.use_case_id::text, '')`, registeredBy: 'm.registered_by' };

const SEARCHABLE: Searchable = {
  fields: {
    name: { type: 'text' },
    task: { type: 'text' },
    state: { type: 'text' },
    alias: { type: 'text', also: ['aliases'] },
    useCaseId: { type: 'text', also: ['use_case_id'] },
    registeredBy: { type: 'text', also: ['registered_by', 'user_id'] },
  },
  columns: {
    field: (name) => SQL_OF[name] ?? '',
    tags: 'm.tags',
    anyOf: { alias: (is) => `exists (select from registry.model_alias a where a.model_id = m.id and a.version is not null and ${is('a.alias')})` },
  },
  sortable: {
    id: { sql: 'm.id', type: 'uuid' },
    name: { sql: 'm.name', type: 'text' },
    registeredAt: { sql: 'm.registered_at', type: 'timestamptz', also: ['registered_at', 'creation_timestamp'] },
    updatedAt: { sql: 'm.updated_at', type: 'timestamptz', also: ['updated_at', 'last_updated_timestamp', 'timestamp'] },
  },
  deleted: { hide: 'm.deleted_at is null', show: 'true', only: 'm.deleted_at is not null' },
};

/** Asked for the rows of a page only, once it is known which these are. */
const ALONE = `
  m.id, m.project_id as "projectId", m.name, m.stream, m.revision, m.state, m.description, m.task, m.use_case_id as "useCaseId", m.tags, m.deprecation,
  ${isoSql('m.registered_at')} as "registeredAt", m.registered_by as "registeredBy", ${isoSql('m.updated_at')} as "updatedAt",
  ${isoSql('m.deleted_at')} as "deletedAt", m.deleted_by as "deletedBy",
  coalesce((select jsonb_object_agg(a.alias, a.version) from registry.model_alias a where a.model_id = m.id and a.version is not null), '{}') as aliases,
  coalesce((select jsonb_object_agg(a.alias, a.allowed) from registry.model_alias a where a.model_id = m.id and a.allowed is not null), '{}') as "protectedAliases"`;

const SHOWN = `${ALONE},
  coalesce((
    select jsonb_agg(jsonb_build_object(
      'id', v.id, 'version', v.version, 'state', v.state, 'description', v.description, 'artefactDigest', v.artefact_digest, 'artefactSource', v.artefact_source,
      'runId', v.run_id, 'runLink', v.run_link, 'tags', v.tags,
      'registeredAt', ${isoSql('v.registered_at')}, 'registeredBy', v.registered_by, 'updatedAt', ${isoSql('v.updated_at')}) order by v.version desc)
    from unnest(array['registered', 'deprecated', 'retired', 'purged']) as s (state)
    cross join lateral (
      select * from registry.model_version v where v.model_id = m.id and v.state = s.state and v.deleted_at is null order by (-v.version) limit 1
    ) v
  ), '[]') as "latestVersions"`;

/** Questions about models, each within one project. */
@Injectable()
export class Models {
  constructor(private readonly em: EntityManager) {}

  async byId(projectId: string, id: string, deleted: 'hide' | 'show' = 'hide'): Promise<ModelShown | undefined> {
    const [row] = await sqlOf(this.em.fork()).query<ModelShown>(`select ${SHOWN} from registry.model m where m.project_id = $1 and m.id = $2 and ${SEARCHABLE.deleted[deleted]}`, [projectId, id]);
    return row;
  }

  /** The model of that name that is not deleted. */
  async byName(projectId: string, name: string): Promise<ModelAlone | undefined> {
    const [row] = await sqlOf(this.em.fork()).query<ModelAlone>(`select ${ALONE} from registry.model m where m.project_id = $1 and m.name = $2 and ${SEARCHABLE.deleted.hide}`, [projectId, name]);
    return row;
  }

  /** The id of the model of that name that is not deleted: for commands, which look at the rest themselves. */
  async idOf(projectId: string, name: string): Promise<string | undefined> {
    const [row] = await sqlOf(this.em.fork()).query<{ id: string }>(`select m.id from registry.model m where m.project_id = $1 and m.name = $2 and ${SEARCHABLE.deleted.hide}`, [projectId, name]);
    return row?.id;
  }

  /** A page of the models that a filter matches. @throws Refused FILTER_MALFORMED, ORDER_MALFORMED, CURSOR_MALFORMED. */
  search(projectId: string, query: SearchQuery): Promise<Page<ModelShown>> {
    return this.matchingWithVersions(projectId, parseFilter(query.filter, SEARCHABLE.fields), query);
  }

  /** The same for a filter that was read already, and without the models' versions. */
  matching(projectId: string, filter: Filter | undefined, query: PageWish): Promise<Page<ModelAlone>> {
    return this.#page<ModelAlone>(ALONE, projectId, filter, query);
  }

  matchingWithVersions(projectId: string, filter: Filter | undefined, query: PageWish): Promise<Page<ModelShown>> {
    return this.#page<ModelShown>(SHOWN, projectId, filter, query);
  }

  #page<Row extends ModelAlone>(shown: string, projectId: string, filter: Filter | undefined, query: PageWish): Promise<Page<Row>> {
    return search<Row>(
      this.em,
      SEARCHABLE,
      { projectId, query, filter },
      ({ where, sorted, place }) => `
        select ${shown}, ${place} as place
        from (select m.id from registry.model m where m.project_id = $1 and ${where} order by ${sorted} limit $2) page
        join registry.model m on m.id = page.id
        order by ${sorted}`,
    );
  }
}
