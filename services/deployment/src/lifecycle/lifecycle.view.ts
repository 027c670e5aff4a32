import { timestampDate } from '@bufbuild/protobuf/wkt';
import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { GateOutcome, type ExternalModelVersionRegistered, type GateDecided, type ModelRegistered, type ModelVersionReferenced, type ModelVersionRegistered, type ModelVersionRetired } from '@vitae/contracts';
import type { ViewTransaction } from '@vitae/service-kit';
import type { GivenPermit } from '../permit/permit.ts';

/** What other services have said, as far as deployment needs it: models, their versions, and permits. */
export const ModelRow = defineEntity({
  name: 'ModelRow',
  tableName: 'model',
  properties: { id: p.uuid().primary(), projectId: p.text(), name: p.text() },
});

export interface FileRow {
  readonly path: string;
  readonly digest: string;
}
export const ModelVersionRow = defineEntity({
  name: 'ModelVersionRow',
  tableName: 'model_version',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text(),
    modelId: p.uuid(),
    version: p.integer(),
    artefactDigest: p.text(),
    /** None for a version that was registered by reference: there is nothing to deploy. */
    files: p.json<readonly FileRow[]>(),
    retired: p.boolean(),
  },
});
export type ModelVersionRow = InferEntity<typeof ModelVersionRow>;

export const PermitRow = defineEntity({
  name: 'PermitRow',
  tableName: 'permit',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text(),
    decisionId: p.uuid(),
    gate: p.text(),
    modelVersionId: p.uuid(),
    artefactDigest: p.text(),
    environment: p.text(),
    environmentClass: p.text(),
    expiresAt: p.datetime(),
  },
});

export type Followed = ModelRegistered | ModelVersionRegistered | ModelVersionReferenced | ExternalModelVersionRegistered | ModelVersionRetired | GateDecided;

export async function projectLifecycle({ em }: ViewTransaction, projectId: string, event: Followed): Promise<void> {
  switch (event.$typeName) {
    case 'vitae.registry.v1.ModelRegistered':
      await em.upsert(ModelRow, { id: event.modelId, projectId, name: event.name });
      return;
    case 'vitae.registry.v1.ModelVersionRegistered': {
      const { modelVersionId: id, modelId, version, artefact } = event;
      const files = (artefact?.files ?? []).map(({ path, digest }) => ({ path, digest }));
      await em.upsert(ModelVersionRow, { id, projectId, modelId, version, artefactDigest: artefact?.digest ?? '', files, retired: false });
      return;
    }
    case 'vitae.registry.v1.ModelVersionReferenced':
    case 'vitae.registry.v1.ExternalModelVersionRegistered': {
      const { modelVersionId: id, modelId, version } = event;
      await em.upsert(ModelVersionRow, { id, projectId, modelId, version, artefactDigest: '', files: [], retired: false });
      return;
    }
    case 'vitae.registry.v1.ModelVersionRetired':
      await em.nativeUpdate(ModelVersionRow, { id: event.modelVersionId, projectId }, { retired: true });
      return;
    case 'vitae.governance.v1.GateDecided': {
      const { decisionId, subject, permit, outcome } = event;
      if (outcome !== GateOutcome.ALLOW || !subject || !permit?.expiresAt) return; // a denial gives no right
      const { gate, modelVersionId, artefactDigest, environment, environmentClass } = subject;
      const row = { id: permit.permitId, projectId, decisionId, gate, modelVersionId, artefactDigest, environment, environmentClass, expiresAt: timestampDate(permit.expiresAt) };
      await em.upsert(PermitRow, row);
    }
  }
}

export const knowsModel = async (em: EntityManager, projectId: string, id: string): Promise<boolean> => (await em.count(ModelRow, { id, projectId })) > 0;

export const modelVersionById = (em: EntityManager, projectId: string, id: string): Promise<ModelVersionRow | null> => em.findOne(ModelVersionRow, { id, projectId });

export async function permitById(em: EntityManager, projectId: string, id: string): Promise<GivenPermit | undefined> {
  const row = await em.findOne(PermitRow, { id, projectId });
  return row ? { ...row, permitId: row.id, expiresAt: row.expiresAt.toISOString() } : undefined;
}
