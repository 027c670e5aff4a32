import { EntityManager } from '@mikro-orm/postgresql';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { accountsBehind } from '@vitae/contracts';
import { streamName, type Handled } from '@vitae/event-store';
import { Ledger, type CommandContext } from '@vitae/service-kit';
import { linksOf } from '../linked-accounts/linked-accounts.view.ts';
import { personBehind } from '../person-behind.ts';
import { originOf } from '../stream-origin.handler.ts';
import { noSuchUseCase, useCase, type UseCaseCommand, type UseCaseDraft, type UseCaseEvent } from './use-case.ts';
import { projectUseCases } from './use-cases.view.ts';

/** What a caller orders; who wrote the use case is looked up here. */
export type UseCaseOrder = { readonly type: 'draft'; readonly draft: UseCaseDraft } | { readonly type: 'submit' | 'approve' | 'reject' };

export class ForUseCase extends Command<Handled<UseCaseEvent>> {
  constructor(
    readonly id: string,
    readonly order: UseCaseOrder,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForUseCase)
export class UseCaseHandler implements ICommandHandler<ForUseCase> {
  constructor(
    private readonly ledger: Ledger,
    private readonly em: EntityManager,
  ) {}

  async execute({ id, order, context }: ForUseCase): Promise<Handled<UseCaseEvent>> {
    const command = await this.#command(id, order, context);
    return this.ledger.handle(useCase, { stream: streamName(useCase.category, id), command, context, subjects: [`use-case:${id}`] }, projectUseCases);
  }

  async #command(id: string, order: UseCaseOrder, { projectId, actor, reason }: CommandContext): Promise<UseCaseCommand> {
    if (order.type === 'draft') return { type: 'DraftUseCase', useCaseId: id, draft: order.draft };
    const origin = await originOf(this.ledger, useCase.category, id, projectId);
    if (!origin) throw noSuchUseCase(id);
    const links = (await linksOf(this.em)).map(({ people }) => people);
    const decides = { by: actor.id, accounts: accountsBehind(links, actor), author: personBehind(origin.actor) ?? origin.actor.id };
    switch (order.type) {
      case 'submit':
        return { type: 'SubmitUseCase' };
      case 'approve':
        return { type: 'ApproveUseCase', ...decides };
      case 'reject':
        return { type: 'RejectUseCase', ...decides, reason };
    }
  }
}
