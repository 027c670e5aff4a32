import { defineEntity, EntityManager, p, type InferEntity } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { ModelRegistered } from '@vitae/contracts';
import type { RecordedEvent } from '@vitae/event-store';
import type { PageQuery, ViewTransaction } from '@vitae/service-kit';

export const ModelRow = defineEntity({
  name: 'ModelRow',
  tableName: 'model',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text(),
    name: p.text(),
    stream: p.text(),
    revision: p.integer(),
    description: p.text(),
    task: p.text(),
    useCaseId: p.uuid(),
    registeredAt: p.datetime(),
    registeredBy: p.text(),
  },
});
export type ModelRow = InferEntity<typeof ModelRow>;

export async function projectModel({ em }: ViewTransaction, events: readonly RecordedEvent<ModelRegistered>[]): Promise<void> {
  for (const { event, projectId, stream, revision, recordedAt, actor } of events) {
    const { modelId: id, name, description, task, useCaseId } = event;
    await em.upsert(
      ModelRow,
      { id, projectId, name, stream, revision, description, task, useCaseId, registeredAt: new Date(recordedAt), registeredBy: actor.id },
      { onConflictFields: ['id'], onConflictAction: 'ignore' },
    );
  }
}

/** Questions about models, each within one project. */
@Injectable()
export class Models {
  constructor(private readonly em: EntityManager) {}

  byId(projectId: string, id: string): Promise<ModelRow | null> {
    return this.em.fork().findOne(ModelRow, { projectId, id });
  }

  /** One more than the page holds, so that the caller knows whether there is a next one. */
  page(projectId: string, { limit, after }: PageQuery): Promise<ModelRow[]> {
    return this.em.fork().find(ModelRow, { projectId, ...(after ? { id: { $gt: after } } : {}) }, { orderBy: { id: 'asc' }, limit: limit + 1 });
  }
}
