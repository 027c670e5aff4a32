import { timestampDate } from '@bufbuild/protobuf/wkt';
import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { aggregateId, type RecordedEvent } from '@vitae/event-store';
import { type Page, pageOf, type PageQuery, type ViewTransaction } from '@vitae/service-kit';
import type { DelegationEvent, InForce } from './delegation.ts';

export const DelegationRow = defineEntity({
  name: 'DelegationRow',
  tableName: 'delegation',
  properties: {
    id: p.uuid().primary(),
    /** Empty: it counts in every project. */
    inProject: p.text(),
    delegator: p.text(),
    delegate: p.text(),
    roles: p.json<readonly string[]>(),
    givenAt: p.datetime(),
    until: p.datetime(),
    reason: p.text(),
    revokedAt: p.datetime().nullable(),
    revokedBy: p.text().nullable(),
    stream: p.text(),
    revision: p.integer(),
  },
});
export type DelegationRow = InferEntity<typeof DelegationRow>;

export async function projectDelegations({ em }: ViewTransaction, events: readonly RecordedEvent<DelegationEvent>[]): Promise<void> {
  for (const { event, occurredAt, reason, stream, revision } of events) {
    if (event.$typeName === 'vitae.governance.v1.DelegationRevoked') {
      await em.nativeUpdate(DelegationRow, { id: aggregateId(stream) }, { revokedAt: new Date(occurredAt), revokedBy: event.revokedBy, revision });
      continue;
    }
    const { delegationId: id, inProject, delegator, delegate, roles, until } = event;
    if (!until) throw new Error(`the DelegationGranted of ${id} has no end`);
    await em.upsert(DelegationRow, { id, inProject, delegator, delegate, roles, givenAt: new Date(occurredAt), until: timestampDate(until), reason, revokedAt: null, revokedBy: null, stream, revision });
  }
}

/** Where a delegation counts: in one project, or in all. */
export type Scope = { readonly project: string } | 'every project';

/** What counts in a project, with what counts everywhere; of every project: all that there is, for it would meet each of them. */
const overlapping = (scope: Scope) => (scope === 'every project' ? {} : { inProject: { $in: [scope.project, ''] } });

/** In force at a moment, in order of when they were given. */
export async function delegationsInForce(em: EntityManager, scope: Scope, at: Date): Promise<readonly InForce[]> {
  const rows = await delegationsSince(em, scope, at, at);
  return rows.map(({ id, delegator, delegate, roles }) => ({ delegationId: id, delegator, delegate, roles }));
}

/** In force at some moment from `since` to `at`. */
export const delegationsSince = (em: EntityManager, scope: Scope, since: Date, at: Date): Promise<DelegationRow[]> =>
  em.find(
    DelegationRow,
    { ...overlapping(scope), givenAt: { $lte: at }, until: { $gt: since }, $or: [{ revokedAt: null }, { revokedAt: { $gt: since } }] },
    { orderBy: { givenAt: 'asc', id: 'asc' } },
  );

/** The newest last. In a project those that count in every project are shown as well. */
export async function delegations(em: EntityManager, scope: Scope, { limit, after }: PageQuery): Promise<Page<DelegationRow>> {
  const where = { ...(scope === 'every project' ? { inProject: '' } : overlapping(scope)), ...(after ? { id: { $gt: after } } : {}) };
  return pageOf(await em.find(DelegationRow, where, { orderBy: { id: 'asc' }, limit: limit + 1 }), limit);
}

export const delegationById = (em: EntityManager, scope: Scope, id: string): Promise<DelegationRow | null> =>
  em.findOne(DelegationRow, { id, ...(scope === 'every project' ? { inProject: '' } : overlapping(scope)) });
