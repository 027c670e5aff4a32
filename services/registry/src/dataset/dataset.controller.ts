import { Body, Controller, Delete, Get, Param, Patch, Put, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { changed, Context, etag, Needs, projectId, type CommandContext } from '@vitae/service-kit';
import type { Response } from 'express';
import { z } from 'zod';
import { name, text } from '../request.ts';
import { tagKey, tagValue } from '../tags.ts';
import { ForDataset, type DatasetOrder } from './dataset.handler.ts';
import { datasetNotFound } from './dataset.ts';
import { Datasets } from './datasets.view.ts';
import { expectationOf, NewExpectations, shownExpectation } from './new-expectations.ts';

const NewDescription = z.strictObject({ description: text(5000).optional(), owner: text(128).optional() });
const NewTag = z.strictObject({ value: tagValue });
const listQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: name.optional().describe('The `next` of the page before.'),
  search: text(256).min(1).optional().describe('Part of a name or a description.'),
  owner: text(128).min(1).optional(),
  tag: z.string().min(1).max(1_000).optional().describe('key or key=value'),
});

@ApiTags('datasets')
@Controller('v1/projects/:projectId/datasets')
@Needs('registry.read')
export class DatasetController {
  constructor(
    private readonly commands: CommandBus,
    private readonly datasets: Datasets,
  ) {}

  /** By name. */
  @Get()
  async list(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: listQuery }) query: z.infer<typeof listQuery>) {
    const rows = await this.datasets.list(project, query);
    const items = rows.slice(0, query.limit);
    return { items, ...(rows.length > query.limit ? { next: items.at(-1)?.name } : {}) };
  }

  @Get(':name')
  async byName(@Param('projectId', { schema: projectId }) project: string, @Param('name', { schema: name }) datasetName: string, @Res({ passthrough: true }) res: Response) {
    const found = await this.#mustFind(project, datasetName);
    res.set('ETag', etag(found.revision));
    return found;
  }

  @Patch(':name')
  @Needs('dataset.register')
  describe(@Context() context: CommandContext, @Param('name', { schema: name }) datasetName: string, @Body({ schema: NewDescription }) body: z.infer<typeof NewDescription>, @Res({ passthrough: true }) res: Response) {
    return this.#change(datasetName, { type: 'DescribeDataset', ...body }, context, res);
  }

  @Put(':name/tags/:key')
  @Needs('dataset.register')
  tag(
    @Context() context: CommandContext,
    @Param('name', { schema: name }) datasetName: string,
    @Param('key', { schema: tagKey }) key: string,
    @Body({ schema: NewTag }) { value }: z.infer<typeof NewTag>,
    @Res({ passthrough: true }) res: Response,
  ) {
    return this.#change(datasetName, { type: 'TagDataset', key, value }, context, res);
  }

  @Delete(':name/tags/:key')
  @Needs('dataset.register')
  removeTag(@Context() context: CommandContext, @Param('name', { schema: name }) datasetName: string, @Param('key', { schema: tagKey }) key: string, @Res({ passthrough: true }) res: Response) {
    return this.#change(datasetName, { type: 'RemoveDatasetTag', key }, context, res);
  }

  /** All that is expected, in place of what was before. Versions that are there are not assessed anew by it. */
  @Put(':name/expectations')
  @Needs('dataset.register')
  async expect(@Context() context: CommandContext, @Param('name', { schema: name }) datasetName: string, @Body({ schema: NewExpectations }) { expectations, onFailure }: z.infer<typeof NewExpectations>, @Res({ passthrough: true }) res: Response) {
    const handled = await this.commands.execute(new ForDataset(datasetName, { type: 'StateExpectations', expectations: expectations.map(expectationOf), onFailure }, context));
    const stated = await this.datasets.statedOf(context.projectId, datasetName);
    return changed(res, handled, { expectationsRevision: stated?.expectationsRevision ?? 0 });
  }

  @Get(':name/expectations')
  async expectations(@Param('projectId', { schema: projectId }) project: string, @Param('name', { schema: name }) datasetName: string, @Res({ passthrough: true }) res: Response) {
    const { revision } = await this.#mustFind(project, datasetName);
    res.set('ETag', etag(revision));
    const stated = await this.datasets.statedOf(project, datasetName);
    return { expectationsRevision: stated?.expectationsRevision ?? 0, onFailure: stated?.onFailure ?? 'note', expectations: (stated?.expectations ?? []).map(shownExpectation) };
  }

  async #change(datasetName: string, order: DatasetOrder, context: CommandContext, res: Response) {
    const handled = await this.commands.execute(new ForDataset(datasetName, order, context));
    return changed(res, handled, { name: datasetName });
  }

  async #mustFind(project: string, datasetName: string) {
    const found = await this.datasets.byName(project, datasetName);
    if (!found) throw datasetNotFound(datasetName);
    return found;
  }
}
