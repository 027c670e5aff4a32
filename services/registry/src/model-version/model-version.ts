import { create } from '@bufbuild/protobuf';
import { ModelVersionTaggedSchema } from '@vitae/contracts';
import type { Decider } from '@vitae/event-store';
import { deleted, purged, restored, retired, revised } from './change.ts';
import type { ModelVersionCommand } from './model-version-command.ts';
import { evolve, identityOf, type ModelVersionEvent, type ModelVersionState } from './model-version-state.ts';
import { referenced, registered, rejected, verified } from './registration.ts';

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
        return revised(command, state);
    }
  },

  evolve,
};
