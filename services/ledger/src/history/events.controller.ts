import { setMaxListeners } from 'node:events';
import { Controller, Get, Injectable, Param, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiProduces, ApiTags } from '@nestjs/swagger';
import { readHead } from '@vitae/event-store';
import { Ledger, Needs, PersonalTexts, Problem, projectId, Readiness, whileAllowed } from '@vitae/service-kit';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { indexAt } from './as-of.view.ts';
import { tellEvents } from './event-feed.worker.ts';
import { filterQuery, ledgerIndex, time } from './event-filter.ts';
import { LAST_INDEX, readEvents } from './event-search.view.ts';
import { eventAt, eventPage, type HistoryPage } from './events.view.ts';
import type { HistoryItem } from './history-item.ts';
import { LedgerHead } from './ledger-head.worker.ts';

const pageQuery = filterQuery.extend({
  /** Index, counted in. */
  from: ledgerIndex.default(0),
  /** Index, counted in. */
  to: ledgerIndex.default(LAST_INDEX),
  /** Only what the ledger has learned after this time. */
  since: time.optional(),
  /** Only what the ledger knew at this time. */
  until: time.optional(),
  order: z.enum(['asc', 'desc']).default('asc'),
  /** The page that ends just before this index: `previous` of an answer. */
  before: ledgerIndex.optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});
const feedQuery = filterQuery.extend({ from: ledgerIndex.optional() });

/** What both controllers below do, for one project or for all. */
@Injectable()
export class Events {
  constructor(
    private readonly ledger: Ledger,
    private readonly head: LedgerHead,
    private readonly readiness: Readiness,
    private readonly texts: PersonalTexts,
  ) {
    setMaxListeners(0, readiness.drained); // one listener for each feed
  }

  async page(project: string | undefined, query: z.infer<typeof pageQuery>): Promise<HistoryPage> {
    const { from, to, since, until, order, before, limit, ...filter } = query;
    const { sql } = this.ledger;
    const [afterSince, untilUntil] = await Promise.all([since === undefined ? 0 : indexAt(sql, since).then((index) => index + 1), until === undefined ? LAST_INDEX : indexAt(sql, until)]);
    return eventPage(sql, { ...filter, projectId: project }, { from: Math.max(from, afterSince), to: Math.min(to, untilUntil), order, limit }, before);
  }

  async one(project: string | undefined, index: number): Promise<HistoryItem> {
    const found = await eventAt(this.ledger.sql, project, index);
    if (!found) throw new Problem(404, 'event-not-found', 'Event not found', `There is no event with index ${index}${project === undefined ? '' : ` in project ${project}`}.`);
    return found;
  }

  async feed(project: string | undefined, { from, ...filter }: z.infer<typeof feedQuery>, request: Request, response: Response): Promise<void> {
    const start = lastEventId(request) ?? from ?? (await readHead(this.ledger.sql)).nextIndex;
    const signal = whileAllowed(request, response, this.readiness);
    response.status(200).set({ 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
    response.flushHeaders();
    await tellEvents({
      sink: response,
      from: start,
      read: async (first, to, limit) => this.texts.show(await readEvents(this.ledger.sql, { ...filter, projectId: project }, { from: first, to, order: 'asc', limit }), request),
      beyond: (index, ms, until) => this.head.beyond(index, ms, until),
      signal,
    });
    response.end();
  }
}

/** Where a reader that was here before goes on: after the last id that it saw. */
function lastEventId(request: Request): number | undefined {
  const said = request.header('Last-Event-ID');
  if (said === undefined || said === '') return undefined;
  const parsed = ledgerIndex.safeParse(/^\d{1,16}$/.test(said) ? said : 'nonsense');
  if (parsed.success) return parsed.data + 1;
  throw new Problem(400, 'last-event-id-malformed', 'Last-Event-ID cannot be read', 'Last-Event-ID takes the id of an event of this feed, which is its index: Last-Event-ID: 1234.');
}

const FEED_HEADER = { name: 'Last-Event-ID', required: false, description: 'The index of the last event that was received; goes before `from`.', schema: { type: 'string' as const } };
const FEED_ANSWER = { description: 'Server-sent events: `id` the index, `event` the type, `data` an item as `GET events` gives it. Without `from` and Last-Event-ID, from now on.' };

/** The one history of everything, in order, as far as it is a project's. */
@ApiTags('history')
@Controller('v1/projects/:projectId/events')
@Needs('history.read')
export class ProjectEventsController {
  constructor(private readonly events: Events) {}

  @Get()
  page(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: pageQuery }) query: z.infer<typeof pageQuery>): Promise<HistoryPage> {
    return this.events.page(project, query);
  }

  @Get('feed')
  @ApiProduces('text/event-stream')
  @ApiHeader(FEED_HEADER)
  @ApiOkResponse(FEED_ANSWER)
  feed(
    @Param('projectId', { schema: projectId }) project: string,
    @Query({ schema: feedQuery }) query: z.infer<typeof feedQuery>,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    return this.events.feed(project, query, request, response);
  }

  @Get(':index')
  one(@Param('projectId', { schema: projectId }) project: string, @Param('index', { schema: ledgerIndex }) index: number): Promise<HistoryItem> {
    return this.events.one(project, index);
  }
}

/** The same over all projects: for operators and auditors of the whole installation. */
@ApiTags('history')
@Controller('v1/events')
@Needs('history.read-all')
export class InstallationEventsController {
  constructor(private readonly events: Events) {}

  @Get()
  page(@Query({ schema: pageQuery }) query: z.infer<typeof pageQuery>): Promise<HistoryPage> {
    return this.events.page(undefined, query);
  }

  @Get('feed')
  @ApiProduces('text/event-stream')
  @ApiHeader(FEED_HEADER)
  @ApiOkResponse(FEED_ANSWER)
  feed(@Query({ schema: feedQuery }) query: z.infer<typeof feedQuery>, @Req() request: Request, @Res() response: Response): Promise<void> {
    return this.events.feed(undefined, query, request, response);
  }

  @Get(':index')
  one(@Param('index', { schema: ledgerIndex }) index: number): Promise<HistoryItem> {
    return this.events.one(undefined, index);
  }
}
