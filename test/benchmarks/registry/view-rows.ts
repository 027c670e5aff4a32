// The rows that the registry's projections write for events of the seed, by one statement for each table: an event at a
// time takes a millisecond, and there are 400,000. That they are the same rows is asked of the registry (seed-vitae.ts).

const TIME = `date_trunc('milliseconds', e.recorded_at)`;
const OF = (type: string): string => `e.type = 'vitae.registry.v1.${type}'`;
const FIRST = (what: string, type: string): string => `max(${what}) filter (where ${OF(type)})`;
const said = (field: string, type: string): string => `coalesce(${FIRST(`e.payload ->> '${field}'`, type)}, '')`;
const TAGS = (type: string): string => `coalesce(jsonb_object_agg(e.payload ->> 'key', e.payload ->> 'value') filter (where ${OF(type)}), '{}')`;

const VERSIONS = `
  insert into registry.model_version (
    id, project_id, model_id, model_name, version, stream, revision, state, artefact_digest, artefact_format, files, inputs, outputs, dataset_digest, source,
    training_metrics, contributors, description, artefact_source, artefact_location, logged_model_id, stage, run_id, run_link, tags, registered_at, registered_by, updated_at)
  select ${FIRST(`e.payload ->> 'modelVersionId'`, 'ModelVersionReferenced')}::uuid, min(e.project_id), ${FIRST(`e.payload ->> 'modelId'`, 'ModelVersionReferenced')}::uuid,
    ${said('modelName', 'ModelVersionReferenced')}, ${FIRST(`(e.payload ->> 'version')::integer`, 'ModelVersionReferenced')}, e.stream, max(e.revision), 'registered', '', '', '[]', '[]', '[]', '',
    '{"repository": "", "commit": ""}', '{}', ${FIRST(`(e.payload -> 'contributors')::text`, 'ModelVersionReferenced')}::jsonb, ${said('description', 'ModelVersionReferenced')},
    ${said('source', 'ModelVersionReferenced')}, ${said('location', 'ModelVersionReferenced')}, '', 'None', ${said('runId', 'ModelVersionReferenced')}, '',
    ${TAGS('ModelVersionTagged')}, min(${TIME}), min(e.metadata -> 'actor' ->> 'id'), max(${TIME})
  from ledger.event e where e.stream like 'registry.ModelVersion-%' group by e.stream`;

const MODELS = `
  insert into registry.model (id, project_id, name, stream, revision, state, description, task, tags, registered_at, registered_by, updated_at)
  select ${FIRST(`e.payload ->> 'modelId'`, 'ModelRegistered')}::uuid, min(e.project_id), ${said('name', 'ModelRegistered')}, e.stream, max(e.revision), 'active', '', '',
    ${TAGS('ModelTagged')}, min(${TIME}), min(e.metadata -> 'actor' ->> 'id'),
    greatest(max(${TIME}), (select max(v.registered_at) from registry.model_version v where v.model_id = ${FIRST(`e.payload ->> 'modelId'`, 'ModelRegistered')}::uuid))
  from ledger.event e where e.stream like 'registry.Model-%' group by e.stream`;

const ALIASES = `
  insert into registry.model_alias (model_id, alias, version, model_version_id)
  select (e.payload ->> 'modelId')::uuid, e.payload ->> 'alias', (e.payload ->> 'version')::integer, (e.payload ->> 'modelVersionId')::uuid
  from ledger.event e where ${OF('ModelAliasAssigned')}`;

const COUNTERS = `
  insert into registry.version_counter (scope, last_version) select 'model/' || v.model_id, max(v.version) from registry.model_version v group by v.model_id`;

/** In this order: a model's time is also that of its newest version. */
export const VIEW_ROWS: readonly string[] = [VERSIONS, MODELS, ALIASES, COUNTERS];
