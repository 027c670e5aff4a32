import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled, type Sql } from '@vitae/event-store';
import { because, caughtUp, type CommandContext, Consumers, Ledger } from '@vitae/service-kit';
import { v5 as uuidOf } from 'uuid';
import { namesOf, pathFromOneOf } from '../lineage/lineage-graph.view.ts';
import { lockLineage } from '../lineage/lineage-links.view.ts';
import { keyOf, projectToldLineage } from '../lineage/lineage.view.ts';
import { written, type Node } from '../lineage/node.ts';
import { datasetNode } from '../lineage/told-lineage.ts';
import { identify } from './identify.view.ts';
import type { Kept } from './kept.ts';
import { openLineage, type IdentifiedDataset, type ObserveOpenLineage, type OpenLineageEvent } from './openlineage.ts';

/** For ids of streams: a run's own id may be used in several projects. */
const STREAMS = '7d0a5c1e-2f59-5b44-9a53-3f0c6a1d8e02';

export class ForOpenLineage extends Command<Handled<OpenLineageEvent>> {
  constructor(
    readonly told: Kept,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForOpenLineage)
export class OpenLineageHandler implements ICommandHandler<ForOpenLineage> {
  constructor(
    private readonly ledger: Ledger,
    private readonly consumers: Consumers,
  ) {}

  async execute({ told, context }: ForOpenLineage): Promise<Handled<OpenLineageEvent>> {
    const { projectId } = context;
    const datasets = [...told.inputs, ...told.outputs, ...(told.dataset ? [told.dataset] : [])];
    // Found first and read up to afterwards: what is found is in the graph then.
    const known = await identify(this.ledger.sql, projectId, datasets);
    await caughtUp(this.consumers);
    const identified = datasets.map((dataset, place): IdentifiedDataset => ({ ...dataset, knownAs: known[place] }));
    const inputs = identified.slice(0, told.inputs.length);
    const outputs = identified.slice(told.inputs.length, told.inputs.length + told.outputs.length);
    const [type, name] = told.run ? (['ObserveRun', `run ${told.run.runId}`] as const) : told.job ? (['ObserveJob', `job ${told.job.namespace} ${told.job.name}`] as const) : (['ObserveDataset', `dataset ${told.dataset?.namespace} ${told.dataset?.name}`] as const);
    const subjects = [...new Set([...(told.run ? [`run:${told.run.runId}`] : []), ...known.flatMap((node) => (node ? [written(node)] : []))])].slice(0, 32);
    return this.ledger.together(context, async (tx) => {
      await lockLineage(tx.sql, projectId);
      const command: ObserveOpenLineage = {
        type,
        told: { ...told, inputs, outputs, dataset: told.dataset && identified.at(-1) },
        circle: told.run ? await circleOf(tx.sql, projectId, { kind: 'run', id: told.run.runId }, inputs, outputs) : [],
      };
      const request = { stream: streamName(openLineage.category, uuidOf(`${projectId}/${name}`, STREAMS)), command, context: because(context, `Tells of ${name} by OpenLineage.`.slice(0, 2_000)), subjects };
      return this.ledger.handleWithin(tx, openLineage, request, projectToldLineage);
    });
  }
}

/**
 * How a version that the run writes leads to something that it reads, or the run to a version that it reads. Tables and files
 * elsewhere have no versions unless they are told, and may well be read and written.
 */
async function circleOf(sql: Sql, projectId: string, run: Node, inputs: readonly IdentifiedDataset[], outputs: readonly IdentifiedDataset[]): Promise<string[]> {
  const key = (dataset: IdentifiedDataset): string => keyOf(projectId, datasetNode(dataset));
  const versions = (datasets: readonly IdentifiedDataset[]): string[] => datasets.filter(({ knownAs }) => knownAs).map(key);
  for (const [from, to] of [[versions(outputs), inputs.map(key)], [[keyOf(projectId, run)], versions(inputs)]] as const) {
    if (from.length === 0 || to.length === 0) continue;
    const path = await pathFromOneOf(sql, from, to, undefined);
    if (path.length > 0) return [...(await namesOf(sql, path, [])), written(run)];
  }
  return [];
}
