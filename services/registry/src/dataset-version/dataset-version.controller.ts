import { Body, Controller, Get, Param, Post, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { aggregateId } from '@vitae/event-store';
import { Context, created, etag, projectId, type CommandContext } from '@vitae/service-kit';
import type { Response } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { digest } from '../artefact/artefact.ts';
import { columnName, name, names, text } from '../request.ts';
import { datasetVersionNotFound } from './dataset-version.ts';
import { ForDatasetVersion } from './dataset-version.handler.ts';
import { DatasetVersions, type DatasetVersionRow } from './dataset-versions.view.ts';

const NewDatasetVersion = z.strictObject({
  digest,
  mediaType: z.enum(['text/csv', 'application/vnd.apache.parquet']),
  labelColumn: columnName.optional(),
  splitColumn: columnName.optional(),
  protectedColumns: names(16).default([]),
  piiClasses: z.record(columnName, z.enum(['none', 'personal', 'special'])).default({}),
  lawfulBasis: text(200).default(''),
  allowedPurposes: names(32).default([]),
  residency: text(64).default(''),
  retentionUntil: z.union([z.iso.date(), z.literal('')]).default(''),
  source: text(2000).min(1),
  licence: text(200).min(1),
});

@Controller('v1/projects/:projectId')
export class DatasetVersionController {
  constructor(
    private readonly commands: CommandBus,
    private readonly versions: DatasetVersions,
  ) {}

  @Post('datasets/:name/versions')
  async register(
    @Context() context: CommandContext,
    @Param('name', { schema: name }) datasetName: string,
    @Body({ schema: NewDatasetVersion }) body: z.infer<typeof NewDatasetVersion>,
    @Res({ passthrough: true }) res: Response,
  ) {
    const handled = await this.commands.execute(new ForDatasetVersion({ ...body, datasetVersionId: uuidv7(), datasetName }, context));
    const row = await this.#mustFind(context.projectId, aggregateId(handled.stream));
    const { id, version, rowCount, columns, splits } = row;
    const location = `/v1/projects/${context.projectId}/datasets/${encodeURIComponent(row.datasetName)}/versions/${version}`;
    return created(res, handled, location, { id, datasetName: row.datasetName, version, rowCount, columns, splits });
  }

  @Get('datasets/:name/versions/:version')
  async byNumber(
    @Param('projectId', { schema: projectId }) project: string,
    @Param('name', { schema: name }) datasetName: string,
    @Param('version', { schema: z.coerce.number().int().min(1).max(2 ** 31 - 1) }) version: number,
    @Res({ passthrough: true }) res: Response,
  ): Promise<DatasetVersionRow> {
    const row = await this.versions.byNumber(project, datasetName, version);
    if (!row) throw datasetVersionNotFound(`${version} of ${datasetName}`);
    res.set('ETag', etag(row.revision));
    return row;
  }

  @Get('dataset-versions/:id')
  async byId(
    @Param('projectId', { schema: projectId }) project: string,
    @Param('id', { schema: z.uuid() }) id: string,
    @Res({ passthrough: true }) res: Response,
  ): Promise<DatasetVersionRow> {
    const row = await this.#mustFind(project, id);
    res.set('ETag', etag(row.revision));
    return row;
  }

  async #mustFind(project: string, id: string): Promise<DatasetVersionRow> {
    const row = await this.versions.byId(project, id);
    if (!row) throw datasetVersionNotFound(id);
    return row;
  }
}
