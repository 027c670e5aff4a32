import { create } from '@bufbuild/protobuf';
import {
  ExperimentCreatedSchema,
  ExperimentDeletedSchema,
  ExperimentRenamedSchema,
  ExperimentRestoredSchema,
  ExperimentTaggedSchema,
  ExperimentTagRemovedSchema,
  type ExperimentCreated,
  type ExperimentDeleted,
  type ExperimentRenamed,
  type ExperimentRestored,
  type ExperimentTagged,
  type ExperimentTagRemoved,
} from '@vitae/contracts';
import { Refused, type Decider, type RefusalStatus } from '@vitae/event-store';
import { inParcels } from '../run/parcels.ts';
import { roomForTag, withoutTag, withTag, type Tags } from '../tags.ts';

/** Every project has this one from the start; its stream begins when somebody uses it. */
export const DEFAULT_EXPERIMENT = '0';
export const DEFAULT_EXPERIMENT_NAME = 'Default';

export interface CreateExperiment {
  readonly type: 'CreateExperiment';
  readonly experimentId: string;
  readonly name: string;
  /** Empty: here. */
  readonly artifactLocation: string;
  readonly tags: readonly { readonly key: string; readonly value: string }[];
}

export type ExperimentChange =
  | { readonly type: 'RenameExperiment'; readonly name: string }
  | { readonly type: 'TagExperiment'; readonly key: string; readonly value: string }
  | { readonly type: 'RemoveExperimentTag'; readonly key: string }
  | { readonly type: 'DeleteExperiment' }
  | { readonly type: 'RestoreExperiment' };

export type ExperimentCommand = CreateExperiment | ExperimentChange;
export type ExperimentEvent = ExperimentCreated | ExperimentRenamed | ExperimentTagged | ExperimentTagRemoved | ExperimentDeleted | ExperimentRestored;

export type ExperimentRefusal = 'EXPERIMENT_NAME_TAKEN' | 'EXPERIMENT_NOT_FOUND' | 'EXPERIMENT_DELETED' | 'EXPERIMENT_TAG_MISSING';

interface Known {
  readonly experimentId: string;
  readonly name: string;
  readonly tags: Tags;
}
export type ExperimentState = { readonly is: 'none' } | ({ readonly is: 'active' | 'deleted' } & Known);

const refuse = (reason: ExperimentRefusal, status: RefusalStatus, message: string): Refused => new Refused(reason, message, status);

/**
 * What runs are kept together in.
 *
 *   none ── Create ──► active ◄── Restore ── deleted
 *                        └──── Delete ─────────►┘
 *
 * Its runs have streams of their own, and are hidden while it is deleted. A deleted one keeps its name.
 */
export const experiment: Decider<ExperimentState, ExperimentCommand, ExperimentEvent> = {
  category: 'registry.Experiment',
  initial: { is: 'none' },

  decide(command, state): readonly ExperimentEvent[] {
    if (command.type === 'CreateExperiment') {
      const { type: _, tags, ...said } = command;
      const [first = [], ...more] = inParcels(tags);
      return state.is === 'none' ? [create(ExperimentCreatedSchema, { ...said, tags: first }), ...more.flat().map((tag) => create(ExperimentTaggedSchema, { experimentId: said.experimentId, ...tag }))] : [];
    }
    if (state.is === 'none') throw refuse('EXPERIMENT_NOT_FOUND', 404, 'There is no such experiment.');
    const { experimentId, name, tags } = state;
    if (command.type === 'RestoreExperiment') return state.is === 'deleted' ? [create(ExperimentRestoredSchema, { experimentId })] : [];
    if (command.type === 'DeleteExperiment') return state.is === 'active' ? [create(ExperimentDeletedSchema, { experimentId })] : [];
    if (state.is === 'deleted') throw experimentDeleted(experimentId);
    switch (command.type) {
      case 'RenameExperiment':
        return command.name === name ? [] : [create(ExperimentRenamedSchema, { experimentId, name: command.name, previousName: name })];
      case 'TagExperiment':
        if (tags.get(command.key) === command.value) return [];
        roomForTag(tags, command.key);
        return [create(ExperimentTaggedSchema, { experimentId, key: command.key, value: command.value })];
      case 'RemoveExperimentTag':
        if (!tags.has(command.key)) throw refuse('EXPERIMENT_TAG_MISSING', 404, `No tag with name: ${command.key} in experiment with id ${experimentId}`);
        return [create(ExperimentTagRemovedSchema, { experimentId, key: command.key })];
    }
  },

  evolve(state, event): ExperimentState {
    if (event.$typeName === 'vitae.registry.v1.ExperimentCreated') {
      return { is: 'active', experimentId: event.experimentId, name: event.name, tags: new Map(event.tags.map(({ key, value }) => [key, value])) };
    }
    if (state.is === 'none') return state;
    switch (event.$typeName) {
      case 'vitae.registry.v1.ExperimentRenamed':
        return { ...state, name: event.name };
      case 'vitae.registry.v1.ExperimentTagged':
        return { ...state, tags: withTag(state.tags, event.key, event.value) };
      case 'vitae.registry.v1.ExperimentTagRemoved':
        return { ...state, tags: withoutTag(state.tags, event.key) };
      case 'vitae.registry.v1.ExperimentDeleted':
        return { ...state, is: 'deleted' };
      case 'vitae.registry.v1.ExperimentRestored':
        return { ...state, is: 'active' };
    }
  },
};

export const experimentNotFound = (id: string): Refused => refuse('EXPERIMENT_NOT_FOUND', 404, `No Experiment with id=${id} exists`);

export const experimentDeleted = (id: string): Refused => refuse('EXPERIMENT_DELETED', 422, `The experiment ${id} must be in the 'active' state. Current state is deleted.`);

export const experimentNameTaken = (name: string): Refused => refuse('EXPERIMENT_NAME_TAKEN', 409, `Experiment(name=${name}) already exists.`);
