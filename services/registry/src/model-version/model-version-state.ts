import type {
  ArtefactArchived,
  ExternalModelVersionRegistered,
  ModelVersionDeleted,
  ModelVersionDeprecated,
  ModelVersionDeprecationLifted,
  ModelVersionDescribed,
  ModelVersionPurged,
  ModelVersionReferenced,
  ModelVersionRegistered,
  ModelVersionRestored,
  ModelVersionRetired,
  ModelVersionSignatureRejected,
  ModelVersionSignatureVerified,
  ModelVersionStageAssigned,
  ModelVersionTagRemoved,
  ModelVersionTagged,
} from '@vitae/contracts';
import { withoutTag, withTag, type Tags } from '../tags.ts';
import type { Stage } from './model-version-command.ts';

export type ModelVersionEvent =
  | ModelVersionRegistered
  | ModelVersionReferenced
  | ExternalModelVersionRegistered
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

export interface Identity {
  readonly modelVersionId: string;
  readonly modelId: string;
  readonly version: number;
}
interface Known extends Identity {
  /** Empty, as files are, when the version was registered by reference or is somebody else's. */
  readonly artefactDigest: string;
  readonly files: readonly string[];
  readonly description: string;
  readonly tags: Tags;
  readonly stage: Stage;
}
export type Living = Known & ({ readonly is: 'registered' | 'retired' } | { readonly is: 'deprecated'; readonly successorModelVersionId: string });
export type ModelVersionState = { readonly is: 'none' } | Living | { readonly is: 'deleted'; readonly was: Living } | (Identity & { readonly is: 'purged'; readonly hidden: boolean });

export function evolve(state: ModelVersionState, event: ModelVersionEvent): ModelVersionState {
  switch (event.$typeName) {
    case 'vitae.registry.v1.ModelVersionRegistered': {
      const { modelVersionId, modelId, version, artefact, description } = event;
      return { is: 'registered', modelVersionId, modelId, version, artefactDigest: artefact?.digest ?? '', files: (artefact?.files ?? []).map(({ digest }) => digest), description, tags: new Map(), stage: 'None' };
    }
    case 'vitae.registry.v1.ModelVersionReferenced':
      return { is: 'registered', ...identityOf(event), artefactDigest: event.artefactDigest, files: event.files.map(({ digest }) => digest), description: event.description, tags: new Map(), stage: 'None' };
    case 'vitae.registry.v1.ExternalModelVersionRegistered':
      return { is: 'registered', ...identityOf(event), artefactDigest: '', files: [], description: event.description, tags: new Map(), stage: 'None' };
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
}

function evolveLiving(state: Living, event: Exclude<ModelVersionEvent, ModelVersionRegistered | ModelVersionReferenced | ExternalModelVersionRegistered | ModelVersionRestored | ModelVersionDeleted | ModelVersionPurged>): Living {
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

/** What every event of a version says of it first. */
export const identityOf = ({ modelVersionId, modelId, version }: Identity): Identity => ({ modelVersionId, modelId, version });

const known = ({ artefactDigest, files, description, tags, stage, ...state }: Known): Known => ({ ...identityOf(state), artefactDigest, files, description, tags, stage });

