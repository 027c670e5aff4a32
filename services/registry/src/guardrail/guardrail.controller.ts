import { Body, Controller, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { aggregateId } from '@vitae/event-store';
import { changed, type CommandContext, Context, created, etag, Needs, type Page, pageOf, type PageQuery, pageQuery, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import type { Handled } from '@vitae/event-store';
import { text } from '../request.ts';
import { ForGuardrail, type RevisionOrder } from '../revised/revised.handler.ts';
import { RevisedThings, type RevisedShown } from '../revised/revised.view.ts';
import { revisedNotFound, revisionNotFound } from '../revised/revision.ts';
import type { GuardrailContent, GuardrailEvent } from './guardrail.ts';
import { NewGuardrail, NewGuardrailContent } from './new-guardrail.ts';

const End = z.strictObject({ reason: text(5000).min(1) });
const uuid = z.uuid();
const revisionNumber = z.coerce.number().int().min(1).max(2 ** 31 - 1);

/** Guardrail policies: what is checked of what passes through an AI system. */
@ApiTags('guardrails')
@Controller('v1/projects/:projectId/guardrails')
@Needs('registry.read')
export class GuardrailController {
  constructor(
    private readonly commands: CommandBus,
    private readonly things: RevisedThings,
  ) {}

  @Post()
  @Needs('component.write')
  async draft(@Context() context: CommandContext, @Body({ schema: NewGuardrail }) { name, ...content }: z.infer<typeof NewGuardrail>, @Res({ passthrough: true }) res: Response) {
    return this.#drafted(await this.commands.execute(new ForGuardrail(uuidv7(), { type: 'Draft', name, content: content }, context)), context, res);
  }

  @Get()
  async list(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: pageQuery }) query: PageQuery): Promise<Page<RevisedShown>> {
    return pageOf(await this.things.page('guardrail', project, query), query.limit);
  }

  @Get(':id')
  async byId(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: uuid }) id: string, @Res({ passthrough: true }) res: Response): Promise<RevisedShown> {
    const shown = await this.#mustFind(project, id);
    res.set('ETag', etag(shown.revision));
    return shown;
  }

  @Get(':id/revisions/:number')
  async revision(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: uuid }) id: string, @Param('number', { schema: revisionNumber }) number: number) {
    const { name } = await this.#mustFind(project, id);
    const shown = await this.things.revision<GuardrailContent>('guardrail', project, id, number);
    if (!shown) throw revisionNotFound('guardrail', name, number);
    return { id, name, ...shown };
  }

  /** Writes the open draft anew, or begins the next revision. */
  @Put(':id/draft')
  @Needs('component.write')
  redraft(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Body({ schema: NewGuardrailContent }) content: z.infer<typeof NewGuardrailContent>, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'Redraft', content: content }, context, res);
  }

  /** From here on the newest revision never changes. */
  @Post(':id/publication')
  @Needs('component.publish')
  @HttpCode(200)
  publish(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'Publish' }, context, res);
  }

  @Put(':id/revisions/:number/deprecation')
  @Needs('component.publish')
  deprecate(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Param('number', { schema: revisionNumber }) number: number, @Body({ schema: End }) { reason }: z.infer<typeof End>, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'Deprecate', number, reason }, context, res);
  }

  @Put(':id/revisions/:number/retirement')
  @Needs('component.publish')
  retire(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Param('number', { schema: revisionNumber }) number: number, @Body({ schema: End }) { reason }: z.infer<typeof End>, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'Retire', number, reason }, context, res);
  }

  async #change(id: string, order: RevisionOrder<GuardrailContent>, context: CommandContext, res: Response) {
    await this.#mustFind(context.projectId, id);
    const handled = await this.commands.execute(new ForGuardrail(id, order, context));
    return changed(res, handled, await this.#newest(context.projectId, id));
  }

  async #drafted(handled: Handled<GuardrailEvent>, context: CommandContext, res: Response) {
    const id = aggregateId(handled.stream);
    return created(res, handled, `/v1/projects/${context.projectId}/guardrails/${id}`, await this.#newest(context.projectId, id));
  }

  async #newest(project: string, id: string) {
    const { name, revisions: [newest] } = await this.#mustFind(project, id);
    return { id, name, number: newest?.number ?? 0, state: newest?.state ?? 'draft', digest: newest?.digest ?? '' };
  }

  async #mustFind(project: string, id: string): Promise<RevisedShown> {
    const shown = await this.things.byId('guardrail', project, id);
    if (!shown) throw revisedNotFound('guardrail', id);
    return shown;
  }
}
