import { describe, expect, it } from '@jest/globals';
import { GateOutcome } from '@vitae/contracts';
import { lifecycleCore } from '../policy-set/lifecycle-core.ts';
import { policyEngine } from '../policy-set/policy-engine.ts';
import { outcomeOf } from './gate-decision.ts';
import example from './gate-input.example.json' with { type: 'json' };
import type { GateInput } from './gate-input.ts';
import { judgeGate, quorumOf, SEPARATION } from './quorum.ts';

const GATE = 'promote-production';
function input(change: (input: GateInput) => void = () => undefined): GateInput {
  const copy = structuredClone(example) as GateInput;
  change(copy);
  return copy;
}
const approval = (i: GateInput, index: number) => {
  const found = i.approvals[index];
  if (!found) throw new Error(`the example has no approval ${index}`);
  return found;
};

/** A set of one's own that asks for nothing: as far as a configuration can go. */
const anything = policyEngine({
  name: 'anything-goes',
  version: '1.0.0',
  policies: [{ id: 'OWN-001', title: 'Whatever', gates: [GATE], waivable: true, when: 'true', assert: 'true', reason: 'Never told.' }],
});

// Each is somebody judging their own work in a way of its own.
const selfApprovals: readonly (readonly [string, (input: GateInput) => void])[] = [
  ['nobody approved', (i) => void (i.approvals = [])],
  ['one role is missing', (i) => void i.approvals.pop()],
  ['the requester approved', (i) => void (approval(i, 0).by = 'rita')],
  ['a contributor approved', (i) => void (approval(i, 1).by = 'emil')],
  ['one person approved in both roles', (i) => void (approval(i, 1).by = 'olga')],
  ['one person approved, and another in her name', (i) => void (approval(i, 1).onBehalfOf = 'olga')],
  ['one person gave both words in the names of two', (i) => void Object.assign(approval(i, 1), { by: 'olga', onBehalfOf: 'marc' })],
  ['somebody approved in the name of a contributor', (i) => void (approval(i, 0).onBehalfOf = 'emil')],
  ['a delegate of a contributor approved', (i) => void (approval(i, 0).delegateOf = ['emil'])],
  ['a machine approved', (i) => void (approval(i, 0).kind = 'machine')],
  ['it was another subject', (i) => void (approval(i, 0).subjectHash = 'sha256:old')],
  ['the approval expired', (i) => void (approval(i, 0).expiresAt = '2026-11-20T08:59:59Z')],
  ['somebody refused, and did not approve', (i) => void (approval(i, 0).decision = 'refused')],
];

describe('separation of duties', () => {
  it.each(selfApprovals)('cannot be configured away for production: a set of policies that asks for nothing is denied when %s', (_name, change) => {
    const self = input(change);
    expect(outcomeOf(anything.judge(GATE, self))).toBe(GateOutcome.ALLOW);
    const results = judgeGate(anything, GATE, self);
    expect(outcomeOf(results)).toBe(GateOutcome.DENY);
    expect(results.map(({ policyId }) => policyId)).toEqual(['OWN-001', SEPARATION]);
    expect(results.at(-1)?.reason).toContain('Get the approvals.');
  });

  it.each(selfApprovals)('is asked for by the policies that come with it, too: %s', (_name, change) => {
    const results = judgeGate(lifecycleCore, GATE, input(change));
    expect(outcomeOf(results)).toBe(GateOutcome.DENY);
    expect(results.map(({ policyId }) => policyId)).not.toContain(SEPARATION);
  });

  it('adds nothing where it is kept', () => {
    expect(judgeGate(lifecycleCore, GATE, input())).toEqual(lifecycleCore.judge(GATE, input()));
    expect(outcomeOf(judgeGate(anything, GATE, input()))).toBe(GateOutcome.ALLOW);
  });

  it('lets two delegates of two people do, who have no part in it', () => {
    const delegated = input((i) => {
      approval(i, 0).onBehalfOf = 'otto';
      approval(i, 1).onBehalfOf = 'mona';
    });
    expect(quorumOf(delegated)?.map(({ by }) => by)).toEqual(['olga', 'marc']);
    expect(outcomeOf(judgeGate(lifecycleCore, GATE, delegated))).toBe(GateOutcome.ALLOW);
  });

  it('finds two people where one of several approvals would take the wrong one', () => {
    const crossed = input((i) => {
      const [owner, risk] = [approval(i, 0), approval(i, 1)];
      i.approvals = [{ ...owner, by: 'marc' }, owner, risk];
    });
    expect(quorumOf(crossed)?.map(({ by }) => by)).toEqual(['olga', 'marc']);
  });
});
