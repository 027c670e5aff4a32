import type { ModelVersionSignatureRejected, ModelVersionSignatureVerified } from '@vitae/contracts';
import type { Pinning, Serving } from '../model/model.ts';
import type { Derivation } from './derivation.ts';
import type { ExternalModel } from './external-model.ts';
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
  readonly derivedFrom: readonly Derivation[];
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
  readonly derivedFrom: readonly Derivation[];
  readonly tags: readonly { readonly key: string; readonly value: string }[];
  /** All of its files, when they lie here, and their root digest. */
  readonly artefact?: { readonly digest: string; readonly files: readonly StoredFile[] } | undefined;
  /** What the run that made it said of its code. */
  readonly code?: { readonly repository: string; readonly commit: string } | undefined;
}

/** Somebody else's model: it answers at its provider, or its weights lie elsewhere. Its evidence is missing, as that of a reference is. */
export interface RegisterExternalModelVersion extends ExternalModel {
  readonly type: 'RegisterExternalModelVersion';
  readonly modelVersionId: string;
  readonly modelId: string;
  readonly modelName: string;
  readonly useCaseId: string;
  readonly version: number;
  readonly registeredBy: string;
  readonly contributors: readonly string[];
  readonly description: string;
  readonly derivedFrom: readonly Derivation[];
  readonly tags: readonly { readonly key: string; readonly value: string }[];
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
  readonly pinnedBy: readonly Pinning[];
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
  | { readonly type: 'DeleteModelVersion'; readonly serving: readonly Serving[]; readonly pinnedBy: readonly Pinning[] }
  | { readonly type: 'RestoreModelVersion' }
  | PurgeModelVersion;

export type ModelVersionCommand = RegisterModelVersion | ReferenceModelVersion | RegisterExternalModelVersion | RejectSignature | RetireModelVersion | ModelVersionChange;
