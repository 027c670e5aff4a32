import { timestampDate } from '@bufbuild/protobuf/wkt';
import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  GateOutcome,
  type ExternalModelVersionRegistered,
  type GateDecided,
  type ModelDeleted,
  type ModelRegistered,
  type ModelRestored,
  type ModelVersionDeleted,
  type ModelVersionPurged,
  type ModelVersionReferenced,
  type ModelVersionRegistered,
  type ModelVersionRestored,
  type ModelVersionRetired,
} from '@vitae/contracts';
import type { ViewTransaction } from '@vitae/service-kit';
import type { GivenPermit } from '../permit/permit.ts';
import type { Gone } from './gone.ts';

/** What other services have said, as far as deployment needs it: models, their versions, and permits. */
export const ModelRow = defineEntity({
  name: 'ModelRow',
  tableName: 'model',
  properties: { id: p.uuid().primary(), projectId: p.text(), name: p.text(), deleted: p.boolean() },
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
    /** Itself; that its model is deleted stands with the model. */
    deleted: p.boolean(),
    purged: p.boolean(),
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

export type Followed =
  | ModelRegistered | ModelDeleted | ModelRestored
  | ModelVersionRegistered | ModelVersionReferenced | ExternalModelVersionRegistered | ModelVersionRetired | ModelVersionDeleted | ModelVersionRestored | ModelVersionPurged
  | GateDecided;

export async function projectLifecycle({ em }: ViewTransaction, projectId: string, event: Followed): Promise<void> {
  switch (event.$typeName) {
    case 'vitae.registry.v1.ModelRegistered':
      await em.upsert(ModelRow, { id: event.modelId, projectId, name: event.name, deleted: false });
      return;
    case 'vitae.registry.v1.ModelDeleted':
    case 'vitae.registry.v1.ModelRestored':
      await em.nativeUpdate(ModelRow, { id: event.modelId, projectId }, { deleted: event.$typeName === 'vitae.registry.v1.ModelDeleted' });
      return;
    case 'vitae.registry.v1.ModelVersionRegistered': {
      const { modelVersionId: id, modelId, version, artefact } = event;
      const files = (artefact?.files ?? []).map(({ path, digest }) => ({ path, digest }));
      await em.upsert(ModelVersionRow, { id, projectId, modelId, version, artefactDigest: artefact?.digest ?? '', files, retired: false, deleted: false, purged: false });
      return;
    }
    case 'vitae.registry.v1.ModelVersionReferenced':
    case 'vitae.registry.v1.ExternalModelVersionRegistered': {
      const { modelVersionId: id, modelId, version } = event;
      await em.upsert(ModelVersionRow, { id, projectId, modelId, version, artefactDigest: '', files: [], retired: false, deleted: false, purged: false });
      return;
    }
    case 'vitae.registry.v1.ModelVersionRetired':
      await em.nativeUpdate(ModelVersionRow, { id: event.modelVersionId, projectId }, { retired: true });
      return;
    case 'vitae.registry.v1.ModelVersionDeleted':
    case 'vitae.registry.v1.ModelVersionRestored':
      await em.nativeUpdate(ModelVersionRow, { id: event.modelVersionId, projectId }, { deleted: event.$typeName === 'vitae.registry.v1.ModelVersionDeleted' });
      return;
    case 'vitae.registry.v1.ModelVersionPurged':
      await em.nativeUpdate(ModelVersionRow, { id: event.modelVersionId, projectId }, { purged: true });
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

export const modelById = (em: EntityManager, projectId: string, id: string): Promise<InferEntity<typeof ModelRow> | null> => em.findOne(ModelRow, { id, projectId });

export const modelVersionById = (em: EntityManager, projectId: string, id: string): Promise<ModelVersionRow | null> => em.findOne(ModelVersionRow, { id, projectId });

/** Why the version cannot begin to serve, if it cannot. One that serves already goes on: the registry deletes nothing that serves. */
export async function goneVersion(em: EntityManager, projectId: string, modelVersionId: string): Promise<Gone | undefined> {
  const version = await modelVersionById(em, projectId, modelVersionId);
  if (!version) return undefined;
  if (version.purged) return { is: 'purged', version: version.version };
  const ofModel = version.deleted ? null : await modelById(em, projectId, version.modelId);
  return version.deleted || ofModel?.deleted ? { is: 'deleted', version: version.version, ...(ofModel ? { withModel: ofModel.name } : {}) } : undefined;
}

export async function permitById(em: EntityManager, projectId: string, id: string): Promise<GivenPermit | undefined> {
  const row = await em.findOne(PermitRow, { id, projectId });
  return row ? { ...row, permitId: row.id, expiresAt: row.expiresAt.toISOString() } : undefined;
}
