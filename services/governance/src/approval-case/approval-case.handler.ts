import { EntityManager } from '@mikro-orm/postgresql';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ActorKind, type ApprovalCaseOpened } from '@vitae/contracts';
import { streamName, type Handled } from '@vitae/event-store';
import { caughtUp, type CommandContext, Consumers, Ledger } from '@vitae/service-kit';
import { gateFacts } from '../gate/gate-facts.view.ts';
import { dutiesOf } from './duties.view.ts';
import { personBehind } from '../person-behind.ts';
import type { GateQuestion } from '../gate/gate-question.ts';
import { concerned, gateSubject } from '../gate/gate-subject.ts';
import { notJudgeable } from '../lifecycle/referenced-versions.view.ts';
import { namedId } from '../named-id.handler.ts';
import { sha256 } from '../sha256.handler.ts';
import { originOf } from '../stream-origin.handler.ts';
import { approvalCase, noSuchApprovalCase, type ApprovalCaseCommand, type ApprovalCaseEvent } from './approval-case.ts';
import type { ApprovalRole } from './approval-roles.ts';
import { projectApprovalCases } from './approval-cases.view.ts';

export type ApprovalCaseOrder =
  | ({ readonly type: 'open'; readonly gate: string } & GateQuestion)
  | { readonly type: 'Approve' | 'RefuseApproval'; readonly approvalCaseId: string; readonly role: ApprovalRole; readonly holds: readonly ApprovalRole[]; readonly onBehalfOf?: string | undefined };

export class ForApprovalCase extends Command<Handled<ApprovalCaseEvent>> {
  constructor(
    readonly order: ApprovalCaseOrder,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForApprovalCase)
export class ApprovalCaseHandler implements ICommandHandler<ForApprovalCase> {
  constructor(
    private readonly ledger: Ledger,
    private readonly em: EntityManager,
    private readonly consumers: Consumers,
  ) {}

  async execute({ order, context }: ForApprovalCase): Promise<Handled<ApprovalCaseEvent>> {
    const { id, command, subjects } = order.type === 'open' ? await this.#opening(order, context) : await this.#word(order, context);
    return this.ledger.handle(approvalCase, { stream: streamName(approvalCase.category, id), command, context, subjects }, projectApprovalCases);
  }

  async #opening(order: Extract<ApprovalCaseOrder, { type: 'open' }>, { projectId, actor, occurredAt }: CommandContext) {
    await caughtUp(this.consumers);
    const facts = await gateFacts(this.em, projectId, order, new Date(occurredAt));
    if (!facts) throw await notJudgeable(this.em, projectId, order.modelVersionId);
    const subject = gateSubject(facts, sha256);
    const id = namedId('approval-case', `${projectId}/${subject.subjectHash}`);
    const contributors = [...new Set([...facts.version.contributors, ...facts.contributions.map(({ person }) => person)])];
    const command: ApprovalCaseCommand = { type: 'OpenApprovalCase', approvalCaseId: id, subject, requestedBy: personBehind(actor) ?? actor.id, contributors };
    return { id, command, subjects: [...concerned(facts), `approval-case:${id}`] };
  }

  async #word({ type, approvalCaseId: id, role, holds, onBehalfOf }: Exclude<ApprovalCaseOrder, { type: 'open' }>, { projectId, actor, occurredAt }: CommandContext) {
    const origin = await originOf(this.ledger, approvalCase.category, id, projectId);
    const subject = (origin?.event as ApprovalCaseOpened | undefined)?.subject;
    if (!origin || !subject) throw noSuchApprovalCase(id);
    await caughtUp(this.consumers); // with who built it
    const duties = await dutiesOf(this.em, projectId, subject, new Date(occurredAt));
    const command: ApprovalCaseCommand = { type, role, by: actor.id, human: actor.kind === ActorKind.HUMAN, holds, onBehalfOf, duties, at: occurredAt };
    return { id, command, subjects: origin.subjects };
  }
}
