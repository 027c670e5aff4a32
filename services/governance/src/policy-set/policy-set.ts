import { create } from '@bufbuild/protobuf';
import { canonicalJson, PolicySetPublishedSchema, type PolicySetPublished } from '@vitae/contracts';
import { Refused, type Decider } from '@vitae/event-store';
import { z } from 'zod';

/** A rule that a gate asks. `when` and `assert` are CEL over gate-input/1; `reason` is text with CEL between `${` and `}`. */
export interface Policy {
  readonly id: string;
  readonly title: string;
  readonly gates: readonly string[];
  readonly waivable: boolean;
  readonly when: string;
  readonly assert: string;
  readonly reason: string;
}

/** Never edited: a change is a new version. */
export interface PolicySet {
  readonly name: string;
  readonly version: string;
  readonly policies: readonly Policy[];
}

/** Long expressions are written as lists of lines; a line break is white space to CEL. */
const lines = z.union([z.string().min(1), z.array(z.string().min(1)).min(1).transform((parts) => parts.join('\n'))]);

const policySetFile = z.strictObject({
  policySet: z.string().min(1),
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  policies: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[A-Z]+-[0-9]{3}$/),
        title: z.string().min(1),
        gates: z.array(z.string().min(1)).min(1),
        waivable: z.boolean(),
        when: lines,
        assert: lines,
        reason: lines,
      }),
    )
    .min(1),
});

/** Reads a policy set as it is kept in a file. Throws ZodError for what is not one. */
export function readPolicySet(file: unknown): PolicySet {
  const { policySet, version, policies } = policySetFile.parse(file);
  return { name: policySet, version, policies };
}

/** The policy set as it was published: what a recorded decision is asked again with. */
export function publishedPolicySet({ policySet, version, policies }: PolicySetPublished): PolicySet {
  return { name: policySet, version, policies: policies.map(plain) };
}

/** `sha256:<hex>` of the canonical JSON of the policies, by the given hash. */
export const policySetHash = (set: PolicySet, sha256: (text: string) => string): string => sha256(canonicalJson(set.policies.map(plain)));

const plain = ({ id, title, gates, waivable, when, assert, reason }: Policy): Policy => ({ id, title, gates: [...gates], waivable, when, assert, reason });

export interface PublishPolicySet {
  readonly type: 'PublishPolicySet';
  readonly policySet: PolicySet;
  readonly hash: string;
}

export type PolicySetRefusal = 'POLICY_SET_CHANGED';
export type PolicySetState = { readonly state: 'none' } | { readonly state: 'published'; readonly hash: string };

export const policySet: Decider<PolicySetState, PublishPolicySet, PolicySetPublished> = {
  category: 'governance.PolicySet',
  initial: { state: 'none' },

  decide({ policySet: { name, version, policies }, hash }, current): readonly PolicySetPublished[] {
    if (current.state === 'none') {
      return [create(PolicySetPublishedSchema, { policySet: name, version, hash, policies: policies.map((policy) => ({ ...policy, gates: [...policy.gates] })) })];
    }
    if (current.hash === hash) return [];
    throw new Refused(
      'POLICY_SET_CHANGED' satisfies PolicySetRefusal,
      `Policy set ${name} ${version} was published as ${current.hash}, and this build has ${hash} under the same version. A published set never changes: give the new one a new version.`,
    );
  },

  evolve(_state, event): PolicySetState {
    return { state: 'published', hash: event.hash };
  },
};
