import { Body, Controller, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { changed, type CommandContext, Context, created, etag, Needs, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { z } from 'zod';
import { attach, fileName } from '../exports/export.controller.ts';
import { KnownVersions } from '../exports/known-versions.view.ts';
import { modelVersionDeleted, modelVersionNotFound } from '../model-version/model-version-refusal.ts';
import { text } from '../request.ts';
import { fromHuggingFace, MOST_CARD_BYTES, toHuggingFace } from './hugging-face.ts';
import { NewCardContent } from './new-card-content.ts';
import { ForModelCard, type ModelCardOrder } from './model-card.handler.ts';
import { modelCardNotFound, modelCardNotPublished, type CardStage } from './model-card.ts';
import { ModelCards, type ModelCardShown } from './model-cards.view.ts';

const Return = z.strictObject({ reason: text(5000).min(1) });
const Import = z.strictObject({ format: z.literal('hugging-face'), text: z.string().min(1).max(MOST_CARD_BYTES) });
const which = z.strictObject({ revision: z.enum(['newest', 'published']).default('newest') });
const whichPublished = z.strictObject({ revision: z.enum(['newest', 'published']).default('published') });
const revisionsQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(50).default(20), before: z.coerce.number().int().min(1).max(2 ** 31 - 1).optional() });
const uuid = z.uuid();

@ApiTags('model cards')
@Controller('v1/projects/:projectId/model-versions/:id')
@Needs('registry.read')
export class ModelCardController {
  constructor(
    private readonly commands: CommandBus,
    private readonly cards: ModelCards,
    private readonly known: KnownVersions,
  ) {}

  /** Out of what the registry knows of the version now. */
  @Post('card')
  @Needs('card.write')
  async draft(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Res({ passthrough: true }) res: Response) {
    const handled = await this.commands.execute(new ForModelCard(id, { type: 'DraftModelCard' }, context));
    const { stage, cardRevision, content } = await this.#mustFind(context.projectId, id, 'newest');
    return created(res, handled, `/v1/projects/${context.projectId}/model-versions/${id}/card`, { modelVersionId: id, stage, cardRevision, content });
  }

  @Put('card')
  @Needs('card.write')
  revise(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Body({ schema: NewCardContent }) content: z.infer<typeof NewCardContent>, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'ReviseModelCard', content, importedFrom: '' }, context, res);
  }

  @Post('card/imports')
  @Needs('card.write')
  @HttpCode(200)
  import(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Body({ schema: Import }) { format, text: card }: z.infer<typeof Import>, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'ReviseModelCard', content: fromHuggingFace(card), importedFrom: format }, context, res);
  }

  @Post('card/submission')
  @Needs('card.write')
  @HttpCode(200)
  submit(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'SubmitModelCardForReview' }, context, res);
  }

  @Post('card/approval')
  @Needs('card.review')
  @HttpCode(200)
  approve(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'ApproveModelCard' }, context, res);
  }

  @Post('card/return')
  @Needs('card.review')
  @HttpCode(200)
  return(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Body({ schema: Return }) { reason }: z.infer<typeof Return>, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'ReturnModelCard', reason }, context, res);
  }

  @Post('card/publication')
  @Needs('card.write')
  @HttpCode(200)
  publish(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'PublishModelCard' }, context, res);
  }

  @Get('card')
  async read(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: uuid }) id: string, @Query({ schema: which }) { revision }: z.infer<typeof which>, @Res({ passthrough: true }) res: Response) {
    await this.#known(project, id);
    const card = await this.#mustFind(project, id, revision);
    res.set('ETag', etag(card.revision));
    return card;
  }

  /** Newest first; `next` is the `before` of the next page. */
  @Get('card/revisions')
  async revisions(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: uuid }) id: string, @Query({ schema: revisionsQuery }) { limit, before }: z.infer<typeof revisionsQuery>) {
    await this.#known(project, id);
    if (!(await this.cards.exists(project, id))) throw modelCardNotFound();
    const rows = await this.cards.revisions(project, id, { limit, before });
    const items = rows.slice(0, limit);
    return { items, ...(rows.length > limit ? { next: items.at(-1)?.cardRevision } : {}) };
  }

  /** As Hugging Face's README.md: what the card says, with what the registry knows by itself. */
  @Get('card.md')
  async markdown(
    @Param('projectId', { schema: projectId }) project: string,
    @Param('id', { schema: uuid }) id: string,
    @Query({ schema: whichPublished }) { revision }: z.infer<typeof whichPublished>,
    @Res({ passthrough: true }) res: Response,
  ): Promise<string> {
    const known = await this.#known(project, id);
    const { content } = await this.#mustFind(project, id, revision);
    attach(res, `${fileName(known.model.name, known.version)}.README.md`, 'text/markdown; charset=utf-8');
    return toHuggingFace(known, content);
  }

  async #change(id: string, order: ModelCardOrder, context: CommandContext, res: Response): Promise<{ modelVersionId: string; stage: CardStage; cardRevision: number }> {
    const handled = await this.commands.execute(new ForModelCard(id, order, context));
    const { stage, cardRevision } = await this.#mustFind(context.projectId, id, 'newest');
    return changed(res, handled, { modelVersionId: id, stage, cardRevision });
  }

  async #known(project: string, id: string) {
    const known = await this.known.of(project, id);
    if (!known) throw modelVersionNotFound(id);
    if (known.deletedAt !== null) throw modelVersionDeleted(known.version);
    return known;
  }

  /** @throws Refused MODEL_CARD_NOT_FOUND, MODEL_CARD_NOT_PUBLISHED. */
  async #mustFind(project: string, id: string, revision: 'newest' | 'published'): Promise<ModelCardShown> {
    const card = await this.cards.of(project, id, revision);
    if (card) return card;
    throw revision === 'published' && (await this.cards.exists(project, id)) ? modelCardNotPublished() : modelCardNotFound();
  }
}
