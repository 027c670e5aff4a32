import { defineEntity, p, type EntityManager, type InferEntity } from '@mikro-orm/postgresql';
import type { EndpointCreated } from '@vitae/contracts';
import type { RecordedEvent } from '@vitae/event-store';
import { Problem } from '@vitae/service-kit';

/** The endpoints whose traffic may be watched, as deployment tells of them. */
export const Endpoint = defineEntity({
  name: 'Endpoint',
  tableName: 'endpoint',
  properties: { id: p.uuid().primary(), projectId: p.text(), name: p.text(), environment: p.text(), modelId: p.uuid() },
});
export type Endpoint = InferEntity<typeof Endpoint>;

export async function projectEndpoint(em: EntityManager, { projectId }: RecordedEvent, event: EndpointCreated): Promise<void> {
  const { endpointId, name, environment, modelId } = event;
  await em.upsert(Endpoint, { id: endpointId, projectId, name, environment, modelId });
}

/** @throws Problem 404 endpoint-not-found */
export async function endpointOf(em: EntityManager, projectId: string, id: string): Promise<Endpoint> {
  const found = await em.findOne(Endpoint, { id, projectId });
  if (!found) throw new Problem(404, 'endpoint-not-found', 'Endpoint not found', `There is no endpoint ${id} in project ${projectId}. Deployment lists the endpoints of a project.`);
  return found;
}
