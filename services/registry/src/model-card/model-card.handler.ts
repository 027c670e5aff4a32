import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { accountsBehind, ActorKind } from '@vitae/contracts';
import { streamName, type Handled } from '@vitae/event-store';
import { because, type CommandContext, Ledger } from '@vitae/service-kit';
import { KnownVersions } from '../exports/known-versions.view.ts';
import { linksOf } from '../linked-accounts.view.ts';
import { subjectsOf } from '../model-version/model-version.handler.ts';
import { modelVersionDeleted, modelVersionNotFound } from '../model-version/model-version-refusal.ts';
import type { CardContent } from './card-content.ts';
import { draftOf } from './draft.ts';
import { modelCard, type ModelCardCommand, type ModelCardEvent } from './model-card.ts';
import { projectModelCard } from './model-cards.view.ts';

/** What a caller wants of a card; who it is, and what is known of the version, is found here. */
export type ModelCardOrder =
  | { readonly type: 'DraftModelCard' }
  | { readonly type: 'ReviseModelCard'; readonly content: CardContent; readonly importedFrom: string }
  | { readonly type: 'SubmitModelCardForReview' }
  | { readonly type: 'ApproveModelCard' }
  | { readonly type: 'ReturnModelCard'; readonly reason: string }
  | { readonly type: 'PublishModelCard' };

export class ForModelCard extends Command<Handled<ModelCardEvent>> {
  constructor(
    readonly modelVersionId: string,
    readonly order: ModelCardOrder,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForModelCard)
export class ModelCardHandler implements ICommandHandler<ForModelCard> {
  constructor(
    private readonly ledger: Ledger,
    private readonly known: KnownVersions,
  ) {}

  async execute({ modelVersionId, order, context }: ForModelCard): Promise<Handled<ModelCardEvent>> {
    const version = await this.known.of(context.projectId, modelVersionId);
    if (!version) throw modelVersionNotFound(modelVersionId);
    if (version.deletedAt !== null) throw modelVersionDeleted(version.version);
    const { model, dataset, contributors } = version;
    const { actor } = context;
    // What a machine writes is written by whom it acts for.
    const who = { by: actor.onBehalfOf || actor.id, human: actor.kind === ActorKind.HUMAN, accounts: accountsBehind(await linksOf(this.ledger.sql), actor) };
    const command: ModelCardCommand =
      order.type === 'DraftModelCard'
        ? { type: order.type, modelVersionId, modelId: model.modelId, version: version.version, content: draftOf(version), contributors, by: who.by }
        : { ...who, ...order };
    return this.ledger.handle(
      modelCard,
      {
        stream: streamName(modelCard.category, modelVersionId),
        command,
        context: because(context, `${DOES[order.type]} the card of version ${version.version} of ${model.name}.`),
        subjects: subjectsOf({ modelVersionId, modelId: model.modelId, datasetVersionId: dataset.datasetVersionId, useCaseId: model.useCaseId }),
      },
      projectModelCard,
    );
  }
}

const DOES: Readonly<Record<ModelCardOrder['type'], string>> = {
  DraftModelCard: 'Drafts',
  ReviseModelCard: 'Revises',
  SubmitModelCardForReview: 'Submits for review',
  ApproveModelCard: 'Approves',
  ReturnModelCard: 'Returns',
  PublishModelCard: 'Publishes',
};
