import { defineEntity, EntityManager, p, type InferEntity } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { ArtefactFile, ModelVersionReferenced, ModelVersionRegistered } from '@vitae/contracts';
import type { RecordedEvent, Snapshot, Sql } from '@vitae/event-store';
import { sqlOf, type Page, type ViewTransaction } from '@vitae/service-kit';
import { touchModel, type Deprecation } from '../model/models.view.ts';
import type { SearchQuery } from '../request.ts';
import { demanded, parseFilter, type Filter } from '../search/filter.ts';
import { isoSql, search, type PageWish, type Searchable } from '../search/search.view.ts';
import { countVersion, scopeOfModel } from '../version-counter.view.ts';
import { STAGES, type ModelVersionEvent, type ModelVersionState, type Stage, type StoredFile } from './model-version.ts';
import type { Tensor } from './tensor-spec.ts';

export const ModelVersionRow = defineEntity({
  name: 'ModelVersionRow',
  tableName: 'model_version',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text(),
    modelId: p.uuid(),
    /** The model's name when the version was registered; the model may have another one by now. */
    modelName: p.text(),
    version: p.integer(),
    stream: p.text(),
    revision: p.integer(),
    state: p.text().$type<'registered' | 'deprecated' | 'retired' | 'purged'>(),
    artefactDigest: p.text(),
    artefactFormat: p.text(),
    files: p.json<readonly StoredFile[]>(),
    inputs: p.json<readonly Tensor[]>(),
    outputs: p.json<readonly Tensor[]>(),
    /** Null, as the use case, for a version that was registered by reference. */
    datasetVersionId: p.uuid().nullable(),
    datasetDigest: p.text(),
    source: p.json<{ readonly repository: string; readonly commit: string }>(),
    trainingMetrics: p.json<Readonly<Record<string, number>>>(),
    contributors: p.json<readonly string[]>(),
    description: p.text(),
    useCaseId: p.uuid().nullable(),
    archiveLocation: p.text().nullable(),
    retirementId: p.uuid().nullable(),
    artefactSource: p.text(),
    /** Where the bytes lie when they are not here; empty when they are. */
    artefactLocation: p.text(),
    copiedFrom: p.uuid().nullable(),
    loggedModelId: p.text(),
    stage: p.text().$type<Stage>(),
    runId: p.text(),
    runLink: p.text(),
    tags: p.json<Readonly<Record<string, string>>>(),
    deprecation: p.json<Deprecation>().nullable(),
    registeredAt: p.datetime(),
    registeredBy: p.text(),
    updatedAt: p.datetime(),
    deletedAt: p.datetime().nullable(),
    deletedBy: p.text().nullable(),
    purgedAt: p.datetime().nullable(),
  },
});
export type ModelVersionRow = InferEntity<typeof ModelVersionRow>;

type Times = 'registeredAt' | 'updatedAt' | 'deletedAt' | 'purgedAt';
/** A version as it is shown: times as RFC 3339 texts, its model's name as it is now, and the aliases that name it. */
export interface ModelVersionShown extends Omit<ModelVersionRow, Times> {
  readonly registeredAt: string;
  readonly updatedAt: string;
  /** When it, or else its model, was deleted. */
  readonly deletedAt: string | null;
  readonly purgedAt: string | null;
  readonly aliases: readonly string[];
  /** What a version needs to pass a gate and to serve, and this one was registered without: artefact, interface, dataset, code, use-case. */
  readonly evidenceMissing: readonly string[];
}

export async function projectModelVersion(tx: ViewTransaction, events: readonly RecordedEvent<ModelVersionEvent>[]): Promise<void> {
  for (const recorded of events) {
    const { event, recordedAt, actor } = recorded;
    const at = new Date(recordedAt);
    const change = (set: string, ...values: unknown[]): Promise<void> => changed(tx.sql, recorded, set, values);
    switch (event.$typeName) {
      case 'vitae.registry.v1.ModelVersionRegistered':
      case 'vitae.registry.v1.ModelVersionReferenced':
        await insert(tx, recorded, event);
        break;
      case 'vitae.registry.v1.ModelVersionStageAssigned':
        await change('stage = $4', event.stage);
        break;
      case 'vitae.registry.v1.ModelVersionSignatureVerified':
        await change('archive_location = archive_location'); // the revision alone: the rest is in a view of its own
        break;
      case 'vitae.registry.v1.ModelVersionSignatureRejected':
        break; // there is no such version
      case 'vitae.registry.v1.ModelVersionDescribed':
        await change('description = $4', event.description);
        break;
      case 'vitae.registry.v1.ModelVersionTagged':
        await change('tags = tags || jsonb_build_object($4::text, $5::text)', event.key, event.value);
        break;
      case 'vitae.registry.v1.ModelVersionTagRemoved':
        await change('tags = tags - $4::text', event.key);
        break;
      case 'vitae.registry.v1.ModelVersionDeprecated':
        await change(`state = 'deprecated', deprecation = $4::jsonb`, JSON.stringify({ reason: event.reason, successorId: event.successorModelVersionId, at, by: actor.id }));
        break;
      case 'vitae.registry.v1.ModelVersionDeprecationLifted':
        await change(`state = 'registered', deprecation = null`);
        break;
      case 'vitae.registry.v1.ArtefactArchived':
        await change('archive_location = $4', event.location);
        break;
      case 'vitae.registry.v1.ModelVersionRetired':
        await change(`state = 'retired', retirement_id = $4`, event.retirementId);
        break;
      case 'vitae.registry.v1.ModelVersionDeleted':
        await change('deleted_at = $4, deleted_by = $5', at, actor.id);
        break;
      case 'vitae.registry.v1.ModelVersionRestored':
        await change('deleted_at = null, deleted_by = null');
        break;
      case 'vitae.registry.v1.ModelVersionPurged':
        await change(`state = 'purged', purged_at = $4, archive_location = null`, at);
        break;
    }
  }
}

/** An event that was projected before changes nothing. Parameters of `set` begin at $4. */
async function changed(sql: Sql, { event, revision, recordedAt }: RecordedEvent<ModelVersionEvent>, set: string, values: readonly unknown[]): Promise<void> {
  await sql.query(`update model_version set revision = $2, updated_at = greatest(updated_at, $3), ${set} where id = $1 and revision < $2`, [
    event.modelVersionId,
    revision,
    new Date(recordedAt),
    ...values,
  ]);
}

async function insert({ em, sql }: ViewTransaction, { projectId, stream, revision, recordedAt, actor }: RecordedEvent, event: ModelVersionRegistered | ModelVersionReferenced): Promise<void> {
  const { modelVersionId, modelId, modelName, version, contributors, description, useCaseId, runId, runLink } = event;
  const at = new Date(recordedAt);
  const said = { modelName, version, contributors, description, useCaseId: useCaseId || null, runId, runLink };
  const evidence = event.$typeName === 'vitae.registry.v1.ModelVersionRegistered' ? evidenceOf(event) : referenceOf(event);
  await em.upsert(
    ModelVersionRow,
    { id: modelVersionId, projectId, modelId, stream, revision, state: 'registered', stage: 'None', tags: {}, registeredAt: at, registeredBy: actor.id, updatedAt: at, ...said, ...evidence },
    { onConflictFields: ['id'], onConflictAction: 'ignore' },
  );
  await countVersion(sql, scopeOfModel(modelId), version);
  await touchModel(sql, modelId, recordedAt);
}

const evidenceOf = ({ artefact, inputs, outputs, datasetVersionId, datasetDigest, source, trainingMetrics, artefactSource }: ModelVersionRegistered) => ({
  artefactDigest: artefact?.digest ?? '',
  artefactFormat: artefact?.format ?? '',
  files: (artefact?.files ?? []).map(storedFile),
  inputs: inputs.map(tensor),
  outputs: outputs.map(tensor),
  datasetVersionId,
  datasetDigest,
  source: { repository: source?.repository ?? '', commit: source?.commit ?? '' },
  trainingMetrics: Object.fromEntries(trainingMetrics.map(({ name, value }) => [name, value])),
  artefactSource,
  artefactLocation: '',
  copiedFrom: null,
  loggedModelId: '',
});

/** Where the artefact lies, its files when that is here, and nothing in the place of other evidence. */
const referenceOf = ({ source, location, copiedFromModelVersionId, loggedModelId, artefactDigest, files, code }: ModelVersionReferenced) => ({
  artefactDigest,
  artefactFormat: '',
  files: files.map(storedFile),
  inputs: [],
  outputs: [],
  datasetVersionId: null,
  datasetDigest: '',
  source: { repository: code?.repository ?? '', commit: code?.commit ?? '' },
  trainingMetrics: {},
  artefactSource: source,
  artefactLocation: location,
  copiedFrom: copiedFromModelVersionId || null,
  loggedModelId,
});

const storedFile = ({ path, digest, sizeBytes, content, flags }: ArtefactFile): StoredFile => ({ path, digest, sizeBytes: Number(sizeBytes), ...(content === '' ? {} : { content, flags }) });

const tensor = ({ name, datatype, shape }: { name: string; datatype: string; shape: bigint[] }): Tensor => ({ name, datatype, shape: shape.map(Number) });

/** Whether any version that may serve, other than this one, keeps a file with these bytes. */
export async function stillUsed(sql: Sql, digest: string, otherThan: string): Promise<boolean> {
  const rows = await sql.query(
    `select 1 from registry.model_version where state <> 'purged' and state <> 'retired' and id <> $2 and files @> jsonb_build_array(jsonb_build_object('digest', $1::text)) limit 1`,
    [digest, otherThan],
  );
  return rows.length > 0;
}

/** Which of these bytes something other than this version needs: a version that is not purged, in use or in the archive, of any model; data; or a run or a logged model. */
export async function neededElsewhere(sql: Sql, digests: readonly string[], otherThan: string): Promise<readonly string[]> {
  const rows = await sql.query<{ digest: string }>(
    `select d.digest from unnest($1::text[]) as d (digest)
     where exists (select from registry.model_version v where v.state <> 'purged' and v.id <> $2 and v.files @> jsonb_build_array(jsonb_build_object('digest', d.digest)))
        or exists (select from registry.dataset_version s where s.digest = d.digest)
        or exists (select from registry.logged_file l where l.digest = d.digest)`,
    [digests, otherThan],
  );
  return rows.map(({ digest }) => digest);
}

/**
 * Keeps these bytes from being removed (`keep`), or from being registered (`remove`), until the transaction ends: whoever
 * comes second sees what the first one did.
 */
export async function lockBytes(sql: Sql, digests: readonly string[], what: 'keep' | 'remove'): Promise<void> {
  const lock = what === 'keep' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock';
  for (const digest of [...new Set(digests)].sort()) await sql.query(`select ${lock}(hashtextextended($1, 0))`, [`registry.bytes/${digest}`]);
}

/** What a command has to know of its version. */
export interface LockedVersion {
  readonly modelVersionId: string;
  readonly modelId: string;
  readonly version: number;
  /** Empty, as the use case, when it is not known. */
  readonly datasetVersionId: string;
  readonly useCaseId: string;
  readonly stage: Stage;
  readonly contributors: readonly string[];
  readonly digests: readonly string[];
  readonly deleted: boolean;
  readonly purged: boolean;
  /** What its events fold to: the row is written with each of them. */
  readonly snapshot: Snapshot<ModelVersionState>;
}

interface LockedRow extends Omit<LockedVersion, 'snapshot' | 'purged'> {
  readonly state: ModelVersionRow['state'];
  readonly successor: string | null;
  readonly artefactDigest: string;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly revision: number;
}

const LOCKED = `
  select id as "modelVersionId", model_id as "modelId", version, coalesce(dataset_version_id::text, '') as "datasetVersionId", coalesce(use_case_id::text, '') as "useCaseId", stage, contributors,
    jsonb_path_query_array(files, '$[*].digest') as digests, deleted_at is not null as deleted,
    state, deprecation ->> 'successorId' as successor, artefact_digest as "artefactDigest", description, tags, revision
  from registry.model_version`;

/** Locked until the transaction ends: the changes of one version happen one after the other. Lock its model first. */
export async function lockVersion(sql: Sql, projectId: string, id: string): Promise<LockedVersion | undefined> {
  const [row] = await sql.query<LockedRow>(`${LOCKED} where project_id = $1 and id = $2 for no key update`, [projectId, id]);
  return row && locked(row);
}

export async function lockVersionNumber(sql: Sql, modelId: string, version: number): Promise<LockedVersion | undefined> {
  const [row] = await sql.query<LockedRow>(`${LOCKED} where model_id = $1 and version = $2 for no key update`, [modelId, version]);
  return row && locked(row);
}

/** The numbers of the versions in one of MLflow's stages, in ascending order. What was purged stays where it is: nothing is said of it any more. */
export async function numbersInStage(sql: Sql, modelId: string, stage: Stage): Promise<readonly number[]> {
  const rows = await sql.query<{ version: number }>(`select version from registry.model_version where model_id = $1 and stage = $2 and deleted_at is null and state <> 'purged' order by version`, [modelId, stage]);
  return rows.map(({ version }) => version);
}

const locked = (row: LockedRow): LockedVersion => ({ ...row, purged: row.state === 'purged', snapshot: { state: stateOf(row), revision: row.revision } });

function stateOf({ modelVersionId, modelId, version, state, successor, artefactDigest, digests, description, tags, stage, deleted }: LockedRow): ModelVersionState {
  if (state === 'purged') return { is: 'purged', hidden: deleted, modelVersionId, modelId, version };
  const known = { modelVersionId, modelId, version, artefactDigest, files: digests, description, tags: new Map(Object.entries(tags)), stage };
  const living = state === 'deprecated' ? { is: state, ...known, successorModelVersionId: successor ?? '' } : { is: state, ...known };
  return deleted ? { is: 'deleted', was: living } : living;
}

const SQL_OF: Readonly<Record<string, string>> = {
  name: 'm.name',
  version: 'v.version',
  state: 'v.state',
  source: 'v.artefact_source',
  runId: 'v.run_id',
  digest: 'v.artefact_digest',
  registeredBy: 'v.registered_by',
};

const SEARCHABLE: Searchable = {
  fields: {
    name: { type: 'text' },
    version: { type: 'number', also: ['version_number'] },
    state: { type: 'text' },
    alias: { type: 'text', also: ['aliases'] },
    source: { type: 'text', also: ['source_path', 'artefactSource'] },
    runId: { type: 'text', also: ['run_id'] },
    digest: { type: 'text', also: ['artefactDigest'] },
    registeredBy: { type: 'text', also: ['registered_by', 'user_id'] },
  },
  columns: {
    field: (name) => SQL_OF[name] ?? '',
    tags: 'v.tags',
    anyOf: { alias: (is) => `exists (select from registry.model_alias a where a.model_version_id = v.id and ${is('a.alias')})` },
  },
  sortable: {
    id: { sql: 'v.id', type: 'uuid' },
    name: { sql: 'm.name', type: 'text' },
    version: { sql: 'v.version', type: 'integer', also: ['version_number'] },
    registeredAt: { sql: 'v.registered_at', type: 'timestamptz', also: ['registered_at', 'creation_timestamp'] },
    updatedAt: { sql: 'v.updated_at', type: 'timestamptz', also: ['updated_at', 'last_updated_timestamp', 'timestamp'] },
  },
  deleted: {
    hide: 'v.deleted_at is null and m.deleted_at is null',
    show: 'true',
    only: '(v.deleted_at is not null or m.deleted_at is not null)',
  },
};

const SHOWN = `
  v.id, v.project_id as "projectId", v.model_id as "modelId", m.name as "modelName", v.version, v.stream, v.revision, v.state,
  v.artefact_digest as "artefactDigest", v.artefact_format as "artefactFormat", v.files, v.inputs, v.outputs,
  v.dataset_version_id as "datasetVersionId", v.dataset_digest as "datasetDigest", v.source, v.training_metrics as "trainingMetrics", v.contributors,
  v.description, v.use_case_id as "useCaseId", v.archive_location as "archiveLocation", v.retirement_id as "retirementId",
  v.artefact_source as "artefactSource", v.run_id as "runId", v.run_link as "runLink", v.tags, v.deprecation,
  v.artefact_location as "artefactLocation", v.copied_from as "copiedFrom", v.logged_model_id as "loggedModelId", v.stage,
  to_jsonb(array_remove(array[
    case when v.files = '[]' then 'artefact' end, case when v.inputs = '[]' then 'interface' end, case when v.dataset_version_id is null then 'dataset' end,
    case when v.source ->> 'commit' = '' then 'code' end, case when v.use_case_id is null then 'use-case' end], null)) as "evidenceMissing",
  ${isoSql('v.registered_at')} as "registeredAt", v.registered_by as "registeredBy", ${isoSql('v.updated_at')} as "updatedAt",
  ${isoSql('coalesce(v.deleted_at, m.deleted_at)')} as "deletedAt", coalesce(v.deleted_by, m.deleted_by) as "deletedBy", ${isoSql('v.purged_at')} as "purgedAt",
  coalesce((select jsonb_agg(a.alias order by a.alias) from registry.model_alias a where a.model_version_id = v.id), '[]') as aliases`;

/** Questions about model versions, each within one project. */
@Injectable()
export class ModelVersions {
  constructor(private readonly em: EntityManager) {}

  async byId(projectId: string, id: string, deleted: 'hide' | 'show' = 'hide'): Promise<ModelVersionShown | undefined> {
    const [row] = await sqlOf(this.em.fork()).query<ModelVersionShown>(
      `select ${SHOWN} from registry.model_version v join registry.model m on m.id = v.model_id where v.project_id = $1 and v.id = $2 and ${SEARCHABLE.deleted[deleted]}`,
      [projectId, id],
    );
    return row;
  }

  async byAlias(projectId: string, modelId: string, alias: string): Promise<ModelVersionShown | undefined> {
    const [row] = await sqlOf(this.em.fork()).query<ModelVersionShown>(
      `select ${SHOWN} from registry.model_alias n join registry.model_version v on v.id = n.model_version_id join registry.model m on m.id = v.model_id
       where v.project_id = $1 and n.model_id = $2 and n.alias = $3 and ${SEARCHABLE.deleted.hide}`,
      [projectId, modelId, alias],
    );
    return row;
  }

  async byNumber(projectId: string, modelId: string, version: number): Promise<ModelVersionShown | undefined> {
    const [row] = await sqlOf(this.em.fork()).query<ModelVersionShown>(
      `select ${SHOWN} from registry.model_version v join registry.model m on m.id = v.model_id where v.project_id = $1 and v.model_id = $2 and v.version = $3 and ${SEARCHABLE.deleted.hide}`,
      [projectId, modelId, version],
    );
    return row;
  }

  /** The newest version of each of these models in each of MLflow's stages that it has one in. */
  newestByStage(projectId: string, modelIds: readonly string[]): Promise<readonly ModelVersionShown[]> {
    return sqlOf(this.em.fork()).query<ModelVersionShown>(
      `select ${SHOWN}
       from unnest($2::uuid[]) as asked (id) join registry.model m on m.id = asked.id and m.project_id = $1
       cross join unnest($3::text[]) as s (stage)
       cross join lateral (select * from registry.model_version v where v.model_id = m.id and v.stage = s.stage and v.deleted_at is null order by v.version desc limit 1) v`,
      [projectId, modelIds, STAGES],
    );
  }

  /** The version that has this artefact and is not deleted. */
  byArtefact(projectId: string, modelId: string, artefactDigest: string): Promise<ModelVersionRow | null> {
    return this.em.fork().findOne(ModelVersionRow, { projectId, modelId, artefactDigest, deletedAt: null });
  }

  /**
   * A page of the versions that a filter matches, of one model or of all. Where the filter names the model, that is looked up
   * first: a known model's id is what lets PostgreSQL walk an index in the wished order, however many versions it has.
   * @throws Refused FILTER_MALFORMED, ORDER_MALFORMED, CURSOR_MALFORMED.
   */
  search(projectId: string, query: SearchQuery, modelId?: string): Promise<Page<ModelVersionShown>> {
    return this.matching(projectId, parseFilter(query.filter, SEARCHABLE.fields), query, modelId);
  }

  /** The same for a filter that was read already. */
  async matching(projectId: string, filter: Filter | undefined, query: PageWish, modelId?: string): Promise<Page<ModelVersionShown>> {
    const named = demanded(filter, 'name');
    const ids = modelId === undefined ? named === undefined ? undefined : await this.#modelsNamed(projectId, named) : [modelId];
    if (ids?.length === 0) return { items: [] };
    return search<ModelVersionShown>(
      this.em,
      SEARCHABLE,
      { projectId, query, filter, only: (parameter) => (ids ? `v.model_id = ${ids.length === 1 ? `${parameter(ids[0])}::uuid` : `any(${parameter(ids)}::uuid[])`}` : 'true') },
      ({ where, sorted, place }) => `
        select ${SHOWN}, ${place} as place
        from (
          select v.id from registry.model_version v join registry.model m on m.id = v.model_id
          where v.project_id = $1 and ${where} order by ${sorted} limit $2
        ) page
        join registry.model_version v on v.id = page.id join registry.model m on m.id = v.model_id
        order by ${sorted}`,
    );
  }

  /** More than one when some of them are deleted. */
  async #modelsNamed(projectId: string, name: string): Promise<readonly string[]> {
    const rows = await sqlOf(this.em.fork()).query<{ id: string }>('select id from registry.model where project_id = $1 and name = $2', [projectId, name]);
    return rows.map(({ id }) => id);
  }
}
