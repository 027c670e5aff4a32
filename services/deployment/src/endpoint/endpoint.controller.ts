import { EntityManager } from '@mikro-orm/postgresql';
import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { aggregateId } from '@vitae/event-store';
import { because, type CommandContext, Context, created, etag, Needs, type PageQuery, pageQuery, Problem, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { v7 as uuid } from 'uuid';
import { z } from 'zod';
import { addressName } from '../environment/environment.controller.ts';
import { latestRolloutOf } from '../rollout/rollouts.view.ts';
import { ForEndpoint } from './endpoint.handler.ts';
import { noSuchEndpoint } from './endpoint.ts';
import { endpointById, endpoints, variantsOf, type VariantRow } from './endpoints.view.ts';
import { Reconciler } from './reconcile.worker.ts';

const endpointBody = z.strictObject({ name: addressName.describe('Also the model name under which the runtime serves it'), environment: addressName, modelId: z.uuid() });
const variantBody = z.strictObject({ modelVersionId: z.uuid(), permitId: z.uuid().optional().describe('Needed in environments of class production') });
const id = z.uuid();

/** Stable addresses, and what serves behind them. */
@ApiTags('endpoints')
@Controller('v1/projects/:projectId/endpoints')
@Needs('deployment.read')
export class EndpointController {
  constructor(
    private readonly bus: CommandBus,
    private readonly em: EntityManager,
    private readonly reconciler: Reconciler,
  ) {}

  @Post()
  @Needs('endpoint.create')
  async create(@Body({ schema: endpointBody }) body: z.infer<typeof endpointBody>, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    const reason = because(context, `endpoint ${body.name} created in ${body.environment}`);
    const handled = await this.bus.execute(new ForEndpoint(uuid(), { type: 'create', ...body }, reason));
    const endpointId = aggregateId(handled.stream);
    return created(res, handled, `/v1/projects/${context.projectId}/endpoints/${endpointId}`, { id: endpointId, ...body });
  }

  @Get()
  list(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: pageQuery }) page: PageQuery) {
    return endpoints(this.em, project, page);
  }

  /** What is wished for, what is in force, and what the runtime said last. */
  @Get(':id')
  async read(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: id }) endpointId: string, @Res({ passthrough: true }) res: Response) {
    const row = await endpointById(this.em, project, endpointId);
    if (!row) throw noSuchEndpoint(endpointId);
    const variants = (await variantsOf(this.em, endpointId)).filter(({ state }) => state !== 'removed');
    const rollout = await latestRolloutOf(this.em, endpointId);
    const observed = this.reconciler.lastSeen(row.name);
    const { name, environmentId, environment, modelId, createdAt, revision } = row;
    res.set('ETag', etag(revision));
    return {
      id: endpointId, name, environmentId, environment, modelId, createdAt, revision,
      variants: variants.map(shown),
      weights: variants.filter(({ weight }) => weight > 0).map(({ id: variantId, modelVersionId, version, weight }) => ({ variantId, modelVersionId, version, weight })),
      ...(rollout ? { rollout: { id: rollout.id, state: rollout.state, step: rollout.step, weight: rollout.weight } } : {}),
      ...(observed ? { observed } : {}),
    };
  }

  @Post(':id/variants')
  @Needs('rollout.start')
  async deploy(@Param('id', { schema: id }) endpointId: string, @Body({ schema: variantBody }) body: z.infer<typeof variantBody>, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    const { modelVersionId, permitId } = body;
    const handled = await this.bus.execute(new ForEndpoint(endpointId, { type: 'deploy', variantId: uuid(), modelVersionId, permitId }, context));
    const deployed = handled.events.map(({ event }) => event).find((event) => event.$typeName === 'vitae.deployment.v1.VariantDeployed');
    const { variantId = '', version } = deployed?.variant ?? {};
    return created(res, handled, `/v1/projects/${context.projectId}/endpoints/${endpointId}/variants/${variantId}`, { id: variantId, variantId, endpointId, modelVersionId, version, state: 'deploying' });
  }

  @Get(':id/variants/:variantId')
  async variant(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: id }) endpointId: string, @Param('variantId', { schema: id }) variantId: string) {
    if (!(await endpointById(this.em, project, endpointId))) throw noSuchEndpoint(endpointId);
    const row = (await variantsOf(this.em, endpointId)).find((variant) => variant.id === variantId);
    if (!row) throw new Problem(404, 'variant-not-found', 'Variant not found', `There is no variant ${variantId} at endpoint ${endpointId}. GET …/endpoints/${endpointId} lists its variants.`);
    return shown(row);
  }
}

const shown = ({ id: variantId, modelVersionId, version, artefactDigest, state, reason, weight, leaving, permitId, decisionId, deployedAt }: VariantRow) => ({
  id: variantId, variantId, modelVersionId, version, artefactDigest, state, weight, leaving, deployedAt,
  ...(reason === null ? {} : { reason }),
  ...(permitId === null ? {} : { permitId, decisionId }),
});
