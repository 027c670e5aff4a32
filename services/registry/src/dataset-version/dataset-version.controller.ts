import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiHeader, ApiTags } from '@nestjs/swagger';
import { aggregateId } from '@vitae/event-store';
import { changed, Context, created, etag, Needs, pageOf, projectId, type CommandContext, type Page } from '@vitae/service-kit';
import type { Response } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { DatasetReadingWorker } from '../dataset-reading/dataset-reading.worker.ts';
import { name, text } from '../request.ts';
import { ForRegisteredDatasetVersion, type DatasetVersionOrder } from './dataset-version-change.handler.ts';
import { ForDatasetVersion } from './dataset-version.handler.ts';
import { datasetVersionNotFound } from './dataset-version.ts';
import { DatasetVersions, stateOf, type DatasetVersionRow, type ListedVersions, type DatasetVersionStateName } from './dataset-versions.view.ts';
import { NewClasses, NewDatasetVersion } from './new-dataset-version.ts';
import type { NamedVersion } from './refusals.ts';

const uuid = z.uuid();
const Because = z.strictObject({ reason: text(5000).min(1) });
const NewDeprecation = z.strictObject({ reason: text(5000).min(1), successorDatasetVersionId: uuid.optional() });
const Erasure = z.strictObject({ reason: text(5000).min(1), force: z.boolean().default(false) });
const page = { limit: z.coerce.number().int().min(1).max(200).default(50), after: uuid.optional() };
const pageQuery = z.strictObject(page);
const listQuery = z.strictObject({
  ...page,
  dataset: name.optional(),
  state: z.enum(['registered', 'deprecated', 'quarantined', 'erased']).optional(),
  piiClass: z.enum(['none', 'personal', 'special']).optional(),
  retention: z.literal('expired').optional().describe('Only what could be kept until a day that is past.'),
  derivedFrom: uuid.optional().describe('Only what was made of this version.'),
});

/** A version as it is shown in lists. */
export type DatasetVersionShown = DatasetVersionRow & { readonly state: DatasetVersionStateName; readonly retentionExpired: boolean };
/** And by itself: with what of its sources is in quarantine. */
export type DatasetVersionInFull = DatasetVersionShown & { readonly quarantinedSources: readonly NamedVersion[] };

@ApiTags('datasets')
@Controller('v1/projects/:projectId')
@Needs('registry.read')
export class DatasetVersionController {
  constructor(
    private readonly commands: CommandBus,
    private readonly versions: DatasetVersions,
    private readonly readings: DatasetReadingWorker,
  ) {}

  /** Reads the whole file first. With `Prefer: respond-async` that happens in the background: 202, and where to look. */
  @Post('datasets/:name/versions')
  @Needs('dataset.register')
  @ApiHeader({ name: 'Prefer', required: false, description: 'respond-async (RFC 7240)', schema: { type: 'string' } })
  async register(
    @Context() context: CommandContext,
    @Param('name', { schema: name }) datasetName: string,
    @Body({ schema: NewDatasetVersion }) body: z.infer<typeof NewDatasetVersion>,
    @Headers('prefer') prefer: string | undefined,
    @Res({ passthrough: true }) res: Response,
  ) {
    const declaration = { ...body, datasetVersionId: uuidv7(), datasetName };
    if (prefersAsync(prefer)) {
      const id = await this.readings.begin(declaration, context);
      const location = `/v1/projects/${context.projectId}/dataset-readings/${id}`;
      res.status(202).location(location).set({ 'Preference-Applied': 'respond-async', 'Retry-After': '1' });
      return { id, state: 'waiting' as const, datasetName, digest: body.digest };
    }
    const handled = await this.commands.execute(new ForDatasetVersion(declaration, context));
    const row = await this.#mustFind(context.projectId, aggregateId(handled.stream));
    const { id, version, rowCount, columns, splits, piiSuggestions, quality } = row;
    const location = `/v1/projects/${context.projectId}/datasets/${encodeURIComponent(row.datasetName)}/versions/${version}`;
    return created(res, handled, location, { id, datasetName: row.datasetName, version, state: stateOf(row), rowCount, columns, splits, piiSuggestions, quality });
  }

  @Get('datasets/:name/versions')
  ofDataset(@Param('projectId', { schema: projectId }) project: string, @Param('name', { schema: name }) datasetName: string, @Query({ schema: pageQuery }) query: z.infer<typeof pageQuery>): Promise<Page<DatasetVersionShown>> {
    return this.#page(project, { ...query, datasetName });
  }

  @Get('dataset-versions')
  list(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: listQuery }) { dataset, ...query }: z.infer<typeof listQuery>): Promise<Page<DatasetVersionShown>> {
    return this.#page(project, { ...query, datasetName: dataset });
  }

  @Get('datasets/:name/versions/:version')
  async byNumber(
    @Param('projectId', { schema: projectId }) project: string,
    @Param('name', { schema: name }) datasetName: string,
    @Param('version', { schema: z.coerce.number().int().min(1).max(2 ** 31 - 1) }) version: number,
    @Res({ passthrough: true }) res: Response,
  ): Promise<DatasetVersionInFull> {
    const row = await this.versions.byNumber(project, datasetName, version);
    if (!row) throw datasetVersionNotFound(`${version} of ${datasetName}`);
    return this.#one(row, res);
  }

  @Get('dataset-versions/:id')
  async byId(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: uuid }) id: string, @Res({ passthrough: true }) res: Response): Promise<DatasetVersionInFull> {
    return this.#one(await this.#mustFind(project, id), res);
  }

  @Put('dataset-versions/:id/quarantine')
  @Needs('dataset.quarantine')
  quarantine(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Body({ schema: Because }) { reason }: z.infer<typeof Because>, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'QuarantineDatasetVersion', reason }, context, res);
  }

  /** Takes a reason, so it is a POST beside the DELETE that other things are lifted with. */
  @Post('dataset-versions/:id/quarantine/lifting')
  @Needs('dataset.release')
  @HttpCode(200)
  lift(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Body({ schema: Because }) { reason }: z.infer<typeof Because>, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'LiftQuarantine', reason }, context, res);
  }

  @Put('dataset-versions/:id/deprecation')
  @Needs('dataset.register')
  deprecate(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Body({ schema: NewDeprecation }) { reason, successorDatasetVersionId = '' }: z.infer<typeof NewDeprecation>, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'DeprecateDatasetVersion', reason, successorDatasetVersionId }, context, res);
  }

  @Delete('dataset-versions/:id/deprecation')
  @Needs('dataset.register')
  liftDeprecation(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'LiftDatasetVersionDeprecation' }, context, res);
  }

  /** Confirms or overrides what was declared and suggested, column by column. */
  @Put('dataset-versions/:id/sensitivity')
  @Needs('dataset.classify')
  classify(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Body({ schema: NewClasses }) body: z.infer<typeof NewClasses>, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'ClassifySensitivity', ...body }, context, res);
  }

  /** What is classed how, and what a scan suggests; counts, and no values. */
  @Get('dataset-versions/:id/sensitivity')
  async sensitivity(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: uuid }) id: string, @Res({ passthrough: true }) res: Response) {
    const { revision, piiClass, lawfulBasis, allowedPurposes, residency, retentionUntil, columns, piiSuggestions } = await this.#mustFind(project, id);
    res.set('ETag', etag(revision));
    const ofColumn = (column: string) => piiSuggestions.filter((one) => one.column === column).map(({ column: _, ...suggestion }) => suggestion);
    return {
      piiClass, lawfulBasis, allowedPurposes, residency, retentionUntil,
      columns: columns.map((column) => ({ name: column.name, piiClass: column.piiClass, unconfirmed: column.piiUnconfirmed, suggestions: ofColumn(column.name) })),
    };
  }

  @Post('dataset-versions/:id/assessments')
  @Needs('dataset.register')
  async assess(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Res({ passthrough: true }) res: Response) {
    const handled = await this.commands.execute(new ForRegisteredDatasetVersion(id, { type: 'AssessQuality' }, context));
    const [assessment] = await this.versions.assessments(context.projectId, id, { limit: 1 });
    return created(res, handled, `/v1/projects/${context.projectId}/dataset-versions/${id}/assessments`, { ...assessment, state: stateOf(await this.#mustFind(context.projectId, id)) });
  }

  /** Newest first. */
  @Get('dataset-versions/:id/assessments')
  async assessments(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: uuid }) id: string, @Query({ schema: pageQuery }) query: z.infer<typeof pageQuery>) {
    await this.#mustFind(project, id);
    return pageOf(await this.versions.assessments(project, id, query), query.limit);
  }

  /** Removes the bytes, within moments. */
  @Post('dataset-versions/:id/erasure')
  @Needs('dataset.erase')
  @HttpCode(200)
  erase(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Body({ schema: Erasure }) body: z.infer<typeof Erasure>, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'EraseDatasetVersion', ...body }, context, res);
  }

  async #change(id: string, order: DatasetVersionOrder, context: CommandContext, res: Response) {
    const handled = await this.commands.execute(new ForRegisteredDatasetVersion(id, order, context));
    const row = await this.#mustFind(context.projectId, id);
    return changed(res, handled, { id, state: stateOf(row), piiClass: row.piiClass });
  }

  async #page(project: string, query: ListedVersions): Promise<Page<DatasetVersionShown>> {
    const { items, ...next } = pageOf(await this.versions.list(project, query, today()), query.limit);
    return { items: items.map(shown), ...next };
  }

  async #one(row: DatasetVersionRow, res: Response): Promise<DatasetVersionInFull> {
    res.set('ETag', etag(row.revision));
    const quarantined = await this.versions.quarantinedSources(row.projectId, row.id);
    return { ...shown(row), quarantinedSources: quarantined.filter(({ datasetVersionId }) => datasetVersionId !== row.id) };
  }

  async #mustFind(project: string, id: string): Promise<DatasetVersionRow> {
    const row = await this.versions.byId(project, id);
    if (!row) throw datasetVersionNotFound(id);
    return row;
  }
}

const today = (): string => new Date().toISOString().slice(0, 10);
const shown = (row: DatasetVersionRow): DatasetVersionShown => ({ ...row, state: stateOf(row), retentionExpired: row.erasure === null && row.retentionUntil !== '' && row.retentionUntil < today() });

/** RFC 7240: `respond-async`, maybe among other preferences. */
const prefersAsync = (prefer = ''): boolean => prefer.split(',').some((preference) => preference.split(';')[0]?.trim().toLowerCase() === 'respond-async');
