import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { GateDecidedSchema, GateOutcome, PolicyOutcome, type GateDecided, type GateSubjectSchema } from '@vitae/contracts';
import { Refused, type Decider } from '@vitae/event-store';
import { ENGINE, type PolicyEngine, type PolicyJudgement } from '../policy-set/policy-engine.ts';
import type { Position } from './assemble-gate-input.ts';
import { GATE_INPUT_SCHEMA, type GateInput } from './gate-input.ts';
import { judgeGate } from './quorum.ts';

/**
 * The recorded answer of a gate. Written once: its stream takes this one event and no second.
 * It holds all that is needed to ask again: the input's own bytes, and which policies were asked.
 */
export interface DecideGate {
  readonly type: 'DecideGate';
  readonly decisionId: string;
  readonly subject: MessageInitShape<typeof GateSubjectSchema> & { readonly gate: string };
  readonly requestedBy: string;
  /** gate-input/1 as canonical JSON: exactly what is judged, hashed and recorded. */
  readonly input: string;
  /** `sha256:<hex>` of it. */
  readonly inputHash: string;
  readonly positions: readonly Position[];
  readonly policies: PolicyEngine;
  readonly policySetHash: string;
  /** The right to act, should the answer be yes. `expiresAt` is RFC 3339. */
  readonly permit: { readonly permitId: string; readonly expiresAt: string };
}

export type GateDecisionRefusal = 'ALREADY_DECIDED';
export type GateDecisionState = { readonly state: 'none' | 'decided' };

export const gateDecision: Decider<GateDecisionState, DecideGate, GateDecided> = {
  category: 'governance.GateDecision',
  initial: { state: 'none' },

  decide(command, current): readonly GateDecided[] {
    const { decisionId, subject, policies, permit } = command;
    if (current.state === 'decided') {
      throw new Refused('ALREADY_DECIDED' satisfies GateDecisionRefusal, `Decision ${decisionId} was taken and stands. Ask the gate again for another one.`);
    }
    const results = judgeGate(policies, subject.gate, JSON.parse(command.input) as GateInput);
    const outcome = outcomeOf(results);
    return [
      create(GateDecidedSchema, {
        decisionId,
        subject,
        requestedBy: command.requestedBy,
        input: command.input,
        inputHash: command.inputHash,
        inputSchema: GATE_INPUT_SCHEMA,
        positions: command.positions.map(({ stream, revision }) => ({ stream, revision: BigInt(revision) })),
        policySet: policies.policySet.name,
        policySetVersion: policies.policySet.version,
        policySetHash: command.policySetHash,
        engine: ENGINE,
        results: [...results],
        outcome,
        ...(outcome === GateOutcome.ALLOW ? { permit: { permitId: permit.permitId, expiresAt: timestampFromDate(new Date(permit.expiresAt)) } } : {}),
      }),
    ];
  },

  evolve(): GateDecisionState {
    return { state: 'decided' };
  },
};

/** Yes only when something was asked and nothing spoke against it; a policy that could not be judged speaks against it. */
export function outcomeOf(results: readonly Pick<PolicyJudgement, 'outcome'>[]): GateOutcome {
  const passed = results.filter(({ outcome }) => outcome === PolicyOutcome.PASS);
  const against = results.filter(({ outcome }) => outcome !== PolicyOutcome.PASS && outcome !== PolicyOutcome.NOT_APPLICABLE);
  return passed.length > 0 && against.length === 0 ? GateOutcome.ALLOW : GateOutcome.DENY;
}
