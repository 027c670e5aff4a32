import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  ApprovalCaseOpenedSchema,
  ApprovalGrantedSchema,
  ApprovalRefusedSchema,
  type ApprovalCaseOpened,
  type ApprovalGranted,
  type ApprovalRefused,
  type GateSubjectSchema,
} from '@vitae/contracts';
import { Refused, type Decider } from '@vitae/event-store';

/**
 * Approvals of one exact subject at one gate. A case belongs to a subject hash: when anything that was
 * approved changes, the hash is another, the case is another, and these approvals count for nothing.
 *
 *   open ──► each role's people approve or refuse; a person counts once; a person's last word stands
 *
 * There is no state "approved" here: whether the approvals suffice is for the gate's policies to say.
 */
export type ApprovalCaseEvent = ApprovalCaseOpened | ApprovalGranted | ApprovalRefused;

export const APPROVAL_ROLES = ['business-owner', 'model-risk'] as const;
export type ApprovalRole = (typeof APPROVAL_ROLES)[number];

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
      /** RFC 3339. */
      readonly at: string;
    };

export type ApprovalCaseRefusal =
  | 'APPROVAL_CASE_NOT_FOUND'
  | 'APPROVER_NOT_HUMAN'
  | 'APPROVER_BUILT_IT'
  | 'APPROVER_REQUESTED_IT'
  | 'APPROVER_COUNTED';

interface Word {
  readonly role: string;
  readonly by: string;
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
      /** The last word of each person in each role. */
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
    const { role, by, human } = command;
    const at = Date.parse(command.at);
    if (!human) refuse('APPROVER_NOT_HUMAN', `${by} is not a person. An approval is a person's word; ask one who has the role ${role}.`, 403);
    if (contributors.includes(by)) refuse('APPROVER_BUILT_IT', `${by} built the version of approval case ${approvalCaseId} and so cannot judge it. Ask somebody who is not among its contributors: ${contributors.join(', ')}.`, 403);
    if (by === requestedBy) refuse('APPROVER_REQUESTED_IT', `${by} requested approval case ${approvalCaseId} and so cannot judge it. Ask somebody else with the role ${role}.`, 403);
    const elsewhere = words.find((word) => word.by === by && word.role !== role && stands(word, at));
    if (elsewhere) refuse('APPROVER_COUNTED', `${by} has judged approval case ${approvalCaseId} as ${elsewhere.role} already, and a person counts once. Ask somebody else to act as ${role}.`);

    const approves = command.type === 'Approve';
    const earlier = words.find((word) => word.by === by && word.role === role && stands(word, at));
    if (earlier && (earlier.until !== undefined) === approves) return [];
    const word = { approvalCaseId, role, approver: by, subjectHash };
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
        return heard(current, { role: event.role, by: event.approver, until: event.expiresAt ? timestampMs(event.expiresAt) : 0 });
      case 'vitae.governance.v1.ApprovalRefused':
        return heard(current, { role: event.role, by: event.approver });
    }
  },
};

const DAY = 86_400_000;

const stands = ({ until }: Word, at: number): boolean => until === undefined || until > at;

function heard(current: ApprovalCaseState, word: Word): ApprovalCaseState {
  if (current.state === 'none') return current;
  return { ...current, words: [...current.words.filter(({ by, role }) => by !== word.by || role !== word.role), word] };
}
