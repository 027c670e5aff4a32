import { create } from '@bufbuild/protobuf';
import {
  ArtefactArchivedSchema,
  ModelVersionRegisteredSchema,
  ModelVersionRetiredSchema,
  ModelVersionSignatureRejectedSchema,
  ModelVersionSignatureVerifiedSchema,
  type ArtefactArchived,
  type ModelVersionRegistered,
  type ModelVersionRetired,
  type ModelVersionSignatureRejected,
  type ModelVersionSignatureVerified,
} from '@vitae/contracts';
import { Refused, type Decider, type RefusalStatus } from '@vitae/event-store';
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
  /** What was found out about its signature; without one it has none. */
  readonly signature?: FoundSignature | undefined;
}

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

export type ModelVersionCommand = RegisterModelVersion | RejectSignature | RetireModelVersion;
export type ModelVersionEvent = ModelVersionRegistered | ModelVersionSignatureVerified | ModelVersionSignatureRejected | ArtefactArchived | ModelVersionRetired;
export type ModelVersionRefusal = 'ARTEFACT_ALREADY_REGISTERED' | 'ARTEFACT_NOT_ONNX' | 'ARTEFACT_NOT_TENSORS' | 'MODEL_VERSION_NOT_FOUND' | 'SIGNATURE_REJECTED';

type State =
  | { readonly is: 'none' }
  | { readonly is: 'registered' | 'retired'; readonly modelVersionId: string; readonly modelId: string; readonly version: number; readonly artefactDigest: string };

/**
 * A version of a model: one artefact, tied for ever to the data and the code it came from.
 *
 *   none ── RegisterModelVersion ──► registered ── RetireModelVersion ──► retired
 *     └──── RejectSignature: it stays none, and the event says why
 */
export const modelVersion: Decider<State, ModelVersionCommand, ModelVersionEvent> = {
  category: 'registry.ModelVersion',
  initial: { is: 'none' },
  decide(command, state): readonly ModelVersionEvent[] {
    switch (command.type) {
      case 'RegisterModelVersion':
        return state.is === 'none' ? [registered(command), ...verified(command)] : [];
      case 'RejectSignature':
        return state.is === 'none' ? [rejected(command)] : [];
      case 'RetireModelVersion':
        return retired(command, state);
    }
  },
  evolve(state, event): State {
    switch (event.$typeName) {
      case 'vitae.registry.v1.ModelVersionRegistered':
        return { is: 'registered', modelVersionId: event.modelVersionId, modelId: event.modelId, version: event.version, artefactDigest: event.artefact?.digest ?? '' };
      case 'vitae.registry.v1.ModelVersionSignatureVerified':
      case 'vitae.registry.v1.ModelVersionSignatureRejected':
      case 'vitae.registry.v1.ArtefactArchived':
        return state;
      case 'vitae.registry.v1.ModelVersionRetired':
        return state.is === 'none' ? state : { ...state, is: 'retired' };
    }
  },
};

function registered({ type: _, signature: __, trainingMetrics, contributors, registeredBy, artefact, inputs, outputs, ...said }: RegisterModelVersion): ModelVersionRegistered {
  return create(ModelVersionRegisteredSchema, {
    ...said,
    artefact: { ...artefact, files: artefact.files.map(({ flags = [], ...file }) => ({ ...file, sizeBytes: BigInt(file.sizeBytes), flags: [...flags] })) },
    inputs: inputs.map(tensorSpec),
    outputs: outputs.map(tensorSpec),
    trainingMetrics: Object.entries(trainingMetrics).map(([name, value]) => ({ name, value })),
    contributors: [...new Set([...contributors, registeredBy])],
  });
}

const verified = ({ signature, modelVersionId, modelId, version, artefact }: RegisterModelVersion): ModelVersionSignatureVerified[] =>
  signature ? [create(ModelVersionSignatureVerifiedSchema, { ...signature, modelVersionId, modelId, version, artefactDigest: artefact.digest })] : [];

const rejected = ({ type: _, detail, ...said }: RejectSignature): ModelVersionSignatureRejected => create(ModelVersionSignatureRejectedSchema, { ...said, detail: detail.slice(0, 1000).toWellFormed() });

const tensorSpec = ({ name, datatype, shape }: Tensor) => ({ name, datatype, shape: shape.map(BigInt) });

function retired({ retirementId, archiveLocation }: RetireModelVersion, state: State): readonly ModelVersionEvent[] {
  if (state.is === 'none') throw refuse('MODEL_VERSION_NOT_FOUND', 404, 'A retirement was approved for a version that was never registered. Look at the retirement that governance approved.');
  if (state.is === 'retired') return [];
  const { modelVersionId, modelId, version, artefactDigest } = state;
  return [
    create(ArtefactArchivedSchema, { modelVersionId, artefactDigest, location: archiveLocation }),
    create(ModelVersionRetiredSchema, { modelVersionId, modelId, version, retirementId }),
  ];
}

const refuse = (reason: ModelVersionRefusal, status: RefusalStatus, message: string): Refused => new Refused(reason, message, status);

export const modelVersionNotFound = (id: string): Refused =>
  refuse('MODEL_VERSION_NOT_FOUND', 404, `There is no model version ${id} in this project. GET …/models/<id>/versions lists a model's versions.`);

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
