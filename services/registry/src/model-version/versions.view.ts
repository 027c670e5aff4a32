import { defineEntity, EntityManager, p, type InferEntity } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { ArtefactFile, ModelVersionRegistered } from '@vitae/contracts';
import type { RecordedEvent, Sql } from '@vitae/event-store';
import type { PageQuery, ViewTransaction } from '@vitae/service-kit';
import { countVersion, scopeOfModel } from '../version-counter.view.ts';
import type { ModelVersionEvent, StoredFile } from './model-version.ts';
import type { Tensor } from './tensor-spec.ts';

export const ModelVersionRow = defineEntity({
  name: 'ModelVersionRow',
  tableName: 'model_version',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text(),
    modelId: p.uuid(),
    modelName: p.text(),
    version: p.integer(),
    stream: p.text(),
    revision: p.integer(),
    state: p.text().$type<'registered' | 'retired'>(),
    artefactDigest: p.text(),
    artefactFormat: p.text(),
    files: p.json<readonly StoredFile[]>(),
    inputs: p.json<readonly Tensor[]>(),
    outputs: p.json<readonly Tensor[]>(),
    datasetVersionId: p.uuid(),
    datasetDigest: p.text(),
    source: p.json<{ readonly repository: string; readonly commit: string }>(),
    trainingMetrics: p.json<Readonly<Record<string, number>>>(),
    contributors: p.json<readonly string[]>(),
    description: p.text(),
    useCaseId: p.uuid(),
    archiveLocation: p.text().nullable(),
    retirementId: p.uuid().nullable(),
    registeredAt: p.datetime(),
    registeredBy: p.text(),
  },
});
export type ModelVersionRow = InferEntity<typeof ModelVersionRow>;

export async function projectModelVersion(tx: ViewTransaction, events: readonly RecordedEvent<ModelVersionEvent>[]): Promise<void> {
  for (const recorded of events) {
    const { event, revision } = recorded;
    switch (event.$typeName) {
      case 'vitae.registry.v1.ModelVersionRegistered':
        await insert(tx, recorded, event);
        break;
      case 'vitae.registry.v1.ModelVersionSignatureVerified':
        await tx.em.nativeUpdate(ModelVersionRow, { id: event.modelVersionId }, { revision });
        break;
      case 'vitae.registry.v1.ModelVersionSignatureRejected':
        break; // there is no such version
      case 'vitae.registry.v1.ArtefactArchived':
        await tx.em.nativeUpdate(ModelVersionRow, { id: event.modelVersionId }, { archiveLocation: event.location, revision });
        break;
      case 'vitae.registry.v1.ModelVersionRetired':
        await tx.em.nativeUpdate(ModelVersionRow, { id: event.modelVersionId }, { state: 'retired', retirementId: event.retirementId, revision });
        break;
    }
  }
}

async function insert({ em, sql }: ViewTransaction, { projectId, stream, revision, recordedAt, actor }: RecordedEvent, event: ModelVersionRegistered): Promise<void> {
  const { modelVersionId, modelId, modelName, version, artefact, datasetVersionId, datasetDigest, source, contributors, description, useCaseId } = event;
  await em.upsert(
    ModelVersionRow,
    {
      id: modelVersionId,
      projectId,
      modelId,
      modelName,
      version,
      stream,
      revision,
      state: 'registered',
      artefactDigest: artefact?.digest ?? '',
      artefactFormat: artefact?.format ?? '',
      files: (artefact?.files ?? []).map(storedFile),
      inputs: event.inputs.map(tensor),
      outputs: event.outputs.map(tensor),
      datasetVersionId,
      datasetDigest,
      source: { repository: source?.repository ?? '', commit: source?.commit ?? '' },
      trainingMetrics: Object.fromEntries(event.trainingMetrics.map(({ name, value }) => [name, value])),
      contributors,
      description,
      useCaseId,
      registeredAt: new Date(recordedAt),
      registeredBy: actor.id,
    },
    { onConflictFields: ['id'], onConflictAction: 'ignore' },
  );
  await countVersion(sql, scopeOfModel(modelId), version);
}

const storedFile = ({ path, digest, sizeBytes, content, flags }: ArtefactFile): StoredFile => ({ path, digest, sizeBytes: Number(sizeBytes), ...(content === '' ? {} : { content, flags }) });

const tensor = ({ name, datatype, shape }: { name: string; datatype: string; shape: bigint[] }): Tensor => ({ name, datatype, shape: shape.map(Number) });

/** Whether any version that is not retired, other than this one, keeps a file with these bytes. */
export async function stillUsed(sql: Sql, digest: string, otherThan: string): Promise<boolean> {
  const rows = await sql.query(
    `select 1 from registry.model_version where state = 'registered' and id <> $2 and files @> jsonb_build_array(jsonb_build_object('digest', $1::text)) limit 1`,
    [digest, otherThan],
  );
  return rows.length > 0;
}

/** Questions about model versions, each within one project. */
@Injectable()
export class ModelVersions {
  constructor(private readonly em: EntityManager) {}

  byId(projectId: string, id: string): Promise<ModelVersionRow | null> {
    return this.em.fork().findOne(ModelVersionRow, { projectId, id });
  }

  byArtefact(projectId: string, modelId: string, artefactDigest: string): Promise<ModelVersionRow | null> {
    return this.em.fork().findOne(ModelVersionRow, { projectId, modelId, artefactDigest });
  }

  /** One more than the page holds, so that the caller knows whether there is a next one. */
  page(projectId: string, modelId: string, { limit, after }: PageQuery): Promise<ModelVersionRow[]> {
    return this.em.fork().find(ModelVersionRow, { projectId, modelId, ...(after ? { id: { $gt: after } } : {}) }, { orderBy: { id: 'asc' }, limit: limit + 1 });
  }
}
