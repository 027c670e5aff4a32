import { EntityManager } from '@mikro-orm/postgresql';
import { Body, Controller, Get, Param, Post, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { aggregateId } from '@vitae/event-store';
import { because, caughtUp, Consumers, Context, created, etag, Needs, Problem, projectId, type CommandContext } from '@vitae/service-kit';
import type { Response } from 'express';
import { v7 as uuid } from 'uuid';
import { z } from 'zod';
import { datasetVersionOf, type DatasetVersion } from '../lifecycle/dataset-versions.view.ts';
import { endpointOf } from '../lifecycle/endpoints.view.ts';
import { ForBaseline } from './baseline.handler.ts';
import { baselineOf, type Baseline } from './baselines.view.ts';
import { readColumns } from './columns.client.ts';
import { fitFeatures } from './fitting.ts';
import { DEFAULT_RULE } from './reference.ts';
import { RegistryClient } from './registry.client.ts';

const count = z.int().min(1);
const Rule = z.strictObject({
  windowRows: count.max(10_000_000).default(DEFAULT_RULE.windowRows).describe('Rows in a window.'),
  minimumRows: count.max(10_000_000).default(DEFAULT_RULE.minimumRows).describe('Rows that a feature needs to be judged.'),
  qLevel: z.number().gt(0).lt(1).default(DEFAULT_RULE.qLevel).describe('False discovery rate over the features of a window.'),
  psiWarning: z.number().gt(0).max(100).default(DEFAULT_RULE.psiWarning),
  psiCritical: z.number().gt(0).max(100).default(DEFAULT_RULE.psiCritical),
  fireWindows: count.max(1_000).default(DEFAULT_RULE.fireWindows).describe('An alert is raised when so many …'),
  ofWindows: count.max(1_000).default(DEFAULT_RULE.ofWindows).describe('… of so many last windows fire.'),
  clearWindows: count.max(1_000).default(DEFAULT_RULE.clearWindows).describe('It clears after so many calm windows in a row.'),
});
const Activate = z.strictObject({
  endpointId: z.uuid(),
  datasetVersionId: z.uuid(),
  split: z.string().min(1).max(200).optional().describe('Rows of this split only; all rows if absent.'),
  rule: Rule.prefault({}),
});

@ApiTags('baselines')
@Controller('v1/projects/:projectId/baselines')
@Needs('monitoring.read')
export class BaselineController {
  constructor(
    private readonly bus: CommandBus,
    private readonly em: EntityManager,
    private readonly registry: RegistryClient,
    private readonly consumers: Consumers,
  ) {}

  /** Fits bins to a dataset version and compares the endpoint's rows with them from now on. */
  @Post()
  @Needs('baseline.set')
  async activate(@Body({ schema: Activate }) body: z.infer<typeof Activate>, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    await caughtUp(this.consumers);
    const endpoint = await endpointOf(this.em, context.projectId, body.endpointId);
    const dataset = await datasetVersionOf(this.em, context.projectId, body.datasetVersionId);
    const split = body.split ?? '';
    mustHaveSplit(dataset, split);

    const { columns, rowCount } = await this.registry.withBytes(context.projectId, dataset.digest, (path) => readColumns(path, dataset, split));
    const { features, leftOut } = fitFeatures(columns);
    const handled = await this.bus.execute(
      new ForBaseline(
        {
          type: 'ActivateBaseline',
          baselineId: uuid(),
          endpointId: endpoint.id,
          modelId: endpoint.modelId,
          datasetVersionId: dataset.id,
          datasetDigest: dataset.digest,
          split,
          rowCount,
          features,
          rule: body.rule,
        },
        because(context, `Compare the endpoint's traffic with ${rowCount} rows of ${split === '' ? 'the dataset version' : `its split ${split}`}.`),
      ),
    );
    const id = aggregateId(handled.stream);
    return created(res, handled, `/v1/projects/${context.projectId}/baselines/${id}`, {
      id,
      endpointId: endpoint.id,
      datasetVersionId: dataset.id,
      rowCount,
      features: features.map(([name, { kind, counts }]) => ({ name, kind, bins: counts.length })),
      leftOut,
    });
  }

  @Get(':id')
  async baseline(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: z.uuid() }) id: string, @Res({ passthrough: true }) res: Response): Promise<Omit<Baseline, 'event' | 'projectId'>> {
    const found = await baselineOf(this.em, project, id);
    res.set('ETag', etag(found.revision));
    const { event: _, projectId: __, ...shown } = found;
    return shown;
  }
}

function mustHaveSplit({ splits, id }: DatasetVersion, split: string): void {
  if (split === '' || splits.includes(split)) return;
  const known = splits.length === 0 ? 'It has none; leave split out' : `It has ${splits.join(', ')}`;
  throw new Problem(422, 'split-unknown', 'Split not known', `Dataset version ${id} has no split ${split}. ${known}.`);
}
