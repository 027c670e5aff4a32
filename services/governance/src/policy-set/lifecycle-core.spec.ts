import { describe, expect, it } from '@jest/globals';
import { GateOutcome, PolicyOutcome } from '@vitae/contracts';
import { outcomeOf } from '../gate/gate-decision.ts';
import example from '../gate/gate-input.example.json' with { type: 'json' };
import type { GateInput } from '../gate/gate-input.ts';
import { lifecycleCore } from './lifecycle-core.ts';

const GATE = 'promote-production';
const { PASS, FAIL, NOT_APPLICABLE, ERROR } = PolicyOutcome;

/** A fresh copy of the compliant input, changed. */
function input(change: (input: GateInput) => void = () => undefined): GateInput {
  const copy = structuredClone(example) as GateInput;
  change(copy);
  return copy;
}

/** What of a non-empty list a mutation changes. */
function at<Item>(list: readonly Item[], index: number): Item {
  const item = list[index];
  if (item === undefined) throw new Error(`the example has no item ${index}`);
  return item;
}

const changed = (change: (input: GateInput) => void) => lifecycleCore.judge(GATE, input(change)).filter(({ outcome }) => outcome !== PASS);

describe('lifecycle-core', () => {
  it('passes the compliant example by every policy', () => {
    const results = lifecycleCore.judge(GATE, input());
    expect(results.map(({ policyId, outcome, reason }) => ({ policyId, outcome, reason }))).toEqual(
      ['POL-001', 'POL-003', 'POL-005', 'POL-006', 'POL-007', 'POL-008', 'POL-010', 'POL-012'].map((policyId) => ({ policyId, outcome: PASS, reason: '' })),
    );
    expect(outcomeOf(results)).toBe(GateOutcome.ALLOW);
  });

  // Each changes one thing, and exactly one policy must notice and name it.
  const mutations: readonly (readonly [name: string, change: (input: GateInput) => void, policyId: string, outcome: PolicyOutcome, reason: RegExp])[] = [
    ['no approval at all', (i) => void (i.approvals = []), 'POL-001', FAIL, /No approval counts as business-owner; No approval counts as model-risk\.$/],
    ['only one role approved', (i) => void i.approvals.pop(), 'POL-001', FAIL, /No approval counts as model-risk\.$/],
    ['a contributor approved', (i) => void (at(i.approvals, 0).by = 'emil'), 'POL-001', FAIL, /business-owner; emil \(business-owner\) built it\.$/],
    ['the requester approved', (i) => void (at(i.approvals, 1).by = 'rita'), 'POL-001', FAIL, /model-risk; rita \(model-risk\) requested it\.$/],
    ['a machine approved', (i) => void (at(i.approvals, 1).kind = 'machine'), 'POL-001', FAIL, /marc \(model-risk\) is not a person\.$/],
    ['one person in both roles', (i) => void (at(i.approvals, 1).by = 'olga'), 'POL-001', FAIL, /olga judged as business-owner and in another role/],
    ['an approval expired one second ago', (i) => void (at(i.approvals, 0).expiresAt = '2026-11-20T08:59:59Z'), 'POL-001', FAIL, /the approval of olga as business-owner expired at 2026-11-20T08:59:59Z\.$/],
    ['the subject changed after one approval', (i) => void (at(i.approvals, 0).subjectHash = 'sha256:old'), 'POL-001', FAIL, /what olga judged as business-owner has changed since\.$/],
    ['somebody refused', (i) => void i.approvals.push({ role: 'model-risk', by: 'vera', kind: 'human', decision: 'refused', at: i.at, subjectHash: i.subjectHash }), 'POL-001', FAIL, /version\. vera refused as model-risk\.$/],
    ['a delegate of a contributor approved', (i) => void (at(i.approvals, 1).delegateOf = ['emil']), 'POL-001', FAIL, /model-risk; marc \(model-risk\) speaks for or is a delegate of emil, who requested or built it\.$/],
    ['somebody approved in the name of a contributor', (i) => void (at(i.approvals, 1).onBehalfOf = 'emil'), 'POL-001', FAIL, /model-risk; emil, for whom marc spoke as model-risk, requested or built it\.$/],
    ['somebody approved in the name of the requester', (i) => void (at(i.approvals, 1).onBehalfOf = 'rita'), 'POL-001', FAIL, /rita, for whom marc spoke as model-risk, requested or built it\.$/],
    ['one person approved, and another in her name', (i) => void (at(i.approvals, 1).onBehalfOf = 'olga'), 'POL-001', FAIL, /version\. marc judged as model-risk for olga and in another role\.$/],
    ['two people approved in the name of one', (i) => i.approvals.forEach((one) => void (one.onBehalfOf = 'otto')), 'POL-001', FAIL, /olga judged as business-owner for otto and in another role; marc judged as model-risk for otto and in another role\.$/],
    ['the use case is not approved', (i) => void (i.useCase.state = 'submitted'), 'POL-003', FAIL, /is submitted, of class high-risk, classified at 2026-11-01/],
    ['a prohibited practice', (i) => void (i.useCase.euAiAct = { class: 'prohibited' }), 'POL-003', FAIL, /of class prohibited/],
    ['classified 366 days ago', (i) => void (i.useCase.classifiedAt = '2025-11-19T09:00:00Z'), 'POL-003', FAIL, /classified at 2025-11-19/],
    ['a required metric is not measured', (i) => void i.requiredMetrics.push({ name: 'log_loss', direction: 'at-most', threshold: 0.5 }), 'POL-005', FAIL, /log_loss is not measured\.$/],
    ['a metric below its threshold', (i) => void (at(i.evaluations, 0).value = 0.6999), 'POL-005', FAIL, /auc is 0\.6999, required at least 0\.7000 \(evaluation 01990000-0000-7000-8000-000000000005\)\.$/],
    ['a metric above its threshold', (i) => void (at(i.evaluations, 1).value = 0.1501), 'POL-005', FAIL, /equal_opportunity_difference:sex is 0\.1501, required at most 0\.1500/],
    ['measured on another digest', (i) => void (at(i.evaluations, 0).versionDigest = 'sha256:other'), 'POL-005', FAIL, /auc is not measured\.$/],
    ['measured 91 days ago', (i) => void (at(i.evaluations, 0).at = '2026-08-21T08:59:59Z'), 'POL-005', FAIL, /auc is not measured within the last 90 days\.$/],
    [
      'the evaluation was taken back',
      (i) => {
        i.invalidatedEvaluations = [{ id: at(i.evaluations, 0).id, versionDigest: i.version.digest, cause: 'leakage', at: i.at }];
        i.evaluations = i.evaluations.slice(1);
      },
      'POL-005', FAIL, /auc is not measured; evaluation 01990000-0000-7000-8000-000000000005 was invalidated \(leakage\) and counts no more\.$/,
    ],
    [
      'only others say that they measured it',
      (i) => {
        i.reportedEvaluations = [{ ...at(i.evaluations, 0), value: 0.99 }].map(({ id, metric, value, versionDigest, rows, at: when }) => ({ id, metric, value, versionDigest, rows, at: when }));
        i.evaluations = i.evaluations.slice(1);
      },
      'POL-005', FAIL, /auc is not measured; auc is reported by others \(evaluation 01990000-0000-7000-8000-000000000005\), which does not count as measured\.$/,
    ],
    ['one of two measurements fails', (i) => void i.evaluations.push({ ...at(i.evaluations, 0), id: 'second', value: 0.5 }), 'POL-005', FAIL, /auc is 0\.5000, .*\(evaluation second\)\.$/],
    ['no protected column', (i) => void (i.protectedColumns = []), 'POL-006', FAIL, /No evaluation ran on data with a protected column\.$/],
    ['a protected column that was not measured', (i) => void i.protectedColumns.push({ ...at(i.protectedColumns, 0), column: 'age' }), 'POL-006', FAIL, /equal_opportunity_difference:age is missing in evaluation .*; evaluation .* has no groups of age\.$/],
    ['a group of 19 rows', (i) => void (at(i.groups, 0).n = 19), 'POL-006', FAIL, /sex female has 19 rows in evaluation/],
    ['no fairness required', (i) => void i.requiredMetrics.pop(), 'POL-006', FAIL, /the use case requires no equal_opportunity_difference\.$/],
    ['no lawful basis', (i) => void delete at(i.data.datasets, 0).lawfulBasis, 'POL-007', FAIL, /german-credit has no lawful basis\.$/],
    ['another purpose', (i) => void (i.data.purpose = 'marketing'), 'POL-007', FAIL, /german-credit may be used for credit-scoring, not for marketing\.$/],
    ['another region', (i) => void (at(i.data.datasets, 0).residency = 'us'), 'POL-007', FAIL, /german-credit resides in us, not in eu\.$/],
    ['retention has ended', (i) => void (at(i.data.datasets, 0).retentionUntil = '2026-11-20T09:00:00Z'), 'POL-007', FAIL, /german-credit could be kept until 2026-11-20/],
    ['special categories', (i) => void (at(i.data.datasets, 0).pii = 'special'), 'POL-007', FAIL, /need an impact assessment/],
    ['an unknown dataset', (i) => void i.data.datasets.push({ id: 'lost', pii: 'unknown', allowedPurposes: [] }), 'POL-007', FAIL, /dataset version lost is not known\.$/],
    ['an open sev1 incident', (i) => void (at(i.incidents, 0).severity = 'sev1'), 'POL-008', FAIL, /Close sev1 Drift on credit-eu \(01990000/],
    ['the training data are in quarantine', (i) => void (i.data.quarantined = [{ id: 'd1', name: 'german-credit', version: 2, of: 'd1' }]), 'POL-012', FAIL, /made of\. german-credit version 2 is in quarantine \(dataset version d1\)\.$/],
    ['what they were made of is', (i) => void (i.data.quarantined = [{ id: 'd0', name: 'raw', version: 1, of: 'd1' }]), 'POL-012', FAIL, /raw version 1 is in quarantine \(dataset version d0, of which d1 was made\)\.$/],
    ['quarantine was not looked at', (i) => void delete i.data.quarantined, 'POL-012', FAIL, /Whether data are in quarantine is not known\.$/],
    ['a machine asks', (i) => void (i.actor.kind = 'machine'), 'POL-010', FAIL, /rita is a machine: let a person ask\.$/],
  ];

  it.each(mutations)('notices by one policy alone: %s', (_name, change, policyId, outcome, reason) => {
    const results = changed(change);
    expect(results.map((result) => [result.policyId, result.outcome])).toEqual([[policyId, outcome]]);
    expect(results[0]?.reason).toMatch(reason);
    expect(results[0]?.reason).not.toMatch(/\$\{|not computed/);
    expect(outcomeOf(lifecycleCore.judge(GATE, input(change)))).toBe(GateOutcome.DENY);
  });

  it('does not ask what does not apply', () => {
    expect(changed((i) => void (i.useCase.riskTier = 'low'))).toMatchObject([{ policyId: 'POL-006', outcome: NOT_APPLICABLE }]);
    expect(changed((i) => void (at(i.data.datasets, 0).pii = 'none'))).toMatchObject([{ policyId: 'POL-007', outcome: NOT_APPLICABLE }]);
    expect(outcomeOf(lifecycleCore.judge(GATE, input((i) => void (i.useCase.riskTier = 'low'))))).toBe(GateOutcome.ALLOW);
  });

  it('lets a closed severe incident be', () => {
    expect(changed((i) => void Object.assign(at(i.incidents, 0), { severity: 'sev1', state: 'closed' }))).toEqual([]);
  });

  it('takes missing evidence for a denial, and says which is missing', () => {
    const results = changed((i) => void (i.useCase = { id: i.useCase.id, state: 'unknown' }));
    expect(results).toMatchObject([
      { policyId: 'POL-003', outcome: FAIL, reason: expect.stringMatching(/is unknown\.$/) },
      { policyId: 'POL-006', outcome: ERROR, reason: expect.stringContaining('field not found: riskTier') },
    ]);
    expect(outcomeOf(results)).toBe(GateOutcome.DENY);
  });

  it('denies a gate of which no policy speaks', () => {
    expect(outcomeOf(lifecycleCore.judge('no-such-gate', input()))).toBe(GateOutcome.DENY);
  });

  it('lets nothing in but gate-input/1: no nulls, no unknown fields, no fractions for whole numbers', () => {
    const broken = (change: object) => () => lifecycleCore.judge(GATE, { ...input(), ...change } as GateInput);
    expect(broken({ useCase: { ...example.useCase, riskTier: null } })).toThrow('expected string, received null');
    expect(broken({ vendor: 'x' })).toThrow('Unrecognized key');
    expect(broken({ groups: [{ ...example.groups[0], n: 94.5 }] })).toThrow('expected int');
    expect(broken({ subjectHash: undefined })).toThrow('subjectHash');
  });
});
