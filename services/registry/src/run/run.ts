import { create } from '@bufbuild/protobuf';
import {
  RunArtifactLoggedSchema,
  RunArtifactRemovedSchema,
  RunDeletedSchema,
  RunEndedSchema,
  RunInputsLoggedSchema,
  RunLoggedSchema,
  RunOutputsLoggedSchema,
  RunRenamedSchema,
  RunRestoredSchema,
  RunResumedSchema,
  RunStartedSchema,
  RunTagRemovedSchema,
  type RunArtifactLogged,
  type RunArtifactRemoved,
  type RunDeleted,
  type RunEnded,
  type RunInputsLogged,
  type RunLogged,
  type RunOutputsLogged,
  type RunRenamed,
  type RunRestored,
  type RunResumed,
  type RunStarted,
  type RunTagRemoved,
} from '@vitae/contracts';
import { Refused, type Decider, type RefusalStatus } from '@vitae/event-store';
import { MOST_TAGS, withoutTag, withTag, type Tags } from '../tags.ts';
import { inParcels } from './parcels.ts';

export const RUN_STATUSES = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** The tag that MLflow keeps a run's name in as well. */
export const RUN_NAME_TAG = 'mlflow.runName';

/** How many params one run may have: they come with every answer that shows it. */
export const MOST_PARAMS = 5_000;

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

/** One value of a metric. */
export interface Point {
  readonly key: string;
  /** May be infinite, or NaN. */
  readonly value: number;
  readonly timestamp: number;
  readonly step: number;
  /** Empty: of the run alone. */
  readonly modelId: string;
  readonly datasetName: string;
  readonly datasetDigest: string;
}

export interface DatasetRead {
  readonly name: string;
  readonly digest: string;
  readonly sourceType: string;
  readonly source: string;
  readonly schema: string;
  readonly profile: string;
  readonly tags: readonly KeyValue[];
}

export interface StartRun {
  readonly type: 'StartRun';
  readonly runId: string;
  readonly experimentId: string;
  readonly name: string;
  readonly userId: string;
  readonly startedAt: number;
  readonly artifactUri: string;
  readonly tags: readonly KeyValue[];
}

export type RunChange =
  /** Metrics MUST be without those that are logged already: a run may have millions, and its state holds none. */
  | { readonly type: 'LogToRun'; readonly metrics: readonly Point[]; readonly params: readonly KeyValue[]; readonly tags: readonly KeyValue[] }
  | { readonly type: 'RemoveRunTag'; readonly key: string }
  /** Inputs MUST be without those that are logged already. */
  | { readonly type: 'LogInputs'; readonly datasets: readonly DatasetRead[]; readonly modelIds: readonly string[] }
  | { readonly type: 'LogOutputs'; readonly models: readonly { readonly modelId: string; readonly step: number }[] }
  /** What is undefined stays as it is. */
  | { readonly type: 'UpdateRun'; readonly status: RunStatus | undefined; readonly endedAt: number | undefined; readonly name: string | undefined }
  | { readonly type: 'LogRunArtifact'; readonly path: string; readonly digest: string; readonly sizeBytes: number }
  | { readonly type: 'RemoveRunArtifact'; readonly path: string }
  | { readonly type: 'DeleteRun' }
  | { readonly type: 'RestoreRun' };

export type RunCommand = StartRun | RunChange;
export type RunEvent = RunStarted | RunLogged | RunTagRemoved | RunInputsLogged | RunOutputsLogged | RunRenamed | RunEnded | RunResumed | RunArtifactLogged | RunArtifactRemoved | RunDeleted | RunRestored;

export type RunRefusal = 'RUN_NOT_FOUND' | 'RUN_DELETED' | 'PARAM_CHANGED' | 'PARAMS_TOO_MANY' | 'TAGS_TOO_MANY' | 'RUN_TAG_MISSING';

interface Known {
  readonly runId: string;
  readonly experimentId: string;
  readonly name: string;
  readonly status: RunStatus;
  /** 0: it has none. */
  readonly endedAt: number;
  readonly params: ReadonlyMap<string, string>;
  readonly tags: Tags;
}
export type RunState = { readonly is: 'none' } | ({ readonly is: 'active' | 'deleted' } & Known);

const refuse = (reason: RunRefusal, status: RefusalStatus, message: string): Refused => new Refused(reason, message, status);

/**
 * One try: what it was set to, what it measured, what it read and made.
 *
 *   none ── Start ──► active ◄── Restore ── deleted
 *                       └──── Delete ────────►┘
 *
 * Whether it runs or has ended is the client's word, and may be said anew: MLflow's clients go on with runs that had ended.
 * Params are said once; what is measured is only ever added.
 */
export const run: Decider<RunState, RunCommand, RunEvent> = {
  category: 'registry.Run',
  initial: { is: 'none' },

  decide(command, state): readonly RunEvent[] {
    if (command.type === 'StartRun') return state.is === 'none' ? started(command) : [];
    if (state.is === 'none') throw refuse('RUN_NOT_FOUND', 404, 'There is no such run.');
    const of = { runId: state.runId, experimentId: state.experimentId };
    if (command.type === 'DeleteRun') return state.is === 'active' ? [create(RunDeletedSchema, of)] : [];
    if (command.type === 'RestoreRun') return state.is === 'deleted' ? [create(RunRestoredSchema, of)] : [];
    if (state.is === 'deleted') throw runDeleted(state.runId);
    switch (command.type) {
      case 'LogToRun':
        return logged(command, state);
      case 'RemoveRunTag':
        if (!state.tags.has(command.key)) throw refuse('RUN_TAG_MISSING', 404, `No tag with name: ${command.key} in run with id ${state.runId}`);
        return [create(RunTagRemovedSchema, { ...of, key: command.key })];
      case 'LogInputs': {
        const { datasets, modelIds } = command;
        const ofModels = modelIds.length === 0 ? [] : [create(RunInputsLoggedSchema, { ...of, modelIds: [...modelIds] })];
        return [...inParcels(datasets).map((parcel) => create(RunInputsLoggedSchema, { ...of, datasets: parcel.map((one) => ({ ...one, tags: [...one.tags] })) })), ...ofModels];
      }
      case 'LogOutputs':
        return command.models.length === 0 ? [] : [create(RunOutputsLoggedSchema, { ...of, models: command.models.map(({ modelId, step }) => ({ modelId, step: BigInt(step) })) })];
      case 'UpdateRun':
        return updated(command, state);
      case 'LogRunArtifact':
        return [create(RunArtifactLoggedSchema, { ...of, path: command.path, digest: command.digest, sizeBytes: BigInt(command.sizeBytes) })];
      case 'RemoveRunArtifact':
        return [create(RunArtifactRemovedSchema, { ...of, path: command.path })];
    }
  },

  evolve(state, event): RunState {
    if (event.$typeName === 'vitae.registry.v1.RunStarted') {
      const { runId, experimentId, name, tags } = event;
      return { is: 'active', runId, experimentId, name, status: 'RUNNING', endedAt: 0, params: new Map(), tags: mapOf(tags) };
    }
    if (state.is === 'none') return state;
    switch (event.$typeName) {
      case 'vitae.registry.v1.RunLogged': {
        const tags = new Map([...state.tags, ...mapOf(event.tags)]);
        return { ...state, params: event.params.length === 0 ? state.params : new Map([...state.params, ...mapOf(event.params)]), tags, name: mapOf(event.tags).get(RUN_NAME_TAG) ?? state.name };
      }
      case 'vitae.registry.v1.RunTagRemoved':
        return { ...state, tags: withoutTag(state.tags, event.key) };
      case 'vitae.registry.v1.RunRenamed':
        return { ...state, name: event.name, tags: withTag(state.tags, RUN_NAME_TAG, event.name) };
      case 'vitae.registry.v1.RunEnded':
      case 'vitae.registry.v1.RunResumed':
        return { ...state, status: event.status as RunStatus, endedAt: Number(event.endedAt) }; // the contract knows no other status
      case 'vitae.registry.v1.RunDeleted':
        return { ...state, is: 'deleted' };
      case 'vitae.registry.v1.RunRestored':
        return { ...state, is: 'active' };
      case 'vitae.registry.v1.RunInputsLogged':
      case 'vitae.registry.v1.RunOutputsLogged':
      case 'vitae.registry.v1.RunArtifactLogged':
      case 'vitae.registry.v1.RunArtifactRemoved':
        return state;
    }
  },
};

function started({ type: _, startedAt, tags, ...said }: StartRun): RunEvent[] {
  const [first = [], ...more] = inParcels(tags);
  const { runId, experimentId } = said;
  return [create(RunStartedSchema, { ...said, startedAt: BigInt(startedAt), tags: first }), ...more.map((parcel) => create(RunLoggedSchema, { runId, experimentId, tags: parcel }))];
}

/** What is news of it, in as few events as fit into the broker's messages. */
function logged({ metrics, params, tags }: Extract<RunCommand, { type: 'LogToRun' }>, { runId, experimentId, ...known }: Known): RunLogged[] {
  const newParams = params.filter(({ key, value }) => {
    const before = known.params.get(key);
    if (before !== undefined && before !== value) {
      throw refuse('PARAM_CHANGED', 422, `Changing param values is not allowed. Param with key='${key}' was already logged with value='${before.slice(0, 500)}' for run ID='${runId}'. Attempted logging new value '${value.slice(0, 500)}'.`);
    }
    return before === undefined;
  });
  if (known.params.size + newParams.length > MOST_PARAMS) throw refuse('PARAMS_TOO_MANY', 422, `The run ${runId} has ${known.params.size} params already, and more than ${MOST_PARAMS} are not kept.`);
  const newTags = tags.filter(({ key, value }) => known.tags.get(key) !== value);
  if (new Map([...known.tags, ...mapOf(newTags)]).size > MOST_TAGS) throw refuse('TAGS_TOO_MANY', 422, `The run ${runId} has ${known.tags.size} tags already, and more than ${MOST_TAGS} are not kept. Remove one first.`);
  const all = [
    ...metrics.map((point) => ({ metric: { ...point, timestamp: BigInt(point.timestamp), step: BigInt(point.step) } })),
    ...newParams.map((param) => ({ param })),
    ...newTags.map((tag) => ({ tag })),
  ];
  return inParcels(all).map((parcel) =>
    create(RunLoggedSchema, {
      runId,
      experimentId,
      metrics: parcel.flatMap((one) => ('metric' in one ? [one.metric] : [])),
      params: parcel.flatMap((one) => ('param' in one ? [one.param] : [])),
      tags: parcel.flatMap((one) => ('tag' in one ? [one.tag] : [])),
    }),
  );
}

function updated({ status = undefined, endedAt, name }: Extract<RunCommand, { type: 'UpdateRun' }>, state: Known): RunEvent[] {
  const of = { runId: state.runId, experimentId: state.experimentId };
  const [now, end] = [status ?? state.status, endedAt ?? state.endedAt];
  const moved = now !== state.status || end !== state.endedAt;
  return [
    ...(name === undefined || name === state.name ? [] : [create(RunRenamedSchema, { ...of, name, previousName: state.name })]),
    ...(moved ? [create(now === 'RUNNING' || now === 'SCHEDULED' ? RunResumedSchema : RunEndedSchema, { ...of, status: now, endedAt: BigInt(end) })] : []),
  ];
}

const mapOf = (list: readonly KeyValue[]): ReadonlyMap<string, string> => new Map(list.map(({ key, value }) => [key, value]));

export const runNotFound = (runId: string): Refused => refuse('RUN_NOT_FOUND', 404, `Run with id=${runId} not found`);

export const runDeleted = (runId: string): Refused => refuse('RUN_DELETED', 422, `The run ${runId} must be in the 'active' state. Current state is deleted.`);
