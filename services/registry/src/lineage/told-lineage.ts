import type { Message } from '@bufbuild/protobuf';
import type {
  LineageLinkDeclared,
  LineageLinkWithdrawn,
  OpenLineageDataset,
  OpenLineageDatasetObserved,
  OpenLineageJob,
  OpenLineageJobObserved,
  OpenLineageRunObserved,
} from '@vitae/contracts';
import { edge, fromKnown, is, node, type LineageFact } from './lineage-fact.ts';
import { readNode, type Node } from './node.ts';

type Told = LineageLinkDeclared | LineageLinkWithdrawn | OpenLineageDatasetObserved | OpenLineageJobObserved | OpenLineageRunObserved;

/** What people and tools told of where things came from. */
export function toldLineage(message: Message): readonly LineageFact[] | undefined {
  const event = message as Told;
  switch (event.$typeName) {
    case 'vitae.registry.v1.LineageLinkDeclared':
      return linked(event, (ends) => ({ fact: 'edge', ...ends, linkId: event.linkId }));
    case 'vitae.registry.v1.LineageLinkWithdrawn':
      return linked(event, (ends) => ({ fact: 'edge-ends', ...ends }));
    case 'vitae.registry.v1.OpenLineageRunObserved': {
      const run = node('run', event.runId);
      return [
        is(run, event.state, event.job ? `run of ${event.job.name}` : undefined),
        ...(event.job ? [edge(jobNode(event.job), run, 'run-of'), ...fromKnown('commit', event.job.commit, run, 'ran-code')] : []),
        ...fromKnown('run', event.parentRunId, run, 'started-by'),
        ...event.inputs.map((input) => edge(datasetNode(input), run, 'read')),
        ...event.outputs.map((output) => edge(run, datasetNode(output), 'written-by')),
      ];
    }
    case 'vitae.registry.v1.OpenLineageDatasetObserved':
      return event.dataset && !event.dataset.knownAs ? [{ fact: 'node', node: datasetNode(event.dataset) }] : [];
    case 'vitae.registry.v1.OpenLineageJobObserved': {
      if (!event.job) return [];
      const job = jobNode(event.job);
      return [
        { fact: 'node', node: job },
        ...fromKnown('commit', event.job.commit, job, 'runs-code'),
        ...event.inputs.map((input) => edge(datasetNode(input), job, 'reads')),
        ...event.outputs.map((output) => edge(job, datasetNode(output), 'writes')),
      ];
    }
    default:
      return undefined;
  }
}

function linked(event: LineageLinkDeclared | LineageLinkWithdrawn, fact: (ends: { readonly from: Node; readonly to: Node; readonly relation: string }) => LineageFact): LineageFact[] {
  const [from, to] = [event.from, event.to].map((end) => end && readNode(`${end.kind}:${end.id}`));
  return from && to ? [fact({ from, to, relation: event.relation })] : [];
}

const jobNode = ({ namespace, name }: OpenLineageJob): Node => node('job', `${namespace}/${name}`);

/** What it is here, or else the dataset under its own name; each version that is told of is a dataset of its own. */
export function datasetNode({ namespace, name, version, knownAs }: Pick<OpenLineageDataset, 'namespace' | 'name' | 'version'> & { readonly knownAs?: { readonly kind: string; readonly id: string } | undefined }): Node {
  const known = knownAs && readNode(`${knownAs.kind}:${knownAs.id}`);
  return known ?? node('dataset', `${namespace}/${name}${version === '' ? '' : `@${version}`}`);
}
