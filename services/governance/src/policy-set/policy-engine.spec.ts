import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { PolicyOutcome } from '@vitae/contracts';
import example from '../gate/gate-input.example.json' with { type: 'json' };
import type { GateInput } from '../gate/gate-input.ts';
import { ENGINE, policyEngine } from './policy-engine.ts';
import { policySet, policySetHash, readPolicySet } from './policy-set.ts';

const base = { id: 'POL-900', title: 'A rule', gates: ['g'], waivable: false, when: 'true', assert: 'true', reason: 'It must hold.' };
const judge = (policy: Partial<typeof base>, input: object = example) =>
  policyEngine({ name: 'test', version: '1.0.0', policies: [{ ...base, ...policy }] }).judge('g', input as GateInput)[0];

describe('the policy engine', () => {
  it('is the version that is pinned', () => {
    const { dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { dependencies: Record<string, string> };
    expect(ENGINE).toBe(`@bufbuild/cel ${dependencies['@bufbuild/cel']}`);
  });

  it('reads whole numbers as such, which JSON alone would not give', () => {
    expect(judge({ assert: 'version.number % 2 == 1 && groups.exists(g, g.n / 2 == 47)' })?.outcome).toBe(PolicyOutcome.PASS);
  });

  it('puts facts into the reason of a failure', () => {
    expect(judge({ assert: 'version.number > 1', reason: 'Version ${string(version.number)} of ${model.name} is too old.' })).toMatchObject({
      outcome: PolicyOutcome.FAIL,
      reason: 'Version 1 of credit-risk is too old.',
    });
  });

  it('changes no outcome when a fact cannot be computed', () => {
    const { riskTier: _riskTier, ...useCase } = example.useCase;
    expect(judge({ assert: 'false', reason: 'Tier is ${useCase.riskTier}.' }, { ...example, useCase })).toMatchObject({
      outcome: PolicyOutcome.FAIL,
      reason: 'Tier is (not computed: field not found: riskTier).',
    });
  });

  it('takes an error in `when` or `assert` for missing evidence', () => {
    const { riskTier: _riskTier, ...useCase } = example.useCase;
    const input = { ...example, useCase };
    for (const policy of [{ when: "useCase.riskTier == 'low'" }, { assert: "useCase.riskTier == 'low'" }]) {
      expect(judge(policy, input)).toMatchObject({
        outcome: PolicyOutcome.ERROR,
        reason: 'Evidence is missing, so this could not be judged (field not found: riskTier). It must hold.',
      });
    }
  });

  it('says of a policy that does not apply why', () => {
    expect(judge({ when: "environment.class == 'staging'" })).toMatchObject({ outcome: PolicyOutcome.NOT_APPLICABLE, reason: expect.stringContaining("environment.class == 'staging'") });
  });
});

describe('a policy set', () => {
  const set = readPolicySet({ policySet: 'test', version: '1.0.0', policies: [{ ...base, assert: ['true', '&& true'] }] });
  const hash = `sha256:${'a'.repeat(64)}`;

  it('may be written in lines', () => {
    expect(set.policies[0]?.assert).toBe('true\n&& true');
  });

  it('has a hash of all its policies', () => {
    const identity = (text: string) => text;
    expect(policySetHash(set, identity)).not.toBe(policySetHash({ ...set, policies: [{ ...base, waivable: true }] }, identity));
  });

  it('is published once, and never under the same version with other policies', () => {
    expect(policySet.decide({ type: 'PublishPolicySet', policySet: set, hash }, { state: 'none' })).toHaveLength(1);
    expect(policySet.decide({ type: 'PublishPolicySet', policySet: set, hash }, { state: 'published', hash })).toEqual([]);
    expect(() => policySet.decide({ type: 'PublishPolicySet', policySet: set, hash }, { state: 'published', hash: 'sha256:other' })).toThrow('give the new one a new version');
  });
});
