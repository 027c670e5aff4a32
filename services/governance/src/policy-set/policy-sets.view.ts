import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { PolicySetPublished } from '@vitae/contracts';
import { aggregateId, type RecordedEvent } from '@vitae/event-store';
import { type Page, pageOf, type PageQuery, type ViewTransaction } from '@vitae/service-kit';
import { publishedPolicySet, type Policy } from './policy-set.ts';

export const PolicySetRow = defineEntity({
  name: 'PolicySetRow',
  tableName: 'policy_set',
  properties: {
    id: p.uuid().primary(),
    name: p.text(),
    version: p.text(),
    hash: p.text(),
    policies: p.json<readonly Policy[]>(),
    publishedAt: p.datetime(),
    stream: p.text(),
    revision: p.integer(),
  },
});
export type PolicySetRow = InferEntity<typeof PolicySetRow>;

export async function projectPolicySets({ em }: ViewTransaction, events: readonly RecordedEvent<PolicySetPublished>[]): Promise<void> {
  for (const { event, occurredAt, stream, revision } of events) {
    const { name, version, policies } = publishedPolicySet(event);
    await em.upsert(PolicySetRow, { id: aggregateId(stream), name, version, hash: event.hash, policies, publishedAt: new Date(occurredAt), stream, revision });
  }
}

export async function policySets(em: EntityManager, { limit, after }: PageQuery): Promise<Page<PolicySetRow>> {
  const rows = await em.find(PolicySetRow, after ? { id: { $gt: after } } : {}, { orderBy: { id: 'asc' }, limit: limit + 1 });
  return pageOf(rows, limit);
}
