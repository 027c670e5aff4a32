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
import { ForTool, type RevisionOrder } from '../revised/revised.handler.ts';
import { RevisedThings, type RevisedShown } from '../revised/revised.view.ts';
import { revisedNotFound, revisionNotFound } from '../revised/revision.ts';
import { toolOfServer } from './mcp-server.ts';
import { NewTool, NewToolContent, ServerImport, toolOf } from './new-tool.ts';
import type { ToolContent, ToolEvent } from './tool.ts';

const End = z.strictObject({ reason: text(5000).min(1) });
const uuid = z.uuid();
const revisionNumber = z.coerce.number().int().min(1).max(2 ** 31 - 1);

/** What AI systems may call. */
@ApiTags('tools')
@Controller('v1/projects/:projectId/tools')
@Needs('registry.read')
export class ToolController {
  constructor(
    private readonly commands: CommandBus,
    private readonly things: RevisedThings,
  ) {}

  @Post()
  @Needs('component.write')
  async draft(@Context() context: CommandContext, @Body({ schema: NewTool }) { name, ...content }: z.infer<typeof NewTool>, @Res({ passthrough: true }) res: Response) {
    return this.#drafted(await this.commands.execute(new ForTool(uuidv7(), { type: 'Draft', name, content: toolOf(content) }, context)), context, res);
  }

  /** A server.json of the MCP registry: a new tool, or the next revision of the one that has its name. */
  @Post('imports')
  @Needs('component.write')
  async import(@Context() context: CommandContext, @Body({ schema: ServerImport }) { server, ...said }: z.infer<typeof ServerImport>, @Res({ passthrough: true }) res: Response) {
    const { name, content } = toolOfServer(server, said);
    const known = await this.things.byName('tool', context.projectId, name);
    return this.#drafted(await this.commands.execute(known ? new ForTool(known.id, { type: 'Redraft', content }, context) : new ForTool(uuidv7(), { type: 'Draft', name, content }, context)), context, res);
  }

  @Get()
  async list(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: pageQuery }) query: PageQuery): Promise<Page<RevisedShown>> {
    return pageOf(await this.things.page('tool', project, query), query.limit);
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
    const shown = await this.things.revision<ToolContent>('tool', project, id, number);
    if (!shown) throw revisionNotFound('tool', name, number);
    return { id, name, ...shown };
  }

  /** Writes the open draft anew, or begins the next revision. */
  @Put(':id/draft')
  @Needs('component.write')
  redraft(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Body({ schema: NewToolContent }) content: z.infer<typeof NewToolContent>, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'Redraft', content: toolOf(content) }, context, res);
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

  async #change(id: string, order: RevisionOrder<ToolContent>, context: CommandContext, res: Response) {
    await this.#mustFind(context.projectId, id);
    const handled = await this.commands.execute(new ForTool(id, order, context));
    return changed(res, handled, await this.#newest(context.projectId, id));
  }

  async #drafted(handled: Handled<ToolEvent>, context: CommandContext, res: Response) {
    const id = aggregateId(handled.stream);
    return created(res, handled, `/v1/projects/${context.projectId}/tools/${id}`, await this.#newest(context.projectId, id));
  }

  async #newest(project: string, id: string) {
    const { name, revisions: [newest] } = await this.#mustFind(project, id);
    return { id, name, number: newest?.number ?? 0, state: newest?.state ?? 'draft', digest: newest?.digest ?? '' };
  }

  async #mustFind(project: string, id: string): Promise<RevisedShown> {
    const shown = await this.things.byId('tool', project, id);
    if (!shown) throw revisedNotFound('tool', id);
    return shown;
  }
}
