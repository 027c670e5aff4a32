import { create } from '@bufbuild/protobuf';
import {
  ArtefactArchivedSchema,
  ModelVersionDeletedSchema,
  ModelVersionDeprecatedSchema,
  ModelVersionDeprecationLiftedSchema,
  ModelVersionDescribedSchema,
  ModelVersionPurgedSchema,
  ModelVersionRestoredSchema,
  ModelVersionRetiredSchema,
  ModelVersionStageAssignedSchema,
  ModelVersionTaggedSchema,
  ModelVersionTagRemovedSchema,
} from '@vitae/contracts';
import { servingWords, type Serving } from '../model/model.ts';
import { roomForTag } from '../tags.ts';
import type { ModelVersionChange, PurgeModelVersion, RetireModelVersion } from './model-version-command.ts';
import { artefactMissing, modelVersionDeleted, modelVersionPurged, neverRegistered, refuse } from './model-version-refusal.ts';
import { identityOf, type Living, type ModelVersionEvent, type ModelVersionState } from './model-version-state.ts';

/** What may still be said of a version that is there. The artefact, its digest, its data and its source are not among it: they are written once. */
export function revised(command: Exclude<ModelVersionChange, { type: 'DeleteModelVersion' | 'RestoreModelVersion' | 'PurgeModelVersion' }>, before: ModelVersionState): readonly ModelVersionEvent[] {
  const state = living(before);
  const version = identityOf(state);
  switch (command.type) {
    case 'DescribeModelVersion':
      return command.description === state.description ? [] : [create(ModelVersionDescribedSchema, { ...version, description: command.description })];
    case 'TagModelVersion':
      roomForTag(state.tags, command.key);
      return state.tags.get(command.key) === command.value ? [] : [create(ModelVersionTaggedSchema, { ...version, key: command.key, value: command.value })];
    case 'RemoveModelVersionTag':
      return state.tags.has(command.key) ? [create(ModelVersionTagRemovedSchema, { ...version, key: command.key })] : [];
    case 'AssignStage':
      return command.stage === state.stage ? [] : [create(ModelVersionStageAssignedSchema, { ...version, stage: command.stage, previousStage: state.stage })];
    case 'DeprecateModelVersion':
      return deprecated(command, state);
    case 'LiftModelVersionDeprecation':
      return state.is === 'deprecated' ? [create(ModelVersionDeprecationLiftedSchema, version)] : [];
  }
}

/** Said again it changes nothing unless it names another successor: the words of the first time are sealed, and cannot be compared. */
function deprecated({ reason, successorModelVersionId }: Extract<ModelVersionChange, { type: 'DeprecateModelVersion' }>, state: Living): readonly ModelVersionEvent[] {
  if (state.is === 'retired') throw refuse('MODEL_VERSION_RETIRED', 409, `Version ${state.version} is retired, which is more than deprecated. Nothing is left to do.`);
  if (successorModelVersionId === state.modelVersionId) throw refuse('SUCCESSOR_UNFIT', 422, `Version ${state.version} cannot be its own successor. Name another version, or none.`);
  if (state.is === 'deprecated' && state.successorModelVersionId === successorModelVersionId) return [];
  return [create(ModelVersionDeprecatedSchema, { ...identityOf(state), reason, successorModelVersionId })];
}

export function retired({ retirementId, archiveLocation }: RetireModelVersion, state: ModelVersionState): readonly ModelVersionEvent[] {
  if (state.is === 'none') throw refuse('MODEL_VERSION_NOT_FOUND', 404, 'A retirement was approved for a version that was never registered. Look at the retirement that governance approved.');
  if (state.is === 'purged') throw modelVersionPurged(state.version);
  const version = state.is === 'deleted' ? state.was : state;
  if (version.is === 'retired') return [];
  return [
    // What was never here is not archived.
    ...(version.files.length > 0 ? [create(ArtefactArchivedSchema, { modelVersionId: version.modelVersionId, artefactDigest: version.artefactDigest, location: archiveLocation })] : []),
    create(ModelVersionRetiredSchema, { ...identityOf(version), retirementId }),
  ];
}

export function deleted({ serving }: Extract<ModelVersionChange, { type: 'DeleteModelVersion' }>, state: ModelVersionState): readonly ModelVersionEvent[] {
  if (state.is === 'none') throw neverRegistered();
  if (state.is === 'deleted' || (state.is === 'purged' && state.hidden)) return [];
  notServing(state.version, serving);
  return [create(ModelVersionDeletedSchema, identityOf(state))];
}

export function restored(state: ModelVersionState): readonly ModelVersionEvent[] {
  if (state.is === 'none') throw neverRegistered();
  if (state.is === 'purged' && state.hidden) throw modelVersionPurged(state.version);
  return state.is === 'deleted' ? [create(ModelVersionRestoredSchema, identityOf(state.was))] : [];
}

export function purged({ modelDeleted, serving, neededElsewhere }: PurgeModelVersion, state: ModelVersionState): readonly ModelVersionEvent[] {
  if (state.is === 'none') throw neverRegistered();
  if (state.is === 'purged') return [];
  const version = state.is === 'deleted' ? state.was : state;
  if (state.is !== 'deleted' && state.is !== 'retired' && !modelDeleted) {
    throw refuse('PURGE_TOO_EARLY', 409, `Version ${version.version} is ${version.is}, and only the bytes of what is retired or deleted may go. Delete it first, or have it retired.`);
  }
  if (version.files.length === 0) throw artefactMissing(version.version, 'there are no bytes to purge');
  notServing(version.version, serving);
  const files = [...new Set(version.files)];
  return [
    create(ModelVersionPurgedSchema, {
      ...identityOf(version),
      artefactDigest: version.artefactDigest,
      removed: files.filter((digest) => !neededElsewhere.includes(digest)),
      kept: files.filter((digest) => neededElsewhere.includes(digest)),
    }),
  ];
}

function living(state: ModelVersionState): Living {
  switch (state.is) {
    case 'none':
      throw neverRegistered();
    case 'deleted':
      throw modelVersionDeleted(state.was.version);
    case 'purged':
      throw modelVersionPurged(state.version);
    default:
      return state;
  }
}

function notServing(version: number, serving: readonly Serving[]): void {
  if (serving.length > 0) throw refuse('MODEL_VERSION_SERVES', 409, `Version ${version} serves right now: ${servingWords(serving)}. Shift that traffic to another version first.`);
}
