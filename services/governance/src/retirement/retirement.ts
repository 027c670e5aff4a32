import { create } from '@bufbuild/protobuf';
import {
  RetirementApprovedSchema,
  RetirementCompletedSchema,
  RetirementProposedSchema,
  type RetirementApproved,
  type RetirementCompleted,
  type RetirementProposed,
} from '@vitae/contracts';
import { Refused, type Decider } from '@vitae/event-store';

/**
 * The end of a model version.
 *
 *   proposed ──approve (somebody else)──► approved ──registry archived and retired it──► completed
 *
 * Between the last two the registry waits until the version has no traffic. A version is retired once:
 * its retirement's id is derived from its own, so that two proposals meet in one stream.
 */
export type RetirementEvent = RetirementProposed | RetirementApproved | RetirementCompleted;

/** The version that ends, as all three events name it. */
interface Retiree {
  readonly retirementId: string;
  readonly modelVersionId: string;
  readonly modelId: string;
  readonly version: number;
}

export type RetirementCommand =
  | { readonly type: 'ProposeRetirement'; readonly retiree: Retiree; readonly criterion: string; readonly lesson: string; readonly by: string }
  /** `accounts`: all of whoever is behind `by`. */
  | { readonly type: 'ApproveRetirement'; readonly by: string; readonly accounts: readonly string[] }
  | { readonly type: 'CompleteRetirement'; readonly archiveLocation: string };

export type RetirementRefusal = 'RETIREMENT_NOT_FOUND' | 'RETIREMENT_EXISTS' | 'RETIREMENT_STATE' | 'FOUR_EYES';

export type RetirementState =
  | { readonly state: 'none' }
  | { readonly state: 'proposed' | 'approved' | 'completed'; readonly retiree: Retiree; readonly lesson: string; readonly proposedBy: string };

const refuse = (reason: RetirementRefusal, message: string, status?: 403 | 404): never => {
  throw new Refused(reason, message, status);
};

export const noSuchRetirement = (id: string): Refused =>
  new Refused('RETIREMENT_NOT_FOUND' satisfies RetirementRefusal, `There is no retirement ${id} in this project. Propose one at /retirements.`, 404);

export const retirement: Decider<RetirementState, RetirementCommand, RetirementEvent> = {
  category: 'governance.Retirement',
  initial: { state: 'none' },

  decide(command, current): readonly RetirementEvent[] {
    if (command.type === 'ProposeRetirement') {
      const { retiree, criterion, lesson, by } = command;
      if (current.state !== 'none') {
        return refuse('RETIREMENT_EXISTS', `The retirement of model version ${retiree.modelVersionId} is ${current.state} already, as ${retiree.retirementId}. Go on with that one.`);
      }
      return [create(RetirementProposedSchema, { ...retiree, criterion, lesson, proposedBy: by })];
    }
    if (current.state === 'none') return refuse('RETIREMENT_NOT_FOUND', 'There is no such retirement. Propose one at /retirements.', 404);
    const { retiree, lesson, proposedBy } = current;
    switch (command.type) {
      case 'ApproveRetirement':
        if (command.accounts.includes(proposedBy)) {
          return refuse('FOUR_EYES', `${command.by === proposedBy ? proposedBy : `${command.by} is the same person as ${proposedBy}, who`} proposed retirement ${retiree.retirementId} and so cannot approve it. Ask somebody else.`, 403);
        }
        return current.state === 'proposed' ? [create(RetirementApprovedSchema, retiree)] : [];
      case 'CompleteRetirement':
        if (current.state === 'completed') return [];
        if (current.state === 'proposed') return refuse('RETIREMENT_STATE', `Retirement ${retiree.retirementId} was not approved, so it cannot be completed. Approve it first.`);
        return [create(RetirementCompletedSchema, { ...retiree, archiveLocation: command.archiveLocation, lesson })];
    }
  },

  evolve(current, event): RetirementState {
    switch (event.$typeName) {
      case 'vitae.governance.v1.RetirementProposed': {
        const { retirementId, modelVersionId, modelId, version, lesson, proposedBy } = event;
        return { state: 'proposed', retiree: { retirementId, modelVersionId, modelId, version }, lesson, proposedBy };
      }
      case 'vitae.governance.v1.RetirementApproved':
        return current.state === 'none' ? current : { ...current, state: 'approved' };
      case 'vitae.governance.v1.RetirementCompleted':
        return current.state === 'none' ? current : { ...current, state: 'completed' };
    }
  },
};
