import { create } from '@bufbuild/protobuf';
import {
  RolloutAdvancedSchema,
  RolloutCompletedSchema,
  RolloutRolledBackSchema,
  RolloutStartedSchema,
  StepEvidenceSchema,
  type RolloutAdvanced,
  type RolloutCompleted,
  type RolloutRolledBack,
  type RolloutStarted,
} from '@vitae/contracts';
import { Refused, type Decider } from '@vitae/event-store';
import { mustNotBeGone, type Gone } from '../lifecycle/gone.ts';

/** What monitoring counted for candidate and stable variant when it judged. */
export interface Evidence {
  readonly judgementId: string;
  readonly candidateRows: bigint;
  readonly candidateErrors: bigint;
  readonly stableRows: bigint;
  readonly stableErrors: bigint;
  readonly logEValue: number;
}

/** A variant as the endpoint's view shows it at the start. */
export interface RolloutVariant {
  readonly variantId: string;
  readonly modelVersionId: string;
  readonly version: number;
  readonly state: string;
  /** Per cent of the traffic in force. */
  readonly weight: number;
}

export type RolloutCommand =
  | {
      readonly type: 'StartRollout';
      readonly rolloutId: string;
      readonly endpointId: string;
      readonly modelId: string;
      /** All that are at the endpoint. */
      readonly variants: readonly RolloutVariant[];
      readonly candidateVariantId: string;
      /** Whether the registry has deleted or purged the candidate's version. */
      readonly gone: Gone | undefined;
      readonly steps: readonly number[];
      readonly minimumRows: number;
      readonly alpha: number;
    }
  | { readonly type: 'JudgeStep'; readonly step: number; readonly verdict: 'pass' | 'fail'; readonly reason: string; readonly evidence: Evidence }
  | { readonly type: 'RollBack'; readonly reason: string };

export type RolloutEvent = RolloutStarted | RolloutAdvanced | RolloutCompleted | RolloutRolledBack;

/**
 *   absent ──start──► running(step 0) ──pass──► running(step 1) … ──pass at the last step──► completed
 *                        └──fail, or by hand──► rolled back
 */
export type RolloutState =
  | { readonly type: 'absent' }
  | { readonly type: 'running'; readonly rolloutId: string; readonly endpointId: string; readonly candidateModelVersionId: string; readonly steps: readonly number[]; readonly step: number }
  | { readonly type: 'completed'; readonly rolloutId: string }
  | { readonly type: 'rolled-back'; readonly rolloutId: string };

export type RolloutRefusal =
  | 'ROLLOUT_NOT_FOUND' | 'ROLLOUT_RUNNING' | 'ROLLOUT_ENDED' | 'VARIANT_NOT_FOUND' | 'CANDIDATE_NOT_READY' | 'CANDIDATE_SERVES' | 'NO_STABLE_VARIANT' | 'STEPS_INVALID' | 'REASON_MISSING';

/** A change of weights over time, judged step by step on evidence. */
export const rollout: Decider<RolloutState, RolloutCommand, RolloutEvent> = {
  category: 'deployment.Rollout',
  initial: { type: 'absent' },

  decide(command, state): readonly RolloutEvent[] {
    if (command.type === 'StartRollout') return state.type === 'absent' ? start(command) : [];
    if (state.type === 'absent') throw noSuchRollout();
    switch (command.type) {
      case 'JudgeStep':
        // A verdict on a step that is over, or on a rollout that has ended, changes nothing.
        return state.type === 'running' && command.step === state.step ? judge(command, state) : [];
      case 'RollBack': {
        if (state.type === 'rolled-back') return [];
        if (state.type === 'completed') throw rolloutRefused('ROLLOUT_ENDED', `Rollout ${state.rolloutId} is completed and its stable variant is gone. To go back, deploy the earlier version and roll it out.`);
        if (command.reason === '') throw rolloutRefused('REASON_MISSING', `Rollout ${state.rolloutId} is not rolled back without a reason: whoever reads its history must know why. Send it in the header Vitae-Reason.`, 422);
        const { rolloutId, endpointId, candidateModelVersionId: modelVersionId } = state;
        return [create(RolloutRolledBackSchema, { rolloutId, endpointId, modelVersionId, reason: command.reason })];
      }
    }
  },

  evolve(state, event): RolloutState {
    switch (event.$typeName) {
      case 'vitae.deployment.v1.RolloutStarted': {
        const { rolloutId, endpointId, candidateModelVersionId, steps } = event;
        return { type: 'running', rolloutId, endpointId, candidateModelVersionId, steps, step: 0 };
      }
      case 'vitae.deployment.v1.RolloutAdvanced':
        return state.type === 'running' ? { ...state, step: event.step } : state;
      case 'vitae.deployment.v1.RolloutCompleted':
        return { type: 'completed', rolloutId: event.rolloutId };
      case 'vitae.deployment.v1.RolloutRolledBack':
        return { type: 'rolled-back', rolloutId: event.rolloutId };
    }
  },
};

function start({ rolloutId, endpointId, modelId, variants, candidateVariantId, gone, steps, minimumRows, alpha }: Extract<RolloutCommand, { type: 'StartRollout' }>): RolloutEvent[] {
  const rising = steps.every((weight, i) => weight > (steps[i - 1] ?? 0));
  const [first] = steps;
  if (first === undefined || !rising || steps.at(-1) !== 100) {
    throw rolloutRefused('STEPS_INVALID', `The steps [${steps.join(', ')}] do not rise to 100. Name the candidate's per cent at each step, for example [10, 50, 100].`, 422);
  }
  const candidate = variants.find(({ variantId }) => variantId === candidateVariantId);
  if (!candidate) throw rolloutRefused('VARIANT_NOT_FOUND', `Variant ${candidateVariantId} is not at this endpoint. GET …/endpoints/${endpointId} lists its variants.`, 404);
  mustNotBeGone(gone);
  if (candidate.state !== 'ready') {
    throw rolloutRefused('CANDIDATE_NOT_READY', `Variant ${candidateVariantId} (version ${candidate.version}) is ${candidate.state}. Wait until GET …/endpoints/${endpointId} shows it ready.`);
  }
  if (candidate.weight > 0) throw rolloutRefused('CANDIDATE_SERVES', `Variant ${candidateVariantId} (version ${candidate.version}) has ${candidate.weight} % of the traffic already. Name a variant that has none.`);
  const stable = variants.find(({ weight }) => weight === 100);
  if (!stable) throw rolloutRefused('NO_STABLE_VARIANT', `No variant of this endpoint has all of the traffic now, so there is none to compare with. Wait until GET …/endpoints/${endpointId} shows one with weight 100.`);
  return [
    create(RolloutStartedSchema, {
      rolloutId,
      endpointId,
      modelId,
      stableVariantId: stable.variantId,
      stableModelVersionId: stable.modelVersionId,
      candidateVariantId,
      candidateModelVersionId: candidate.modelVersionId,
      steps: [...steps],
      minimumRows: BigInt(minimumRows),
      alpha,
    }),
    create(RolloutAdvancedSchema, { rolloutId, endpointId, step: 0, weight: first }),
  ];
}

function judge({ verdict, reason, evidence }: Extract<RolloutCommand, { type: 'JudgeStep' }>, { rolloutId, endpointId, candidateModelVersionId: modelVersionId, steps, step }: Extract<RolloutState, { type: 'running' }>): RolloutEvent[] {
  const counted = create(StepEvidenceSchema, evidence);
  if (verdict === 'fail') return [create(RolloutRolledBackSchema, { rolloutId, endpointId, modelVersionId, reason, evidence: counted })];
  const weight = steps[step + 1];
  return weight === undefined
    ? [create(RolloutCompletedSchema, { rolloutId, endpointId, modelVersionId, evidence: counted })]
    : [create(RolloutAdvancedSchema, { rolloutId, endpointId, step: step + 1, weight, evidence: counted })];
}

export const rolloutRefused = (reason: RolloutRefusal, message: string, status: 404 | 409 | 422 = 409): Refused => new Refused(reason, message, status);

export const noSuchRollout = (id = ''): Refused =>
  rolloutRefused('ROLLOUT_NOT_FOUND', `There is no ${id ? `rollout ${id} in this project` : 'such rollout'}. GET …/endpoints/:id names the latest one of an endpoint.`, 404);
