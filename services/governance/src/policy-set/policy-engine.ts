import { celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { PolicyOutcome } from '@vitae/contracts';
import { gateInput, type GateInput, type LoweredGateInput } from '../gate/gate-input.ts';
import { lint } from './policy-linter.ts';
import type { Policy, PolicySet } from './policy-set.ts';

/** Recorded with each decision. Named by hand, because a pure file reads no package; a spec holds it against the pinned version. */
export const ENGINE = '@bufbuild/cel 0.6.1';

/** What one policy says. */
export interface PolicyJudgement {
  readonly policyId: string;
  readonly title: string;
  readonly outcome: PolicyOutcome;
  readonly reason: string;
}

/** A policy set that was linted and planned. */
export interface PolicyEngine {
  readonly policySet: PolicySet;
  /** Gates that at least one policy speaks of. */
  readonly gates: readonly string[];
  /** Asks the gate's policies, in the set's order. Equal input gives equal judgements. Throws ZodError for what is no gate-input/1. */
  judge(gate: string, input: GateInput): readonly PolicyJudgement[];
}

/** A policy set that must not be used, and all that is wrong with it. */
export class PolicySetInvalid extends Error {
  override readonly name = 'PolicySetInvalid';
  constructor(
    readonly policySet: string,
    readonly problems: readonly string[],
  ) {
    super(`policy set ${policySet} cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  }
}

type Program = (input: LoweredGateInput) => unknown;
const env = celEnv({ funcs: strings });

/** @throws PolicySetInvalid naming every fault of every policy. */
export function policyEngine(policySet: PolicySet): PolicyEngine {
  const ids = policySet.policies.map(({ id }) => id);
  const problems = [
    ...ids.filter((id, i) => ids.indexOf(id) !== i).map((id) => `${id} stands in it twice`),
    ...policySet.policies.flatMap((policy) => faults(policy)),
  ];
  if (problems.length > 0) throw new PolicySetInvalid(`${policySet.name} ${policySet.version}`, problems);

  const planned = policySet.policies.map((policy) => ({
    policy,
    when: program(policy.when),
    assert: program(policy.assert),
    explain: explanation(policy.reason),
  }));
  return {
    policySet,
    gates: [...new Set(policySet.policies.flatMap(({ gates }) => gates))],
    judge: (gate, input) => {
      const lowered = gateInput.parse(input);
      return planned
        .filter(({ policy }) => policy.gates.includes(gate))
        .map(({ policy, when, assert, explain }) => ({ policyId: policy.id, title: policy.title, ...judged(policy, lowered, { when, assert, explain }) }));
    },
  };
}

/** No evidence is no permission: an error, or an answer that is no bool, counts as a denial. */
function judged(policy: Policy, input: LoweredGateInput, { when, assert, explain }: { when: Program; assert: Program; explain: Program }): { outcome: PolicyOutcome; reason: string } {
  const applies = when(input);
  if (applies === false) return { outcome: PolicyOutcome.NOT_APPLICABLE, reason: `It does not apply, for this does not hold: ${policy.when}` };
  const holds = applies === true ? assert(input) : applies;
  if (holds === true) return { outcome: PolicyOutcome.PASS, reason: '' };
  if (holds === false) return { outcome: PolicyOutcome.FAIL, reason: String(explain(input)) };
  return { outcome: PolicyOutcome.ERROR, reason: `Evidence is missing, so this could not be judged (${messageOf(holds)}). ${staticPart(policy.reason)}` };
}

function program(source: string): Program {
  const run = plan(env, parse(source)) as (bindings: object) => unknown;
  return (input) => {
    try {
      return run(input);
    } catch (error) {
      return error;
    }
  };
}

const PLACEHOLDER = /\$\{([^}]*)\}/g;

/** The reason with each `${…}` computed of the input. What cannot be computed is said so and changes no outcome. */
function explanation(reason: string): Program {
  const sources = [...reason.matchAll(PLACEHOLDER)].map(([, source = '']) => program(source));
  return (input) => {
    const facts = sources.map((compute) => compute(input));
    let next = 0;
    return reason.replace(PLACEHOLDER, () => {
      const fact = facts[next++];
      return typeof fact === 'string' ? fact : `(not computed: ${messageOf(fact)})`;
    });
  };
}

const staticPart = (reason: string): string => reason.replace(PLACEHOLDER, '').replace(/\s*\.?\s*$/, '').concat('.');

const messageOf = (value: unknown): string => (isCelError(value) || value instanceof Error ? value.message : `the answer was ${String(value)}`);

function faults({ id, when, assert, reason }: Policy): readonly string[] {
  const told = (part: string, source: string, wanted: 'bool' | 'string') => lint(source, wanted).map((problem) => `${id} ${part}: ${problem}`);
  return [
    ...told('when', when, 'bool'),
    ...told('assert', assert, 'bool'),
    ...[...reason.matchAll(PLACEHOLDER)].flatMap(([, source = '']) => told('reason', source, 'string')),
    ...(/\$\{[^}]*$/.test(reason.replace(PLACEHOLDER, '')) ? [`${id} reason: a \${ is not closed`] : []),
  ];
}
