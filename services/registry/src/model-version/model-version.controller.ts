import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { aggregateId } from '@vitae/event-store';
import { type CommandContext, Context, created, etag, pageOf, type PageQuery, pageQuery, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { digest } from '../artefact/artefact.ts';
import { artefactPath, clashingPaths, MOST_FILES } from '../artefact/artefact-path.ts';
import { modelNotFound } from '../model/model.ts';
import { Models } from '../model/models.view.ts';
import { names, text } from '../request.ts';
import { modelVersionNotFound } from './model-version.ts';
import { ForModelVersion } from './model-version.handler.ts';
import { ModelVersions, type ModelVersionRow } from './versions.view.ts';

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
});

@Controller('v1/projects/:projectId')
export class ModelVersionController {
  constructor(
    private readonly commands: CommandBus,
    private readonly models: Models,
    private readonly versions: ModelVersions,
  ) {}

  @Post('models/:modelId/versions')
  async register(
    @Context() context: CommandContext,
    @Param('modelId', { schema: z.uuid() }) modelId: string,
    @Body({ schema: NewModelVersion }) body: z.infer<typeof NewModelVersion>,
    @Res({ passthrough: true }) res: Response,
  ) {
    const handled = await this.commands.execute(new ForModelVersion({ ...body, modelVersionId: uuidv7(), modelId }, context));
    const { id, version, artefactDigest, inputs, outputs, contributors } = await this.#mustFind(context.projectId, aggregateId(handled.stream));
    return created(res, handled, `/v1/projects/${context.projectId}/model-versions/${id}`, { id, modelId, version, artefactDigest, inputs, outputs, contributors });
  }

  @Get('models/:modelId/versions')
  async list(@Param('projectId', { schema: projectId }) project: string, @Param('modelId', { schema: z.uuid() }) modelId: string, @Query({ schema: pageQuery }) query: PageQuery) {
    if (!(await this.models.byId(project, modelId))) throw modelNotFound(modelId);
    return pageOf<ModelVersionRow>(await this.versions.page(project, modelId, query), query.limit);
  }

  @Get('model-versions/:id')
  async byId(
    @Param('projectId', { schema: projectId }) project: string,
    @Param('id', { schema: z.uuid() }) id: string,
    @Res({ passthrough: true }) res: Response,
  ): Promise<ModelVersionRow> {
    const row = await this.#mustFind(project, id);
    res.set('ETag', etag(row.revision));
    return row;
  }

  async #mustFind(project: string, id: string): Promise<ModelVersionRow> {
    const row = await this.versions.byId(project, id);
    if (!row) throw modelVersionNotFound(id);
    return row;
  }
}
