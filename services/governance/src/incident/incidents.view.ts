import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SeveritySchema, type Severity } from '@vitae/contracts';
import type { RecordedEvent } from '@vitae/event-store';
import { type Page, pageOf, type PageQuery, type ViewTransaction } from '@vitae/service-kit';
import { shortNames } from '../short-names.ts';
import type { IncidentEvent } from './incident.ts';

/** sev1 to sev4. */
const severities = shortNames<Severity>(SeveritySchema);

export const IncidentRow = defineEntity({
  name: 'IncidentRow',
  tableName: 'incident',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text().hidden(),
    title: p.text(),
    severity: p.text(),
    state: p.text(),
    modelId: p.uuid(),
    modelVersionId: p.uuid(),
    endpointId: p.uuid(),
    causeId: p.text(),
    description: p.text(),
    reportedAt: p.datetime(),
    closedAt: p.datetime().nullable(),
    closedBy: p.text().nullable(),
    rootCause: p.text().nullable(),
    lesson: p.text().nullable(),
    stream: p.text(),
    revision: p.integer(),
  },
});
export type IncidentRow = InferEntity<typeof IncidentRow>;

export const RetrainingRequestRow = defineEntity({
  name: 'RetrainingRequestRow',
  tableName: 'retraining_request',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text().hidden(),
    incidentId: p.uuid(),
    modelId: p.uuid(),
    modelVersionId: p.uuid(),
    driftedFeatures: p.json<readonly string[]>(),
    requestedAt: p.datetime(),
  },
});
export type RetrainingRequestRow = InferEntity<typeof RetrainingRequestRow>;

export async function projectIncidents({ em }: ViewTransaction, events: readonly RecordedEvent<IncidentEvent>[]): Promise<void> {
  for (const { event, projectId, actor, occurredAt, stream, revision } of events) {
    switch (event.$typeName) {
      case 'vitae.governance.v1.IncidentReported':
        await em.upsert(IncidentRow, {
          id: event.incidentId,
          projectId,
          title: event.title,
          severity: severities.nameOf(event.severity),
          state: 'open',
          modelId: event.modelId,
          modelVersionId: event.modelVersionId,
          endpointId: event.endpointId,
          causeId: event.causeId,
          description: event.description,
          reportedAt: new Date(occurredAt),
          closedAt: null,
          closedBy: null,
          rootCause: null,
          lesson: null,
          stream,
          revision,
        });
        break;
      case 'vitae.governance.v1.RetrainingRequested':
        await em.upsert(RetrainingRequestRow, {
          id: event.retrainingRequestId,
          projectId,
          incidentId: event.incidentId,
          modelId: event.modelId,
          modelVersionId: event.modelVersionId,
          driftedFeatures: event.driftedFeatures,
          requestedAt: new Date(occurredAt),
        });
        await em.nativeUpdate(IncidentRow, { id: event.incidentId }, { revision });
        break;
      case 'vitae.governance.v1.IncidentClosed':
        await em.nativeUpdate(
          IncidentRow,
          { id: event.incidentId },
          { state: 'closed', closedAt: new Date(occurredAt), closedBy: actor.id, rootCause: event.rootCause, lesson: event.lesson, revision },
        );
        break;
    }
  }
}

export async function incidents(em: EntityManager, projectId: string, { limit, after }: PageQuery): Promise<Page<IncidentRow>> {
  const rows = await em.find(IncidentRow, { projectId, ...(after ? { id: { $gt: after } } : {}) }, { orderBy: { id: 'asc' }, limit: limit + 1 });
  return pageOf(rows, limit);
}

export const incidentsOfModel = (em: EntityManager, projectId: string, modelId: string): Promise<IncidentRow[]> =>
  em.find(IncidentRow, { projectId, modelId }, { orderBy: { id: 'asc' } });

export async function retrainingRequests(em: EntityManager, projectId: string, { limit, after }: PageQuery): Promise<Page<RetrainingRequestRow>> {
  const rows = await em.find(RetrainingRequestRow, { projectId, ...(after ? { id: { $gt: after } } : {}) }, { orderBy: { id: 'asc' }, limit: limit + 1 });
  return pageOf(rows, limit);
}
