import { EntityManager } from '@mikro-orm/postgresql';
import { Body, Controller, Get, HttpCode, Param, Post, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { aggregateId } from '@vitae/event-store';
import { because, changed, type CommandContext, Context, created, etag, Needs, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { v7 as uuid } from 'uuid';
import { z } from 'zod';
import { ForRollout } from './rollout.handler.ts';
import { noSuchRollout } from './rollout.ts';
import { rolloutById } from './rollouts.view.ts';

const rolloutBody = z.strictObject({
  candidateVariantId: z.uuid(),
  steps: z.array(z.int().min(1).max(100)).min(1).max(20).default([10, 50, 100]).describe("The candidate's per cent at each step, rising to 100"),
  minimumRows: z.int().min(1).max(2_000_000_000).default(300).describe('Labelled rows of the candidate that a step needs before it may pass'),
  alpha: z.number().gt(0).lt(1).default(0.01).describe('Probability of rolling back a candidate that is no worse, over all looks'),
});
const id = z.uuid();

/** Changes of weights over time, judged by monitoring. */
@ApiTags('rollouts')
@Controller('v1/projects/:projectId')
@Needs('deployment.read')
export class RolloutController {
  constructor(
    private readonly bus: CommandBus,
    private readonly em: EntityManager,
  ) {}

  @Post('endpoints/:id/rollouts')
  @Needs('rollout.start')
  async start(@Param('id', { schema: id }) endpointId: string, @Body({ schema: rolloutBody }) body: z.infer<typeof rolloutBody>, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    const reason = because(context, `rollout by ${body.steps.join(', ')} % on evidence`);
    const handled = await this.bus.execute(new ForRollout(uuid(), { type: 'start', endpointId, ...body }, reason));
    const rolloutId = aggregateId(handled.stream);
    return created(res, handled, `/v1/projects/${context.projectId}/rollouts/${rolloutId}`, { id: rolloutId, rolloutId, endpointId, state: 'running', step: 0, weight: body.steps[0] });
  }

  @Get('rollouts/:id')
  async read(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: id }) rolloutId: string, @Res({ passthrough: true }) res: Response) {
    const row = await rolloutById(this.em, project, rolloutId);
    if (!row) throw noSuchRollout(rolloutId);
    const { endpointId, modelId, stableVariantId, stableModelVersionId, candidateVariantId, candidateModelVersionId, revision } = row;
    const { state, step, steps, weight, minimumRows, alpha, reason, evidence, startedAt, endedAt } = row;
    res.set('ETag', etag(revision));
    return {
      id: rolloutId, rolloutId, endpointId, modelId, stableVariantId, stableModelVersionId, candidateVariantId, candidateModelVersionId,
      state, step, steps, weight, minimumRows, alpha, evidence, startedAt, revision,
      ...(reason === null ? {} : { reason }),
      ...(endedAt === null ? {} : { endedAt }),
    };
  }

  /** The reason (header Vitae-Reason) is required. */
  @Post('rollouts/:id/rollback')
  @Needs('rollout.roll-back')
  @HttpCode(200)
  async rollBack(@Param('id', { schema: id }) rolloutId: string, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    const handled = await this.bus.execute(new ForRollout(rolloutId, { type: 'roll-back' }, context));
    return changed(res, handled, { id: rolloutId, rolloutId, state: 'rolled-back', reason: context.reason });
  }
}
