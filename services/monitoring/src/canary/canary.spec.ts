import { create } from '@bufbuild/protobuf';
import { describe, it } from '@jest/globals';
import { CanaryJudgedSchema, CanaryVerdict } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { canary, type CanaryCommand } from './canary.ts';

const given = specification(canary);
const id = (n: number): string => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const ids = { judgementId: id(1), rolloutId: id(2), endpointId: id(3), modelId: id(4), candidateModelVersionId: id(5) };
const counts = { candidate: { n: 60, errors: 6 }, stable: { n: 500, errors: 50 }, stepCandidateRows: 60, logEValue: -0.9, reason: 'Enough was seen.' };
const judgeStep = (step: number, verdict: 'PASS' | 'FAIL' = 'PASS'): CanaryCommand => ({ type: 'JudgeStep', ...ids, judgement: { step, verdict, ...counts } });
const judged = (step: number, verdict = CanaryVerdict.PASS) =>
  create(CanaryJudgedSchema, {
    ...ids,
    step,
    verdict,
    candidateRows: 60n,
    candidateErrors: 6n,
    stableRows: 500n,
    stableErrors: 50n,
    stepCandidateRows: 60n,
    logEValue: -0.9,
    reason: 'Enough was seen.',
  });

describe('the verdicts on a rollout', () => {
  it('are given step by step', () => given([judged(0)]).when(judgeStep(1)).then([judged(1)]));
  it('are one for each step', () => given([judged(0)]).when(judgeStep(0, 'FAIL')).then([]));
  it('end with a FAIL', () => {
    given([judged(0)]).when(judgeStep(1, 'FAIL')).then([judged(1, CanaryVerdict.FAIL)]);
    given([judged(0), judged(1, CanaryVerdict.FAIL)]).when(judgeStep(2)).then([]);
  });
});
