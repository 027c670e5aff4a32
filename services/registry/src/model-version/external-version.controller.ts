import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { aggregateId, type Handled } from '@vitae/event-store';
import { type CommandContext, Context, created, Needs, type Page, pageOf, type PageQuery, pageQuery, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { Derivatives, type Derivative } from './derivations.view.ts';
import { ForModelVersionReference } from './model-version-reference.handler.ts';
import { modelVersionNotFound } from './model-version-refusal.ts';
import { NewExternalVersion, NewReference } from './new-derivation.ts';
import type { ModelVersionEvent } from './model-version-state.ts';
import type { ModelVersionShown } from './shown-version.view.ts';
import { ModelVersions } from './versions.view.ts';

const uuid = z.uuid();

/** Models that are not ours, and what was made from which version. */
@ApiTags('model versions')
@Controller('v1/projects/:projectId')
@Needs('registry.read')
export class ExternalVersionController {
  constructor(
    private readonly commands: CommandBus,
    private readonly versions: ModelVersions,
    private readonly derived: Derivatives,
  ) {}

  /** A model at its provider, or weights that lie elsewhere: a base model, an adapter, a quantisation. It never passes a gate. */
  @Post('models/:modelId/external-versions')
  @Needs('model.register')
  async register(@Context() context: CommandContext, @Param('modelId', { schema: uuid }) modelId: string, @Body({ schema: NewExternalVersion }) body: z.infer<typeof NewExternalVersion>, @Res({ passthrough: true }) res: Response) {
    const { weights, ...said } = body;
    const external = { ...said, modelVersionId: uuidv7(), modelId, ...(weights ? { weights: { ...weights, digest: weights.digest ?? '' } } : {}) };
    const handled = await this.commands.execute(new ForModelVersionReference({ is: 'external', external }, context));
    const { id, version, external: known, derivedFrom, evidenceMissing } = await this.#registered(handled, context);
    return created(res, handled, `/v1/projects/${context.projectId}/model-versions/${id}`, { id, modelId, version, external: known, derivedFrom, evidenceMissing });
  }

  /** What MLflow's clients register, for whoever has none: with it, what the version was made from can be said. */
  @Post('models/:modelId/references')
  @Needs('model.register')
  async reference(@Context() context: CommandContext, @Param('modelId', { schema: uuid }) modelId: string, @Body({ schema: NewReference }) body: z.infer<typeof NewReference>, @Res({ passthrough: true }) res: Response) {
    const reference = { ...body, modelVersionId: uuidv7(), modelId, location: body.source, copiedFromModelVersionId: '' };
    const handled = await this.commands.execute(new ForModelVersionReference({ is: 'reference', reference }, context));
    const { id, version, artefactSource, derivedFrom, evidenceMissing } = await this.#registered(handled, context);
    return created(res, handled, `/v1/projects/${context.projectId}/model-versions/${id}`, { id, modelId, version, source: artefactSource, derivedFrom, evidenceMissing });
  }

  @Get('model-versions/:id/derivatives')
  async derivatives(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: uuid }) id: string, @Query({ schema: pageQuery }) query: PageQuery): Promise<Page<Derivative>> {
    if (!(await this.versions.byId(project, id, 'show'))) throw modelVersionNotFound(id);
    return pageOf(await this.derived.page(project, id, query), query.limit);
  }

  async #registered({ stream }: Handled<ModelVersionEvent>, { projectId: project }: CommandContext): Promise<ModelVersionShown> {
    const shown = await this.versions.byId(project, aggregateId(stream), 'show');
    if (!shown) throw modelVersionNotFound(aggregateId(stream));
    return shown;
  }
}
