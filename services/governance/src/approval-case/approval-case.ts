import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  ApprovalCaseOpenedSchema,
  ApprovalGrantedSchema,
  ApprovalRefusedSchema,
  canonicalPerson,
  type ApprovalCaseOpened,
  type ApprovalGranted,
  type ApprovalRefused,
  type GateSubjectSchema,
} from '@vitae/contracts';
import { Refused, type Decider } from '@vitae/event-store';
import type { ApprovalRole } from './approval-roles.ts';
import { mayJudge, type Duties, type SeparationRefusal } from './separation-of-duties.ts';

/**
 * Approvals of one exact subject at one gate. A case belongs to a subject hash: when anything that was
 * approved changes, the hash is another, the case is another, and these approvals count for nothing.
 *
 *   open ──► each role's people approve or refuse; a human counts once; an account's last word stands
 *
 * There is no state "approved" here: whether the approvals suffice is for the gate's policies to say.
 */
export type ApprovalCaseEvent = ApprovalCaseOpened | ApprovalGranted | ApprovalRefused;

/** Days for which an approval counts. */
export const APPROVAL_DAYS = 30;

export type ApprovalCaseCommand =
  | {
      readonly type: 'OpenApprovalCase';
      readonly approvalCaseId: string;
      readonly subject: MessageInitShape<typeof GateSubjectSchema>;
      readonly requestedBy: string;
      readonly contributors: readonly string[];
    }
  | {
      readonly type: 'Approve' | 'RefuseApproval';
      readonly role: ApprovalRole;
      readonly by: string;
      /** Whether a person gives it, as opposed to a machine or a service. */
      readonly human: boolean;
      /** The approval roles that the speaker holds himself. */
      readonly holds: readonly ApprovalRole[];
      /** Whose word it is, when it is spoken by delegation. */
      readonly onBehalfOf?: string | undefined;
      readonly duties: Duties;
      /** RFC 3339. */
      readonly at: string;
    };

export type ApprovalCaseRefusal =
  | 'APPROVAL_CASE_NOT_FOUND'
  | SeparationRefusal
  | 'APPROVER_COUNTED';

interface Word {
  readonly role: string;
  readonly by: string;
  /** Whose word it is, when it is not the speaker's own. */
  readonly for?: string | undefined;
  /** Until when an approval counts, in ms; absent for a refusal, which does not expire. */
  readonly until?: number;
}

export type ApprovalCaseState =
  | { readonly state: 'none' }
  | {
      readonly state: 'open';
      readonly approvalCaseId: string;
      readonly subjectHash: string;
      readonly requestedBy: string;
      readonly contributors: readonly string[];
      /** The last word of each account in each role. */
      readonly words: readonly Word[];
    };

const refuse = (reason: ApprovalCaseRefusal, message: string, status?: 403 | 404): never => {
  throw new Refused(reason, message, status);
};

export const noSuchApprovalCase = (id: string): Refused =>
  new Refused('APPROVAL_CASE_NOT_FOUND' satisfies ApprovalCaseRefusal, `There is no approval case ${id} in this project. Open one at the gate, under /gates/promote-production/approval-cases.`, 404);

export const approvalCase: Decider<ApprovalCaseState, ApprovalCaseCommand, ApprovalCaseEvent> = {
  category: 'governance.ApprovalCase',
  initial: { state: 'none' },

  decide(command, current): readonly ApprovalCaseEvent[] {
    if (command.type === 'OpenApprovalCase') {
      if (current.state === 'open') return [];
      const { approvalCaseId, subject, requestedBy, contributors } = command;
      return [create(ApprovalCaseOpenedSchema, { approvalCaseId, subject, requestedBy, contributors: [...contributors] })];
    }
    if (current.state === 'none') return refuse('APPROVAL_CASE_NOT_FOUND', 'There is no such approval case. Open one at the gate first.', 404);

    const { approvalCaseId, subjectHash, requestedBy, contributors, words } = current;
    const { role, by, onBehalfOf, duties } = command;
    const at = Date.parse(command.at);
    const delegationId = mayJudge(command, { ...duties, contributors: union(contributors, duties.contributors), requesters: union([requestedBy], duties.requesters) }) ?? '';
    const person = canonicalPerson(duties.links);
    const voices = onBehalfOf === undefined ? [by] : [by, onBehalfOf];
    const counted = words.find((word) => stands(word, at) && !replaces({ by, for: onBehalfOf, role }, word) && voicesOf(word).some((voice) => voices.some((mine) => person(mine) === person(voice))));
    if (counted) {
      refuse('APPROVER_COUNTED', `${voicesOf(counted).join(' for ')} has judged approval case ${approvalCaseId} as ${counted.role} already, and a person counts once, under whatever account and in whosever name. Ask somebody else to act as ${role}.`);
    }

    const approves = command.type === 'Approve';
    const earlier = words.find((word) => word.by === by && word.for === onBehalfOf && word.role === role && stands(word, at));
    if (earlier && (earlier.until !== undefined) === approves) return [];
    const word = { approvalCaseId, role, approver: by, subjectHash, onBehalfOf: onBehalfOf ?? '', delegationId };
    return approves
      ? [create(ApprovalGrantedSchema, { ...word, expiresAt: timestampFromDate(new Date(at + APPROVAL_DAYS * DAY)) })]
      : [create(ApprovalRefusedSchema, word)];
  },

  evolve(current, event): ApprovalCaseState {
    switch (event.$typeName) {
      case 'vitae.governance.v1.ApprovalCaseOpened':
        return {
          state: 'open',
          approvalCaseId: event.approvalCaseId,
          subjectHash: event.subject?.subjectHash ?? '',
          requestedBy: event.requestedBy,
          contributors: event.contributors,
          words: [],
        };
      case 'vitae.governance.v1.ApprovalGranted':
        return heard(current, { role: event.role, by: event.approver, for: event.onBehalfOf || undefined, until: event.expiresAt ? timestampMs(event.expiresAt) : 0 });
      case 'vitae.governance.v1.ApprovalRefused':
        return heard(current, { role: event.role, by: event.approver, for: event.onBehalfOf || undefined });
    }
  },
};

const DAY = 86_400_000;

const union = (some: readonly string[], others: readonly string[]): readonly string[] => [...new Set([...some, ...others])];

const voicesOf = (word: Word): readonly string[] => (word.for === undefined ? [word.by] : [word.by, word.for]);

/** A word takes the place of what the same account said in the role, and one's own word that of what was said in one's name. */
const replaces = (word: Word, earlier: Word): boolean => word.role === earlier.role && (word.by === earlier.by || (word.for === undefined && earlier.for === word.by));

const stands = ({ until }: Word, at: number): boolean => until === undefined || until > at;

function heard(current: ApprovalCaseState, word: Word): ApprovalCaseState {
  if (current.state === 'none') return current;
  return { ...current, words: [...current.words.filter((earlier) => !replaces(word, earlier)), word] };
}
