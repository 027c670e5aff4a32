import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled, type Sql } from '@vitae/event-store';
import { because, caughtUp, type CommandContext, Consumers, Ledger } from '@vitae/service-kit';
import { v7 as uuid } from 'uuid';
import { datasetVersionNotFound } from '../dataset-version/dataset-version.ts';
import { modelVersionNotFound } from '../model-version/model-version.ts';
import { namesOf, pathBetween } from './lineage-graph.view.ts';
import { lineageLink, linkNotFound, relationOf, writtenOnce, type LineageLinkEvent } from './lineage-link.ts';
import { linkBetween, lockLineage, LineageLinks, projectLineageLink, recordedBetween, typeOfRecorded } from './lineage-links.view.ts';
import { keyOf } from './lineage.view.ts';
import { written, type Node } from './node.ts';

export type LineageLinkOrder =
  | { readonly type: 'DeclareLink'; readonly from: Node; readonly to: Node; readonly reason: string }
  | { readonly type: 'WithdrawLink'; readonly linkId: string; readonly reason: string };

export class ForLineageLink extends Command<Handled<LineageLinkEvent>> {
  constructor(
    readonly order: LineageLinkOrder,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForLineageLink)
export class LineageLinkHandler implements ICommandHandler<ForLineageLink> {
  constructor(
    private readonly ledger: Ledger,
    private readonly links: LineageLinks,
    private readonly consumers: Consumers,
  ) {}

  execute({ order, context }: ForLineageLink): Promise<Handled<LineageLinkEvent>> {
    return order.type === 'DeclareLink' ? this.#declare(order, context) : this.#withdraw(order, context);
  }

  /** What was registered before this was asked is in the graph, and nobody else links in the project meanwhile: so no circle is closed unseen. */
  async #declare({ from, to, reason }: Extract<LineageLinkOrder, { type: 'DeclareLink' }>, context: CommandContext): Promise<Handled<LineageLinkEvent>> {
    const { projectId } = context;
    const relation = relationOf(from, to);
    for (const node of [from, to]) await mustBeThere(this.ledger.sql, projectId, node);
    await caughtUp(this.consumers);
    return this.ledger.together(context, async (tx) => {
      await lockLineage(tx.sql, projectId);
      const linkId = (await linkBetween(tx.sql, projectId, from, to, relation)) ?? uuid();
      const recordedBy = await recordedBetween(tx.sql, projectId, from, to);
      const circle = await circleThrough(tx.sql, projectId, from, to);
      return this.ledger.handleWithin(
        tx,
        lineageLink,
        {
          stream: streamName(lineageLink.category, linkId),
          command: { type: 'DeclareLink', linkId, from, to, reason, recordedBy, circle },
          context: because(context, reason),
          subjects: subjectsOf(from, to),
        },
        projectLineageLink,
      );
    });
  }

  async #withdraw({ linkId, reason }: Extract<LineageLinkOrder, { type: 'WithdrawLink' }>, context: CommandContext): Promise<Handled<LineageLinkEvent>> {
    const link = await this.links.byId(context.projectId, linkId);
    if (!link) {
      await this.consumers.catchUp();
      const type = await typeOfRecorded(this.ledger.sql, context.projectId, linkId);
      throw type === undefined ? linkNotFound(linkId) : writtenOnce(linkId, type);
    }
    const subjects = [...new Set([link.from, link.to].filter(isSubject))];
    return this.ledger.together(context, async (tx) => {
      await lockLineage(tx.sql, context.projectId);
      const command = { type: 'WithdrawLink' as const, reason };
      return this.ledger.handleWithin(tx, lineageLink, { stream: streamName(lineageLink.category, linkId), command, context: because(context, reason), subjects }, projectLineageLink);
    });
  }
}

/** How `to` leads to `from` already, as people read it; empty when it does not. */
async function circleThrough(sql: Sql, projectId: string, from: Node, to: Node): Promise<string[]> {
  const keys = await pathBetween(sql, keyOf(projectId, to), keyOf(projectId, from), undefined);
  return keys.length === 0 ? [] : namesOf(sql, keys, [to]);
}

/** A version that is named must be there; sources, commits, runs and base models are elsewhere, and named as they are there. */
async function mustBeThere(sql: Sql, projectId: string, { kind, id }: Node): Promise<void> {
  if (kind !== 'dataset-version' && kind !== 'model-version') return;
  const table = kind === 'dataset-version' ? 'registry.dataset_version' : 'registry.model_version';
  const rows = await sql.query(`select 1 from ${table} where project_id = $1 and id::text = $2`, [projectId, id]);
  if (rows.length === 0) throw kind === 'dataset-version' ? datasetVersionNotFound(id) : modelVersionNotFound(id);
}

const isSubject = (text: string): boolean => /^(dataset-version|model-version):[0-9a-f-]+$/.test(text);
const subjectsOf = (...nodes: readonly Node[]): string[] => [...new Set(nodes.map(written).filter(isSubject))];
