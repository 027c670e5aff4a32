import { dana, mira, olivia } from './cast.ts';
import type { ModelVersion } from './develop.ts';
import { ApiError, type Person } from './api.ts';
import { short, type Stage } from './stage.ts';

export const production = { name: 'production', class: 'production', region: 'eu' } as const;

interface Decision {
  readonly id: string;
  readonly outcome: 'allow' | 'deny';
  readonly inputHash: string;
  readonly policySet: { readonly name: string; readonly version: string };
  readonly results: readonly { readonly policyId: string; readonly title: string; readonly outcome: string; readonly reason: string }[];
  readonly permit?: { readonly id: string; readonly expiresAt: string };
}

const ask = ({ api }: Stage, version: ModelVersion): Promise<Decision> =>
  api.post<Decision>('/governance/gates/promote-production/decisions', {
    as: dana,
    why: `Version ${version.version} should serve`,
    body: { modelVersionId: version.id, environment: production },
  });

/** Asks the gate before anybody approved: it must deny, and say what is missing. */
export async function expectDenial(stage: Stage, version: ModelVersion): Promise<void> {
  const decision = await ask(stage, version);
  if (decision.outcome !== 'deny') throw new Error(`the gate allowed version ${version.version} before anybody approved it`);
  const failed = decision.results.filter(({ outcome }) => outcome === 'fail' || outcome === 'error');
  stage.say(`gate promote-production: DENIED by ${decision.policySet.name} ${decision.policySet.version} (decision ${short(decision.id)})`);
  for (const { policyId, reason } of failed) stage.say(`    ${policyId}: ${reason}`);
}

interface ApprovalCase {
  readonly id: string;
  readonly subjectHash: string;
}

/** Opens the case for a version, or finds the one that is open. */
const openCase = ({ api }: Stage, version: ModelVersion): Promise<ApprovalCase> =>
  api.post<ApprovalCase>('/governance/gates/promote-production/approval-cases', {
    as: dana,
    why: `Version ${version.version} is evaluated and ready`,
    body: { modelVersionId: version.id, environment: production },
  });

const approvalsOf = ({ id }: ApprovalCase): string => `/governance/approval-cases/${id}/approvals`;

/** Who built a version meets two walls: without an approval role nobody approves, and with one nobody approves what they had a part in. */
export async function expectNoOwnApproval(stage: Stage, version: ModelVersion, helper: Person): Promise<void> {
  const path = approvalsOf(await openCase(stage, version));
  for (const [who, wall] of [[dana, 'permission-missing'], [helper, 'approver-built-it']] as const) {
    const own = await stage.api.post(path, { as: who, body: { role: 'model-risk', decision: 'approve' } }).catch((error: unknown) => error);
    if (!(own instanceof ApiError) || own.slug !== wall) throw new Error(`${who.name}, who built the version, was not refused as ${wall}`, { cause: own });
  }
  stage.say(`${dana.name} (${dana.does}) tried to approve version ${version.version}, which she built: refused (permission-missing: she has no approval role)`);
  stage.say(`${helper.name} (${helper.does}) has the role, and helped to build it: refused (approver-built-it)`);
}

/** Act 5: two people approve who neither built nor requested it; then the gate answers with a permit. */
export async function approve(stage: Stage, version: ModelVersion): Promise<string> {
  const { api, say } = stage;
  const approvals = await openCase(stage, version);
  const path = approvalsOf(approvals);
  await api.post(path, { as: olivia, why: 'The gain is worth the change', body: { role: 'business-owner', decision: 'approve' } });
  await api.post(path, { as: mira, why: 'Metrics and groups reviewed', body: { role: 'model-risk', decision: 'approve' } });
  const decision = await ask(stage, version);
  if (decision.outcome !== 'allow' || !decision.permit) {
    const why = decision.results.filter(({ outcome }) => outcome !== 'pass' && outcome !== 'not-applicable').map(({ policyId, reason }) => `${policyId}: ${reason}`);
    throw new Error(`the gate denied version ${version.version} after the approvals: ${why.join('; ')}`);
  }
  say(`${olivia.name} (business owner) and ${mira.name} (model risk) approved subject ${short(approvals.subjectHash)}`);
  say(`gate promote-production: ALLOWED, ${decision.results.length} policies asked on input ${short(decision.inputHash)}; permit ${short(decision.permit.id)} for one use`);
  return decision.permit.id;
}
