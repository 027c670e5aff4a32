import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { aggregateId } from '@vitae/event-store';
import { changed, type CommandContext, Context, created, etag, Needs, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { digest } from '../artefact/artefact.ts';
import { artefactPath, clashingPaths, MOST_FILES } from '../artefact/artefact-path.ts';
import { modelDeleted, modelNotFound } from '../model/model.ts';
import { Models } from '../model/models.view.ts';
import { deletedQuery, names, searchQuery, text, type SearchQuery } from '../request.ts';
import { newTags, tagKey, tagValue } from '../tags.ts';
import { ForRegisteredModelVersion, type ModelVersionOrder } from './model-version-change.handler.ts';
import { ForModelVersion } from './model-version.handler.ts';
import { newDerivations } from './new-derivation.ts';
import { modelVersionDeleted, modelVersionNotFound } from './model-version-refusal.ts';
import type { ModelVersionShown } from './shown-version.view.ts';
import { ModelVersions } from './versions.view.ts';

/**
 * `digest` and `path` are those of the file that is opened as the model; `files` are all others but the signature, a
 * bundle of OpenSSF Model Signing that was uploaded like them.
 */
const ArtefactDeclaration = z
  .strictObject({
    digest,
    path: artefactPath,
    format: z.literal('onnx'),
    files: z
      .array(z.strictObject({ path: artefactPath, digest }))
      .max(MOST_FILES - 1)
      .default([]),
    signature: z.strictObject({ digest, path: artefactPath.optional() }).optional(),
  })
  .check(({ value, issues }) => {
    const others = [...value.files.map(({ path }) => path), ...(value.signature?.path === undefined ? [] : [value.signature.path])];
    for (const { index, problem } of clashingPaths([value.path, ...others])) {
      issues.push({ code: 'custom', message: problem, input: value, path: index > value.files.length ? ['signature', 'path'] : ['files', index - 1, 'path'] });
    }
  });

const NewModelVersion = z.strictObject({
  artefact: ArtefactDeclaration,
  datasetVersionId: z.uuid(),
  source: z.strictObject({ repository: text(500).min(1), commit: z.string().regex(/^[0-9a-f]{7,64}$/, 'A commit is 7 to 64 lower-case hexadecimal digits.') }),
  trainingMetrics: z
    .record(z.string().min(1).max(128), z.number())
    .refine((metrics) => Object.keys(metrics).length <= 64, 'At most 64 metrics.')
    .default({}),
  contributors: names(64).default([]),
  description: text(5000).default(''),
  artefactSource: text(2000).default(''),
  runId: text(500).default(''),
  runLink: text(2000).default(''),
  derivedFrom: newDerivations,
  tags: newTags.default([]),
});
const NewDescription = z.strictObject({ description: text(5000) });
const NewTag = z.strictObject({ value: tagValue });
const NewDeprecation = z.strictObject({ reason: text(5000).min(1), successorModelVersionId: z.uuid().optional() });
const uuid = z.uuid();

@ApiTags('model versions')
@Controller('v1/projects/:projectId')
@Needs('registry.read')
export class ModelVersionController {
  constructor(
    private readonly commands: CommandBus,
    private readonly models: Models,
    private readonly versions: ModelVersions,
  ) {}

  @Post('models/:modelId/versions')
  @Needs('model.register')
  async register(
    @Context() context: CommandContext,
    @Param('modelId', { schema: z.uuid() }) modelId: string,
    @Body({ schema: NewModelVersion }) body: z.infer<typeof NewModelVersion>,
    @Res({ passthrough: true }) res: Response,
  ) {
    const handled = await this.commands.execute(new ForModelVersion({ ...body, modelVersionId: uuidv7(), modelId }, context));
    const { id, version, artefactDigest, inputs, outputs, contributors } = await this.#mustFind(context.projectId, aggregateId(handled.stream), 'show');
    return created(res, handled, `/v1/projects/${context.projectId}/model-versions/${id}`, { id, modelId, version, artefactDigest, inputs, outputs, contributors });
  }

  @Get('models/:modelId/versions')
  async ofModel(@Param('projectId', { schema: projectId }) project: string, @Param('modelId', { schema: uuid }) modelId: string, @Query({ schema: searchQuery }) query: SearchQuery) {
    const model = await this.models.byId(project, modelId, 'show');
    if (!model) throw modelNotFound(modelId);
    if (model.deletedAt !== null && query.deleted === 'hide') throw modelDeleted(model.name);
    return this.versions.search(project, query, modelId);
  }

  @Get('model-versions')
  search(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: searchQuery }) query: SearchQuery) {
    return this.versions.search(project, query);
  }

  @Get('model-versions/:id')
  async byId(
    @Param('projectId', { schema: projectId }) project: string,
    @Param('id', { schema: uuid }) id: string,
    @Query({ schema: deletedQuery }) { deleted }: z.infer<typeof deletedQuery>,
    @Res({ passthrough: true }) res: Response,
  ): Promise<ModelVersionShown> {
    const row = await this.#mustFind(project, id, deleted);
    res.set('ETag', etag(row.revision));
    return row;
  }

  @Put('model-versions/:id/description')
  @Needs('model.change')
  describe(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Body({ schema: NewDescription }) body: z.infer<typeof NewDescription>, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'DescribeModelVersion', ...body }, context, res, body);
  }

  @Put('model-versions/:id/tags/:key')
  @Needs('model.change')
  tag(
    @Context() context: CommandContext,
    @Param('id', { schema: uuid }) id: string,
    @Param('key', { schema: tagKey }) key: string,
    @Body({ schema: NewTag }) body: z.infer<typeof NewTag>,
    @Res({ passthrough: true }) res: Response,
  ) {
    return this.#change(id, { type: 'TagModelVersion', key, ...body }, context, res, { key, ...body });
  }

  @Delete('model-versions/:id/tags/:key')
  @Needs('model.change')
  removeTag(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Param('key', { schema: tagKey }) key: string, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'RemoveModelVersionTag', key }, context, res, { key });
  }

  @Put('model-versions/:id/deprecation')
  @Needs('model.change')
  deprecate(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Body({ schema: NewDeprecation }) body: z.infer<typeof NewDeprecation>, @Res({ passthrough: true }) res: Response) {
    const { reason, successorModelVersionId = '' } = body;
    return this.#change(id, { type: 'DeprecateModelVersion', reason, successorModelVersionId }, context, res, { state: 'deprecated' });
  }

  @Delete('model-versions/:id/deprecation')
  @Needs('model.change')
  liftDeprecation(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'LiftModelVersionDeprecation' }, context, res, {});
  }

  @Delete('model-versions/:id')
  @Needs('model.delete')
  delete(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'DeleteModelVersion' }, context, res, { deleted: true });
  }

  @Post('model-versions/:id/restoration')
  @Needs('model.delete')
  @HttpCode(200)
  restore(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'RestoreModelVersion' }, context, res, { deleted: false });
  }

  /** Its bytes are removed within moments: once the ledger has given the event its index. */
  @Post('model-versions/:id/purge')
  @Needs('model.purge')
  @HttpCode(200)
  purge(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'PurgeModelVersion' }, context, res, { state: 'purged' });
  }

  async #change<Body extends object>(id: string, order: ModelVersionOrder, context: CommandContext, res: Response, body: Body) {
    return changed(res, await this.commands.execute(new ForRegisteredModelVersion(id, order, context)), { id, ...body });
  }

  async #mustFind(project: string, id: string, deleted: 'hide' | 'show'): Promise<ModelVersionShown> {
    const row = await this.versions.byId(project, id, 'show');
    if (!row) throw modelVersionNotFound(id);
    if (row.deletedAt !== null && deleted === 'hide') throw modelVersionDeleted(row.version);
    return row;
  }
}
