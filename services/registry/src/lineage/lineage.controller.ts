import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { aggregateId } from '@vitae/event-store';
import { changed, type CommandContext, Consumers, Context, created, etag, Needs, pageOf, type PageQuery, pageQuery, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { z } from 'zod';
import { plainText, text } from '../request.ts';
import { asOf } from './as-of.ts';
import { toDot, toMermaid, type DrawnGraph } from './graph.ts';
import { LINEAGE_CONSUMER } from './lineage.consumer.ts';
import { LineageGraph } from './lineage-graph.view.ts';
import { ForLineageLink } from './lineage-link.handler.ts';
import { linkNotFound, nodeNotFound } from './lineage-link.ts';
import { LineageLinks } from './lineage-links.view.ts';
import { KINDS, readNode, written } from './node.ts';

/** Ids of our own things are UUIDs, and PostgreSQL writes those small. */
const node = plainText.max(2_050).transform((said, context) => {
  const read = readNode(said);
  if (read) return /^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/.test(read.id) ? { ...read, id: read.id.toLowerCase() } : read;
  context.addIssue({ code: 'custom', message: `A node is kind:id, its kind one of ${KINDS.join(', ')}.` });
  return z.NEVER;
});
const kinds = z
  .string()
  .transform((list) => list.split(',').filter((each) => each !== ''))
  .pipe(z.array(z.enum(KINDS)))
  .default([])
  .describe('Which kinds of nodes are told, separated by commas; the way leads through all.');
const graphQuery = z.strictObject({
  node,
  direction: z.enum(['up', 'down', 'both']).default('both').describe('up: what it came from; down: what came of it.'),
  depth: z.coerce.number().int().min(1).max(50).default(10),
  asOf,
  kinds,
  limit: z.coerce.number().int().min(1).max(2_000).default(500),
  format: z.enum(['json', 'dot', 'mermaid']).default('json'),
});
const pathQuery = z.strictObject({ from: node, to: node, asOf });
const Link = z.strictObject({ from: node, to: node, reason: text(2_000).min(1) });
const Withdrawal = z.strictObject({ reason: text(2_000).min(1) });

/** What came from what, since when and until when. */
@ApiTags('lineage')
@Controller('v1/projects/:projectId/lineage')
@Needs('registry.read')
export class LineageController {
  constructor(
    private readonly commands: CommandBus,
    private readonly graph: LineageGraph,
    private readonly links: LineageLinks,
    private readonly consumers: Consumers,
  ) {}

  /**
   * `complete` is false when the service had not read all of the ledger yet; `readTo` is the last index that it had read. Asked
   * as of that index, the answer is the same for ever.
   */
  @Get()
  async around(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: graphQuery }) { format, ...query }: z.infer<typeof graphQuery>, @Res({ passthrough: true }) res: Response) {
    const read = await this.#read();
    const graph = await this.graph.around(project, query);
    if (!graph) throw nodeNotFound(query.node);
    return drawn(graph, format, res) ?? { node: written(query.node), direction: query.direction, ...(query.asOf === undefined ? {} : { asOf: query.asOf }), ...read, ...graph };
  }

  /** One shortest way; empty lists when there is none. */
  @Get('path')
  async path(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: pathQuery }) { from, to, asOf: when }: z.infer<typeof pathQuery>) {
    const read = await this.#read();
    return { from: written(from), to: written(to), ...read, ...(await this.graph.path(project, from, to, when)) };
  }

  @Post('links')
  @Needs('lineage.declare')
  async declare(@Context() context: CommandContext, @Body({ schema: Link }) link: z.infer<typeof Link>, @Res({ passthrough: true }) res: Response) {
    const handled = await this.commands.execute(new ForLineageLink({ type: 'DeclareLink', ...link }, context));
    const id = aggregateId(handled.stream);
    return created(res, handled, `/v1/projects/${context.projectId}/lineage/links/${id}`, { id, from: written(link.from), to: written(link.to), state: 'declared' });
  }

  @Get('links')
  async list(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: pageQuery }) { limit, after }: PageQuery) {
    return pageOf(await this.links.page(project, limit, after), limit);
  }

  @Get('links/:id')
  async read(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: z.uuid() }) id: string, @Res({ passthrough: true }) res: Response) {
    const link = await this.links.byId(project, id);
    if (!link) throw linkNotFound(id);
    res.set('ETag', etag(link.revision));
    return link;
  }

  /** That it was said stays in the ledger, and in the graph as of then. */
  @Delete('links/:id')
  @Needs('lineage.declare')
  @HttpCode(200)
  async withdraw(@Context() context: CommandContext, @Param('id', { schema: z.uuid() }) id: string, @Body({ schema: Withdrawal }) { reason }: z.infer<typeof Withdrawal>, @Res({ passthrough: true }) res: Response) {
    const handled = await this.commands.execute(new ForLineageLink({ type: 'WithdrawLink', linkId: id, reason }, context));
    return changed(res, handled, { id, state: 'withdrawn' });
  }

  async #read(): Promise<{ readonly complete: boolean; readonly readTo: number }> {
    const complete = await this.consumers.catchUp();
    const position = (await this.consumers.positions()).find(({ name }) => name === LINEAGE_CONSUMER);
    return { complete, readTo: (position?.bookmark ?? 0) - 1 };
  }
}

function drawn(graph: DrawnGraph, format: 'json' | 'dot' | 'mermaid', res: Response): string | undefined {
  if (format === 'json') return undefined;
  res.type(format === 'dot' ? 'text/vnd.graphviz; charset=utf-8' : 'text/plain; charset=utf-8');
  return format === 'dot' ? toDot(graph) : toMermaid(graph);
}
