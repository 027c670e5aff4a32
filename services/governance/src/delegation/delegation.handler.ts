import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ActorKind } from '@vitae/contracts';
import { streamName, type Handled } from '@vitae/event-store';
import { type CommandContext, Ledger, type ViewTransaction } from '@vitae/service-kit';
import type { ApprovalRole } from '../approval-case/approval-roles.ts';
import { linksOf } from '../linked-accounts/linked-accounts.view.ts';
import { originOf } from '../stream-origin.handler.ts';
import { delegation, noSuchDelegation, type DelegationCommand, type DelegationEvent } from './delegation.ts';
import { delegationsInForce, projectDelegations, type Scope } from './delegations.view.ts';

export type DelegationOrder =
  | { readonly type: 'give'; readonly delegate: string; readonly roles: readonly ApprovalRole[]; readonly holds: readonly ApprovalRole[]; readonly until: string }
  | { readonly type: 'revoke'; readonly administrator: boolean };

export class ForDelegation extends Command<Handled<DelegationEvent>> {
  constructor(
    readonly id: string,
    readonly order: DelegationOrder,
    readonly scope: Scope,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForDelegation)
export class DelegationHandler implements ICommandHandler<ForDelegation> {
  constructor(private readonly ledger: Ledger) {}

  async execute({ id, order, scope, context }: ForDelegation): Promise<Handled<DelegationEvent>> {
    if (order.type === 'revoke' && !(await originOf(this.ledger, delegation.category, id, context.projectId))) throw noSuchDelegation(id);
    return this.ledger.together(context, async (tx) => {
      // Whether there would be a chain depends on all the others: one is given after the other.
      await tx.sql.query("select pg_advisory_xact_lock(hashtextextended('governance.delegation', 0))");
      const command = await this.#command(tx, id, order, scope, context);
      return this.ledger.handleWithin(tx, delegation, { stream: streamName(delegation.category, id), command, context, subjects: [`delegation:${id}`] }, projectDelegations);
    });
  }

  async #command({ em }: ViewTransaction, delegationId: string, order: DelegationOrder, scope: Scope, { actor, occurredAt, reason }: CommandContext): Promise<DelegationCommand> {
    const links = (await linksOf(em)).map(({ people }) => people);
    const human = actor.kind === ActorKind.HUMAN;
    if (order.type === 'revoke') return { type: 'RevokeDelegation', by: actor.id, human, administrator: order.administrator, links };
    const { delegate, roles, holds, until } = order;
    const inForce = await delegationsInForce(em, scope, new Date(occurredAt));
    const inProject = scope === 'every project' ? '' : scope.project;
    return { type: 'GiveDelegation', delegationId, delegator: actor.id, delegate, human, roles, holds, inProject, until, at: occurredAt, reason, inForce, links };
  }
}
