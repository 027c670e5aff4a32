import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { canonicalPerson, DelegationGrantedSchema, DelegationRevokedSchema, type DelegationGranted, type DelegationRevoked, type Link } from '@vitae/contracts';
import { Refused, type Decider, type RefusalStatus } from '@vitae/event-store';
import type { ApprovalRole } from '../approval-case/approval-roles.ts';

/**
 * A person lets another one approve in their name.
 *
 *   given ──its time comes──► over        at most 90 days; it takes no event
 *     └────revoked by either, or by an administrator────► revoked
 *
 * It passes on what the delegator holds, never what he was given: whoever is a delegate gives none, and whoever has given
 * one gets none. So there are no chains, and no circles.
 */
export type DelegationEvent = DelegationGranted | DelegationRevoked;

/** Days for which a delegation may last. */
export const DELEGATION_DAYS = 90;

/** A delegation that is in force where it is asked for. */
export interface InForce {
  readonly delegationId: string;
  readonly delegator: string;
  readonly delegate: string;
  readonly roles: readonly string[];
}

export interface GiveDelegation {
  readonly type: 'GiveDelegation';
  readonly delegationId: string;
  readonly delegator: string;
  readonly delegate: string;
  /** Whether a person gives it. */
  readonly human: boolean;
  readonly roles: readonly ApprovalRole[];
  /** The approval roles that the delegator holds himself, there. */
  readonly holds: readonly ApprovalRole[];
  /** Empty: in every project. */
  readonly inProject: string;
  /** RFC 3339, as `at`. */
  readonly until: string;
  readonly at: string;
  readonly reason: string;
  /** What is in force now wherever this one would be. */
  readonly inForce: readonly InForce[];
  readonly links: readonly Link[];
}

export type DelegationCommand =
  | GiveDelegation
  | { readonly type: 'RevokeDelegation'; readonly by: string; readonly human: boolean; readonly administrator: boolean; readonly links: readonly Link[] };

export type DelegationRefusal =
  | 'DELEGATION_NOT_FOUND'
  | 'DELEGATION_EXISTS'
  | 'DELEGATOR_NOT_HUMAN'
  | 'DELEGATION_TO_ONESELF'
  | 'DELEGATION_PERIOD'
  | 'DELEGATION_CHAIN'
  | 'DELEGATION_CIRCULAR'
  | 'APPROVAL_ROLE_NOT_HELD'
  | 'NOT_YOUR_DELEGATION'
  | 'REASON_MISSING';

export type DelegationState =
  | { readonly state: 'none' }
  | { readonly state: 'given' | 'revoked'; readonly delegationId: string; readonly delegator: string; readonly delegate: string };

const refuse = (reason: DelegationRefusal, message: string, status?: RefusalStatus): Refused => new Refused(reason, message, status);

export const noSuchDelegation = (id: string): Refused => refuse('DELEGATION_NOT_FOUND', `There is no delegation ${id} here. List them at /delegations.`, 404);

export const delegation: Decider<DelegationState, DelegationCommand, DelegationEvent> = {
  category: 'governance.Delegation',
  initial: { state: 'none' },

  decide(command, current): readonly DelegationEvent[] {
    if (command.type === 'GiveDelegation') {
      if (current.state !== 'none') throw refuse('DELEGATION_EXISTS', `Delegation ${current.delegationId} is there already. Give another one under its own id.`);
      mayBeGiven(command);
      const { delegationId, delegator, delegate, roles, inProject, until } = command;
      return [create(DelegationGrantedSchema, { delegationId, delegator, delegate, roles: [...roles], inProject, until: timestampFromDate(new Date(until)) })];
    }
    if (current.state === 'none') throw refuse('DELEGATION_NOT_FOUND', 'There is no such delegation. List them at /delegations.', 404);
    const { delegationId, delegator, delegate } = current;
    const { by, human, administrator, links } = command;
    const person = canonicalPerson(links);
    if (!human || !(administrator || [delegator, delegate].some((either) => person(either) === person(by)))) {
      throw refuse('NOT_YOUR_DELEGATION', `Delegation ${delegationId} of ${delegator} to ${delegate} is revoked by one of the two, or by an administrator; ${by} is none of them. Ask one of them.`, 403);
    }
    return current.state === 'revoked' ? [] : [create(DelegationRevokedSchema, { delegationId, revokedBy: by })];
  },

  evolve(current, event): DelegationState {
    switch (event.$typeName) {
      case 'vitae.governance.v1.DelegationGranted':
        return { state: 'given', delegationId: event.delegationId, delegator: event.delegator, delegate: event.delegate };
      case 'vitae.governance.v1.DelegationRevoked':
        return current.state === 'none' ? current : { ...current, state: 'revoked' };
    }
  },
};

/** @throws Refused for the first of the rules that it breaks. */
function mayBeGiven({ delegator, delegate, human, roles, holds, until, at, reason, inForce, links }: GiveDelegation): void {
  if (!human) throw refuse('DELEGATOR_NOT_HUMAN', `${delegator} is not a person. Only a person has a word to give, and only to another person.`, 403);
  if (reason === '') throw refuse('REASON_MISSING', 'A delegation is given with a reason, which an auditor will read. Send it in the header Vitae-Reason.', 422);
  const person = canonicalPerson(links);
  const [from, to] = [person(delegator), person(delegate)];
  if (from === to) throw refuse('DELEGATION_TO_ONESELF', `${delegator} and ${delegate} are the same person, and nobody delegates to oneself. Name somebody else.`, 422);
  const [now, end] = [Date.parse(at), Date.parse(until)];
  if (!(end > now && end <= now + DELEGATION_DAYS * DAY)) {
    throw refuse('DELEGATION_PERIOD', `A delegation ends in the future, within ${DELEGATION_DAYS} days of now (${at}); ${until} does not. Name another time.`, 422);
  }
  const missing = roles.filter((role) => !holds.includes(role));
  if (missing.length > 0) throw refuse('APPROVAL_ROLE_NOT_HELD', `${delegator} does not hold the approval role ${missing.join(' and ')} there, and nobody passes on what he does not hold. Leave it out.`, 403);
  const back = inForce.find((other) => person(other.delegator) === to && person(other.delegate) === from);
  if (back) throw refuse('DELEGATION_CIRCULAR', `${delegate} has delegated to ${delegator} (${back.delegationId}), so ${delegator} cannot delegate to ${delegate}. Name somebody else, or have that one revoked.`);
  const chain = inForce.find((other) => person(other.delegate) === from || person(other.delegator) === to);
  if (chain) {
    const why = person(chain.delegate) === from ? `${delegator} is the delegate of ${chain.delegator}, and a delegate gives no delegations` : `${delegate} has delegated to ${chain.delegate}, and so takes no delegation`;
    throw refuse('DELEGATION_CHAIN', `${why} (${chain.delegationId}): a word is passed on once. Name somebody else, or have that one revoked.`);
  }
}

const DAY = 86_400_000;
