import { commitId } from '../lineage/node.ts';
import type { OpenLineageDocument, SentDataset, SentFacets } from './document.ts';

/** Facets that say something of lineage. Others are named in the event and not kept: they may hold anything, for ever. */
const KEPT: ReadonlySet<string> = new Set([
  'parent', 'nominalTime', 'processing_engine', // of a run
  'jobType', 'sourceCodeLocation', // of a job
  'schema', 'dataSource', 'version', 'datasetType', 'storage', 'lifecycleStateChange', 'columnLineage', // of a dataset
  'inputStatistics', 'dataQualityMetrics', 'outputStatistics', // of a dataset that was read or written
]);
const MOST_FACET_BYTES = 8192;
const MOST_BYTES = 256 * 1024;

export interface KeptFacet {
  readonly name: string;
  readonly json: string;
}
export interface KeptJob {
  readonly namespace: string;
  readonly name: string;
  readonly facets: readonly KeptFacet[];
  readonly commit: string;
}
export interface KeptDataset {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly facets: readonly KeptFacet[];
}

/** What is kept of a document. */
export interface Kept {
  readonly eventTime: string;
  readonly producer: string;
  readonly schemaUrl: string;
  readonly run: { readonly runId: string; readonly eventType: string; readonly facets: readonly KeptFacet[]; readonly parentRunId: string } | undefined;
  readonly job: KeptJob | undefined;
  readonly dataset: KeptDataset | undefined;
  readonly inputs: readonly KeptDataset[];
  readonly outputs: readonly KeptDataset[];
  readonly leftOut: readonly string[];
}

/** An event is small: facets that are known are kept while there is room, in the order of the document. */
export function keptOf(document: OpenLineageDocument): Kept {
  let room = MOST_BYTES;
  const leftOut = new Set<string>();
  const facets = (...sent: readonly (SentFacets | undefined)[]): KeptFacet[] => {
    const kept = new Map<string, string>();
    for (const [name, facet] of sent.flatMap((each) => Object.entries(each ?? {}))) {
      const json = JSON.stringify(facet);
      const size = new TextEncoder().encode(json).length;
      if (!KEPT.has(name) || size > MOST_FACET_BYTES || size > room) {
        leftOut.add(name);
        continue;
      }
      room -= size;
      kept.set(name, json);
    }
    return [...kept].map(([name, json]) => ({ name, json }));
  };
  const dataset = ({ namespace, name, facets: own, inputFacets, outputFacets }: SentDataset): KeptDataset => ({
    namespace,
    name,
    version: textIn(own?.['version'], 'datasetVersion', 500),
    facets: facets(own, inputFacets, outputFacets),
  });
  const { run, job } = document;
  return {
    eventTime: document.eventTime,
    producer: document.producer,
    schemaUrl: document.schemaURL,
    run: run && { runId: run.runId, eventType: document.eventType ?? 'OTHER', facets: facets(run.facets), parentRunId: parentOf(run.facets) },
    job: job && { namespace: job.namespace, name: job.name, facets: facets(job.facets), commit: commitOf(job.facets) },
    dataset: document.dataset && dataset(document.dataset),
    inputs: document.inputs.map(dataset),
    outputs: document.outputs.map(dataset),
    leftOut: [...leftOut].slice(0, 64),
  };
}

function commitOf(facets: SentFacets | undefined): string {
  const location = facets?.['sourceCodeLocation'];
  const repository = textIn(location, 'repoUrl', 1000) || textIn(location, 'url', 1000);
  const commit = textIn(location, 'version', 500);
  return repository !== '' && commit !== '' ? commitId(repository, commit) : '';
}

function parentOf(facets: SentFacets | undefined): string {
  const runId = textIn(facets?.['parent']?.['run'], 'runId', 36).toLowerCase();
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(runId) ? runId : '';
}

/** A field's text; empty when there is none, or more than fits. */
function textIn(value: unknown, field: string, most: number): string {
  const found = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[field] : undefined;
  return typeof found === 'string' && found.length <= most ? found : '';
}
