import { defineEntity, p } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { ExternalModelVersionRegistered, ModelVersionReferenced } from '@vitae/contracts';
import { Refused, type RecordedEvent } from '@vitae/event-store';
import type { ViewTransaction } from '@vitae/service-kit';
import { noSuchModelVersion } from './no-such-model-version.ts';

/** A version that was named by where its artefact lies, or that is somebody else's model. It has none of what a gate judges, so it is kept apart from those that have. */
export const ReferencedVersionRow = defineEntity({
  name: 'ReferencedVersionRow',
  tableName: 'referenced_version',
  properties: { id: p.uuid().primary(), projectId: p.text(), modelName: p.text(), version: p.integer(), location: p.text() },
});

export async function projectReferences({ em }: ViewTransaction, { event: message, projectId }: RecordedEvent): Promise<void> {
  const event = message as ModelVersionReferenced | ExternalModelVersionRegistered;
  switch (event.$typeName) {
    case 'vitae.registry.v1.ModelVersionReferenced':
    case 'vitae.registry.v1.ExternalModelVersionRegistered': {
      const { modelVersionId: id, modelName, version } = event;
      const location = event.$typeName === 'vitae.registry.v1.ModelVersionReferenced' ? event.location : `${event.provider}'s ${event.providerModelId}`;
      await em.upsert(ReferencedVersionRow, { id, projectId, modelName, version, location });
    }
  }
}

/** Why a version that cannot be judged cannot: it has no evidence, or it is not known at all. */
export async function notJudgeable(em: EntityManager, projectId: string, id: string): Promise<Refused> {
  const row = await em.findOne(ReferencedVersionRow, { id, projectId });
  if (!row) return noSuchModelVersion(id);
  return new Refused(
    'EVIDENCE_MISSING',
    `Version ${row.version} of ${row.modelName} was registered by reference to ${row.location}: its artefact, data and code are not known, so no gate lets it pass. Upload the artefact, and register it as a version with its data and code.`,
    409,
  );
}
