import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  PiiClassSchema,
  type ArtefactArchived,
  type DatasetSensitivityClassified,
  type DatasetVersionQuarantined,
  type DatasetVersionQuarantineLifted,
  type DatasetVersionRegistered,
  type EvaluationInvalidated,
  type EvaluationRecorded,
  type EvaluationReported,
  type ModelVersionRegistered,
  type ModelVersionRetired,
  type PiiClass,
} from '@vitae/contracts';
import type { RecordedEvent, Sql } from '@vitae/event-store';
import { sqlOf, type ViewTransaction } from '@vitae/service-kit';
import { shortNames } from '../short-names.ts';

type RegistryEvent = DatasetVersionRegistered | DatasetVersionQuarantined | DatasetVersionQuarantineLifted | DatasetSensitivityClassified | ModelVersionRegistered | EvaluationRecorded | EvaluationReported | EvaluationInvalidated | ArtefactArchived | ModelVersionRetired;

/** none, personal, special. */
const piiClasses = shortNames<PiiClass>(PiiClassSchema);

/** What governance has heard of a model version. */
export const ModelVersionRow = defineEntity({
  name: 'ModelVersionRow',
  tableName: 'model_version',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text(),
    modelId: p.uuid(),
    modelName: p.text(),
    version: p.integer(),
    digest: p.text(),
    useCaseId: p.uuid(),
    datasetVersionId: p.uuid(),
    datasetDigest: p.text(),
    contributors: p.json<readonly string[]>(),
    archiveLocation: p.text().nullable(),
    retirementId: p.uuid().nullable(),
    stream: p.text(),
    revision: p.integer(),
  },
});
export type ModelVersionRow = InferEntity<typeof ModelVersionRow>;

export const EvaluationRow = defineEntity({
  name: 'EvaluationRow',
  tableName: 'evaluation',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text(),
    modelVersionId: p.uuid(),
    digest: p.text(),
    /** measured: the registry ran the model. reported: somebody says so. */
    source: p.text().$type<'measured' | 'reported'>(),
    /** Null for a report on data that the registry does not have. */
    datasetVersionId: p.uuid().nullable(),
    split: p.text(),
    rowCount: p.integer(),
    metrics: p.json<readonly { readonly name: string; readonly value: number }[]>(),
    groups: p.json<readonly { readonly attribute: string; readonly group: string; readonly n: number }[]>(),
    evaluatedAt: p.datetime(),
    invalidatedAt: p.datetime().nullable(),
    invalidationCause: p.text().nullable(),
    stream: p.text(),
    revision: p.integer(),
  },
});
export type EvaluationRow = InferEntity<typeof EvaluationRow>;

export const DatasetVersionRow = defineEntity({
  name: 'DatasetVersionRow',
  tableName: 'dataset_version',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text(),
    name: p.text(),
    version: p.integer(),
    digest: p.text(),
    pii: p.text(),
    lawfulBasis: p.text(),
    allowedPurposes: p.json<readonly string[]>(),
    residency: p.text(),
    retentionUntil: p.text(),
    protectedColumns: p.json<readonly string[]>(),
    quarantined: p.boolean(),
    /** How often it was put there. */
    quarantines: p.integer(),
    derivedFrom: p.json<readonly string[]>(),
    stream: p.text(),
    revision: p.integer(),
  },
});
export type DatasetVersionRow = InferEntity<typeof DatasetVersionRow>;

/** Takes what the registry says of versions, evaluations and data; passes over everything else. */
export async function projectRegistry({ em, sql }: ViewTransaction, { event: message, projectId, occurredAt, stream, revision }: RecordedEvent): Promise<void> {
  const source = { projectId, stream, revision };
  const event = message as RegistryEvent;
  switch (event.$typeName) {
    case 'vitae.registry.v1.DatasetVersionRegistered':
      await em.upsert(DatasetVersionRow, {
        id: event.datasetVersionId,
        name: event.datasetName,
        version: event.version,
        digest: event.digest,
        pii: piiClasses.nameOf(event.piiClass),
        lawfulBasis: event.lawfulBasis,
        allowedPurposes: event.allowedPurposes,
        residency: event.residency,
        retentionUntil: event.retentionUntil,
        protectedColumns: event.protectedColumns,
        quarantined: false,
        quarantines: 0,
        derivedFrom: event.derivedFromDatasetVersionIds,
        ...source,
      });
      return;
    case 'vitae.registry.v1.DatasetVersionQuarantined':
      await changeDataset(sql, event.datasetVersionId, revision, 'quarantined = true, quarantines = quarantines + 1');
      return;
    case 'vitae.registry.v1.DatasetVersionQuarantineLifted':
      await changeDataset(sql, event.datasetVersionId, revision, 'quarantined = false');
      return;
    case 'vitae.registry.v1.DatasetSensitivityClassified': {
      const { lawfulBasis, allowedPurposes, residency, retentionUntil } = event;
      const set = 'pii = $3, lawful_basis = $4, allowed_purposes = $5::jsonb, residency = $6, retention_until = $7';
      await changeDataset(sql, event.datasetVersionId, revision, set, piiClasses.nameOf(event.piiClass), lawfulBasis, JSON.stringify(allowedPurposes), residency, retentionUntil);
      return;
    }
    case 'vitae.registry.v1.ModelVersionRegistered':
      await em.upsert(ModelVersionRow, {
        id: event.modelVersionId,
        modelId: event.modelId,
        modelName: event.modelName,
        version: event.version,
        digest: event.artefact?.digest ?? '',
        useCaseId: event.useCaseId,
        datasetVersionId: event.datasetVersionId,
        datasetDigest: event.datasetDigest,
        contributors: event.contributors,
        archiveLocation: null,
        retirementId: null,
        ...source,
      });
      return;
    case 'vitae.registry.v1.EvaluationRecorded':
    case 'vitae.registry.v1.EvaluationReported':
      await em.upsert(EvaluationRow, {
        id: event.evaluationId,
        modelVersionId: event.modelVersionId,
        digest: event.artefactDigest,
        source: event.$typeName === 'vitae.registry.v1.EvaluationRecorded' ? 'measured' : 'reported',
        datasetVersionId: event.datasetVersionId || null,
        split: event.split,
        rowCount: Number(event.rowCount),
        metrics: event.metrics.map(({ name, value }) => ({ name, value })),
        groups: event.groups.map(({ attribute, group, rowCount }) => ({ attribute, group, n: Number(rowCount) })),
        evaluatedAt: new Date(occurredAt),
        invalidatedAt: null,
        invalidationCause: null,
        ...source,
      });
      return;
    case 'vitae.registry.v1.EvaluationInvalidated':
      await em.nativeUpdate(EvaluationRow, { id: event.evaluationId }, { invalidatedAt: new Date(occurredAt), invalidationCause: event.cause, revision });
      return;
    case 'vitae.registry.v1.ArtefactArchived':
      await em.nativeUpdate(ModelVersionRow, { id: event.modelVersionId }, { archiveLocation: event.location });
      return;
    case 'vitae.registry.v1.ModelVersionRetired':
      await em.nativeUpdate(ModelVersionRow, { id: event.modelVersionId }, { retirementId: event.retirementId });
      return;
    default:
      return;
  }
}

/** An event that was projected before changes nothing. Parameters of `set` begin at $3. */
async function changeDataset(sql: Sql, id: string, revision: number, set: string, ...values: readonly unknown[]): Promise<void> {
  await sql.query(`update dataset_version set revision = $2, ${set} where id = $1 and revision < $2`, [id, revision, ...values]);
}

export const modelVersionById = (em: EntityManager, projectId: string, id: string): Promise<ModelVersionRow | null> => em.findOne(ModelVersionRow, { id, projectId });

export const evaluationsOf = (em: EntityManager, modelVersionId: string): Promise<EvaluationRow[]> => em.find(EvaluationRow, { modelVersionId }, { orderBy: { id: 'asc' } });

export const datasetVersionsById = (em: EntityManager, projectId: string, ids: readonly string[]): Promise<DatasetVersionRow[]> =>
  em.find(DatasetVersionRow, { projectId, id: { $in: [...ids] } }, { orderBy: { id: 'asc' } });

/** A dataset version that is or was in quarantine, and which of those that were asked for is it or was made of it. */
export interface QuarantinedData {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly of: string;
  readonly open: boolean;
  readonly times: number;
  readonly stream: string;
  readonly revision: number;
}

/** Of these dataset versions and everything that they were made of, however far back. */
export const quarantinesOf = (em: EntityManager, projectId: string, ids: readonly string[]): Promise<QuarantinedData[]> =>
  sqlOf(em).query<QuarantinedData>(
    `with recursive ancestry (id, of) as (
       select d, d from unnest($2::uuid[]) as asked (d)
       union select s.id::uuid, a.of from ancestry a join governance.dataset_version v on v.id = a.id cross join jsonb_array_elements_text(v.derived_from) as s (id)
     )
     select v.id, v.name, v.version, a.of, v.quarantined as open, v.quarantines as times, v.stream, v.revision
     from ancestry a join governance.dataset_version v on v.id = a.id where v.project_id = $1 and v.quarantines > 0 order by v.id, a.of`,
    [projectId, ids],
  );
