import { timestampDate } from '@bufbuild/protobuf/wkt';
import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { aggregateId, type RecordedEvent } from '@vitae/event-store';
import type { ViewTransaction } from '@vitae/service-kit';
import { actorKinds } from '../actor-kinds.ts';
import type { ApprovalCaseEvent } from './approval-case.ts';

export const ApprovalCaseRow = defineEntity({
  name: 'ApprovalCaseRow',
  tableName: 'approval_case',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text().hidden(),
    gate: p.text(),
    modelVersionId: p.uuid(),
    modelId: p.uuid(),
    version: p.integer(),
    artefactDigest: p.text(),
    useCaseId: p.uuid(),
    environment: p.text(),
    environmentClass: p.text(),
    subjectHash: p.text(),
    requestedBy: p.text(),
    contributors: p.json<readonly string[]>(),
    openedAt: p.datetime(),
    stream: p.text(),
    revision: p.integer(),
  },
});
export type ApprovalCaseRow = InferEntity<typeof ApprovalCaseRow>;

/** The last word of an account in a role. */
export const ApprovalRow = defineEntity({
  name: 'ApprovalRow',
  tableName: 'approval',
  properties: {
    approvalCaseId: p.uuid().primary().hidden(),
    role: p.text().primary(),
    approver: p.text().primary(),
    approverKind: p.text(),
    /** Whose word it is, when it is not the approver's own; else empty. */
    onBehalfOf: p.text(),
    delegationId: p.uuid().nullable(),
    decision: p.text(),
    givenAt: p.datetime(),
    expiresAt: p.datetime().nullable(),
    reason: p.text(),
  },
});
export type ApprovalRow = InferEntity<typeof ApprovalRow>;

export async function projectApprovalCases({ em }: ViewTransaction, events: readonly RecordedEvent<ApprovalCaseEvent>[]): Promise<void> {
  for (const { event, projectId, actor, occurredAt, reason, stream, revision } of events) {
    if (event.$typeName === 'vitae.governance.v1.ApprovalCaseOpened') {
      const { approvalCaseId: id, subject, requestedBy, contributors } = event;
      if (!subject) throw new Error(`the ApprovalCaseOpened of ${id} names no subject`);
      const { gate, modelVersionId, modelId, version, artefactDigest, useCaseId, environment, environmentClass, subjectHash } = subject;
      const named = { gate, modelVersionId, modelId, version, artefactDigest, useCaseId, environment, environmentClass, subjectHash };
      await em.upsert(ApprovalCaseRow, { id, projectId, ...named, requestedBy, contributors, openedAt: new Date(occurredAt), stream, revision });
      continue;
    }
    const granted = event.$typeName === 'vitae.governance.v1.ApprovalGranted';
    const { approvalCaseId, role, approver, onBehalfOf } = event;
    // One's own word takes the place of what was said in one's name.
    if (onBehalfOf === '') await em.nativeDelete(ApprovalRow, { approvalCaseId, role, onBehalfOf: approver });
    await em.upsert(ApprovalRow, {
      ...{ approvalCaseId, role, approver, onBehalfOf },
      delegationId: event.delegationId || null,
      approverKind: actorKinds.nameOf(actor.kind),
      decision: granted ? 'approved' : 'refused',
      givenAt: new Date(occurredAt),
      expiresAt: granted && event.expiresAt ? timestampDate(event.expiresAt) : null,
      reason,
    });
    await em.nativeUpdate(ApprovalCaseRow, { id: aggregateId(stream) }, { revision });
  }
}

export interface ApprovalCaseWithApprovals {
  readonly row: ApprovalCaseRow;
  readonly approvals: readonly ApprovalRow[];
}

/** A case with its approvals, or null. */
export async function approvalCaseById(em: EntityManager, projectId: string, id: string): Promise<ApprovalCaseWithApprovals | null> {
  const row = await em.findOne(ApprovalCaseRow, { id, projectId });
  return row && { row, approvals: await approvalsOf(em, [id]) };
}

/** Every case of a version at a gate, also those whose subject has changed since. */
export async function approvalCasesOf(em: EntityManager, gate: string, modelVersionId: string): Promise<readonly ApprovalCaseWithApprovals[]> {
  const rows = await em.find(ApprovalCaseRow, { gate, modelVersionId }, { orderBy: { openedAt: 'asc', id: 'asc' } });
  const approvals = await approvalsOf(em, rows.map(({ id }) => id));
  return rows.map((row) => ({ row, approvals: approvals.filter(({ approvalCaseId }) => approvalCaseId === row.id) }));
}

const approvalsOf = (em: EntityManager, ids: readonly string[]): Promise<ApprovalRow[]> =>
  em.find(ApprovalRow, { approvalCaseId: { $in: [...ids] } }, { orderBy: { givenAt: 'asc', role: 'asc', approver: 'asc' } });
