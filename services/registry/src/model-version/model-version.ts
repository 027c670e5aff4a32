import { create } from '@bufbuild/protobuf';
import {
  ArtefactArchivedSchema,
  ModelVersionDeletedSchema,
  ModelVersionDeprecatedSchema,
  ModelVersionDeprecationLiftedSchema,
  ModelVersionDescribedSchema,
  ModelVersionPurgedSchema,
  ModelVersionReferencedSchema,
  ModelVersionRegisteredSchema,
  ModelVersionRestoredSchema,
  ModelVersionRetiredSchema,
  ModelVersionSignatureRejectedSchema,
  ModelVersionSignatureVerifiedSchema,
  ModelVersionStageAssignedSchema,
  ModelVersionTaggedSchema,
  ModelVersionTagRemovedSchema,
  type ArtefactArchived,
  type ModelVersionDeleted,
  type ModelVersionDeprecated,
  type ModelVersionDeprecationLifted,
  type ModelVersionDescribed,
  type ModelVersionPurged,
  type ModelVersionReferenced,
  type ModelVersionRegistered,
  type ModelVersionRestored,
  type ModelVersionRetired,
  type ModelVersionSignatureRejected,
  type ModelVersionSignatureVerified,
  type ModelVersionStageAssigned,
  type ModelVersionTagged,
  type ModelVersionTagRemoved,
} from '@vitae/contracts';
import { Refused, type Decider, type RefusalStatus } from '@vitae/event-store';
import { servingWords, type Serving } from '../model/model.ts';
import { roomForTag, withoutTag, withTag, type Tags } from '../tags.ts';
import type { Tensor } from './tensor-spec.ts';

export interface StoredFile {
  readonly path: string;
  readonly digest: string;
  readonly sizeBytes: number;
  /** What it is by its bytes; absent where nobody looked. */
  readonly content?: string;
  readonly flags?: readonly string[];
}

export interface RegisterModelVersion {
  readonly type: 'RegisterModelVersion';
  readonly modelVersionId: string;
  readonly modelId: string;
  readonly modelName: string;
  readonly useCaseId: string;
  readonly version: number;
  /** `digest` is the root digest over the files; the first one is opened as the model. */
  readonly artefact: { readonly digest: string; readonly format: string; readonly files: readonly StoredFile[] };
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly datasetVersionId: string;
  readonly datasetDigest: string;
  readonly source: { readonly repository: string; readonly commit: string };
  /** Reported by whoever trained it. */
  readonly trainingMetrics: Readonly<Record<string, number>>;
  readonly contributors: readonly string[];
  /** Who registers it; counts as a contributor, named or not. */
  readonly registeredBy: string;
  readonly description: string;
  /** Where the artefact was taken from, and the run that made it; empty when unknown. */
  readonly artefactSource: string;
  readonly runId: string;
  readonly runLink: string;
  readonly tags: readonly { readonly key: string; readonly value: string }[];
  /** What was found out about its signature; without one it has none. */
  readonly signature?: FoundSignature | undefined;
}

/** Names a version by where its artefact lies: all that MLflow's clients know of one. Its evidence is missing, and stays so. */
export interface ReferenceModelVersion {
  readonly type: 'ReferenceModelVersion';
  readonly modelVersionId: string;
  readonly modelId: string;
  readonly modelName: string;
  /** Empty when nobody has said it of the model yet. */
  readonly useCaseId: string;
  readonly version: number;
  /** As it was said, e.g. runs:/<run>/model. */
  readonly source: string;
  /** Where the artefact lies: of a copy, where that of the copied version does. */
  readonly location: string;
  readonly copiedFromModelVersionId: string;
  readonly runId: string;
  readonly runLink: string;
  readonly loggedModelId: string;
  readonly registeredBy: string;
  readonly description: string;
  readonly tags: readonly { readonly key: string; readonly value: string }[];
  /** All of its files, when they lie here, and their root digest. */
  readonly artefact?: { readonly digest: string; readonly files: readonly StoredFile[] } | undefined;
  /** What the run that made it said of its code. */
  readonly code?: { readonly repository: string; readonly commit: string } | undefined;
}

/** MLflow's stages: a note on a version. They allow nothing and serve nothing. */
export const STAGES = ['None', 'Staging', 'Production', 'Archived'] as const;
export type Stage = (typeof STAGES)[number];

/** A signature that holds. */
export type FoundSignature = Pick<ModelVersionSignatureVerified, 'bundleDigest' | 'bundlePath' | 'method' | 'keyId' | 'signer' | 'subjectDigest'>;

/** Comes instead of RegisterModelVersion when the signature does not count. The version never is. */
export interface RejectSignature extends Pick<ModelVersionSignatureRejected, 'modelVersionId' | 'modelId' | 'modelName' | 'artefactDigest' | 'bundleDigest' | 'fault' | 'detail'> {
  readonly type: 'RejectSignature';
}

/** Comes from an approved retirement, once nothing sends the version traffic and its bytes are in the archive. */
export interface RetireModelVersion {
  readonly type: 'RetireModelVersion';
  readonly retirementId: string;
  readonly archiveLocation: string;
}

export interface PurgeModelVersion {
  readonly type: 'PurgeModelVersion';
  /** The versions of a deleted model may be purged as if each were deleted. */
  readonly modelDeleted: boolean;
  readonly serving: readonly Serving[];
  /** Digests of its files that something else needs. */
  readonly neededElsewhere: readonly string[];
}

export type ModelVersionChange =
  | { readonly type: 'DescribeModelVersion'; readonly description: string }
  | { readonly type: 'TagModelVersion'; readonly key: string; readonly value: string }
  | { readonly type: 'RemoveModelVersionTag'; readonly key: string }
  | { readonly type: 'AssignStage'; readonly stage: Stage }
  | { readonly type: 'DeprecateModelVersion'; readonly reason: string; readonly successorModelVersionId: string }
  | { readonly type: 'LiftModelVersionDeprecation' }
  | { readonly type: 'DeleteModelVersion'; readonly serving: readonly Serving[] }
  | { readonly type: 'RestoreModelVersion' }
  | PurgeModelVersion;

export type ModelVersionCommand = RegisterModelVersion | ReferenceModelVersion | RejectSignature | RetireModelVersion | ModelVersionChange;
export type ModelVersionEvent =
  | ModelVersionRegistered
  | ModelVersionReferenced
  | ModelVersionSignatureVerified
  | ModelVersionSignatureRejected
  | ModelVersionDescribed
  | ModelVersionTagged
  | ModelVersionTagRemoved
  | ModelVersionStageAssigned
  | ModelVersionDeprecated
  | ModelVersionDeprecationLifted
  | ArtefactArchived
  | ModelVersionRetired
  | ModelVersionDeleted
  | ModelVersionRestored
  | ModelVersionPurged;
export type ModelVersionRefusal =
  | 'ARTEFACT_ALREADY_REGISTERED'
  | 'ARTEFACT_MISSING'
  | 'ARTEFACT_NOT_ONNX'
  | 'ARTEFACT_NOT_TENSORS'
  | 'MODEL_VERSION_NOT_FOUND'
  | 'MODEL_VERSION_DELETED'
  | 'MODEL_VERSION_RETIRED'
  | 'MODEL_VERSION_PURGED'
  | 'MODEL_VERSION_SERVES'
  | 'PURGE_TOO_EARLY'
  | 'SUCCESSOR_UNFIT'
  | 'SIGNATURE_REJECTED';

interface Identity {
  readonly modelVersionId: string;
  readonly modelId: string;
  readonly version: number;
}
interface Known extends Identity {
  /** Empty, as files are, when the version was registered by reference. */
  readonly artefactDigest: string;
  readonly files: readonly string[];
  readonly description: string;
  readonly tags: Tags;
  readonly stage: Stage;
}
type Living = Known & ({ readonly is: 'registered' | 'retired' } | { readonly is: 'deprecated'; readonly successorModelVersionId: string });
export type ModelVersionState = { readonly is: 'none' } | Living | { readonly is: 'deleted'; readonly was: Living } | (Identity & { readonly is: 'purged'; readonly hidden: boolean });

/**
 * A version of a model: one artefact, tied for ever to the data and the code it came from.
 *
 *   none ── Register ──► registered ◄── Deprecate, LiftDeprecation ──► deprecated
 *                            └──────────────── Retire ──► retired ◄────────┘
 *
 *   none ── Reference ──► registered, without an artefact: it can be named, tagged and retired, and never serves
 *   none ── RejectSignature: it stays none, and the event says why
 *   registered, deprecated, retired ── Delete ──► deleted ── Restore ──► what it was
 *   retired, deleted ── Purge ──► purged: nothing brings the bytes back
 *
 * Where the version serves is another axis: it comes with the command.
 */
export const modelVersion: Decider<ModelVersionState, ModelVersionCommand, ModelVersionEvent> = {
  category: 'registry.ModelVersion',
  initial: { is: 'none' },

  decide(command, state): readonly ModelVersionEvent[] {
    switch (command.type) {
      case 'RegisterModelVersion':
        return state.is === 'none' ? [registered(command), ...command.tags.map((tag) => create(ModelVersionTaggedSchema, { ...identityOf(command), ...tag })), ...verified(command)] : [];
      case 'ReferenceModelVersion':
        return state.is === 'none' ? [referenced(command), ...command.tags.map((tag) => create(ModelVersionTaggedSchema, { ...identityOf(command), ...tag }))] : [];
      case 'RejectSignature':
        return state.is === 'none' ? [rejected(command)] : [];
      case 'RetireModelVersion':
        return retired(command, state);
      case 'DeleteModelVersion':
        return deleted(command, state);
      case 'RestoreModelVersion':
        return restored(state);
      case 'PurgeModelVersion':
        return purged(command, state);
      default:
        return revised(command, living(state));
    }
  },

  evolve(state, event): ModelVersionState {
    switch (event.$typeName) {
      case 'vitae.registry.v1.ModelVersionRegistered': {
        const { modelVersionId, modelId, version, artefact, description } = event;
        return { is: 'registered', modelVersionId, modelId, version, artefactDigest: artefact?.digest ?? '', files: (artefact?.files ?? []).map(({ digest }) => digest), description, tags: new Map(), stage: 'None' };
      }
      case 'vitae.registry.v1.ModelVersionReferenced':
        return { is: 'registered', ...identityOf(event), artefactDigest: event.artefactDigest, files: event.files.map(({ digest }) => digest), description: event.description, tags: new Map(), stage: 'None' };
      case 'vitae.registry.v1.ModelVersionRestored':
        return state.is === 'deleted' ? state.was : state;
      case 'vitae.registry.v1.ModelVersionDeleted':
        if (state.is === 'purged') return { ...state, hidden: true };
        return state.is === 'none' || state.is === 'deleted' ? state : { is: 'deleted', was: state };
      case 'vitae.registry.v1.ModelVersionPurged':
        return state.is === 'none' ? state : { is: 'purged', hidden: state.is === 'deleted', ...identityOf(event) };
      default:
        switch (state.is) {
          case 'none':
          case 'purged':
            return state;
          case 'deleted':
            return { is: 'deleted', was: evolveLiving(state.was, event) };
          default:
            return evolveLiving(state, event);
        }
    }
  },
};

function evolveLiving(state: Living, event: Exclude<ModelVersionEvent, ModelVersionRegistered | ModelVersionReferenced | ModelVersionRestored | ModelVersionDeleted | ModelVersionPurged>): Living {
  switch (event.$typeName) {
    case 'vitae.registry.v1.ModelVersionDescribed':
      return { ...state, description: event.description };
    case 'vitae.registry.v1.ModelVersionTagged':
      return { ...state, tags: withTag(state.tags, event.key, event.value) };
    case 'vitae.registry.v1.ModelVersionTagRemoved':
      return { ...state, tags: withoutTag(state.tags, event.key) };
    case 'vitae.registry.v1.ModelVersionStageAssigned':
      return { ...state, stage: event.stage as Stage }; // the contract knows no other
    case 'vitae.registry.v1.ModelVersionDeprecated':
      return { ...state, is: 'deprecated', successorModelVersionId: event.successorModelVersionId };
    case 'vitae.registry.v1.ModelVersionDeprecationLifted':
      return { ...known(state), is: 'registered' };
    case 'vitae.registry.v1.ModelVersionSignatureVerified':
    case 'vitae.registry.v1.ModelVersionSignatureRejected':
    case 'vitae.registry.v1.ArtefactArchived':
      return state;
    case 'vitae.registry.v1.ModelVersionRetired':
      return { ...known(state), is: 'retired' };
  }
}

function registered({ type: _, signature: __, trainingMetrics, contributors, registeredBy, artefact, inputs, outputs, tags: ___, ...said }: RegisterModelVersion): ModelVersionRegistered {
  return create(ModelVersionRegisteredSchema, {
    ...said,
    artefact: { ...artefact, files: artefact.files.map(({ flags = [], ...file }) => ({ ...file, sizeBytes: BigInt(file.sizeBytes), flags: [...flags] })) },
    inputs: inputs.map(tensorSpec),
    outputs: outputs.map(tensorSpec),
    trainingMetrics: Object.entries(trainingMetrics).map(([name, value]) => ({ name, value })),
    contributors: [...new Set([...contributors, registeredBy])],
  });
}

const referenced = ({ type: _, registeredBy, tags: __, artefact, code, ...said }: ReferenceModelVersion): ModelVersionReferenced =>
  create(ModelVersionReferencedSchema, {
    ...said,
    contributors: [registeredBy],
    ...(artefact ? { artefactDigest: artefact.digest, files: artefact.files.map(({ flags = [], ...file }) => ({ ...file, sizeBytes: BigInt(file.sizeBytes), flags: [...flags] })) } : {}),
    ...(code ? { code } : {}),
  });

const verified = ({ signature, modelVersionId, modelId, version, artefact }: RegisterModelVersion): ModelVersionSignatureVerified[] =>
  signature ? [create(ModelVersionSignatureVerifiedSchema, { ...signature, modelVersionId, modelId, version, artefactDigest: artefact.digest })] : [];

const rejected = ({ type: _, detail, ...said }: RejectSignature): ModelVersionSignatureRejected => create(ModelVersionSignatureRejectedSchema, { ...said, detail: detail.slice(0, 1000).toWellFormed() });

const tensorSpec = ({ name, datatype, shape }: Tensor) => ({ name, datatype, shape: shape.map(BigInt) });

/** What every event of a version says of it first. */
const identityOf = ({ modelVersionId, modelId, version }: Identity): Identity => ({ modelVersionId, modelId, version });

const known = ({ artefactDigest, files, description, tags, stage, ...state }: Known): Known => ({ ...identityOf(state), artefactDigest, files, description, tags, stage });

/** What may still be said of a version that is there. The artefact, its digest, its data and its source are not among it: they are written once. */
function revised(command: Exclude<ModelVersionChange, { type: 'DeleteModelVersion' | 'RestoreModelVersion' | 'PurgeModelVersion' }>, state: Living): readonly ModelVersionEvent[] {
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

function retired({ retirementId, archiveLocation }: RetireModelVersion, state: ModelVersionState): readonly ModelVersionEvent[] {
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

function deleted({ serving }: Extract<ModelVersionChange, { type: 'DeleteModelVersion' }>, state: ModelVersionState): readonly ModelVersionEvent[] {
  if (state.is === 'none') throw neverRegistered();
  if (state.is === 'deleted' || (state.is === 'purged' && state.hidden)) return [];
  notServing(state.version, serving);
  return [create(ModelVersionDeletedSchema, identityOf(state))];
}

function restored(state: ModelVersionState): readonly ModelVersionEvent[] {
  if (state.is === 'none') throw neverRegistered();
  if (state.is === 'purged' && state.hidden) throw modelVersionPurged(state.version);
  return state.is === 'deleted' ? [create(ModelVersionRestoredSchema, identityOf(state.was))] : [];
}

function purged({ modelDeleted, serving, neededElsewhere }: PurgeModelVersion, state: ModelVersionState): readonly ModelVersionEvent[] {
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

const neverRegistered = (): Refused => refuse('MODEL_VERSION_NOT_FOUND', 404, 'There is no such model version. POST …/models/<id>/versions registers one.');

const refuse = (reason: ModelVersionRefusal, status: RefusalStatus, message: string): Refused => new Refused(reason, message, status);

export const modelVersionNotFound = (id: string): Refused =>
  refuse('MODEL_VERSION_NOT_FOUND', 404, `There is no model version ${id} in this project. GET …/models/<id>/versions lists a model's versions.`);

export const modelVersionDeleted = (version: number): Refused =>
  refuse('MODEL_VERSION_DELETED', 410, `Version ${version} was deleted. POST …/restoration brings it back; GET …?deleted=show shows it as it was.`);

export const modelVersionPurged = (version: number): Refused =>
  refuse('MODEL_VERSION_PURGED', 410, `The bytes of version ${version} were purged, and nothing brings them back. Its history and digests stay: read them, or register the artefact as a new version.`);

export const artefactMissing = (version: number, so: string): Refused =>
  refuse('ARTEFACT_MISSING', 409, `Version ${version} was registered by reference, so ${so}: its artefact was never uploaded. Upload it, and register it as a version with its data and code.`);

export const artefactAlreadyRegistered = (modelName: string, version: number | undefined, digest: string): Refused =>
  refuse('ARTEFACT_ALREADY_REGISTERED', 409, `The artefact ${digest} is version ${version ?? '?'} of ${modelName} already. Use that version, or upload the changed artefact.`);

export const artefactNotOnnx = (digest: string, fault: string): Refused =>
  refuse('ARTEFACT_NOT_ONNX', 422, `The bytes ${digest} cannot be opened as an ONNX model: ${fault.slice(0, 300) || 'ONNX Runtime refuses them'}. Export the model as one ONNX file and upload that.`);

export const artefactNotTensors = (digest: string, values: readonly string[]): Refused =>
  refuse(
    'ARTEFACT_NOT_TENSORS',
    422,
    values.length === 0
      ? `The model ${digest} has no inputs or no outputs, so it cannot be served. Export it with both.`
      : `The model ${digest} has inputs or outputs that are no plain tensors: ${values.join(', ')}. Export it without sequences and maps (skl2onnx: zipmap=False).`,
  );

export const signatureRejected = ({ modelName, fault, detail }: Pick<ModelVersionSignatureRejected, 'modelName' | 'fault' | 'detail'>): Refused =>
  refuse(
    'SIGNATURE_REJECTED',
    422,
    `The version of ${modelName} was not registered, for its signature does not count (${fault}): ${detail}. ${
      fault === 'UNTRUSTED' ? 'Sign it with a key that the project trusts (GET …/signing-trust), or have the key trusted.' : 'Sign exactly these files (OpenSSF Model Signing 1.0) and register it again.'
    }`,
  );
