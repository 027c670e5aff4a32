import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { ExternalModelVersionRegistered, ModelVersionReferenced, ModelVersionRegistered } from '@vitae/contracts';
import type { RecordedEvent, Sql } from '@vitae/event-store';
import type { ViewTransaction } from '@vitae/service-kit';
import type { Deprecation } from '../model/models.view.ts';
import { scopeOfModel } from '../version-counter.view.ts';
import type { Derivation } from './derivation.ts';
import type { ExternalModel } from './external-model.ts';
import { derivationsOf, evidenceOf } from './known-evidence.ts';
import type { Stage, StoredFile } from './model-version-command.ts';
import type { ModelVersionEvent } from './model-version-state.ts';
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
    /** Who provides it and how it is reached, when it is somebody else's. */
    external: p.json<ExternalModel>().nullable(),
    derivedFrom: p.json<readonly Derivation[]>(),
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

export async function projectModelVersion(tx: ViewTransaction, events: readonly RecordedEvent<ModelVersionEvent>[]): Promise<void> {
  for (const { recorded, tags } of withFirstTags(events)) {
    const { event, recordedAt, actor } = recorded;
    const at = new Date(recordedAt);
    const change = (set: string, ...values: unknown[]): Promise<void> => changed(tx.sql, recorded, set, values);
    switch (event.$typeName) {
      case 'vitae.registry.v1.ModelVersionRegistered':
      case 'vitae.registry.v1.ModelVersionReferenced':
      case 'vitae.registry.v1.ExternalModelVersionRegistered':
        await insert(tx, recorded, event, tags);
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

/**
 * The events, each registration together with the tags that came with it in one append: they are written with its row. A rebuild,
 * which takes an event at a time, comes to the same row.
 */
function withFirstTags(events: readonly RecordedEvent<ModelVersionEvent>[]): readonly { readonly recorded: RecordedEvent<ModelVersionEvent>; readonly tags: Readonly<Record<string, string>> }[] {
  const [first, ...more] = events;
  if (first?.revision !== 1) return events.map((recorded) => ({ recorded, tags: {} }));
  const other = more.findIndex(({ event }) => event.$typeName !== 'vitae.registry.v1.ModelVersionTagged');
  const tagged = other < 0 ? more : more.slice(0, other);
  const tags = Object.fromEntries(tagged.flatMap(({ event }) => (event.$typeName === 'vitae.registry.v1.ModelVersionTagged' ? [[event.key, event.value]] : [])));
  const rest = more.slice(tagged.length).map((recorded) => ({ recorded, tags: {} }));
  return [{ recorded: { ...first, revision: first.revision + tagged.length }, tags }, ...rest];
}

async function insert({ sql }: ViewTransaction, { projectId, stream, revision, recordedAt, actor }: RecordedEvent, event: ModelVersionRegistered | ModelVersionReferenced | ExternalModelVersionRegistered, tags: Readonly<Record<string, string>>): Promise<void> {
  const { modelVersionId, modelId, modelName, version, contributors, description, useCaseId } = event;
  const at = new Date(recordedAt);
  const said = { modelName, version, contributors, description, useCaseId: useCaseId || null, derivedFrom: derivationsOf(event) };
  await insertVersion(
    sql,
    { id: modelVersionId, projectId, modelId, stream, revision, state: 'registered', stage: 'None', tags, registeredAt: at, registeredBy: actor.id, updatedAt: at, ...said, ...evidenceOf(event) },
    scopeOfModel(modelId),
  );
}

/**
 * The row, the counter of its model's versions and the time of its model's last change, each only if it is news. One statement,
 * with the row as JSON: others wait for the counter meanwhile, and an entity is three times the work.
 */
async function insertVersion(sql: Sql, row: Readonly<Partial<ModelVersionRow>>, scope: string): Promise<void> {
  const cells = Object.fromEntries(Object.entries(row).map(([property, value]) => [property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]));
  const columns = Object.keys(cells).join(', ');
  await sql.query(
    `with v as (select ${columns} from jsonb_populate_record(null::model_version, $1::jsonb)),
     counted as (
       insert into version_counter as c (scope, last_version) select $2, v.version from v
       on conflict (scope) do update set last_version = greatest(c.last_version, excluded.last_version)
     ), changed as (
       update model m set updated_at = v.registered_at from v where m.id = v.model_id and m.updated_at < v.registered_at
     )
     insert into model_version (${columns}) select ${columns} from v on conflict (id) do nothing`,
    [JSON.stringify(cells), scope],
  );
}
