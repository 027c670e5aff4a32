import { defineEntity, EntityManager, p, type InferEntity } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { RecordedEvent } from '@vitae/event-store';
import type { ViewTransaction } from '@vitae/service-kit';
import type { CardContent } from './card-content.ts';
import { contentFrom, type CardStage, type ModelCardEvent } from './model-card.ts';

export const ModelCardRow = defineEntity({
  name: 'ModelCardRow',
  tableName: 'model_card',
  properties: {
    modelVersionId: p.uuid().primary(),
    projectId: p.text(),
    modelId: p.uuid(),
    stream: p.text(),
    revision: p.integer(),
    stage: p.text().$type<CardStage>(),
    cardRevision: p.integer(),
    published: p.integer(),
    reviewer: p.text().nullable(),
    returnedBecause: p.text().nullable(),
    updatedAt: p.datetime(),
  },
});
export type ModelCardRow = InferEntity<typeof ModelCardRow>;

export const ModelCardRevisionRow = defineEntity({
  name: 'ModelCardRevisionRow',
  tableName: 'model_card_revision',
  properties: {
    modelVersionId: p.uuid().primary(),
    cardRevision: p.integer().primary(),
    projectId: p.text(),
    content: p.json<CardContent>(),
    importedFrom: p.text(),
    writtenBy: p.text(),
    writtenAt: p.datetime(),
    publishedAt: p.datetime().nullable(),
    supersededAt: p.datetime().nullable(),
  },
});
export type ModelCardRevisionRow = InferEntity<typeof ModelCardRevisionRow>;

export async function projectModelCard({ em }: ViewTransaction, events: readonly RecordedEvent<ModelCardEvent>[]): Promise<void> {
  for (const { event, projectId, stream, revision, recordedAt } of events) {
    const { modelVersionId, modelId, cardRevision } = event;
    const at = new Date(recordedAt);
    const before = await em.findOne(ModelCardRow, { modelVersionId });
    if (before && before.revision >= revision) continue;
    const stands = { ...(before ?? { modelVersionId, projectId, modelId, stream, published: 0, reviewer: null, returnedBecause: null }), revision, updatedAt: at };
    const put = (now: Pick<ModelCardRow, 'stage' | 'cardRevision'> & Partial<ModelCardRow>) => em.upsert(ModelCardRow, { ...stands, ...now });
    switch (event.$typeName) {
      case 'vitae.registry.v1.ModelCardDrafted':
      case 'vitae.registry.v1.ModelCardRevised': {
        const importedFrom = event.$typeName === 'vitae.registry.v1.ModelCardRevised' ? event.importedFrom : '';
        await em.upsert(ModelCardRevisionRow, { modelVersionId, cardRevision, projectId, content: contentFrom(event.content), importedFrom, writtenBy: event.writtenBy, writtenAt: at, publishedAt: null, supersededAt: null });
        await put({ stage: 'draft', cardRevision, reviewer: null, returnedBecause: null });
        break;
      }
      case 'vitae.registry.v1.ModelCardSubmittedForReview':
        await put({ stage: 'in-review', cardRevision, reviewer: null, returnedBecause: null });
        break;
      case 'vitae.registry.v1.ModelCardApproved':
        await put({ stage: 'approved', cardRevision, reviewer: event.reviewer });
        break;
      case 'vitae.registry.v1.ModelCardReturned':
        await put({ stage: 'draft', cardRevision, reviewer: event.reviewer, returnedBecause: event.reason });
        break;
      case 'vitae.registry.v1.ModelCardPublished':
        await em.nativeUpdate(ModelCardRevisionRow, { modelVersionId, cardRevision }, { publishedAt: at });
        await put({ stage: 'published', cardRevision, published: cardRevision });
        break;
      case 'vitae.registry.v1.ModelCardSuperseded':
        await em.nativeUpdate(ModelCardRevisionRow, { modelVersionId, cardRevision }, { supersededAt: at });
        await put({ stage: 'published', cardRevision: event.byCardRevision });
        break;
    }
    await em.flush();
  }
}

export interface ModelCardShown extends ModelCardRow {
  readonly content: CardContent;
}

/** Questions about cards, each within one project. */
@Injectable()
export class ModelCards {
  constructor(private readonly em: EntityManager) {}

  /** Where the card stands, with its newest revision or the published one. */
  async of(projectId: string, modelVersionId: string, which: 'newest' | 'published'): Promise<ModelCardShown | undefined> {
    const em = this.em.fork();
    const card = await em.findOne(ModelCardRow, { projectId, modelVersionId });
    const revision = card && (await em.findOne(ModelCardRevisionRow, { modelVersionId, cardRevision: which === 'newest' ? card.cardRevision : card.published }));
    return revision ? { ...card, content: revision.content } : undefined;
  }

  async exists(projectId: string, modelVersionId: string): Promise<boolean> {
    return (await this.em.fork().count(ModelCardRow, { projectId, modelVersionId })) > 0;
  }

  /** One more than the page holds, newest first; those with a number below `before`. */
  revisions(projectId: string, modelVersionId: string, { limit, before }: { readonly limit: number; readonly before?: number | undefined }): Promise<ModelCardRevisionRow[]> {
    return this.em.fork().find(ModelCardRevisionRow, { projectId, modelVersionId, ...(before === undefined ? {} : { cardRevision: { $lt: before } }) }, { orderBy: { cardRevision: 'desc' }, limit: limit + 1 });
  }
}
