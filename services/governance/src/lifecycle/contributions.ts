import type { Message } from '@bufbuild/protobuf';
import type {
  DatasetVersionRegistered,
  Derivation,
  ExternalModelVersionRegistered,
  LineageLinkDeclared,
  LineageLinkWithdrawn,
  LoggedModelArtifactLogged,
  LoggedModelCreated,
  ModelVersionReferenced,
  ModelVersionRegistered,
  ModelVersionSignatureVerified,
  OpenLineageDataset,
  OpenLineageRunObserved,
  RunArtifactLogged,
  RunInputsLogged,
  RunLogged,
  RunOutputsLogged,
  RunResumed,
  RunStarted,
} from '@vitae/contracts';

/** What an event says of who made what of what. Things are named `kind:id`, as lineage names them. */
export interface Contribution {
  /** What whoever acted, and those who are named, had a part in; undefined: in nothing. */
  readonly partIn?: string;
  /** Those who are named beside the actor. */
  readonly named?: readonly string[];
  readonly madeOf?: readonly { readonly node: string; readonly source: string; readonly linkId?: string }[];
  /** A link that somebody had declared is none. */
  readonly withdrawn?: string;
}

type Told =
  | DatasetVersionRegistered | ExternalModelVersionRegistered | LineageLinkDeclared | LineageLinkWithdrawn | LoggedModelArtifactLogged | LoggedModelCreated | ModelVersionReferenced
  | ModelVersionRegistered | ModelVersionSignatureVerified | OpenLineageRunObserved | RunArtifactLogged | RunInputsLogged | RunLogged | RunOutputsLogged | RunResumed | RunStarted;

/** Longest name of a thing that is followed. What is longer is somebody's address, and has nobody here who made it. */
const LONGEST = 300;

/**
 * Who must not judge a version is whoever had a part in it or in what it was made of: registered it, uploaded, signed, ran
 * its training, registered its data or its base. Measuring, describing, reviewing and putting into quarantine is no part.
 * Undefined for an event that says nothing of this.
 */
export function contributionOf(message: Message): Contribution | undefined {
  const event = message as Told;
  switch (event.$typeName) {
    case 'vitae.registry.v1.DatasetVersionRegistered': {
      const node = `dataset-version:${event.datasetVersionId}`;
      return { partIn: node, madeOf: of(node, ...event.derivedFromDatasetVersionIds.map((id) => `dataset-version:${id}`)) };
    }
    case 'vitae.registry.v1.ModelVersionRegistered': {
      const node = `model-version:${event.modelVersionId}`;
      const sources = [`dataset-version:${event.datasetVersionId}`, ...run(event.runId), ...bases(event.derivedFrom), ...loggedModel(event.artefactSource)];
      return { partIn: node, named: event.contributors, madeOf: of(node, ...sources) };
    }
    case 'vitae.registry.v1.ModelVersionReferenced': {
      const node = `model-version:${event.modelVersionId}`;
      const copied = event.copiedFromModelVersionId === '' ? [] : [`model-version:${event.copiedFromModelVersionId}`];
      const sources = [...copied, ...run(event.runId), ...bases(event.derivedFrom), ...loggedModel(event.loggedModelId), ...loggedModel(event.source)];
      return { partIn: node, named: event.contributors, madeOf: of(node, ...sources) };
    }
    case 'vitae.registry.v1.ExternalModelVersionRegistered': {
      const node = `model-version:${event.modelVersionId}`;
      return { partIn: node, named: event.contributors, madeOf: of(node, ...bases(event.derivedFrom)) };
    }
    case 'vitae.registry.v1.ModelVersionSignatureVerified':
      return { partIn: `model-version:${event.modelVersionId}` };
    case 'vitae.registry.v1.RunStarted':
    case 'vitae.registry.v1.RunLogged':
    case 'vitae.registry.v1.RunResumed':
    case 'vitae.registry.v1.RunArtifactLogged':
      return { partIn: `run:${event.runId}` };
    case 'vitae.registry.v1.RunInputsLogged':
      return { partIn: `run:${event.runId}`, madeOf: of(`run:${event.runId}`, ...event.modelIds.map((id) => `logged-model:${id}`)) };
    case 'vitae.registry.v1.RunOutputsLogged':
      return { partIn: `run:${event.runId}`, madeOf: event.models.map(({ modelId }) => ({ node: `logged-model:${modelId}`, source: `run:${event.runId}` })) };
    case 'vitae.registry.v1.LoggedModelCreated': {
      const node = `logged-model:${event.modelId}`;
      return { partIn: node, madeOf: of(node, ...run(event.sourceRunId)) };
    }
    case 'vitae.registry.v1.LoggedModelArtifactLogged':
      return { partIn: `logged-model:${event.modelId}` };
    case 'vitae.registry.v1.OpenLineageRunObserved': {
      const node = `run:${event.runId}`;
      const outputs = event.outputs.map((output) => ({ node: datasetNode(output), source: node }));
      return { partIn: node, madeOf: [...of(node, ...run(event.parentRunId), ...event.inputs.map(datasetNode)), ...outputs].filter(followed) };
    }
    case 'vitae.registry.v1.LineageLinkDeclared': {
      const { from, to, linkId } = event;
      if (!from || !to) return undefined;
      return { madeOf: [{ node: `${to.kind}:${to.id}`, source: `${from.kind}:${from.id}`, linkId }].filter(followed) };
    }
    case 'vitae.registry.v1.LineageLinkWithdrawn':
      return { withdrawn: event.linkId };
    default:
      return undefined;
  }
}

const of = (node: string, ...sources: readonly string[]) => sources.map((source) => ({ node, source })).filter(followed);

const followed = ({ node, source }: { readonly node: string; readonly source: string }): boolean => node !== source && node.length <= LONGEST && source.length <= LONGEST;

const run = (id: string): readonly string[] => (id === '' ? [] : [`run:${id}`]);

const bases = (derivations: readonly Derivation[]): readonly string[] => derivations.map(({ modelVersionId }) => `model-version:${modelVersionId}`);

/** A logged model by its id, also in MLflow's address of it: models:/m-…. */
function loggedModel(said: string): readonly string[] {
  const id = /^(?:models:\/)?(m-[0-9a-f]{32})$/.exec(said)?.[1];
  return id === undefined ? [] : [`logged-model:${id}`];
}

/** What it is here, or else the dataset under its own name. */
const datasetNode = ({ knownAs, namespace, name, version }: OpenLineageDataset): string =>
  knownAs ? `${knownAs.kind}:${knownAs.id}` : `dataset:${namespace}/${name}${version === '' ? '' : `@${version}`}`;
