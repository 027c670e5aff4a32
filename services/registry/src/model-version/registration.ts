import { create } from '@bufbuild/protobuf';
import {
  ModelVersionReferencedSchema,
  ModelVersionRegisteredSchema,
  ModelVersionSignatureRejectedSchema,
  ModelVersionSignatureVerifiedSchema,
  type ModelVersionReferenced,
  type ModelVersionRegistered,
  type ModelVersionSignatureRejected,
  type ModelVersionSignatureVerified,
} from '@vitae/contracts';
import type { ReferenceModelVersion, RegisterModelVersion, RejectSignature } from './model-version-command.ts';
import type { Tensor } from './tensor-spec.ts';

// The events of a version's first moment, out of what was said and found out.

export function registered({ type: _, signature: __, trainingMetrics, contributors, registeredBy, artefact, inputs, outputs, tags: ___, ...said }: RegisterModelVersion): ModelVersionRegistered {
  return create(ModelVersionRegisteredSchema, {
    ...said,
    artefact: { ...artefact, files: artefact.files.map(({ flags = [], ...file }) => ({ ...file, sizeBytes: BigInt(file.sizeBytes), flags: [...flags] })) },
    inputs: inputs.map(tensorSpec),
    outputs: outputs.map(tensorSpec),
    trainingMetrics: Object.entries(trainingMetrics).map(([name, value]) => ({ name, value })),
    contributors: [...new Set([...contributors, registeredBy])],
  });
}

export const referenced = ({ type: _, registeredBy, tags: __, ...said }: ReferenceModelVersion): ModelVersionReferenced => create(ModelVersionReferencedSchema, { ...said, contributors: [registeredBy] });

export const verified = ({ signature, modelVersionId, modelId, version, artefact }: RegisterModelVersion): ModelVersionSignatureVerified[] =>
  signature ? [create(ModelVersionSignatureVerifiedSchema, { ...signature, modelVersionId, modelId, version, artefactDigest: artefact.digest })] : [];

export const rejected = ({ type: _, detail, ...said }: RejectSignature): ModelVersionSignatureRejected => create(ModelVersionSignatureRejectedSchema, { ...said, detail: detail.slice(0, 1000).toWellFormed() });

const tensorSpec = ({ name, datatype, shape }: Tensor) => ({ name, datatype, shape: shape.map(BigInt) });
