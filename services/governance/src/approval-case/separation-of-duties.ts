import { canonicalPerson, type Link } from '@vitae/contracts';
import { Refused } from '@vitae/event-store';
import type { InForce } from '../delegation/delegation.ts';
import type { ApprovalRole } from './approval-roles.ts';

/** What is known, when somebody judges, of those who are not to judge. */
export interface Duties {
  /** Which accounts are one human. */
  readonly links: readonly Link[];
  /** In force now, in this project. */
  readonly delegations: readonly InForce[];
  /** Who built the version, or what it was made of. */
  readonly contributors: readonly string[];
  /** Who asked for the approvals, or asked the gate about this subject. */
  readonly requesters: readonly string[];
}

/** Who speaks, as what, and by what right. */
export interface Speaker {
  readonly by: string;
  /** Whether a person does, as opposed to a machine or a service. */
  readonly human: boolean;
  readonly role: ApprovalRole;
  /** The approval roles that the speaker holds himself. */
  readonly holds: readonly ApprovalRole[];
  /** Whose word it is, when the speaker has a delegation of theirs. */
  readonly onBehalfOf?: string | undefined;
}

export type SeparationRefusal = 'APPROVER_NOT_HUMAN' | 'APPROVAL_ROLE_NOT_HELD' | 'DELEGATION_MISSING' | 'APPROVER_BUILT_IT' | 'APPROVER_REQUESTED_IT' | 'APPROVER_IS_DELEGATE';

const refuse = (reason: SeparationRefusal, message: string): Refused => new Refused(reason, message, 403);

/**
 * Lets nobody judge who has a part in it, under whatever account and in whosever name. Both are looked at: who speaks, and
 * whose word it is. Being an administrator gives no right to judge, and takes none of these away.
 * @returns the id of the delegation by which it is spoken, if by any.
 * @throws Refused for the first rule that is broken.
 */
export function mayJudge({ by, human, role, holds, onBehalfOf }: Speaker, { links, delegations, contributors, requesters }: Duties): string | undefined {
  const person = canonicalPerson(links);
  const is = (some: string) => (other: string) => person(some) === person(other);
  if (!human) throw refuse('APPROVER_NOT_HUMAN', `${by} is not a person. An approval is a person's word; ask one who has the role ${role}.`);

  const mandate = onBehalfOf === undefined ? undefined : delegations.find((one) => is(onBehalfOf)(one.delegator) && is(by)(one.delegate) && one.roles.includes(role));
  if (onBehalfOf !== undefined && (!mandate || is(by)(onBehalfOf))) {
    throw refuse('DELEGATION_MISSING', `${by} has no delegation of ${onBehalfOf} for the role ${role} that is in force here, and so cannot speak for ${onBehalfOf}. Ask ${onBehalfOf} to give one, or somebody else who has the role.`);
  }
  if (onBehalfOf === undefined && !holds.includes(role)) {
    throw refuse('APPROVAL_ROLE_NOT_HELD', `${by} does not hold the approval role ${role} here; no other role stands for it, not the administrator's either. Ask somebody who holds it.`);
  }

  for (const voice of onBehalfOf === undefined ? [by] : [onBehalfOf, by]) {
    const builder = contributors.find(is(voice));
    if (builder !== undefined) {
      throw refuse('APPROVER_BUILT_IT', `${named(voice, builder)} built the version, or something that it was made of, and so cannot judge it. Ask somebody who is not among its contributors: ${contributors.join(', ')}.`);
    }
    const requester = requesters.find(is(voice));
    if (requester !== undefined) throw refuse('APPROVER_REQUESTED_IT', `${named(voice, requester)} requested it, and so cannot judge it. Ask somebody else with the role ${role}.`);
    const tie = delegations.find((one) => is(voice)(one.delegate) && [...contributors, ...requesters].some(is(one.delegator)));
    if (tie) {
      throw refuse('APPROVER_IS_DELEGATE', `${voice} has a delegation of ${tie.delegator} (${tie.delegationId}), who ${contributors.some(is(tie.delegator)) ? 'built' : 'requested'} it, and so cannot judge it. Ask somebody else with the role ${role}, or have that delegation revoked.`);
    }
  }
  return mandate?.delegationId;
}

const named = (voice: string, known: string): string => (voice === known ? voice : `${voice} is the same person as ${known}, who`);
