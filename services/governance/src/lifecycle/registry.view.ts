import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  PiiClassSchema,
  type ArtefactArchived,
  type DatasetVersionRegistered,
  type EvaluationInvalidated,
  type EvaluationRecorded,
  type EvaluationReported,
  type ModelVersionRegistered,
  type ModelVersionRetired,
  type PiiClass,
} from '@vitae/contracts';
import type { RecordedEvent } from '@vitae/event-store';
import type { ViewTransaction } from '@vitae/service-kit';
import { shortNames } from '../short-names.ts';

type RegistryEvent = DatasetVersionRegistered | ModelVersionRegistered | EvaluationRecorded | EvaluationReported | EvaluationInvalidated | ArtefactArchived | ModelVersionRetired;

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
    stream: p.text(),
    revision: p.integer(),
  },
});
export type DatasetVersionRow = InferEntity<typeof DatasetVersionRow>;

/** Takes what the registry says of versions, evaluations and data; passes over everything else. */
export async function projectRegistry({ em }: ViewTransaction, { event: message, projectId, occurredAt, stream, revision }: RecordedEvent): Promise<void> {
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
        ...source,
      });
      return;
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

export const modelVersionById = (em: EntityManager, projectId: string, id: string): Promise<ModelVersionRow | null> => em.findOne(ModelVersionRow, { id, projectId });

export const evaluationsOf = (em: EntityManager, modelVersionId: string): Promise<EvaluationRow[]> => em.find(EvaluationRow, { modelVersionId }, { orderBy: { id: 'asc' } });

export const datasetVersionsById = (em: EntityManager, projectId: string, ids: readonly string[]): Promise<DatasetVersionRow[]> =>
  em.find(DatasetVersionRow, { projectId, id: { $in: [...ids] } }, { orderBy: { id: 'asc' } });
