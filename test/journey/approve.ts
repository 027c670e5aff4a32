import { dana, mira, olivia } from './cast.ts';
import type { ModelVersion } from './develop.ts';
import { ApiError } from './api.ts';
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

/** Act 5: two people approve who neither built nor requested it; then the gate answers with a permit. */
export async function approve(stage: Stage, version: ModelVersion): Promise<string> {
  const { api, say } = stage;
  const approvals = await api.post<{ id: string; subjectHash: string }>('/governance/gates/promote-production/approval-cases', {
    as: dana,
    why: `Version ${version.version} is evaluated and ready`,
    body: { modelVersionId: version.id, environment: production },
  });
  const path = `/governance/approval-cases/${approvals.id}/approvals`;
  const own = await api.post(path, { as: dana, body: { role: 'model-risk', decision: 'approve' } }).catch((error: unknown) => error);
  if (!(own instanceof ApiError) || own.status !== 403) throw new Error('whoever built the version could approve it', { cause: own });

  await api.post(path, { as: olivia, why: 'The gain is worth the change', body: { role: 'business-owner', decision: 'approve' } });
  await api.post(path, { as: mira, why: 'Metrics and groups reviewed', body: { role: 'model-risk', decision: 'approve' } });
  const decision = await ask(stage, version);
  if (decision.outcome !== 'allow' || !decision.permit) {
    const why = decision.results.filter(({ outcome }) => outcome !== 'pass' && outcome !== 'not-applicable').map(({ policyId, reason }) => `${policyId}: ${reason}`);
    throw new Error(`the gate denied version ${version.version} after the approvals: ${why.join('; ')}`);
  }
  say(`${olivia.name} (business owner) and ${mira.name} (model risk) approved subject ${short(approvals.subjectHash)}; ${dana.name}, who built it, may not`);
  say(`gate promote-production: ALLOWED, ${decision.results.length} policies asked on input ${short(decision.inputHash)}; permit ${short(decision.permit.id)} for one use`);
  return decision.permit.id;
}
