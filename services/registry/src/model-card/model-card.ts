import { create } from '@bufbuild/protobuf';
import {
  ModelCardApprovedSchema,
  ModelCardContentSchema,
  ModelCardDraftedSchema,
  ModelCardPublishedSchema,
  ModelCardReturnedSchema,
  ModelCardRevisedSchema,
  ModelCardSubmittedForReviewSchema,
  ModelCardSupersededSchema,
  type ModelCardApproved,
  type ModelCardContent,
  type ModelCardDrafted,
  type ModelCardPublished,
  type ModelCardReturned,
  type ModelCardRevised,
  type ModelCardSubmittedForReview,
  type ModelCardSuperseded,
} from '@vitae/contracts';
import { Refused, type Decider, type RefusalStatus } from '@vitae/event-store';
import { sameContent, type CardContent } from './card-content.ts';

export interface DraftModelCard {
  readonly type: 'DraftModelCard';
  readonly modelVersionId: string;
  readonly modelId: string;
  readonly version: number;
  readonly content: CardContent;
  readonly contributors: readonly string[];
  readonly by: string;
}

export type ModelCardCommand =
  | DraftModelCard
  | { readonly type: 'ReviseModelCard'; readonly content: CardContent; readonly importedFrom: string; readonly by: string }
  | { readonly type: 'SubmitModelCardForReview' }
  | ({ readonly type: 'ApproveModelCard' } & Reviewer)
  | ({ readonly type: 'ReturnModelCard'; readonly reason: string } & Reviewer)
  | { readonly type: 'PublishModelCard' };

interface Reviewer {
  readonly by: string;
  readonly human: boolean;
  /** All accounts of this human. */
  readonly accounts: readonly string[];
}

export type ModelCardEvent = ModelCardDrafted | ModelCardRevised | ModelCardSubmittedForReview | ModelCardApproved | ModelCardReturned | ModelCardPublished | ModelCardSuperseded;
export type ModelCardRefusal = 'MODEL_CARD_EXISTS' | 'MODEL_CARD_NOT_FOUND' | 'MODEL_CARD_NOT_PUBLISHED' | 'MODEL_CARD_STATE' | 'CARD_UNREADABLE' | 'FOUR_EYES' | 'REVIEWER_NOT_HUMAN';

export type CardStage = 'draft' | 'in-review' | 'approved' | 'published';

interface Written {
  readonly is: CardStage;
  readonly modelVersionId: string;
  readonly modelId: string;
  readonly version: number;
  /** Of the newest revision. */
  readonly cardRevision: number;
  readonly content: CardContent;
  /** Everyone who wrote one of its revisions. */
  readonly writers: readonly string[];
  readonly contributors: readonly string[];
  /** The revision that everybody sees; 0 while there is none. */
  readonly published: number;
}
export type ModelCardState = { readonly is: 'none' } | Written;

/**
 * The card of one model version, revision after revision.
 *
 *   none ── Draft ──► draft ── Submit ──► in review ── Approve ──► approved ── Publish ──► published
 *                       ▲                    │                        │                       │
 *                       └── Return, Revise ──┴──────── Revise ────────┴──────── Revise ───────┘
 *
 * A published revision stays published while the next ones are written, until one of them is published: then it is superseded.
 */
export const modelCard: Decider<ModelCardState, ModelCardCommand, ModelCardEvent> = {
  category: 'registry.ModelCard',
  initial: { is: 'none' },

  decide(command, state): readonly ModelCardEvent[] {
    if (command.type === 'DraftModelCard') return drafted(command, state);
    if (state.is === 'none') throw modelCardNotFound();
    const { modelVersionId, modelId, version, cardRevision } = state;
    const card = { modelVersionId, modelId, version, cardRevision };
    switch (command.type) {
      case 'ReviseModelCard': {
        if (sameContent(command.content, state.content)) return [];
        return [create(ModelCardRevisedSchema, { ...card, cardRevision: cardRevision + 1, content: contentOf(command.content), writtenBy: command.by, importedFrom: command.importedFrom })];
      }
      case 'SubmitModelCardForReview':
        if (state.is === 'in-review') return [];
        if (state.is !== 'draft') throw wrongStage(state, 'Revise it first; then the new revision can be reviewed.');
        return [create(ModelCardSubmittedForReviewSchema, card)];
      case 'ApproveModelCard':
        mustBeOtherEyes(state, command);
        if (state.is === 'approved') return [];
        if (state.is !== 'in-review') throw wrongStage(state, 'It is approved while it is in review: submit it first.');
        return [create(ModelCardApprovedSchema, { ...card, reviewer: command.by })];
      case 'ReturnModelCard':
        mustBeOtherEyes(state, command);
        if (state.is !== 'in-review') throw wrongStage(state, 'It is returned while it is in review.');
        return [create(ModelCardReturnedSchema, { ...card, reviewer: command.by, reason: command.reason })];
      case 'PublishModelCard': {
        if (state.is === 'published') return [];
        if (state.is !== 'approved') throw wrongStage(state, 'Only what was approved is published: submit it, and have it approved by somebody else.');
        const before = state.published;
        return [create(ModelCardPublishedSchema, card), ...(before > 0 ? [create(ModelCardSupersededSchema, { ...card, cardRevision: before, byCardRevision: cardRevision })] : [])];
      }
    }
  },

  evolve(state, event): ModelCardState {
    if (event.$typeName === 'vitae.registry.v1.ModelCardDrafted') {
      const { modelVersionId, modelId, version, cardRevision, content, writtenBy, contributors } = event;
      return { is: 'draft', modelVersionId, modelId, version, cardRevision, content: contentFrom(content), writers: [writtenBy], contributors, published: 0 };
    }
    if (state.is === 'none') return state;
    switch (event.$typeName) {
      case 'vitae.registry.v1.ModelCardRevised':
        return { ...state, is: 'draft', cardRevision: event.cardRevision, content: contentFrom(event.content), writers: [...new Set([...state.writers, event.writtenBy])] };
      case 'vitae.registry.v1.ModelCardSubmittedForReview':
        return { ...state, is: 'in-review' };
      case 'vitae.registry.v1.ModelCardApproved':
        return { ...state, is: 'approved' };
      case 'vitae.registry.v1.ModelCardReturned':
        return { ...state, is: 'draft' };
      case 'vitae.registry.v1.ModelCardPublished':
        return { ...state, is: 'published', published: event.cardRevision };
      case 'vitae.registry.v1.ModelCardSuperseded':
        return state;
    }
  },
};

function drafted({ modelVersionId, modelId, version, content, contributors, by }: DraftModelCard, state: ModelCardState): readonly ModelCardEvent[] {
  if (state.is !== 'none') throw refuse('MODEL_CARD_EXISTS', `Version ${version} has a card already, in revision ${state.cardRevision}. Revise that one: PUT …/model-versions/${modelVersionId}/card.`);
  return [create(ModelCardDraftedSchema, { modelVersionId, modelId, version, cardRevision: 1, content: contentOf(content), writtenBy: by, contributors: [...contributors] })];
}

/** Four eyes: who built the version or wrote of it does not judge what is written. */
function mustBeOtherEyes({ writers, contributors, version }: Written, { by, human, accounts }: Reviewer): void {
  if (!human) throw refuse('REVIEWER_NOT_HUMAN', `${by} is not a person. A review is a person's word.`, 403);
  const own = (known: readonly string[]) => known.find((one) => accounts.includes(one));
  const called = (known: string): string => (known === by ? by : `${by} is the same person as ${known}, who`);
  const [writer, contributor] = [own(writers), own(contributors)];
  if (writer !== undefined) throw refuse('FOUR_EYES', `${called(writer)} wrote a revision of the card of version ${version} and so cannot review it. Ask somebody else.`, 403);
  if (contributor !== undefined) throw refuse('FOUR_EYES', `${called(contributor)} contributed to version ${version} and so cannot review its card. Ask somebody who is not among its contributors: ${contributors.join(', ')}.`, 403);
}

const refuse = (reason: ModelCardRefusal, message: string, status: RefusalStatus = 409): Refused => new Refused(reason, message, status);

const STAGE_WORDS: Readonly<Record<CardStage, string>> = { draft: 'a draft', 'in-review': 'in review', approved: 'approved', published: 'published' };
const wrongStage = ({ version, cardRevision, is }: Written, advice: string): Refused => refuse('MODEL_CARD_STATE', `Revision ${cardRevision} of the card of version ${version} is ${STAGE_WORDS[is]}. ${advice}`);

export const modelCardNotFound = (): Refused => refuse('MODEL_CARD_NOT_FOUND', 'This version has no card yet. Draft one: POST …/model-versions/<id>/card.', 404);

export const modelCardNotPublished = (): Refused => refuse('MODEL_CARD_NOT_PUBLISHED', 'No revision of this version\'s card was published yet. Ask for ?revision=newest to see what is written so far.', 404);

export const cardUnreadable = (why: string): Refused => refuse('CARD_UNREADABLE', `What was sent cannot be read as a Hugging Face card: ${why}`, 422);

const contentOf = ({ tags, languages, baseModels, extra, ...texts }: CardContent): ModelCardContent =>
  create(ModelCardContentSchema, { ...texts, tags: [...tags], languages: [...languages], baseModels: [...baseModels], extra: extra.map((each) => ({ ...each })) });

/** What an event of a card says, without the wrapping of its message. */
export function contentFrom(message: ModelCardContent | undefined): CardContent {
  const { $typeName: _, $unknown: __, extra, ...same } = message ?? create(ModelCardContentSchema);
  return { ...same, extra: extra.map(({ key, json }) => ({ key, json })) };
}
