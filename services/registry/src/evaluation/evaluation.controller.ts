import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { aggregateId } from '@vitae/event-store';
import { changed, type CommandContext, Context, created, etag, Needs, pageOf, pageQuery, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { modelVersionNotFound } from '../model-version/model-version-refusal.ts';
import { ModelVersions } from '../model-version/versions.view.ts';
import { text } from '../request.ts';
import { ForEvaluationInvalidation } from './evaluation-invalidation.handler.ts';
import { ForEvaluationReport } from './evaluation-report.handler.ts';
import { evaluationNotFound, INVALIDATION_CAUSES } from './evaluation.ts';
import { ForEvaluation } from './evaluation.handler.ts';
import { Evaluations, type EvaluationRow } from './evaluations.view.ts';
import { NewReport } from './new-report.ts';

const suite = { suiteId: z.uuid().optional(), revision: z.int32().min(1).optional().describe("The suite's; without it the newest that is published.") };
const NewEvaluation = z
  .strictObject({ datasetVersionId: z.uuid().optional(), split: z.string().max(128).optional(), compareWith: z.uuid().optional(), ...suite })
  .refine(({ datasetVersionId, suiteId }) => datasetVersionId !== undefined || suiteId !== undefined, 'Say in datasetVersionId on which data, or in suiteId by which suite.')
  .refine(({ suiteId, revision }) => suiteId !== undefined || revision === undefined, 'A revision is one of a suite: name it in suiteId.');
const Invalidation = z.strictObject({ cause: z.enum(INVALIDATION_CAUSES), reason: text(5_000).min(1) });
const listQuery = pageQuery.extend({ source: z.enum(['measured', 'reported']).optional(), invalidated: z.enum(['show', 'hide']).default('show') });
const uuid = z.uuid();

@ApiTags('evaluations')
@Controller('v1/projects/:projectId')
@Needs('registry.read')
export class EvaluationController {
  constructor(
    private readonly commands: CommandBus,
    private readonly versions: ModelVersions,
    private readonly evaluations: Evaluations,
  ) {}

  @Post('model-versions/:id/evaluations')
  @Needs('evaluation.run')
  async run(@Context() context: CommandContext, @Param('id', { schema: uuid }) modelVersionId: string, @Body({ schema: NewEvaluation }) body: z.infer<typeof NewEvaluation>, @Res({ passthrough: true }) res: Response) {
    const handled = await this.commands.execute(new ForEvaluation({ ...body, evaluationId: uuidv7(), modelVersionId }, context));
    const { id, task, metrics, groups, slices, suite: judged, comparison, rowCount } = await this.#mustFind(context.projectId, aggregateId(handled.stream));
    return created(res, handled, this.#at(context, id), { id, task, metrics, groups, ...(judged ? { slices, suite: judged } : {}), ...(comparison ? { comparison } : {}), rowCount });
  }

  /** What somebody else measured. It stays apart from what Vitae measured. */
  @Post('model-versions/:id/reported-evaluations')
  @Needs('evaluation.report')
  async report(@Context() context: CommandContext, @Param('id', { schema: uuid }) modelVersionId: string, @Body({ schema: NewReport }) body: z.infer<typeof NewReport>, @Res({ passthrough: true }) res: Response) {
    const handled = await this.commands.execute(new ForEvaluationReport({ ...body, evaluationId: uuidv7(), modelVersionId }, context));
    const { id, source, suite: judged } = await this.#mustFind(context.projectId, aggregateId(handled.stream));
    return created(res, handled, this.#at(context, id), { id, source, ...(judged ? { suite: judged } : {}) });
  }

  @Get('model-versions/:id/evaluations')
  async list(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: uuid }) modelVersionId: string, @Query({ schema: listQuery }) query: z.infer<typeof listQuery>) {
    if (!(await this.versions.byId(project, modelVersionId))) throw modelVersionNotFound(modelVersionId);
    return pageOf<EvaluationRow>(await this.evaluations.page(project, modelVersionId, query), query.limit);
  }

  @Get('evaluations/:id')
  async byId(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: uuid }) id: string, @Res({ passthrough: true }) res: Response): Promise<EvaluationRow> {
    const row = await this.#mustFind(project, id);
    res.set('ETag', etag(row.revision));
    return row;
  }

  /** It stays in the history, and is evidence no more: not for gates, not in cards and exports. */
  @Post('evaluations/:id/invalidation')
  @Needs('evaluation.invalidate')
  @HttpCode(200)
  async invalidate(@Context() context: CommandContext, @Param('id', { schema: uuid }) evaluationId: string, @Body({ schema: Invalidation }) body: z.infer<typeof Invalidation>, @Res({ passthrough: true }) res: Response) {
    const handled = await this.commands.execute(new ForEvaluationInvalidation({ ...body, evaluationId }, context));
    const { id, source, invalidatedAt, invalidatedBy, invalidationCause, invalidatedBecause } = await this.#mustFind(context.projectId, evaluationId);
    return changed(res, handled, { id, source, invalidatedAt, invalidatedBy, invalidationCause, invalidatedBecause });
  }

  #at(context: CommandContext, id: string): string {
    return `/v1/projects/${context.projectId}/evaluations/${id}`;
  }

  async #mustFind(project: string, id: string): Promise<EvaluationRow> {
    const row = await this.evaluations.byId(project, id);
    if (!row) throw evaluationNotFound(id);
    return row;
  }
}
