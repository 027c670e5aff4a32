import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { aggregateId } from '@vitae/event-store';
import { type CommandContext, Context, created, etag, pageOf, type PageQuery, pageQuery, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { modelVersionNotFound } from '../model-version/model-version-refusal.ts';
import { ModelVersions } from '../model-version/versions.view.ts';
import { evaluationNotFound } from './evaluation.ts';
import { ForEvaluation } from './evaluation.handler.ts';
import { Evaluations, type EvaluationRow } from './evaluations.view.ts';

const NewEvaluation = z.strictObject({
  datasetVersionId: z.uuid(),
  split: z.string().max(128).default(''),
  compareWith: z.uuid().optional(),
});

@Controller('v1/projects/:projectId')
export class EvaluationController {
  constructor(
    private readonly commands: CommandBus,
    private readonly versions: ModelVersions,
    private readonly evaluations: Evaluations,
  ) {}

  @Post('model-versions/:id/evaluations')
  async run(
    @Context() context: CommandContext,
    @Param('id', { schema: z.uuid() }) modelVersionId: string,
    @Body({ schema: NewEvaluation }) body: z.infer<typeof NewEvaluation>,
    @Res({ passthrough: true }) res: Response,
  ) {
    const handled = await this.commands.execute(new ForEvaluation({ ...body, evaluationId: uuidv7(), modelVersionId }, context));
    const { id, metrics, groups, comparison, rowCount } = await this.#mustFind(context.projectId, aggregateId(handled.stream));
    return created(res, handled, `/v1/projects/${context.projectId}/evaluations/${id}`, { id, metrics, groups, ...(comparison ? { comparison } : {}), rowCount });
  }

  @Get('model-versions/:id/evaluations')
  async list(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: z.uuid() }) modelVersionId: string, @Query({ schema: pageQuery }) query: PageQuery) {
    if (!(await this.versions.byId(project, modelVersionId))) throw modelVersionNotFound(modelVersionId);
    return pageOf<EvaluationRow>(await this.evaluations.page(project, modelVersionId, query), query.limit);
  }

  @Get('evaluations/:id')
  async byId(
    @Param('projectId', { schema: projectId }) project: string,
    @Param('id', { schema: z.uuid() }) id: string,
    @Res({ passthrough: true }) res: Response,
  ): Promise<EvaluationRow> {
    const row = await this.#mustFind(project, id);
    res.set('ETag', etag(row.revision));
    return row;
  }

  async #mustFind(project: string, id: string): Promise<EvaluationRow> {
    const row = await this.evaluations.byId(project, id);
    if (!row) throw evaluationNotFound(id);
    return row;
  }
}
