import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { EnvironmentCreated } from '@vitae/contracts';
import type { RecordedEvent } from '@vitae/event-store';
import { type Page, pageOf, type PageQuery, type ViewTransaction, violates } from '@vitae/service-kit';
import { drivers, environmentClasses, environmentNameTaken, shortName, type DriverName, type EnvironmentClassName } from './environment.ts';

export const EnvironmentRow = defineEntity({
  name: 'EnvironmentRow',
  tableName: 'environment',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text().hidden(),
    name: p.text(),
    class: p.text().$type<EnvironmentClassName>(),
    driver: p.text().$type<DriverName>(),
    region: p.text(),
    createdAt: p.datetime(),
    revision: p.integer(),
  },
});
export type EnvironmentRow = InferEntity<typeof EnvironmentRow>;

/** @throws Refused ENVIRONMENT_NAME_TAKEN. */
export async function projectEnvironments({ em }: ViewTransaction, events: readonly RecordedEvent<EnvironmentCreated>[]): Promise<void> {
  for (const { event, projectId, occurredAt, revision } of events) {
    const { environmentId: id, name, region } = event;
    const row = {
      id, projectId, name, region, revision,
      class: shortName(environmentClasses, event.environmentClass),
      driver: shortName(drivers, event.driver),
      createdAt: new Date(occurredAt),
    };
    await em.upsert(EnvironmentRow, row, { onConflictFields: ['id'] }).catch((error: unknown) => {
      throw violates(error, 'environment_name') ? environmentNameTaken(name) : error;
    });
  }
}

export async function environments(em: EntityManager, projectId: string, { limit, after }: PageQuery): Promise<Page<EnvironmentRow>> {
  const rows = await em.find(EnvironmentRow, { projectId, ...(after ? { id: { $gt: after } } : {}) }, { orderBy: { id: 'asc' }, limit: limit + 1 });
  return pageOf(rows, limit);
}

export const environmentNamed = (em: EntityManager, projectId: string, name: string): Promise<EnvironmentRow | null> => em.findOne(EnvironmentRow, { projectId, name });

export const environmentById = (em: EntityManager, projectId: string, id: string): Promise<EnvironmentRow | null> => em.findOne(EnvironmentRow, { projectId, id });
