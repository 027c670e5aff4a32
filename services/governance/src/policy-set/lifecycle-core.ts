import file from './lifecycle-core.json' with { type: 'json' };
import { policyEngine } from './policy-engine.ts';
import { readPolicySet } from './policy-set.ts';

/** The policies that this build asks. Loading it lints them, so that a build with a faulty set does not start. */
export const lifecycleCore = policyEngine(readPolicySet(file));
