import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { canonicalJson, eventFromJson, eventToJson, GateDecidedSchema, GateOutcome, PolicyOutcome, PolicySetPublishedSchema, type GateDecided, type PolicySetPublished } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { lifecycleCore } from '../policy-set/lifecycle-core.ts';
import { policyEngine } from '../policy-set/policy-engine.ts';
import { policySet, publishedPolicySet } from '../policy-set/policy-set.ts';
import { gateDecision, outcomeOf, type DecideGate } from './gate-decision.ts';
import example from './gate-input.example.json' with { type: 'json' };
import type { GateInput } from './gate-input.ts';

const decisionId = '01990000-0000-7000-8000-00000000000a';
const permitId = '01990000-0000-7000-8000-00000000000b';
const hash = `sha256:${'e'.repeat(64)}`;
const ask = (input: object): DecideGate => ({
  type: 'DecideGate',
  decisionId,
  subject: {
    gate: 'promote-production',
    modelVersionId: example.version.id,
    modelId: example.model.id,
    version: 1,
    artefactDigest: example.version.digest,
    useCaseId: example.useCase.id,
    environment: 'prod-eu',
    environmentClass: 'production',
    subjectHash: example.subjectHash,
  },
  requestedBy: 'rita',
  input: canonicalJson(input),
  inputHash: hash,
  positions: [{ stream: 'governance.UseCase-3', revision: 3 }],
  policies: lifecycleCore,
  policySetHash: hash,
  permit: { permitId, expiresAt: '2026-11-20T09:15:00.000Z' },
});
const decided = (results: GateDecided['results'], more: object) => {
  const { subject, requestedBy, input, inputHash, positions } = ask(example);
  return create(GateDecidedSchema, {
    ...{ decisionId, subject, requestedBy, input, inputHash, inputSchema: 'gate-input/1' },
    positions: positions.map(({ stream, revision }) => ({ stream, revision: BigInt(revision) })),
    ...{ policySet: 'lifecycle-core', policySetVersion: '1.2.0', policySetHash: hash, engine: '@bufbuild/cel 0.6.1', results },
    ...more,
  });
};
const judgements = (input: object) => [...lifecycleCore.judge('promote-production', input as GateInput)] as unknown as GateDecided['results'];
const given = specification(gateDecision);

describe('a gate decision', () => {
  it('allows with a permit when every policy holds', () =>
    given([])
      .when(ask(example))
      .then([decided(judgements(example), { outcome: GateOutcome.ALLOW, permit: { permitId, expiresAt: timestampFromDate(new Date('2026-11-20T09:15:00Z')) } })]));

  it('denies without a permit when one does not', () => {
    const input = { ...example, approvals: [] };
    given([])
      .when(ask(input))
      .then([decided(judgements(input), { outcome: GateOutcome.DENY, input: canonicalJson(input) })]);
  });

  it('is written once', () => given([decided(judgements(example), { outcome: GateOutcome.ALLOW })]).when(ask(example)).thenRefused('ALREADY_DECIDED'));

  it('needs at least one policy that passes, and none that speaks against it', () => {
    const { PASS, FAIL, ERROR, NOT_APPLICABLE } = PolicyOutcome;
    const of = (...outcomes: PolicyOutcome[]) => outcomeOf(outcomes.map((outcome) => ({ outcome })));
    expect([of(PASS), of(PASS, NOT_APPLICABLE)]).toEqual([GateOutcome.ALLOW, GateOutcome.ALLOW]);
    expect([of(), of(NOT_APPLICABLE), of(PASS, FAIL), of(PASS, ERROR)]).toEqual([GateOutcome.DENY, GateOutcome.DENY, GateOutcome.DENY, GateOutcome.DENY]);
  });

  // As years later: nothing is left but the two stored events.
  it.each([
    ['an allowing', example],
    ['a denying', { ...example, approvals: [], evaluations: example.evaluations.slice(1), incidents: [{ ...example.incidents[0], severity: 'sev1' }] }],
    ['an unjudgeable', { ...example, useCase: { id: example.useCase.id, state: 'unknown' } }],
  ])('replays %s decision to the identical results', (_name, input) => {
    const [published] = policySet.decide({ type: 'PublishPolicySet', policySet: lifecycleCore.policySet, hash }, policySet.initial);
    const [decision] = gateDecision.decide(ask(input), gateDecision.initial);
    if (!published || !decision) throw new Error('nothing was recorded');
    const storedSet = eventFromJson(PolicySetPublishedSchema.typeName, eventToJson(published)) as PolicySetPublished;
    const stored = eventFromJson(GateDecidedSchema.typeName, eventToJson(decision)) as GateDecided;

    const again = policyEngine(publishedPolicySet(storedSet)).judge(stored.subject?.gate ?? '', JSON.parse(stored.input) as GateInput);

    expect(again).toEqual(stored.results.map(({ policyId, title, outcome, reason }) => ({ policyId, title, outcome, reason })));
    expect(outcomeOf(again)).toBe(stored.outcome);
  });
});
