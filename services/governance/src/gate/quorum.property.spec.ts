import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { GateOutcome, type Link } from '@vitae/contracts';
import { Refused } from '@vitae/event-store';
import fc from 'fast-check';
import { approvalCase, type ApprovalCaseState } from '../approval-case/approval-case.ts';
import { APPROVAL_ROLES, type ApprovalRole } from '../approval-case/approval-roles.ts';
import type { Duties } from '../approval-case/separation-of-duties.ts';
import { lifecycleCore } from '../policy-set/lifecycle-core.ts';
import { policyEngine } from '../policy-set/policy-engine.ts';
import { assembleGateInput, subjectHashOf, type GateFacts } from './assemble-gate-input.ts';
import { outcomeOf } from './gate-decision.ts';
import example from './gate-input.example.json' with { type: 'json' };
import { judgeGate } from './quorum.ts';

const GATE = 'promote-production';
const START = Date.parse('2026-11-20T09:00:00Z');
const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const source = { stream: 's', revision: 1 };
const permissive = policyEngine({ name: 'anything-goes', version: '1.0.0', policies: [{ id: 'OWN-001', title: 'Whatever', gates: [GATE], waivable: true, when: 'true', assert: 'true', reason: 'Never told.' }] });
const fourEyesAlone = policyEngine({ ...lifecycleCore.policySet, policies: lifecycleCore.policySet.policies.filter(({ id }) => id === 'POL-001') });

const involvedOnes = fc.constantFrom(...'ab');
const others = fc.constantFrom(...'cdefg');
const account = fc.constantFrom(...'abcdefg');
/** What happens, one after the other: whoever may speaks, and in between it is found out who is who. */
const happening = fc.oneof(
  { weight: 8, arbitrary: fc.record({ does: fc.constant('word' as const), by: others, role: fc.constantFrom(...APPROVAL_ROLES), approves: fc.integer({ max: 9, min: 0 }).map((n) => n > 0), delegation: fc.option(fc.nat(), { nil: undefined, freq: 2 }) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('link' as const), one: account, other: account }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('delegate' as const), delegator: account, delegate: account }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('contribute' as const), person: account }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('ask' as const), by: account }) },
);
const story = fc.record({ requestedBy: involvedOnes, builtBy: involvedOnes, asker: involvedOnes, happenings: fc.array(happening, { minLength: 2, maxLength: 12 }) });

interface Said {
  readonly by: string;
  readonly for: string;
  readonly role: ApprovalRole;
  readonly approved: boolean;
  readonly at: number;
}

describe('a quorum', () => {
  it('is never completed by who requested or built it, by their delegates, or by fewer people than roles, whatever is found out when', () => {
    let allowed = 0;
    fc.assert(
      fc.property(story, ({ requestedBy, builtBy, asker, happenings }) => {
        const links: Link[] = [];
        const delegations: { delegator: string; delegate: string; at: number }[] = [];
        const contributors = [builtBy];
        const questions: { by: string; at: number }[] = [];
        let state: ApprovalCaseState = approvalCase.evolve(approvalCase.initial, opened(requestedBy, builtBy));
        let said: Said[] = [];
        // An oracle of its own: who can be reached from whom, step by step.
        const same = (one: string, other: string): boolean => {
          let reached = [one];
          for (let before = 0; before < reached.length; ) {
            before = reached.length;
            reached = [...new Set([...reached, ...links.filter((pair) => pair.some((end) => reached.includes(end))).flat()])];
          }
          return reached.includes(other);
        };
        // Who judged first and asked the gate then has spoiled that question alone.
        const askedFirst = () => questions.filter((question) => !said.some((word) => word.at < question.at && human(word).some((voice) => same(voice, question.by)))).map(({ by }) => by);
        const barred = (voice: string, ...more: readonly string[]): boolean => {
          const involved = [...contributors, requestedBy, ...askedFirst(), ...more];
          return involved.some((one) => same(one, voice)) || delegations.some(({ delegator, delegate }) => same(delegate, voice) && involved.some((one) => same(one, delegator)));
        };

        happenings.forEach((next, i) => {
          const at = START + (i + 1) * 60_000;
          if (next.does === 'link') return void (next.one === next.other || links.push([next.one, next.other]));
          if (next.does === 'delegate') return void delegations.push({ delegator: next.delegator, delegate: next.delegate, at });
          if (next.does === 'contribute') return void contributors.push(next.person);
          if (next.does === 'ask') return void questions.push({ by: next.by, at });
          const duties: Duties = {
            links,
            delegations: delegations.map(({ delegator, delegate }, n) => ({ delegationId: uuid(n), delegator, delegate, roles: APPROVAL_ROLES })),
            contributors,
            requesters: questions.map(({ by }) => by),
          };
          // By a delegation where there is one: as the one who has it, for the one who gave it.
          const given = next.delegation === undefined ? undefined : delegations[next.delegation % delegations.length];
          const [by, onBehalfOf] = given ? [given.delegate, given.delegator] : [next.by, undefined];
          const command = { type: next.approves ? ('Approve' as const) : ('RefuseApproval' as const), role: next.role, by, human: true, holds: APPROVAL_ROLES, onBehalfOf, duties, at: new Date(at).toISOString() };
          try {
            const [event] = approvalCase.decide(command, state);
            if (!event) return;
            const voices = onBehalfOf === undefined ? [by] : [by, onBehalfOf];
            expect(voices.some((voice) => barred(voice))).toBe(false);
            state = approvalCase.evolve(state, event);
            said = said.filter((one) => one.role !== next.role || !(one.by === by || (onBehalfOf === undefined && one.for === by)));
            said.push({ by, for: onBehalfOf ?? '', role: next.role, approved: next.approves, at });
          } catch (error) {
            if (!(error instanceof Refused)) throw error;
          }
        });

        const at = START + 3_600_000;
        const facts = factsOf({ requestedBy, links, delegations, contributors, questions, said });
        const input = assembleGateInput(facts, { at: new Date(at).toISOString(), actor: { id: asker, kind: 'human' }, asker }, sha256);
        // As it stands now: the asker has a part in it as well.
        const independent = said.filter((word) => word.approved && !human(word).some((voice) => barred(voice, asker)));
        const [owners, risks] = APPROVAL_ROLES.map((role) => independent.filter((one) => one.role === role));
        const kept = (owners ?? []).some((owner) => (risks ?? []).some((risk) => !human(owner).some((one) => human(risk).some((other) => same(one, other)))));
        for (const policies of [permissive, fourEyesAlone]) {
          if (outcomeOf(judgeGate(policies, GATE, input)) !== GateOutcome.ALLOW) continue;
          allowed += 1;
          expect(kept).toBe(true);
        }
        // And the other way round: the built-in rule denies nothing that is kept.
        expect(outcomeOf(judgeGate(permissive, GATE, input)) === GateOutcome.ALLOW).toBe(kept);
      }),
      { numRuns: 800 },
    );
    expect(allowed).toBeGreaterThan(100);
  });
});

const human = ({ by, for: other }: Said): string[] => [by, other].filter((voice) => voice !== '');

const uuid = (n: number): string => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`;

const version = { ...source, id: example.version.id, modelId: example.model.id, modelName: 'credit-risk', version: 1, digest: example.version.digest, useCaseId: example.useCase.id, datasetVersionId: uuid(4), datasetDigest: sha256('data'), contributors: [] };
const subject = { gate: GATE, environment: { name: 'prod-eu', class: 'production', region: 'eu' }, version, quarantines: [] };
const subjectHash = subjectHashOf(subject, sha256);

function opened(requestedBy: string, builtBy: string) {
  return { $typeName: 'vitae.governance.v1.ApprovalCaseOpened' as const, approvalCaseId: uuid(10), subject: { $typeName: 'vitae.governance.v1.GateSubject' as const, gate: GATE, modelVersionId: version.id, modelId: version.modelId, version: 1, artefactDigest: version.digest, useCaseId: version.useCaseId, environment: 'prod-eu', environmentClass: 'production', subjectHash }, requestedBy, contributors: [builtBy] };
}

function factsOf({ requestedBy, links, delegations, contributors, questions, said }: { requestedBy: string; links: readonly Link[]; delegations: readonly { delegator: string; delegate: string; at: number }[]; contributors: readonly string[]; questions: readonly { by: string; at: number }[]; said: readonly Said[] }): GateFacts {
  return {
    ...subject,
    evaluations: [],
    datasets: [],
    incidents: [],
    cases: [{
      ...source,
      subjectHash,
      requestedBy,
      approvals: said.map((one) => ({ role: one.role, approver: one.by, approverKind: 'human', onBehalfOf: one.for, decision: one.approved ? 'approved' : 'refused', givenAt: new Date(one.at), expiresAt: one.approved ? new Date(one.at + 30 * 86_400_000) : null })),
    }],
    contributions: contributors.map((person) => ({ ...source, person })),
    questions: questions.map(({ by, at }) => ({ ...source, by, subjectHash, askedAt: new Date(at) })),
    links: links.map((people) => ({ ...source, people })),
    delegations: delegations.map(({ delegator, delegate, at }) => ({ ...source, delegator, delegate, givenAt: new Date(at), until: new Date(at + 90 * 86_400_000) })),
  };
}
