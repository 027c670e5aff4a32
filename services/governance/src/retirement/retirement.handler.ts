import { EntityManager } from '@mikro-orm/postgresql';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { accountsBehind } from '@vitae/contracts';
import { streamName, type Handled } from '@vitae/event-store';
import { caughtUp, type CommandContext, Consumers, Ledger } from '@vitae/service-kit';
import { notJudgeable } from '../lifecycle/referenced-versions.view.ts';
import { modelVersionById } from '../lifecycle/registry.view.ts';
import { linksOf } from '../linked-accounts/linked-accounts.view.ts';
import { namedId } from '../named-id.handler.ts';
import { personBehind } from '../person-behind.ts';
import { originOf } from '../stream-origin.handler.ts';
import { noSuchRetirement, retirement, type RetirementCommand, type RetirementEvent } from './retirement.ts';
import { projectRetirements } from './retirements.view.ts';

export type RetirementOrder =
  | { readonly type: 'propose'; readonly modelVersionId: string; readonly criterion: string; readonly lesson: string }
  | { readonly type: 'approve'; readonly retirementId: string };

export class ForRetirement extends Command<Handled<RetirementEvent>> {
  constructor(
    readonly order: RetirementOrder,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForRetirement)
export class RetirementHandler implements ICommandHandler<ForRetirement> {
  constructor(
    private readonly ledger: Ledger,
    private readonly em: EntityManager,
    private readonly consumers: Consumers,
  ) {}

  async execute({ order, context }: ForRetirement): Promise<Handled<RetirementEvent>> {
    const { id, command, subjects } = order.type === 'propose' ? await this.#proposal(order, context) : await this.#approval(order.retirementId, context);
    return this.ledger.handle(retirement, { stream: streamName(retirement.category, id), command, context, subjects }, projectRetirements);
  }

  async #proposal({ modelVersionId, criterion, lesson }: Extract<RetirementOrder, { type: 'propose' }>, { projectId, actor }: CommandContext) {
    await caughtUp(this.consumers);
    const version = await modelVersionById(this.em, projectId, modelVersionId);
    if (!version) throw await notJudgeable(this.em, projectId, modelVersionId);
    const id = namedId('retirement', modelVersionId);
    const retiree = { retirementId: id, modelVersionId, modelId: version.modelId, version: version.version };
    const command: RetirementCommand = { type: 'ProposeRetirement', retiree, criterion, lesson, by: personBehind(actor) ?? actor.id };
    return { id, command, subjects: [`model:${version.modelId}`, `model-version:${modelVersionId}`, `retirement:${id}`] };
  }

  async #approval(id: string, { projectId, actor }: CommandContext) {
    const origin = await originOf(this.ledger, retirement.category, id, projectId);
    if (!origin) throw noSuchRetirement(id);
    const links = (await linksOf(this.em)).map(({ people }) => people);
    const command: RetirementCommand = { type: 'ApproveRetirement', by: actor.id, accounts: accountsBehind(links, actor) };
    return { id, command, subjects: origin.subjects };
  }
}
