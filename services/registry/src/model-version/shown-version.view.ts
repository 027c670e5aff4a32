import { isoSql, type Searchable } from '../search/search.view.ts';
import type { ModelVersionRow } from './version-rows.view.ts';

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

const SQL_OF: Readonly<Record<string, string>> = {
  name: 'm.name',
  version: 'v.version',
  state: 'v.state',
  source: 'v.artefact_source',
  runId: 'v.run_id',
  digest: 'v.artefact_digest',
  registeredBy: 'v.registered_by',
};

/** What versions can be searched by, and in which order they come. */
export const SEARCHABLE: Searchable = {
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

/** The columns of a version as it is shown, of `v`, and of its model `m`. */
export const SHOWN = `
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
