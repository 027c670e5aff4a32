import { create } from '@bufbuild/protobuf';
import { describe, it } from '@jest/globals';
import { AiActClass, Direction, RiskTier, UseCaseApprovedSchema, UseCaseDraftedSchema, UseCaseRejectedSchema, UseCaseSubmittedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { useCase, type UseCaseDraft } from './use-case.ts';

const useCaseId = '01990000-0000-7000-8000-000000000003';
const draft: UseCaseDraft = {
  title: 'Credit decisions',
  objective: 'Halve the time to a decision',
  kpis: [{ name: 'time to decision', unit: 'h', baseline: 48, target: 24 }],
  owner: 'olga',
  dataAvailability: 'five years of loans',
  resources: 'one engineer',
  purpose: 'credit-scoring',
  riskTier: RiskTier.HIGH,
  aiActClass: AiActClass.HIGH_RISK,
  requiredMetrics: [{ name: 'auc', direction: Direction.AT_LEAST, threshold: 0.7 }],
};
const drafted = create(UseCaseDraftedSchema, { useCaseId, ...draft });
const submitted = create(UseCaseSubmittedSchema, { useCaseId });
const approved = create(UseCaseApprovedSchema, { useCaseId });
const rejected = create(UseCaseRejectedSchema, { useCaseId });

const given = specification(useCase);
const approve = { type: 'ApproveUseCase', by: 'olga', accounts: ['olga'], author: 'dana' } as const;
const reject = { type: 'RejectUseCase', by: 'olga', accounts: ['olga'], author: 'dana', reason: 'no data protection officer was asked' } as const;

describe('a use case', () => {
  it('is drafted', () => given([]).when({ type: 'DraftUseCase', useCaseId, draft }).then([drafted]));
  it('is drafted once', () => given([drafted]).when({ type: 'DraftUseCase', useCaseId, draft }).thenRefused('USE_CASE_STATE'));

  it('is submitted as a draft', () => given([drafted]).when({ type: 'SubmitUseCase' }).then([submitted]));
  it('stays submitted', () => given([drafted, submitted]).when({ type: 'SubmitUseCase' }).then([]));
  it('is not submitted again after its approval', () => given([drafted, submitted, approved]).when({ type: 'SubmitUseCase' }).thenRefused('USE_CASE_STATE'));

  it('is approved by somebody else than its author', () => given([drafted, submitted]).when(approve).then([approved]));
  it('is never approved by its author', () => given([drafted, submitted]).when({ ...approve, by: 'dana', accounts: ['dana'] }).thenRefused('FOUR_EYES'));
  it('is never approved by its author under another account, or by a machine on his behalf', () =>
    given([drafted, submitted]).when({ ...approve, by: 'd2', accounts: ['d2', 'dana'] }).thenRefused('FOUR_EYES'));
  it('is not approved as a draft', () => given([drafted]).when(approve).thenRefused('USE_CASE_STATE'));
  it('stays approved', () => given([drafted, submitted, approved]).when(approve).then([]));
  it('is not approved after its rejection', () => given([drafted, submitted, rejected]).when(approve).thenRefused('USE_CASE_STATE'));

  it('is rejected with a reason', () => given([drafted, submitted]).when(reject).then([rejected]));
  it('is not rejected without one', () => given([drafted, submitted]).when({ ...reject, reason: '' }).thenRefused('REASON_MISSING'));
  it('is never rejected by its author', () => given([drafted, submitted]).when({ ...reject, by: 'dana', accounts: ['dana'] }).thenRefused('FOUR_EYES'));
  it('is not rejected after its approval', () => given([drafted, submitted, approved]).when(reject).thenRefused('USE_CASE_STATE'));

  it('has to exist', () => given([]).when({ type: 'SubmitUseCase' }).thenRefused('USE_CASE_NOT_FOUND'));
});
