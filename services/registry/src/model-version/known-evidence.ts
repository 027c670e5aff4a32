import type { ArtefactFile, Derivation as DerivationMessage, ExternalModelVersionRegistered, ModelVersionReferenced, ModelVersionRegistered } from '@vitae/contracts';
import type { Derivation, Relation } from './derivation.ts';
import { addressOf, type ExternalModel, type Modality } from './external-model.ts';
import type { StoredFile } from './model-version-command.ts';
import type { Tensor } from './tensor-spec.ts';

type Beginning = ModelVersionRegistered | ModelVersionReferenced | ExternalModelVersionRegistered;

/** What a version brought with it, as its row keeps it; what it did not bring is empty or null, never made up. */
export function evidenceOf(event: Beginning) {
  switch (event.$typeName) {
    case 'vitae.registry.v1.ModelVersionRegistered':
      return fullOf(event);
    case 'vitae.registry.v1.ModelVersionReferenced':
      return referenceOf(event);
    case 'vitae.registry.v1.ExternalModelVersionRegistered':
      return externalOf(event);
  }
}

const fullOf = ({ artefact, inputs, outputs, datasetVersionId, datasetDigest, source, trainingMetrics, artefactSource, runId, runLink }: ModelVersionRegistered) => ({
  runId,
  runLink,
  external: null,
  artefactDigest: artefact?.digest ?? '',
  artefactFormat: artefact?.format ?? '',
  files: (artefact?.files ?? []).map(storedFile),
  inputs: inputs.map(tensor),
  outputs: outputs.map(tensor),
  datasetVersionId,
  datasetDigest,
  source: { repository: source?.repository ?? '', commit: source?.commit ?? '' },
  trainingMetrics: Object.fromEntries(trainingMetrics.map(({ name, value }) => [name, value])),
  artefactSource,
  artefactLocation: '',
  copiedFrom: null,
  loggedModelId: '',
});

/** Nothing in the place of evidence. */
const NO_EVIDENCE = { artefactDigest: '', artefactFormat: '', files: [], inputs: [], outputs: [], datasetVersionId: null, datasetDigest: '', source: { repository: '', commit: '' }, trainingMetrics: {} };

/** Its files when they lie here, the code when the run said it, and nothing in the place of other evidence. */
const referenceOf = ({ source, location, copiedFromModelVersionId, loggedModelId, runId, runLink, artefactDigest, files, code }: ModelVersionReferenced) => ({
  ...NO_EVIDENCE,
  artefactDigest,
  files: files.map(storedFile),
  source: { repository: code?.repository ?? '', commit: code?.commit ?? '' },
  runId,
  runLink,
  external: null,
  artefactSource: source,
  artefactLocation: location,
  copiedFrom: copiedFromModelVersionId || null,
  loggedModelId,
});

function externalOf({ provider, providerModelId, snapshot, access, weights, licence, terms, contextWindow, inputModalities, outputModalities, regions }: ExternalModelVersionRegistered) {
  const external: ExternalModel = {
    provider,
    providerModelId,
    snapshot,
    access: access as ExternalModel['access'], // the contract knows no other, nor other modalities
    ...(weights ? { weights: { location: weights.location, revision: weights.revision, digest: weights.digest } } : {}),
    licence,
    terms,
    contextWindow: Number(contextWindow),
    inputModalities: inputModalities as Modality[],
    outputModalities: outputModalities as Modality[],
    regions,
  };
  const address = addressOf(external);
  return { ...NO_EVIDENCE, runId: '', runLink: '', external, artefactSource: address, artefactLocation: address, copiedFrom: null, loggedModelId: '' };
}

/** What it was made from. */
export const derivationsOf = ({ derivedFrom }: Beginning): readonly Derivation[] => derivedFrom.map(derivation);

const derivation = ({ $typeName: _, $unknown: __, relation, ...said }: DerivationMessage): Derivation => ({ ...said, relation: relation as Relation }); // the contract knows no other

const storedFile = ({ path, digest, sizeBytes, content, flags }: ArtefactFile): StoredFile => ({ path, digest, sizeBytes: Number(sizeBytes), ...(content === '' ? {} : { content, flags }) });

const tensor = ({ name, datatype, shape }: { name: string; datatype: string; shape: bigint[] }): Tensor => ({ name, datatype, shape: shape.map(Number) });
