import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { RecordedEvent } from '@vitae/event-store';
import type { ViewTransaction } from '@vitae/service-kit';
import type { RetirementEvent } from './retirement.ts';

export const RetirementRow = defineEntity({
  name: 'RetirementRow',
  tableName: 'retirement',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text().hidden(),
    state: p.text(),
    modelVersionId: p.uuid(),
    modelId: p.uuid(),
    version: p.integer(),
    criterion: p.text(),
    lesson: p.text(),
    proposedBy: p.text(),
    approvedBy: p.text().nullable(),
    archiveLocation: p.text().nullable(),
    stream: p.text(),
    revision: p.integer(),
  },
});
export type RetirementRow = InferEntity<typeof RetirementRow>;

export async function projectRetirements({ em }: ViewTransaction, events: readonly RecordedEvent<RetirementEvent>[]): Promise<void> {
  for (const { event, projectId, actor, stream, revision } of events) {
    switch (event.$typeName) {
      case 'vitae.governance.v1.RetirementProposed':
        await em.upsert(RetirementRow, {
          id: event.retirementId,
          projectId,
          state: 'proposed',
          modelVersionId: event.modelVersionId,
          modelId: event.modelId,
          version: event.version,
          criterion: event.criterion,
          lesson: event.lesson,
          proposedBy: event.proposedBy,
          approvedBy: null,
          archiveLocation: null,
          stream,
          revision,
        });
        break;
      case 'vitae.governance.v1.RetirementApproved':
        await em.nativeUpdate(RetirementRow, { id: event.retirementId }, { state: 'approved', approvedBy: actor.id, revision });
        break;
      case 'vitae.governance.v1.RetirementCompleted':
        await em.nativeUpdate(RetirementRow, { id: event.retirementId }, { state: 'completed', archiveLocation: event.archiveLocation, revision });
        break;
    }
  }
}

export const retirementById = (em: EntityManager, projectId: string, id: string): Promise<RetirementRow | null> => em.findOne(RetirementRow, { id, projectId });
