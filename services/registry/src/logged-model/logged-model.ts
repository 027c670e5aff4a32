import { create } from '@bufbuild/protobuf';
import {
  LoggedModelArtifactLoggedSchema,
  LoggedModelArtifactRemovedSchema,
  LoggedModelCreatedSchema,
  LoggedModelDeletedSchema,
  LoggedModelFinalizedSchema,
  LoggedModelParamsLoggedSchema,
  LoggedModelTaggedSchema,
  LoggedModelTagRemovedSchema,
  type LoggedModelArtifactLogged,
  type LoggedModelArtifactRemoved,
  type LoggedModelCreated,
  type LoggedModelDeleted,
  type LoggedModelFinalized,
  type LoggedModelParamsLogged,
  type LoggedModelTagged,
  type LoggedModelTagRemoved,
} from '@vitae/contracts';
import { Refused, type Decider, type RefusalStatus } from '@vitae/event-store';
import { inParcels } from '../run/parcels.ts';
import { MOST_PARAMS, type KeyValue } from '../run/run.ts';
import { MOST_TAGS, withoutTag, type Tags } from '../tags.ts';

export const LOGGED_MODEL_STATUSES = ['LOGGED_MODEL_PENDING', 'LOGGED_MODEL_READY', 'LOGGED_MODEL_UPLOAD_FAILED'] as const;
export type LoggedModelStatus = (typeof LOGGED_MODEL_STATUSES)[number];

export interface CreateLoggedModel {
  readonly type: 'CreateLoggedModel';
  readonly modelId: string;
  readonly experimentId: string;
  readonly name: string;
  readonly modelType: string;
  /** Empty: none. */
  readonly sourceRunId: string;
  readonly artifactUri: string;
  readonly params: readonly KeyValue[];
  readonly tags: readonly KeyValue[];
}

export type LoggedModelChange =
  | { readonly type: 'LogModelParams'; readonly params: readonly KeyValue[] }
  | { readonly type: 'FinalizeLoggedModel'; readonly status: LoggedModelStatus }
  | { readonly type: 'TagLoggedModel'; readonly tags: readonly KeyValue[] }
  | { readonly type: 'RemoveLoggedModelTag'; readonly key: string }
  | { readonly type: 'LogModelArtifact'; readonly path: string; readonly digest: string; readonly sizeBytes: number }
  | { readonly type: 'RemoveModelArtifact'; readonly path: string }
  | { readonly type: 'DeleteLoggedModel' };

export type LoggedModelCommand = CreateLoggedModel | LoggedModelChange;
export type LoggedModelEvent =
  | LoggedModelCreated
  | LoggedModelParamsLogged
  | LoggedModelFinalized
  | LoggedModelTagged
  | LoggedModelTagRemoved
  | LoggedModelArtifactLogged
  | LoggedModelArtifactRemoved
  | LoggedModelDeleted;

export type LoggedModelRefusal = 'LOGGED_MODEL_NOT_FOUND' | 'PARAM_CHANGED' | 'PARAMS_TOO_MANY' | 'TAGS_TOO_MANY' | 'LOGGED_MODEL_TAG_MISSING';

interface Known {
  readonly modelId: string;
  readonly experimentId: string;
  readonly status: LoggedModelStatus;
  readonly params: ReadonlyMap<string, string>;
  readonly tags: Tags;
}
export type LoggedModelState = { readonly is: 'none' } | ({ readonly is: 'there' | 'deleted' } & Known);

const refuse = (reason: LoggedModelRefusal, status: RefusalStatus, message: string): Refused => new Refused(reason, message, status);

/**
 * A model that was made and put down, before anybody registers a version of it.
 *
 *   none ── Create ──► pending ── Finalize ──► ready, or the upload failed ── Delete ──► deleted, for ever
 *
 * Nothing brings a deleted one back: MLflow knows no command for it.
 */
export const loggedModel: Decider<LoggedModelState, LoggedModelCommand, LoggedModelEvent> = {
  category: 'registry.LoggedModel',
  initial: { is: 'none' },

  decide(command, state): readonly LoggedModelEvent[] {
    if (command.type === 'CreateLoggedModel') {
      return state.is === 'none' ? created(command) : [];
    }
    if (state.is === 'none') throw refuse('LOGGED_MODEL_NOT_FOUND', 404, 'There is no such logged model.');
    const of = { modelId: state.modelId, experimentId: state.experimentId };
    if (state.is === 'deleted') {
      if (command.type === 'DeleteLoggedModel') return [];
      throw loggedModelNotFound(state.modelId);
    }
    switch (command.type) {
      case 'LogModelParams':
        return inParcels(newParams(command.params, state)).map((params) => create(LoggedModelParamsLoggedSchema, { ...of, params }));
      case 'FinalizeLoggedModel':
        return command.status === state.status ? [] : [create(LoggedModelFinalizedSchema, { ...of, status: command.status })];
      case 'TagLoggedModel': {
        const tags = command.tags.filter(({ key, value }) => state.tags.get(key) !== value);
        if (new Set([...state.tags.keys(), ...tags.map(({ key }) => key)]).size > MOST_TAGS) throw refuse('TAGS_TOO_MANY', 422, `The logged model ${state.modelId} has ${state.tags.size} tags already, and more than ${MOST_TAGS} are not kept. Remove one first.`);
        return inParcels(tags).map((parcel) => create(LoggedModelTaggedSchema, { ...of, tags: parcel }));
      }
      case 'RemoveLoggedModelTag':
        if (!state.tags.has(command.key)) throw refuse('LOGGED_MODEL_TAG_MISSING', 404, `No tag with key '${command.key}' found for model with ID '${state.modelId}'.`);
        return [create(LoggedModelTagRemovedSchema, { ...of, key: command.key })];
      case 'LogModelArtifact':
        return [create(LoggedModelArtifactLoggedSchema, { ...of, path: command.path, digest: command.digest, sizeBytes: BigInt(command.sizeBytes) })];
      case 'RemoveModelArtifact':
        return [create(LoggedModelArtifactRemovedSchema, { ...of, path: command.path })];
      case 'DeleteLoggedModel':
        return [create(LoggedModelDeletedSchema, of)];
    }
  },

  evolve(state, event): LoggedModelState {
    if (event.$typeName === 'vitae.registry.v1.LoggedModelCreated') {
      const { modelId, experimentId, params, tags } = event;
      return { is: 'there', modelId, experimentId, status: 'LOGGED_MODEL_PENDING', params: mapOf(params), tags: mapOf(tags) };
    }
    if (state.is === 'none') return state;
    switch (event.$typeName) {
      case 'vitae.registry.v1.LoggedModelParamsLogged':
        return { ...state, params: new Map([...state.params, ...mapOf(event.params)]) };
      case 'vitae.registry.v1.LoggedModelFinalized':
        return { ...state, status: event.status as LoggedModelStatus }; // the contract knows no other
      case 'vitae.registry.v1.LoggedModelTagged':
        return { ...state, tags: new Map([...state.tags, ...mapOf(event.tags)]) };
      case 'vitae.registry.v1.LoggedModelTagRemoved':
        return { ...state, tags: withoutTag(state.tags, event.key) };
      case 'vitae.registry.v1.LoggedModelDeleted':
        return { ...state, is: 'deleted' };
      case 'vitae.registry.v1.LoggedModelArtifactLogged':
      case 'vitae.registry.v1.LoggedModelArtifactRemoved':
        return state;
    }
  },
};

/** In as few events as fit into the broker's messages. */
function created({ type: _, params, tags, ...said }: CreateLoggedModel): LoggedModelEvent[] {
  const of = { modelId: said.modelId, experimentId: said.experimentId };
  const [first = [], ...more] = inParcels([...params.map((param) => ({ param })), ...tags.map((tag) => ({ tag }))]);
  const inside = (parcel: typeof first) => ({ params: parcel.flatMap((one) => ('param' in one ? [one.param] : [])), tags: parcel.flatMap((one) => ('tag' in one ? [one.tag] : [])) });
  return [
    create(LoggedModelCreatedSchema, { ...said, ...inside(first) }),
    ...more.map(inside).flatMap((parcel) => [
      ...(parcel.params.length === 0 ? [] : [create(LoggedModelParamsLoggedSchema, { ...of, params: parcel.params })]),
      ...(parcel.tags.length === 0 ? [] : [create(LoggedModelTaggedSchema, { ...of, tags: parcel.tags })]),
    ]),
  ];
}

function newParams(params: readonly KeyValue[], { modelId, params: known }: Known): readonly KeyValue[] {
  const news = params.filter(({ key, value }) => {
    const before = known.get(key);
    if (before !== undefined && before !== value) throw refuse('PARAM_CHANGED', 422, `Changing param values is not allowed. Param with key='${key}' was already logged with value='${before.slice(0, 500)}' for the logged model '${modelId}'.`);
    return before === undefined;
  });
  if (known.size + news.length > MOST_PARAMS) throw refuse('PARAMS_TOO_MANY', 422, `The logged model ${modelId} has ${known.size} params already, and more than ${MOST_PARAMS} are not kept.`);
  return news;
}

const mapOf = (list: readonly KeyValue[]): ReadonlyMap<string, string> => new Map(list.map(({ key, value }) => [key, value]));

export const loggedModelNotFound = (modelId: string): Refused => refuse('LOGGED_MODEL_NOT_FOUND', 404, `Logged model with ID '${modelId}' not found.`);
