import { Refused } from '@vitae/event-store';
import { lifecycleCore } from '../policy-set/lifecycle-core.ts';
import { subjectHashOf, type GateFacts, type Sha256 } from './assemble-gate-input.ts';

/** What an approval or a decision is about, as its event names it. */
export function gateSubject(facts: GateFacts, sha256: Sha256) {
  const { gate, environment, version } = facts;
  return {
    gate,
    modelVersionId: version.id,
    modelId: version.modelId,
    version: version.version,
    artefactDigest: version.digest,
    useCaseId: version.useCaseId,
    environment: environment.name,
    environmentClass: environment.class,
    subjectHash: subjectHashOf(facts, sha256),
  };
}

/** The subjects under which the ledger finds such events. */
export const concerned = ({ version }: GateFacts): readonly string[] => [`model:${version.modelId}`, `model-version:${version.id}`, `use-case:${version.useCaseId}`];

/** @throws Refused GATE_NOT_FOUND for a gate of which no policy speaks. */
export function knownGate(gate: string): string {
  const { gates } = lifecycleCore;
  if (gates.includes(gate)) return gate;
  throw new Refused('GATE_NOT_FOUND', `There is no gate ${gate}. Ask one of: ${gates.join(', ')}.`, 404);
}
