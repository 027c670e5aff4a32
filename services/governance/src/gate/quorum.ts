import { PolicyOutcome } from '@vitae/contracts';
import { APPROVAL_ROLES } from '../approval-case/approval-roles.ts';
import type { PolicyEngine, PolicyJudgement } from '../policy-set/policy-engine.ts';
import type { GateInput } from './gate-input.ts';

/** Under which name the built-in rule stands among the results. No policy can have it: theirs have three digits. */
export const SEPARATION = 'SEPARATION-OF-DUTIES';

type Approval = GateInput['approvals'][number];

/**
 * What the policies say, and for production what no policy can allow. Nobody configures it away, whatever the set of
 * policies leaves out: where all of them are content and the quorum is not, the domain adds its own denial.
 * Pure: a recorded input gives the recorded answer, also years later.
 */
export function judgeGate(policies: PolicyEngine, gate: string, input: GateInput): readonly PolicyJudgement[] {
  const results = policies.judge(gate, input);
  const content = results.every(({ outcome }) => outcome === PolicyOutcome.PASS || outcome === PolicyOutcome.NOT_APPLICABLE);
  if (!content || input.environment.class !== 'production' || quorumOf(input) !== undefined) return results;
  const reason = `For production it takes approvals of exactly this subject in each of the roles ${APPROVAL_ROLES.join(' and ')}, by as many different people, none of whom requested or built it or is a delegate of one who did. No set of policies can do without; these do not ask for it. Get the approvals.`;
  return [...results, { policyId: SEPARATION, title: 'Separation of duties, built in', outcome: PolicyOutcome.FAIL, reason }];
}

/** Approvals that suffice: one in each role, by people who are all different, whoever speaks and in whosever name. Undefined: there are none. */
export function quorumOf(input: GateInput): readonly Approval[] | undefined {
  const counting = input.approvals.filter((approval) => counts(approval, input));
  const rest = (roles: readonly string[], chosen: readonly Approval[]): readonly Approval[] | undefined => {
    const [role, ...others] = roles;
    if (role === undefined) return chosen;
    for (const approval of counting) {
      if (approval.role !== role || chosen.some((one) => voicesOf(one).some((voice) => voicesOf(approval).includes(voice)))) continue;
      const found = rest(others, [...chosen, approval]);
      if (found) return found;
    }
    return undefined;
  };
  return rest(APPROVAL_ROLES, []);
}

/** An approval of this subject, by a person, in time, of which no voice has a part in it. */
function counts(approval: Approval, { at, subjectHash, requesters, version }: GateInput): boolean {
  const { decision, kind, expiresAt, delegateOf = [] } = approval;
  return (
    decision === 'approved' && kind === 'human' && approval.subjectHash === subjectHash && expiresAt !== undefined && Date.parse(expiresAt) > Date.parse(at) &&
    delegateOf.length === 0 && voicesOf(approval).every((voice) => !requesters.includes(voice) && !version.contributors.includes(voice))
  );
}

const voicesOf = ({ by, onBehalfOf }: Approval): readonly string[] => (onBehalfOf === undefined ? [by] : [by, onBehalfOf]);
