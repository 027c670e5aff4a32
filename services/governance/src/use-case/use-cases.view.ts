import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { RecordedEvent } from '@vitae/event-store';
import { type Page, pageOf, type PageQuery, type ViewTransaction } from '@vitae/service-kit';
import { aiActClasses, directions, riskTiers } from './use-case-names.ts';
import type { UseCaseEvent } from './use-case.ts';

export interface KpiRow {
  readonly name: string;
  readonly unit: string;
  readonly baseline: number;
  readonly target: number;
}
export interface RequiredMetricRow {
  readonly name: string;
  readonly direction: string;
  readonly threshold: number;
}

export const UseCaseRow = defineEntity({
  name: 'UseCaseRow',
  tableName: 'use_case',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text().hidden(),
    title: p.text(),
    objective: p.text(),
    kpis: p.json<readonly KpiRow[]>(),
    owner: p.text(),
    dataAvailability: p.text(),
    resources: p.text(),
    purpose: p.text(),
    riskTier: p.text(),
    aiActClass: p.text(),
    requiredMetrics: p.json<readonly RequiredMetricRow[]>(),
    state: p.text(),
    author: p.text(),
    draftedAt: p.datetime(),
    decidedBy: p.text().nullable(),
    decidedAt: p.datetime().nullable(),
    decisionReason: p.text().nullable(),
    stream: p.text(),
    revision: p.integer(),
  },
});
export type UseCaseRow = InferEntity<typeof UseCaseRow>;

export async function projectUseCases({ em }: ViewTransaction, events: readonly RecordedEvent<UseCaseEvent>[]): Promise<void> {
  for (const { event, projectId, actor, occurredAt, reason, stream, revision } of events) {
    const decided = { decidedBy: actor.id, decidedAt: new Date(occurredAt), decisionReason: reason, revision };
    switch (event.$typeName) {
      case 'vitae.governance.v1.UseCaseDrafted':
        await em.upsert(UseCaseRow, {
          id: event.useCaseId,
          projectId,
          title: event.title,
          objective: event.objective,
          kpis: event.kpis.map(({ name, unit, baseline, target }) => ({ name, unit, baseline, target })),
          owner: event.owner,
          dataAvailability: event.dataAvailability,
          resources: event.resources,
          purpose: event.purpose,
          riskTier: riskTiers.nameOf(event.riskTier),
          aiActClass: aiActClasses.nameOf(event.aiActClass),
          requiredMetrics: event.requiredMetrics.map(({ name, direction, threshold }) => ({ name, direction: directions.nameOf(direction), threshold })),
          state: 'draft',
          author: actor.id,
          draftedAt: new Date(occurredAt),
          decidedBy: null,
          decidedAt: null,
          decisionReason: null,
          stream,
          revision,
        });
        break;
      case 'vitae.governance.v1.UseCaseSubmitted':
        await em.nativeUpdate(UseCaseRow, { id: event.useCaseId }, { state: 'submitted', revision });
        break;
      case 'vitae.governance.v1.UseCaseApproved':
        await em.nativeUpdate(UseCaseRow, { id: event.useCaseId }, { state: 'approved', ...decided });
        break;
      case 'vitae.governance.v1.UseCaseRejected':
        await em.nativeUpdate(UseCaseRow, { id: event.useCaseId }, { state: 'rejected', ...decided });
        break;
    }
  }
}

export async function useCases(em: EntityManager, projectId: string, { limit, after }: PageQuery): Promise<Page<UseCaseRow>> {
  const rows = await em.find(UseCaseRow, { projectId, ...(after ? { id: { $gt: after } } : {}) }, { orderBy: { id: 'asc' }, limit: limit + 1 });
  return pageOf(rows, limit);
}

export const useCaseById = (em: EntityManager, projectId: string, id: string): Promise<UseCaseRow | null> => em.findOne(UseCaseRow, { id, projectId });
