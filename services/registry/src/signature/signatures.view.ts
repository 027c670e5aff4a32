import { defineEntity, EntityManager, p, type InferEntity } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { RecordedEvent } from '@vitae/event-store';
import type { ViewTransaction } from '@vitae/service-kit';
import type { ModelVersionEvent } from '../model-version/model-version-state.ts';

export const ModelVersionSignatureRow = defineEntity({
  name: 'ModelVersionSignatureRow',
  tableName: 'model_version_signature',
  properties: {
    modelVersionId: p.uuid().primary(),
    projectId: p.text(),
    artefactDigest: p.text(),
    bundleDigest: p.text(),
    bundlePath: p.text(),
    method: p.text(),
    keyId: p.text(),
    signer: p.text(),
    subjectDigest: p.text(),
    verifiedAt: p.datetime(),
  },
});
export type ModelVersionSignatureRow = InferEntity<typeof ModelVersionSignatureRow>;

export async function projectSignature({ em }: ViewTransaction, events: readonly RecordedEvent<ModelVersionEvent>[]): Promise<void> {
  for (const { event, projectId, recordedAt } of events) {
    if (event.$typeName !== 'vitae.registry.v1.ModelVersionSignatureVerified') continue;
    const { modelVersionId, artefactDigest, bundleDigest, bundlePath, method, keyId, signer, subjectDigest } = event;
    await em.upsert(
      ModelVersionSignatureRow,
      { modelVersionId, projectId, artefactDigest, bundleDigest, bundlePath, method, keyId, signer, subjectDigest, verifiedAt: new Date(recordedAt) },
      { onConflictFields: ['modelVersionId'], onConflictAction: 'ignore' },
    );
  }
}

@Injectable()
export class ModelVersionSignatures {
  constructor(private readonly em: EntityManager) {}

  of(projectId: string, modelVersionId: string): Promise<ModelVersionSignatureRow | null> {
    return this.em.fork().findOne(ModelVersionSignatureRow, { projectId, modelVersionId });
  }
}
