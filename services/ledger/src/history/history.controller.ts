import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { readHead } from '@vitae/event-store';
import { Ledger, Problem, projectId } from '@vitae/service-kit';
import { z } from 'zod';
import { PublisherWorker } from '../publishing/publisher.worker.ts';
import { eventAt, history, servingAt, type HistoryItem, type HistoryPage, type Serving } from './history.view.ts';

const index = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const pageQuery = z.strictObject({
  subject: z
    .string()
    .regex(/^[a-z][a-z-]*:[A-Za-z0-9._-]+$/, 'expected <kind>:<id>, for example model:0199…')
    .optional(),
  from: index.default(0),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});
const servingQuery = z.strictObject({ at: z.iso.datetime({ offset: true }) });

/** The one history of everything, in order. */
@ApiTags('history')
@Controller('v1/projects/:projectId')
export class HistoryController {
  constructor(
    private readonly ledger: Ledger,
    private readonly publisher: PublisherWorker,
  ) {}

  @Get('events')
  events(
    @Param('projectId', { schema: projectId }) project: string,
    @Query({ schema: pageQuery }) query: z.infer<typeof pageQuery>,
  ): Promise<HistoryPage> {
    return history(this.ledger.sql, { projectId: project, ...query });
  }

  @Get('events/:index')
  async event(@Param('projectId', { schema: projectId }) project: string, @Param('index', { schema: index }) at: number): Promise<HistoryItem> {
    const found = await eventAt(this.ledger.sql, project, at);
    if (!found) throw new Problem(404, 'event-not-found', 'Event not found', `There is no event with index ${at} in project ${project}.`);
    return found;
  }

  @Get('head')
  async head(): Promise<{ nextIndex: number; unsequenced: number; published: number }> {
    return { ...(await readHead(this.ledger.sql)), published: this.publisher.published };
  }

  @Get('endpoints/:endpointId/serving')
  async serving(
    @Param('projectId', { schema: projectId }) project: string,
    @Param('endpointId') endpointId: string,
    @Query({ schema: servingQuery }) { at }: z.infer<typeof servingQuery>,
  ): Promise<Serving> {
    const found = await servingAt(this.ledger.sql, project, endpointId, at);
    if (!found) {
      throw new Problem(404, 'nothing-served', 'Nothing served', `Endpoint ${endpointId} had no traffic recorded at ${at}; ask for a later time.`);
    }
    return found;
  }
}
