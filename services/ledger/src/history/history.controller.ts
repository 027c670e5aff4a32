import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { readHead } from '@vitae/event-store';
import { Ledger, Needs, Problem, projectId } from '@vitae/service-kit';
import { z } from 'zod';
import { PublisherWorker } from '../publishing/publisher.worker.ts';
import { asOf, resolveAsOf } from './as-of.view.ts';
import { filterQuery, time } from './event-filter.ts';
import { lifeAsOf, type ModelLife } from './model-life.view.ts';
import { servingAsOf, type Serving } from './serving.view.ts';
import { diffBetween, stateAsOf, type StateAsOf, type StreamDiff } from './streams.view.ts';

const asOfQuery = z.strictObject({ asOf });
/** `at` is the time alone, as it was asked for first. */
const servingQuery = z
  .strictObject({ at: time.optional(), asOf })
  .refine((query) => query.at === undefined || query.asOf === undefined, 'expected either at or asOf, not both')
  .transform((query) => ({ asOf: query.at ?? query.asOf }));
const diffQuery = z.strictObject({ from: asOf.unwrap(), to: asOf });
const streamName = filterQuery.shape.stream.unwrap();
const id = z.uuid();

/** What was true at a point of the one history: an index, or a time, or now. Each answer names the index that it rests on. */
@ApiTags('history')
@Controller('v1/projects/:projectId')
@Needs('history.read')
export class HistoryController {
  constructor(
    private readonly ledger: Ledger,
    private readonly publisher: PublisherWorker,
  ) {}

  @Get('head')
  async head(): Promise<{ nextIndex: number; unsequenced: number; published: number }> {
    return { ...(await readHead(this.ledger.sql)), published: this.publisher.published };
  }

  @Get('streams/:stream/state')
  async state(
    @Param('projectId', { schema: projectId }) project: string,
    @Param('stream', { schema: streamName }) stream: string,
    @Query({ schema: asOfQuery }) query: z.infer<typeof asOfQuery>,
  ): Promise<StateAsOf> {
    const { sql } = this.ledger;
    return stateAsOf(sql, project, stream, await resolveAsOf(sql, query.asOf));
  }

  @Get('streams/:stream/diff')
  async diff(
    @Param('projectId', { schema: projectId }) project: string,
    @Param('stream', { schema: streamName }) stream: string,
    @Query({ schema: diffQuery }) query: z.infer<typeof diffQuery>,
  ): Promise<StreamDiff> {
    const { sql } = this.ledger;
    const [from, to] = await Promise.all([resolveAsOf(sql, query.from), resolveAsOf(sql, query.to)]);
    if (from.index > to.index) {
      throw new Problem(400, 'diff-backwards', 'The diff runs backwards', `from is index ${from.index} and to is index ${to.index}. Exchange them.`);
    }
    return diffBetween(sql, project, stream, from, to);
  }

  @Get('models/:modelId/life')
  async life(
    @Param('projectId', { schema: projectId }) project: string,
    @Param('modelId', { schema: id }) modelId: string,
    @Query({ schema: asOfQuery }) query: z.infer<typeof asOfQuery>,
  ): Promise<ModelLife> {
    const { sql } = this.ledger;
    return lifeAsOf(sql, project, modelId, await resolveAsOf(sql, query.asOf));
  }

  @Get('endpoints/:endpointId/serving')
  async serving(
    @Param('projectId', { schema: projectId }) project: string,
    @Param('endpointId') endpointId: string,
    @Query({ schema: servingQuery }) query: z.infer<typeof servingQuery>,
  ): Promise<Serving> {
    const { sql } = this.ledger;
    const point = await resolveAsOf(sql, query.asOf);
    const found = await servingAsOf(sql, project, endpointId, point);
    if (!found) {
      throw new Problem(404, 'nothing-served', 'Nothing served', `Endpoint ${endpointId} had no traffic recorded as of ${query.asOf ?? 'now'} (index ${point.index}); ask for a later time.`);
    }
    return found;
  }
}
