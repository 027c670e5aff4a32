import { create } from '@bufbuild/protobuf';
import { CanaryJudgedSchema, CanaryVerdict, type CanaryJudged } from '@vitae/contracts';
import type { Decider } from '@vitae/event-store';
import type { Judgement } from './evidence.ts';

/** The verdicts on one rollout: at most one for each step, and none after a FAIL, whoever counts and however often. */
export type CanaryCommand = {
  readonly type: 'JudgeStep';
  readonly judgementId: string;
  readonly rolloutId: string;
  readonly endpointId: string;
  readonly modelId: string;
  readonly candidateModelVersionId: string;
  readonly judgement: Judgement;
};

export type CanaryState = { readonly judged: readonly number[]; readonly failed: boolean };

export const canary: Decider<CanaryState, CanaryCommand, CanaryJudged> = {
  category: 'monitoring.Canary',
  initial: { judged: [], failed: false },
  decide({ judgement, type: _, ...ids }, state) {
    if (state.failed || state.judged.includes(judgement.step)) return [];
    const { step, verdict, candidate, stable, stepCandidateRows, logEValue, reason } = judgement;
    return [
      create(CanaryJudgedSchema, {
        ...ids,
        step,
        verdict: verdict === 'FAIL' ? CanaryVerdict.FAIL : CanaryVerdict.PASS,
        candidateRows: BigInt(candidate.n),
        candidateErrors: BigInt(candidate.errors),
        stableRows: BigInt(stable.n),
        stableErrors: BigInt(stable.errors),
        stepCandidateRows: BigInt(stepCandidateRows),
        logEValue,
        reason,
      }),
    ];
  },
  evolve: (state, event) => ({ judged: [...state.judged, event.step], failed: state.failed || event.verdict === CanaryVerdict.FAIL }),
};
