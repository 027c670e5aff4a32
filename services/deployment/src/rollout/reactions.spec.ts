import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { CanaryJudgedSchema, CanaryVerdict, VariantFailedSchema } from '@vitae/contracts';
import { reactionTo } from './reactions.ts';

const id = (n: number): string => `01990000-0000-7000-8000-0000000000${String(n).padStart(2, '0')}`;
const running = { rolloutId: id(1), candidateVariantId: id(12) };
const evidence = { judgementId: id(40), candidateRows: 60n, candidateErrors: 30n, stableRows: 540n, stableErrors: 150n, logEValue: 5.1 };
const judged = (verdict: CanaryVerdict) =>
  create(CanaryJudgedSchema, { ...evidence, rolloutId: id(1), endpointId: id(2), modelId: id(3), candidateModelVersionId: id(22), step: 1, verdict, reason: 'errs more often' });
const failed = (variantId: string) => create(VariantFailedSchema, { endpointId: id(2), variantId, reason: 'the file is gone' });

describe('reactionTo', () => {
  it.each([
    [CanaryVerdict.PASS, 'pass'],
    [CanaryVerdict.FAIL, 'fail'],
  ])('passes a verdict on with its evidence', (verdict, word) => {
    expect(reactionTo(judged(verdict), running)).toEqual({
      rolloutId: id(1),
      command: { type: 'JudgeStep', step: 1, verdict: word, reason: 'errs more often', evidence },
    });
  });

  it('rolls back when the candidate fails', () => {
    expect(reactionTo(failed(id(12)), running)).toEqual({
      rolloutId: id(1),
      command: { type: 'RollBack', reason: 'The candidate can no longer serve: the file is gone' },
    });
  });

  it('does nothing about another variant, or where no rollout is', () => {
    expect(reactionTo(failed(id(11)), running)).toBeUndefined();
    expect(reactionTo(failed(id(12)), undefined)).toBeUndefined();
    expect(reactionTo(judged(CanaryVerdict.PASS), undefined)).toBeUndefined();
  });
});
