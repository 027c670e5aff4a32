import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { aggregateId } from '@vitae/event-store';
import { changed, type CommandContext, Context, created, etag, Needs, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { deletedQuery, name, searchQuery, text, type SearchQuery } from '../request.ts';
import { newTags, tagKey, tagValue } from '../tags.ts';
import { ForModel, type ModelChange } from './model.handler.ts';
import { modelDeleted, modelNotFound } from './model.ts';
import { Models, type ModelShown } from './models.view.ts';

const NewModel = z.strictObject({
  name,
  description: text(5000).default(''),
  task: text(100).min(1),
  useCaseId: z.uuid(),
  tags: newTags.default([]),
});
const NewName = z.strictObject({ name });
const NewDescription = z.strictObject({ description: text(5000) });
const NewPurpose = z.strictObject({ task: text(100).min(1), useCaseId: z.uuid() });
const NewTag = z.strictObject({ value: tagValue });
const NewDeprecation = z.strictObject({ reason: text(5000).min(1), successorModelId: z.uuid().optional() });
const id = z.uuid();

@ApiTags('models')
@Controller('v1/projects/:projectId/models')
@Needs('registry.read')
export class ModelController {
  constructor(
    private readonly commands: CommandBus,
    private readonly models: Models,
  ) {}

  @Post()
  @Needs('model.register')
  async register(@Context() context: CommandContext, @Body({ schema: NewModel }) body: z.infer<typeof NewModel>, @Res({ passthrough: true }) res: Response) {
    const modelId = uuidv7();
    const handled = await this.commands.execute(new ForModel(modelId, { type: 'RegisterModel', modelId, ...body }, context));
    const shown = await this.#mustFind(context.projectId, aggregateId(handled.stream), 'show');
    const { name: known, description, task, useCaseId, tags } = shown;
    return created(res, handled, `/v1/projects/${context.projectId}/models/${shown.id}`, { id: shown.id, name: known, description, task, useCaseId, tags });
  }

  @Get()
  search(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: searchQuery }) query: SearchQuery) {
    return this.models.search(project, query);
  }

  @Get(':modelId')
  async byId(
    @Param('projectId', { schema: projectId }) project: string,
    @Param('modelId', { schema: id }) modelId: string,
    @Query({ schema: deletedQuery }) { deleted }: z.infer<typeof deletedQuery>,
    @Res({ passthrough: true }) res: Response,
  ): Promise<ModelShown> {
    const row = await this.#mustFind(project, modelId, deleted);
    res.set('ETag', etag(row.revision));
    return row;
  }

  @Put(':modelId/name')
  @Needs('model.change')
  rename(@Context() context: CommandContext, @Param('modelId', { schema: id }) modelId: string, @Body({ schema: NewName }) body: z.infer<typeof NewName>, @Res({ passthrough: true }) res: Response) {
    return this.#change(modelId, { type: 'RenameModel', ...body }, context, res, body);
  }

  @Put(':modelId/description')
  @Needs('model.change')
  describe(@Context() context: CommandContext, @Param('modelId', { schema: id }) modelId: string, @Body({ schema: NewDescription }) body: z.infer<typeof NewDescription>, @Res({ passthrough: true }) res: Response) {
    return this.#change(modelId, { type: 'DescribeModel', ...body }, context, res, body);
  }

  /** For a model that was registered without a use case, as MLflow's clients do. */
  @Put(':modelId/purpose')
  @Needs('model.register')
  statePurpose(@Context() context: CommandContext, @Param('modelId', { schema: id }) modelId: string, @Body({ schema: NewPurpose }) body: z.infer<typeof NewPurpose>, @Res({ passthrough: true }) res: Response) {
    return this.#change(modelId, { type: 'StatePurpose', ...body }, context, res, body);
  }

  @Put(':modelId/tags/:key')
  @Needs('model.change')
  tag(
    @Context() context: CommandContext,
    @Param('modelId', { schema: id }) modelId: string,
    @Param('key', { schema: tagKey }) key: string,
    @Body({ schema: NewTag }) body: z.infer<typeof NewTag>,
    @Res({ passthrough: true }) res: Response,
  ) {
    return this.#change(modelId, { type: 'TagModel', key, ...body }, context, res, { key, ...body });
  }

  @Delete(':modelId/tags/:key')
  @Needs('model.change')
  removeTag(@Context() context: CommandContext, @Param('modelId', { schema: id }) modelId: string, @Param('key', { schema: tagKey }) key: string, @Res({ passthrough: true }) res: Response) {
    return this.#change(modelId, { type: 'RemoveModelTag', key }, context, res, { key });
  }

  @Put(':modelId/deprecation')
  @Needs('model.change')
  deprecate(@Context() context: CommandContext, @Param('modelId', { schema: id }) modelId: string, @Body({ schema: NewDeprecation }) body: z.infer<typeof NewDeprecation>, @Res({ passthrough: true }) res: Response) {
    return this.#change(modelId, { type: 'DeprecateModel', reason: body.reason, successorModelId: body.successorModelId ?? '' }, context, res, { state: 'deprecated' });
  }

  @Delete(':modelId/deprecation')
  @Needs('model.change')
  liftDeprecation(@Context() context: CommandContext, @Param('modelId', { schema: id }) modelId: string, @Res({ passthrough: true }) res: Response) {
    return this.#change(modelId, { type: 'LiftModelDeprecation' }, context, res, { state: 'active' });
  }

  @Delete(':modelId')
  @Needs('model.delete')
  delete(@Context() context: CommandContext, @Param('modelId', { schema: id }) modelId: string, @Res({ passthrough: true }) res: Response) {
    return this.#change(modelId, { type: 'DeleteModel' }, context, res, { deleted: true });
  }

  @Post(':modelId/restoration')
  @Needs('model.delete')
  @HttpCode(200)
  restore(@Context() context: CommandContext, @Param('modelId', { schema: id }) modelId: string, @Res({ passthrough: true }) res: Response) {
    return this.#change(modelId, { type: 'RestoreModel' }, context, res, { deleted: false });
  }

  async #change<Body extends object>(modelId: string, change: ModelChange, context: CommandContext, res: Response, body: Body) {
    const handled = await this.commands.execute(new ForModel(modelId, change, context));
    return changed(res, handled, { id: modelId, ...body });
  }

  async #mustFind(project: string, modelId: string, deleted: 'hide' | 'show'): Promise<ModelShown> {
    const row = await this.models.byId(project, modelId, 'show');
    if (!row) throw modelNotFound(modelId);
    if (row.deletedAt !== null && deleted === 'hide') throw modelDeleted(row.name);
    return row;
  }
}
