import { CanaryVerdict, type CanaryJudged, type VariantFailed } from '@vitae/contracts';
import type { RolloutCommand } from './rollout.ts';

/** The rollout that an event may concern, as the view has it. */
export interface RunningRollout {
  readonly rolloutId: string;
  readonly candidateVariantId: string;
}

export interface Reaction {
  readonly rolloutId: string;
  readonly command: RolloutCommand;
}

/**
 * What deployment does about an event of another service, or of its own driver:
 *
 *   CanaryJudged (monitoring)        ──► the step is judged
 *   VariantFailed, of the candidate  ──► the rollout is rolled back
 *
 * @param running the rollout of the event's id, or the running one of the event's endpoint; undefined: none here.
 */
export function reactionTo(event: CanaryJudged | VariantFailed, running: RunningRollout | undefined): Reaction | undefined {
  if (!running) return undefined;
  const { rolloutId } = running;
  switch (event.$typeName) {
    case 'vitae.monitoring.v1.CanaryJudged': {
      const { step, verdict, reason, judgementId, candidateRows, candidateErrors, stableRows, stableErrors, logEValue } = event;
      const evidence = { judgementId, candidateRows, candidateErrors, stableRows, stableErrors, logEValue };
      return { rolloutId, command: { type: 'JudgeStep', step, verdict: verdict === CanaryVerdict.PASS ? 'pass' : 'fail', reason, evidence } };
    }
    case 'vitae.deployment.v1.VariantFailed':
      return event.variantId === running.candidateVariantId
        ? { rolloutId, command: { type: 'RollBack', reason: `The candidate can no longer serve: ${event.reason}` } }
        : undefined;
  }
}
