import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { aggregateId } from '@vitae/event-store';
import { type CommandContext, Context, created, etag, Needs, pageOf, type PageQuery, pageQuery, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { modelNotFound } from '../model/model.ts';
import { Models } from '../model/models.view.ts';
import { ForVersionComparison } from './version-comparison.handler.ts';
import { comparisonNotFound } from './version-comparison.ts';
import { VersionComparisons, type VersionComparisonRow } from './version-comparisons.view.ts';

const NewComparison = z.strictObject({
  modelVersionIds: z.array(z.uuid()).min(2).max(5).describe('The first is what the others are held against.'),
  datasetVersionId: z.uuid(),
  split: z.string().max(128).default(''),
});
const uuid = z.uuid();

@ApiTags('evaluations')
@Controller('v1/projects/:projectId')
@Needs('registry.read')
export class VersionComparisonController {
  constructor(
    private readonly commands: CommandBus,
    private readonly models: Models,
    private readonly comparisons: VersionComparisons,
  ) {}

  @Post('comparisons')
  @Needs('evaluation.run')
  async compare(@Context() context: CommandContext, @Body({ schema: NewComparison }) body: z.infer<typeof NewComparison>, @Res({ passthrough: true }) res: Response) {
    const handled = await this.commands.execute(new ForVersionComparison({ ...body, comparisonId: uuidv7() }, context));
    const { id, task, rowCount, versions } = await this.#mustFind(context.projectId, aggregateId(handled.stream));
    return created(res, handled, `/v1/projects/${context.projectId}/comparisons/${id}`, { id, task, rowCount, versions });
  }

  @Get('comparisons/:id')
  async byId(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: uuid }) id: string, @Res({ passthrough: true }) res: Response): Promise<VersionComparisonRow> {
    const row = await this.#mustFind(project, id);
    res.set('ETag', etag(row.revision));
    return row;
  }

  @Get('models/:modelId/comparisons')
  async list(@Param('projectId', { schema: projectId }) project: string, @Param('modelId', { schema: uuid }) modelId: string, @Query({ schema: pageQuery }) query: PageQuery) {
    if (!(await this.models.byId(project, modelId))) throw modelNotFound(modelId);
    return pageOf<VersionComparisonRow>(await this.comparisons.page(project, modelId, query), query.limit);
  }

  async #mustFind(project: string, id: string): Promise<VersionComparisonRow> {
    const row = await this.comparisons.byId(project, id);
    if (!row) throw comparisonNotFound(id);
    return row;
  }
}
