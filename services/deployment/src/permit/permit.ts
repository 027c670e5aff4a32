import { create } from '@bufbuild/protobuf';
import { PermitConsumedSchema, type PermitConsumed } from '@vitae/contracts';
import { Refused, type Decider } from '@vitae/event-store';

/** A permit as governance gave it. */
export interface GivenPermit {
  readonly permitId: string;
  readonly decisionId: string;
  readonly gate: string;
  readonly modelVersionId: string;
  readonly artefactDigest: string;
  readonly environment: string;
  readonly environmentClass: string;
  /** RFC 3339. */
  readonly expiresAt: string;
}

/** What the permit is wanted for. */
export interface PermitUse {
  readonly endpointId: string;
  readonly variantId: string;
  readonly modelVersionId: string;
  readonly artefactDigest: string;
  readonly environment: string;
  readonly environmentClass: string;
}

export type PermitCommand = {
  readonly type: 'ConsumePermit';
  readonly permitId: string;
  /** Undefined: governance has given no such permit in this project. */
  readonly given: GivenPermit | undefined;
  readonly use: PermitUse;
  /** RFC 3339. */
  readonly at: string;
};

/** unused ──► consumed, for ever. */
export type PermitState = { readonly type: 'unused' } | { readonly type: 'consumed'; readonly variantId: string; readonly endpointId: string };
export type PermitRefusal = 'PERMIT_MISSING' | 'PERMIT_UNKNOWN' | 'PERMIT_MISMATCH' | 'PERMIT_EXPIRED' | 'PERMIT_USED';

/** The gate whose permits let a version into production. */
export const PRODUCTION_GATE = 'promote-production';

/** The single-use right to deploy one version, with exactly these bytes, into one environment. */
export const permit: Decider<PermitState, PermitCommand, PermitConsumed> = {
  category: 'deployment.Permit',
  initial: { type: 'unused' },
  decide({ permitId, given, use, at }, state) {
    if (state.type === 'consumed') {
      if (state.variantId === use.variantId) return [];
      throw permitRefused('PERMIT_USED', `Permit ${permitId} was used for variant ${state.variantId} of endpoint ${state.endpointId}, and a permit is good for one deployment. Ask the gate for a new one: POST …/gates/${PRODUCTION_GATE}/decisions at governance.`, 409);
    }
    if (!given) {
      throw permitRefused('PERMIT_UNKNOWN', `Governance has given no permit ${permitId} in this project. Use the permit of an allowing decision of the gate ${PRODUCTION_GATE}.`, 403);
    }
    const differences = differencesOf(given, use);
    if (differences.length > 0) {
      throw permitRefused('PERMIT_MISMATCH', `Permit ${permitId} was given for something else: ${differences.join('; ')}. Ask the gate ${PRODUCTION_GATE} for what is to be deployed here.`, 403);
    }
    if (Date.parse(at) >= Date.parse(given.expiresAt)) {
      throw permitRefused('PERMIT_EXPIRED', `Permit ${permitId} expired at ${given.expiresAt}. Ask the gate ${PRODUCTION_GATE} again; approvals that still stand need not be given anew.`, 410);
    }
    return [create(PermitConsumedSchema, { permitId, decisionId: given.decisionId, endpointId: use.endpointId, variantId: use.variantId })];
  },
  evolve: (_state, { variantId, endpointId }) => ({ type: 'consumed', variantId, endpointId }),
};

export const permitRefused = (reason: PermitRefusal, message: string, status: 403 | 409 | 410): Refused => new Refused(reason, message, status);

/** The class is compared, too: a decision about a place that was called "development" is no right to production. */
function differencesOf(given: GivenPermit, use: PermitUse): string[] {
  const compared = [
    ['gate', given.gate, PRODUCTION_GATE],
    ['model version', given.modelVersionId, use.modelVersionId],
    ['artefact', given.artefactDigest, use.artefactDigest],
    ['environment', given.environment, use.environment],
    ['environment class', given.environmentClass, use.environmentClass],
  ] as const;
  return compared.flatMap(([what, was, is]) => (was === is ? [] : [`${what} ${was}, not ${is}`]));
}
