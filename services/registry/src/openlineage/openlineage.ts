import { create, toJsonString } from '@bufbuild/protobuf';
import { timestampFromDate, timestampDate, type Timestamp } from '@bufbuild/protobuf/wkt';
import {
  OpenLineageDatasetObservedSchema,
  OpenLineageJobObservedSchema,
  OpenLineageRunObservedSchema,
  type OpenLineageDataset,
  type OpenLineageDatasetObserved,
  type OpenLineageJobObserved,
  type OpenLineageRunObserved,
} from '@vitae/contracts';
import { Refused, type Decider } from '@vitae/event-store';
import { toldCyclic } from '../lineage/lineage-link.ts';
import type { Node } from '../lineage/node.ts';
import type { Kept, KeptDataset, KeptJob } from './kept.ts';

/** So many events are taken of one run: it is folded with each of them. */
const MOST_EVENTS = 1_000;

/** A dataset, and what it is here if it is. */
export type IdentifiedDataset = KeptDataset & { readonly knownAs: Node | undefined };

export interface ObserveOpenLineage {
  readonly type: 'ObserveRun' | 'ObserveDataset' | 'ObserveJob';
  readonly told: Omit<Kept, 'inputs' | 'outputs' | 'dataset'> & { readonly inputs: readonly IdentifiedDataset[]; readonly outputs: readonly IdentifiedDataset[]; readonly dataset: IdentifiedDataset | undefined };
  /** How something that the run writes leads to what it reads, in words; empty when it does not. */
  readonly circle: readonly string[];
}

export type OpenLineageEvent = OpenLineageRunObserved | OpenLineageDatasetObserved | OpenLineageJobObserved;
export type OpenLineageRefusal = 'LINEAGE_CYCLIC' | 'OPENLINEAGE_RUN_TOO_LONG';

type RunState = 'running' | 'complete' | 'aborted' | 'failed';
const ENDS: Readonly<Record<string, RunState>> = { COMPLETE: 'complete', ABORT: 'aborted', FAIL: 'failed' };

export interface OpenLineageState {
  /** Events of the run so far, by their type and time: what comes twice is taken once. */
  readonly seen: ReadonlySet<string>;
  /** Datasets that it was seen to read and write. */
  readonly data: ReadonlySet<string>;
  readonly run: RunState | 'none';
  /** When it ended, in milliseconds; what ended it later counts. */
  readonly endedAt: number;
  /** Of a dataset or a job: what was told last, to know whether it is news. */
  readonly last: string;
}

/**
 * What tools told by OpenLineage of one run, dataset or job. Events may come late and in any order:
 *
 *   none ── START, RUNNING, OTHER ──► running ── COMPLETE, FAIL, ABORT ──► complete, failed, aborted      the latest end counts
 */
export const openLineage: Decider<OpenLineageState, ObserveOpenLineage, OpenLineageEvent> = {
  category: 'registry.OpenLineage',
  initial: { seen: new Set(), data: new Set(), run: 'none', endedAt: 0, last: '' },

  decide({ type, told, circle }, state): readonly OpenLineageEvent[] {
    const at = new Date(told.eventTime);
    const common = { eventTime: timestampFromDate(at), producer: told.producer, schemaUrl: told.schemaUrl, leftOut: [...told.leftOut] };
    const event = ((): OpenLineageEvent => {
      switch (type) {
        case 'ObserveRun': {
          const { runId = '', eventType = 'OTHER', facets = [], parentRunId = '' } = told.run ?? {};
          const said = { runId, eventType, parentRunId, facets: facets.map((facet) => ({ ...facet })), job: jobOf(told.job), inputs: told.inputs.map(datasetOf), outputs: told.outputs.map(datasetOf) };
          return create(OpenLineageRunObservedSchema, { ...common, ...said, state: after(state, eventType, at.getTime()) });
        }
        case 'ObserveDataset':
          return create(OpenLineageDatasetObservedSchema, { ...common, ...(told.dataset ? { dataset: datasetOf(told.dataset) } : {}) });
        case 'ObserveJob':
          return create(OpenLineageJobObservedSchema, { ...common, job: jobOf(told.job), inputs: told.inputs.map(datasetOf), outputs: told.outputs.map(datasetOf) });
      }
    })();
    if (!isNews(event, state)) return [];
    if (circle.length > 0) throw toldCyclic(circle);
    if (state.seen.size >= MOST_EVENTS) throw new Refused('OPENLINEAGE_RUN_TOO_LONG' satisfies OpenLineageRefusal, `${MOST_EVENTS} events were taken of this already, and more are not kept. Send its end under a run of its own, with this one as its parent.`, 422);
    return [event];
  },

  evolve(state, event): OpenLineageState {
    if (event.$typeName !== 'vitae.registry.v1.OpenLineageRunObserved') return { ...state, seen: new Set([...state.seen, nameOf(event)]), last: contentOf(event) };
    const ends = ENDS[event.eventType] !== undefined && event.state === ENDS[event.eventType];
    return { seen: new Set([...state.seen, nameOf(event)]), data: new Set([...state.data, ...dataOf(event)]), run: event.state as RunState, endedAt: ends ? millis(event.eventTime) : state.endedAt, last: '' };
  },
};

function after({ run, endedAt }: OpenLineageState, eventType: string, at: number): RunState {
  const end = ENDS[eventType];
  if (end && at >= endedAt) return end;
  return run === 'none' ? 'running' : run;
}

/** Whether it says what was not known: that a run still runs is no news. */
function isNews(event: OpenLineageEvent, state: OpenLineageState): boolean {
  if (state.seen.has(nameOf(event))) return false;
  if (event.$typeName !== 'vitae.registry.v1.OpenLineageRunObserved') return contentOf(event) !== state.last;
  return event.eventType !== 'RUNNING' || state.run !== event.state || !dataOf(event).every((each) => state.data.has(each));
}

const nameOf = (event: OpenLineageEvent): string => `${event.$typeName === 'vitae.registry.v1.OpenLineageRunObserved' ? event.eventType : ''} ${millis(event.eventTime)}`;

const dataOf = ({ inputs, outputs }: OpenLineageRunObserved): string[] => [...inputs.map((each) => `reads ${named(each)}`), ...outputs.map((each) => `writes ${named(each)}`)];
const named = ({ namespace, name, version }: OpenLineageDataset): string => JSON.stringify([namespace, name, version]);

/** All that it says but the time. */
const contentOf = (event: OpenLineageDatasetObserved | OpenLineageJobObserved): string =>
  event.$typeName === 'vitae.registry.v1.OpenLineageJobObserved'
    ? toJsonString(OpenLineageJobObservedSchema, { ...event, eventTime: timestampFromDate(new Date(0)) })
    : toJsonString(OpenLineageDatasetObservedSchema, { ...event, eventTime: timestampFromDate(new Date(0)) });

const millis = (time: Timestamp | undefined): number => (time ? timestampDate(time).getTime() : 0);

const datasetOf = ({ knownAs, facets, ...dataset }: IdentifiedDataset) => ({ ...dataset, facets: facets.map((facet) => ({ ...facet })), ...(knownAs ? { knownAs } : {}) });
const jobOf = (job: KeptJob | undefined) => ({ namespace: job?.namespace ?? '', name: job?.name ?? '', commit: job?.commit ?? '', facets: (job?.facets ?? []).map((facet) => ({ ...facet })) });
