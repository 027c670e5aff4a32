import { EntityManager } from '@mikro-orm/postgresql';
import { Controller, Get, Param } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Consumers, Needs, projectId } from '@vitae/service-kit';
import { logEValue } from '@vitae/statistics';
import { z } from 'zod';
import { canaryOf } from './canaries.view.ts';
import { totals } from './evidence.ts';

@ApiTags('rollouts')
@Controller('v1/projects/:projectId/rollouts')
@Needs('monitoring.read')
export class CanaryController {
  constructor(
    private readonly em: EntityManager,
    private readonly consumers: Consumers,
  ) {}

  /** What labelled rows have shown about a rollout's candidate so far, and the verdicts given. */
  @Get(':rolloutId/evidence')
  async evidence(@Param('projectId', { schema: projectId }) project: string, @Param('rolloutId', { schema: z.uuid() }) rolloutId: string) {
    await this.consumers.catchUp();
    const { endpointId, state, evidence, judgements } = await canaryOf(this.em, project, rolloutId);
    const { modelId, stableVariantId, candidateVariantId, candidateModelVersionId, alpha, minimumRows } = evidence;
    const rows = ({ n, errors }: { readonly n: number; readonly errors: number }) => ({ rows: n, errors });
    const { candidate, stable } = totals(evidence);
    return {
      rolloutId,
      endpointId,
      modelId,
      stableVariantId,
      candidateVariantId,
      candidateModelVersionId,
      state,
      alpha,
      minimumRows,
      step: evidence.steps.at(-1)?.step ?? 0,
      logEValue: logEValue(evidence.test),
      /** FAIL is given when logEValue reaches this. */
      failsAt: -Math.log(alpha),
      candidate: rows(candidate),
      stable: rows(stable),
      steps: evidence.steps.map(({ step, weight, since, ...arms }) => ({ step, weight, since, candidate: rows(arms.candidate), stable: rows(arms.stable) })),
      judgements: judgements.map((judgement) => ({ ...judgement, verdict: judgement.verdict.toLowerCase(), candidate: rows(judgement.candidate), stable: rows(judgement.stable) })),
    };
  }
}
