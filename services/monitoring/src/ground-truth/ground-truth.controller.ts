import { EntityManager } from '@mikro-orm/postgresql';
import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { caughtUp, Consumers, Context, Needs, type CommandContext } from '@vitae/service-kit';
import { z } from 'zod';
import { usableId } from '../inference/oip-rows.ts';
import { endpointOf } from '../lifecycle/endpoints.view.ts';
import { GroundTruthHandler } from './ground-truth.handler.ts';

const GroundTruth = z.strictObject({
  endpointId: z.uuid(),
  labels: z
    .array(
      z.strictObject({
        requestId: z.string().regex(usableId, 'expected 1 to 256 characters without control characters').describe('The X-Request-Id of the inference request, or its id where it had none.'),
        labels: z.array(z.literal([0, 1])).min(1).max(10_000).describe('One for each row of the request, in its order.'),
      }),
    )
    .min(1)
    .max(5_000),
});

@ApiTags('ground truth')
@Controller('v1/projects/:projectId/ground-truth')
@Needs('ground-truth.report')
export class GroundTruthController {
  constructor(
    private readonly em: EntityManager,
    private readonly truth: GroundTruthHandler,
    private readonly consumers: Consumers,
  ) {}

  /** Tells what really was the case. Labels that come before their prediction are kept and counted when that arrives. */
  @Post()
  @HttpCode(202)
  async give(@Body({ schema: GroundTruth }) body: z.infer<typeof GroundTruth>, @Context() context: CommandContext): Promise<{ accepted: number; unknown: number }> {
    // First everything that deployment said until now: a row is evidence about the step in which it was served.
    await caughtUp(this.consumers);
    await endpointOf(this.em, context.projectId, body.endpointId);
    return this.truth.give(body.endpointId, body.labels, context);
  }
}
