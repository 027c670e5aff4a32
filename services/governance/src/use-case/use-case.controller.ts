import { EntityManager } from '@mikro-orm/postgresql';
import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { aggregateId } from '@vitae/event-store';
import { because, changed, type CommandContext, Context, created, etag, Needs, type PageQuery, pageQuery, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { v7 as uuid } from 'uuid';
import { z } from 'zod';
import { aiActClasses, directions, riskTiers } from './use-case-names.ts';
import { noSuchUseCase } from './use-case.ts';
import { ForUseCase, type UseCaseOrder } from './use-case.handler.ts';
import { useCaseById, useCases } from './use-cases.view.ts';

const text = z.string().trim().min(1).max(10_000);
const draftBody = z.strictObject({
  title: text.max(200),
  objective: text,
  kpis: z.array(z.strictObject({ name: text, unit: z.string().max(50).default(''), baseline: z.number(), target: z.number() })).min(1).max(50),
  owner: text.max(200),
  dataAvailability: text,
  resources: z.string().max(10_000).default(''),
  purpose: text.max(200).describe('What the data must allow, for example credit-scoring'),
  riskTier: z.enum(riskTiers.names),
  aiActClass: z.enum(aiActClasses.names),
  requiredMetrics: z
    .array(z.strictObject({ name: text.max(200), direction: z.enum(directions.names), threshold: z.number() }))
    .min(1, 'name at least one metric: without one no version can pass the gate to production')
    .max(50)
    .refine((metrics) => new Set(metrics.map(({ name }) => name)).size === metrics.length, 'each metric may be named once'),
});
const id = z.uuid();

/** Business cases: drafted, submitted, approved by somebody else. */
@ApiTags('use cases')
@Controller('v1/projects/:projectId/use-cases')
@Needs('governance.read')
export class UseCaseController {
  constructor(
    private readonly bus: CommandBus,
    private readonly em: EntityManager,
  ) {}

  @Post()
  @Needs('use-case.draft')
  async draft(@Body({ schema: draftBody }) body: z.infer<typeof draftBody>, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    const order: UseCaseOrder = {
      type: 'draft',
      draft: {
        ...body,
        riskTier: riskTiers.valueOf(body.riskTier),
        aiActClass: aiActClasses.valueOf(body.aiActClass),
        requiredMetrics: body.requiredMetrics.map((metric) => ({ ...metric, direction: directions.valueOf(metric.direction) })),
      },
    };
    const handled = await this.bus.execute(new ForUseCase(uuid(), order, because(context, `drafted: ${body.objective}`)));
    const useCaseId = aggregateId(handled.stream);
    return created(res, handled, `/v1/projects/${context.projectId}/use-cases/${useCaseId}`, { id: useCaseId, state: 'draft' });
  }

  @Post(':id/submission')
  @Needs('use-case.draft')
  @HttpCode(200)
  submit(@Param('id', { schema: id }) useCaseId: string, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    return this.#change(useCaseId, 'submit', 'submitted', because(context, 'submitted for approval'), res);
  }

  @Post(':id/approval')
  @Needs('use-case.decide')
  @HttpCode(200)
  approve(@Param('id', { schema: id }) useCaseId: string, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    return this.#change(useCaseId, 'approve', 'approved', because(context, 'approved by somebody other than its author'), res);
  }

  /** The reason (header Vitae-Reason) is required. */
  @Post(':id/rejection')
  @Needs('use-case.decide')
  @HttpCode(200)
  reject(@Param('id', { schema: id }) useCaseId: string, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    return this.#change(useCaseId, 'reject', 'rejected', context, res);
  }

  @Get()
  list(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: pageQuery }) page: PageQuery) {
    return useCases(this.em, project, page);
  }

  @Get(':id')
  async read(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: id }) useCaseId: string, @Res({ passthrough: true }) res: Response) {
    const row = await useCaseById(this.em, project, useCaseId);
    if (!row) throw noSuchUseCase(useCaseId);
    res.set('ETag', etag(row.revision));
    return row;
  }

  async #change(useCaseId: string, type: 'submit' | 'approve' | 'reject', state: string, context: CommandContext, res: Response) {
    const handled = await this.bus.execute(new ForUseCase(useCaseId, { type }, context));
    return changed(res, handled, { id: useCaseId, state });
  }
}
