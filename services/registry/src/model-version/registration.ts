import { create } from '@bufbuild/protobuf';
import {
  ExternalModelVersionRegisteredSchema,
  ModelVersionReferencedSchema,
  ModelVersionRegisteredSchema,
  ModelVersionSignatureRejectedSchema,
  ModelVersionSignatureVerifiedSchema,
  type ExternalModelVersionRegistered,
  type ModelVersionReferenced,
  type ModelVersionRegistered,
  type ModelVersionSignatureRejected,
  type ModelVersionSignatureVerified,
} from '@vitae/contracts';
import { promptHoldsNoSecret } from '../prompt/prompt.ts';
import type { Derivation } from './derivation.ts';
import type { ReferenceModelVersion, RegisterExternalModelVersion, RegisterModelVersion, RejectSignature, StoredFile } from './model-version-command.ts';
import type { Tensor } from './tensor-spec.ts';

// The events of a version's first moment, out of what was said and found out.

export function registered({ type: _, signature: __, trainingMetrics, contributors, registeredBy, artefact, inputs, outputs, tags: ___, derivedFrom, ...said }: RegisterModelVersion): ModelVersionRegistered {
  return create(ModelVersionRegisteredSchema, {
    ...said,
    artefact: { ...artefact, files: artefact.files.map(storedFile) },
    inputs: inputs.map(tensorSpec),
    outputs: outputs.map(tensorSpec),
    trainingMetrics: Object.entries(trainingMetrics).map(([name, value]) => ({ name, value })),
    contributors: [...new Set([...contributors, registeredBy])],
    derivedFrom: derivedFrom.map(derivation),
  });
}

/** A prompt's version is one, too: its text is in the tags. */
export function referenced({ type: _, registeredBy, tags, derivedFrom, artefact, code, ...said }: ReferenceModelVersion): ModelVersionReferenced {
  promptHoldsNoSecret(tags);
  return create(ModelVersionReferencedSchema, {
    ...said,
    contributors: [registeredBy],
    derivedFrom: derivedFrom.map(derivation),
    ...(artefact ? { artefactDigest: artefact.digest, files: artefact.files.map(storedFile) } : {}),
    ...(code ? { code } : {}),
  });
}

export const external = ({ type: _, registeredBy, contributors, tags: __, derivedFrom, contextWindow, inputModalities, outputModalities, regions, weights, ...said }: RegisterExternalModelVersion): ExternalModelVersionRegistered =>
  create(ExternalModelVersionRegisteredSchema, {
    ...said,
    ...(weights ? { weights } : {}),
    contextWindow: BigInt(contextWindow),
    inputModalities: [...inputModalities],
    outputModalities: [...outputModalities],
    regions: [...regions],
    contributors: [...new Set([...contributors, registeredBy])],
    derivedFrom: derivedFrom.map(derivation),
  });

const storedFile = ({ flags = [], ...file }: StoredFile) => ({ ...file, sizeBytes: BigInt(file.sizeBytes), flags: [...flags] });

const derivation = ({ targetModules, ...said }: Derivation) => ({ ...said, targetModules: [...targetModules] });

export const verified = ({ signature, modelVersionId, modelId, version, artefact }: RegisterModelVersion): ModelVersionSignatureVerified[] =>
  signature ? [create(ModelVersionSignatureVerifiedSchema, { ...signature, modelVersionId, modelId, version, artefactDigest: artefact.digest })] : [];

export const rejected = ({ type: _, detail, ...said }: RejectSignature): ModelVersionSignatureRejected => create(ModelVersionSignatureRejectedSchema, { ...said, detail: detail.slice(0, 1000).toWellFormed() });

const tensorSpec = ({ name, datatype, shape }: Tensor) => ({ name, datatype, shape: shape.map(BigInt) });
