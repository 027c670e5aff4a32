import { create } from '@bufbuild/protobuf';
import {
  ModelDeletedSchema,
  ModelDeprecatedSchema,
  ModelDeprecationLiftedSchema,
  ModelDescribedSchema,
  ModelPurposeStatedSchema,
  ModelRegisteredSchema,
  ModelRenamedSchema,
  ModelRestoredSchema,
  ModelTaggedSchema,
  ModelTagRemovedSchema,
  type ModelDeleted,
  type ModelDeprecated,
  type ModelDeprecationLifted,
  type ModelDescribed,
  type ModelPurposeStated,
  type ModelRegistered,
  type ModelRenamed,
  type ModelRestored,
  type ModelTagged,
  type ModelTagRemoved,
} from '@vitae/contracts';
import { Refused, type Decider, type RefusalStatus } from '@vitae/event-store';
import { roomForTag, withoutTag, withTag, type Tags } from '../tags.ts';
import { decideAlias, evolveAlias, mayChange, type AliasCommand, type AliasEvent, type Aliases } from './alias.ts';

export interface RegisterModel {
  readonly type: 'RegisterModel';
  readonly modelId: string;
  readonly name: string;
  readonly description: string;
  /** e.g. binary-classification; empty when it is not known yet. */
  readonly task: string;
  /** Empty when it is not known yet: whoever registers by MLflow knows of none. */
  readonly useCaseId: string;
  readonly tags: readonly { readonly key: string; readonly value: string }[];
}

/** An endpoint that sends requests to a version right now. */
export interface Serving {
  readonly endpointId: string;
  readonly endpointName: string;
  readonly environment: string;
  readonly version: number;
}

/** A version of an AI system that is not retired and is made of the version, among others. */
export interface Pinning {
  readonly aiSystemName: string;
  readonly aiSystemVersion: number;
  readonly version: number;
}

export type ModelCommand =
  | RegisterModel
  | { readonly type: 'RenameModel'; readonly name: string }
  | { readonly type: 'DescribeModel'; readonly description: string }
  /** Says what was left open with the registration. */
  | { readonly type: 'StatePurpose'; readonly task: string; readonly useCaseId: string }
  | { readonly type: 'TagModel'; readonly key: string; readonly value: string }
  | { readonly type: 'RemoveModelTag'; readonly key: string }
  | { readonly type: 'DeprecateModel'; readonly reason: string; readonly successorModelId: string }
  | { readonly type: 'LiftModelDeprecation' }
  | { readonly type: 'DeleteModel'; readonly serving: readonly Serving[]; readonly pinnedBy: readonly Pinning[]; readonly by: string }
  | { readonly type: 'RestoreModel' }
  | AliasCommand;

export type ModelEvent =
  | ModelRegistered
  | ModelRenamed
  | ModelDescribed
  | ModelPurposeStated
  | ModelTagged
  | ModelTagRemoved
  | ModelDeprecated
  | ModelDeprecationLifted
  | ModelDeleted
  | ModelRestored
  | AliasEvent;

export type ModelRefusal = 'MODEL_NAME_TAKEN' | 'MODEL_NOT_FOUND' | 'MODEL_DELETED' | 'MODEL_SERVES' | 'MODEL_PINNED' | 'SUCCESSOR_UNFIT' | 'PURPOSE_MISSING' | 'PURPOSE_STATED';

interface Known {
  readonly modelId: string;
  readonly name: string;
  readonly description: string;
  readonly task: string;
  readonly useCaseId: string;
  readonly tags: Tags;
  readonly aliases: Aliases;
}
type Living = Known & ({ readonly is: 'active' } | { readonly is: 'deprecated'; readonly successorModelId: string });
export type ModelState = { readonly is: 'none' } | Living | { readonly is: 'deleted'; readonly was: Living };

const refuse = (reason: ModelRefusal, status: RefusalStatus, message: string): Refused => new Refused(reason, message, status);

/**
 * A model: a name under which versions are kept, for one use case; which one may be said later, but only once. Its versions
 * have streams of their own.
 *
 *   none ── Register ──► active ◄── LiftDeprecation ── deprecated
 *                          │  └───────── Deprecate ────────►│
 *                          └────── Delete ──► deleted ◄─────┘   Restore: back to what it was
 *
 * A name belongs to one model of a project that is not deleted; the database sees to that. Where a version's traffic and
 * state matter, they come with the command.
 */
export const model: Decider<ModelState, ModelCommand, ModelEvent> = {
  category: 'registry.Model',
  initial: { is: 'none' },

  decide(command, state): readonly ModelEvent[] {
    if (command.type === 'RegisterModel') return state.is === 'none' ? registered(command) : [];
    if (state.is === 'none') throw refuse('MODEL_NOT_FOUND', 404, 'There is no such model. POST …/models registers one.');
    if (command.type === 'RestoreModel') return state.is === 'deleted' ? [create(ModelRestoredSchema, { modelId: state.was.modelId, name: state.was.name })] : [];
    if (state.is === 'deleted') {
      if (command.type === 'DeleteModel') return [];
      throw modelDeleted(state.was.name);
    }
    const { modelId } = state;
    switch (command.type) {
      case 'RenameModel':
        return command.name === state.name ? [] : [create(ModelRenamedSchema, { modelId, name: command.name, previousName: state.name })];
      case 'DescribeModel':
        return command.description === state.description ? [] : [create(ModelDescribedSchema, { modelId, description: command.description })];
      case 'StatePurpose':
        return stated(command, state);
      case 'TagModel':
        roomForTag(state.tags, command.key);
        return state.tags.get(command.key) === command.value ? [] : [create(ModelTaggedSchema, { modelId, key: command.key, value: command.value })];
      case 'RemoveModelTag':
        return state.tags.has(command.key) ? [create(ModelTagRemovedSchema, { modelId, key: command.key })] : [];
      case 'DeprecateModel':
        return deprecated(command, state);
      case 'LiftModelDeprecation':
        return state.is === 'deprecated' ? [create(ModelDeprecationLiftedSchema, { modelId })] : [];
      case 'DeleteModel':
        return deleted(command, state);
      default:
        return decideAlias(command, modelId, state.aliases);
    }
  },

  evolve(state, event): ModelState {
    switch (event.$typeName) {
      case 'vitae.registry.v1.ModelRegistered':
        return { is: 'active', modelId: event.modelId, name: event.name, description: event.description, task: event.task, useCaseId: event.useCaseId, tags: new Map(), aliases: new Map() };
      case 'vitae.registry.v1.ModelRestored':
        return state.is === 'deleted' ? state.was : state;
      default:
        return state.is === 'none' || state.is === 'deleted' ? state : evolveLiving(state, event);
    }
  },
};

function evolveLiving(state: Living, event: Exclude<ModelEvent, ModelRegistered | ModelRestored>): ModelState {
  switch (event.$typeName) {
    case 'vitae.registry.v1.ModelRenamed':
      return { ...state, name: event.name };
    case 'vitae.registry.v1.ModelDescribed':
      return { ...state, description: event.description };
    case 'vitae.registry.v1.ModelPurposeStated':
      return { ...state, task: event.task, useCaseId: event.useCaseId };
    case 'vitae.registry.v1.ModelTagged':
      return { ...state, tags: withTag(state.tags, event.key, event.value) };
    case 'vitae.registry.v1.ModelTagRemoved':
      return { ...state, tags: withoutTag(state.tags, event.key) };
    case 'vitae.registry.v1.ModelDeprecated':
      return { ...state, is: 'deprecated', successorModelId: event.successorModelId };
    case 'vitae.registry.v1.ModelDeprecationLifted': {
      const { modelId, name, description, task, useCaseId, tags, aliases } = state;
      return { is: 'active', modelId, name, description, task, useCaseId, tags, aliases };
    }
    case 'vitae.registry.v1.ModelDeleted':
      return { is: 'deleted', was: state };
    default:
      return { ...state, aliases: evolveAlias(state.aliases, event) };
  }
}

function registered({ type: _, tags, ...said }: RegisterModel): readonly ModelEvent[] {
  return [create(ModelRegisteredSchema, said), ...tags.map(({ key, value }) => create(ModelTaggedSchema, { modelId: said.modelId, key, value }))];
}

/** A use case is what approvals and gates rest on, so a model does not change it. */
function stated({ task, useCaseId }: Extract<ModelCommand, { type: 'StatePurpose' }>, state: Living): readonly ModelEvent[] {
  if (state.useCaseId === useCaseId && state.task === task) return [];
  if (state.useCaseId !== '') throw refuse('PURPOSE_STATED', 409, `${state.name} serves use case ${state.useCaseId} (${state.task}) already, and a model keeps its use case. Register another model for another one.`);
  return [create(ModelPurposeStatedSchema, { modelId: state.modelId, task, useCaseId })];
}

/** Said again it changes nothing unless it names another successor: the words of the first time are sealed, and cannot be compared. */
function deprecated({ reason, successorModelId }: Extract<ModelCommand, { type: 'DeprecateModel' }>, state: Living): readonly ModelEvent[] {
  if (successorModelId === state.modelId) throw refuse('SUCCESSOR_UNFIT', 422, `${state.name} cannot be its own successor. Name another model, or none.`);
  if (state.is === 'deprecated' && state.successorModelId === successorModelId) return [];
  return [create(ModelDeprecatedSchema, { modelId: state.modelId, reason, successorModelId })];
}

function deleted({ serving, pinnedBy, by }: Extract<ModelCommand, { type: 'DeleteModel' }>, { modelId, name, aliases }: Living): readonly ModelEvent[] {
  if (serving.length > 0) throw refuse('MODEL_SERVES', 409, `${name} serves right now: ${servingWords(serving)}. Shift that traffic to another model first.`);
  if (pinnedBy.length > 0) throw refuse('MODEL_PINNED', 409, `${name} is part of an AI system: ${pinningWords(pinnedBy)}. Retire that version of the system first.`);
  for (const [alias, known] of aliases) if (known.target) mayChange(alias, known, by);
  return [create(ModelDeletedSchema, { modelId, name })];
}

/** For people: which endpoints send requests to which versions. */
export const servingWords = (serving: readonly Serving[]): string =>
  serving.map(({ endpointId, endpointName, environment, version }) => `endpoint ${endpointName || endpointId}${environment ? ` in ${environment}` : ''} sends requests to version ${version}`).join(', ');

/** For people: which versions of AI systems are made of which versions. */
export const pinningWords = (pinnedBy: readonly Pinning[]): string =>
  pinnedBy.map(({ aiSystemName, aiSystemVersion, version }) => `version ${aiSystemVersion} of ${aiSystemName} pins version ${version}`).join(', ');

export const modelNameTaken = (name: string): Refused =>
  refuse('MODEL_NAME_TAKEN', 409, `This project has a model named ${name} already. Register a version of that one, or choose another name.`);

export const purposeMissing = (name: string, id: string): Refused =>
  refuse('PURPOSE_MISSING', 409, `Nobody has said yet which use case ${name} serves, and a version is tied to one. PUT …/models/${id}/purpose says it.`);

export const modelNotFound = (id: string): Refused =>
  refuse('MODEL_NOT_FOUND', 404, `There is no model ${id} in this project. GET …/models lists those that are.`);

export const modelDeleted = (name: string): Refused =>
  refuse('MODEL_DELETED', 410, `The model ${name} was deleted. POST …/restoration brings it back; GET …?deleted=show shows it as it was.`);

export const successorNotFound = (id: string): Refused =>
  refuse('SUCCESSOR_UNFIT', 422, `There is nothing with id ${id} in this project that could be the successor. Name one that is there, or none.`);
