import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ActorKind, LINKED_ACCOUNTS_STREAM, type Link, type LinkEvent } from '@vitae/contracts';
import type { Handled } from '@vitae/event-store';
import { type CommandContext, Ledger } from '@vitae/service-kit';
import { namedId } from '../named-id.handler.ts';
import { linkedAccounts } from './linked-accounts.ts';
import { projectLinkedAccounts } from './linked-accounts.view.ts';

/** The id of the link between two accounts, whichever is named first: linking them again after an end is the same link. */
export const linkIdOf = (people: Link): string => namedId('linked-accounts', [...people].sort().join(' '));

export class ForLinkedAccounts extends Command<Handled<LinkEvent>> {
  constructor(
    readonly order: { readonly type: 'LinkPeople'; readonly linkId: string; readonly people: Link } | { readonly type: 'RequestUnlinking' | 'ApproveUnlinking'; readonly linkId: string },
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForLinkedAccounts)
export class LinkedAccountsHandler implements ICommandHandler<ForLinkedAccounts> {
  constructor(private readonly ledger: Ledger) {}

  execute({ order, context }: ForLinkedAccounts): Promise<Handled<LinkEvent>> {
    const { actor, reason } = context;
    const command = { ...order, by: actor.id, human: actor.kind === ActorKind.HUMAN, reason };
    return this.ledger.handle(linkedAccounts, { stream: LINKED_ACCOUNTS_STREAM, command, context, subjects: [`linked-accounts:${order.linkId}`] }, projectLinkedAccounts);
  }
}
