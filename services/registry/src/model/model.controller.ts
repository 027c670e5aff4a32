import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { aggregateId } from '@vitae/event-store';
import { type CommandContext, Context, created, etag, pageOf, type PageQuery, pageQuery, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { name, text } from '../request.ts';
import { modelNotFound } from './model.ts';
import { ForModel } from './model.handler.ts';
import { Models, type ModelRow } from './models.view.ts';

const NewModel = z.strictObject({
  name,
  description: text(5000).default(''),
  task: text(100).min(1),
  useCaseId: z.uuid(),
});

@Controller('v1/projects/:projectId/models')
export class ModelController {
  constructor(
    private readonly commands: CommandBus,
    private readonly models: Models,
  ) {}

  @Post()
  async register(@Context() context: CommandContext, @Body({ schema: NewModel }) body: z.infer<typeof NewModel>, @Res({ passthrough: true }) res: Response) {
    const handled = await this.commands.execute(new ForModel({ type: 'RegisterModel', modelId: uuidv7(), ...body }, context));
    const { id, name: known, description, task, useCaseId } = await this.#mustFind(context.projectId, aggregateId(handled.stream));
    return created(res, handled, `/v1/projects/${context.projectId}/models/${id}`, { id, name: known, description, task, useCaseId });
  }

  @Get()
  async list(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: pageQuery }) query: PageQuery) {
    return pageOf<ModelRow>(await this.models.page(project, query), query.limit);
  }

  @Get(':modelId')
  async byId(
    @Param('projectId', { schema: projectId }) project: string,
    @Param('modelId', { schema: z.uuid() }) id: string,
    @Res({ passthrough: true }) res: Response,
  ): Promise<ModelRow> {
    const row = await this.#mustFind(project, id);
    res.set('ETag', etag(row.revision));
    return row;
  }

  async #mustFind(project: string, id: string): Promise<ModelRow> {
    const row = await this.models.byId(project, id);
    if (!row) throw modelNotFound(id);
    return row;
  }
}
