import { wrap } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Body, Controller, Get, Param, Post, Req, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { aggregateId } from '@vitae/event-store';
import { because, type CommandContext, Context, created, etag, mustHave, Needs, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { z } from 'zod';
import { gateQuestion, type GateQuestion } from '../gate/gate-question.ts';
import { knownGate } from '../gate/gate-subject.ts';
import { pseudonym } from '../linked-accounts/pseudonym.ts';
import { APPROVAL_ROLES, type Caller, heldBy } from './approval-roles.ts';
import { noSuchApprovalCase } from './approval-case.ts';
import { ForApprovalCase } from './approval-case.handler.ts';
import { approvalCaseById, type ApprovalCaseWithApprovals } from './approval-cases.view.ts';

const wordBody = z.strictObject({
  role: z.enum(APPROVAL_ROLES),
  decision: z.enum(['approve', 'refuse']),
  onBehalfOf: pseudonym.optional().describe("Whose word it is, when the caller has a delegation of theirs; absent: the caller's own"),
});
const id = z.uuid();

/** Approvals of one exact subject: they die when anything of it changes. */
@ApiTags('approvals')
@Controller('v1/projects/:projectId')
@Needs('governance.read')
export class ApprovalCaseController {
  constructor(
    private readonly bus: CommandBus,
    private readonly em: EntityManager,
  ) {}

  /** 201 for a new case; 200 with the case that is open for this subject already. */
  @Post('gates/:gate/approval-cases')
  @Needs('approval.request')
  async open(
    @Param('gate') gate: string,
    @Body({ schema: gateQuestion }) question: GateQuestion,
    @Context() context: CommandContext,
    @Res({ passthrough: true }) res: Response,
  ) {
    const order = { type: 'open' as const, gate: knownGate(gate), ...question };
    const handled = await this.bus.execute(new ForApprovalCase(order, because(context, `approvals asked for, to deploy to ${question.environment.name}`)));
    const { row } = await this.#found(context.projectId, aggregateId(handled.stream));
    const answer = created(res, handled, this.#path(context.projectId, row.id), { id: row.id, subjectHash: row.subjectHash, requestedBy: row.requestedBy });
    if (handled.events.length === 0) res.status(200);
    return answer;
  }

  @Post('approval-cases/:id/approvals')
  @Needs('approval.business-owner', 'approval.model-risk', 'approval.delegated')
  async judge(
    @Param('id', { schema: id }) approvalCaseId: string,
    @Body({ schema: wordBody }) { role, decision, onBehalfOf }: z.infer<typeof wordBody>,
    @Context() context: CommandContext,
    @Req() caller: Caller,
    @Res({ passthrough: true }) res: Response,
  ) {
    mustHave(context.principal, onBehalfOf === undefined ? `approval.${role}` : 'approval.delegated', context.projectId);
    const approves = decision === 'approve';
    const order = { type: approves ? ('Approve' as const) : ('RefuseApproval' as const), approvalCaseId, role, holds: heldBy(caller, context.projectId), onBehalfOf };
    const handled = await this.bus.execute(new ForApprovalCase(order, because(context, `${approves ? 'approved' : 'refused'} as ${role}${onBehalfOf ? ` for ${onBehalfOf}` : ''}`)));
    const { approvals } = await this.#found(context.projectId, approvalCaseId);
    const word = approvals.find((approval) => approval.approver === context.actor.id && approval.role === role);
    return created(res, handled, this.#path(context.projectId, approvalCaseId), {
      id: approvalCaseId,
      role,
      approver: context.actor.id,
      ...(onBehalfOf ? { onBehalfOf } : {}),
      decision: word?.decision,
      ...(word?.expiresAt ? { expiresAt: word.expiresAt } : {}),
    });
  }

  @Get('approval-cases/:id')
  async read(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: id }) approvalCaseId: string, @Res({ passthrough: true }) res: Response) {
    const { row, approvals } = await this.#found(project, approvalCaseId);
    res.set('ETag', etag(row.revision));
    return { ...wrap(row).toObject(), approvals };
  }

  async #found(project: string, approvalCaseId: string): Promise<ApprovalCaseWithApprovals> {
    const found = await approvalCaseById(this.em, project, approvalCaseId);
    if (!found) throw noSuchApprovalCase(approvalCaseId);
    return found;
  }

  #path = (project: string, approvalCaseId: string): string => `/v1/projects/${project}/approval-cases/${approvalCaseId}`;
}
