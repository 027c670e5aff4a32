import { create } from '@bufbuild/protobuf';
import { describe, it } from '@jest/globals';
import { RetirementApprovedSchema, RetirementCompletedSchema, RetirementProposedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { retirement } from './retirement.ts';

const retiree = {
  retirementId: '01990000-0000-7000-8000-000000000009',
  modelVersionId: '01990000-0000-7000-8000-000000000002',
  modelId: '01990000-0000-7000-8000-000000000001',
  version: 1,
};
const propose = { type: 'ProposeRetirement', retiree, criterion: 'replaced by version 2', lesson: 'refit yearly', by: 'dana' } as const;
const approve = { type: 'ApproveRetirement', by: 'olga', accounts: ['olga'] } as const;
const complete = { type: 'CompleteRetirement', archiveLocation: 'archive/sha256/aa' } as const;
const proposed = create(RetirementProposedSchema, { ...retiree, criterion: propose.criterion, lesson: propose.lesson, proposedBy: 'dana' });
const approved = create(RetirementApprovedSchema, retiree);
const completed = create(RetirementCompletedSchema, { ...retiree, archiveLocation: complete.archiveLocation, lesson: propose.lesson });
const given = specification(retirement);

describe('a retirement', () => {
  it('is proposed', () => given([]).when(propose).then([proposed]));
  it('is proposed once for a version', () => given([proposed, approved]).when(propose).thenRefused('RETIREMENT_EXISTS'));
  it('is approved by somebody else', () => given([proposed]).when(approve).then([approved]));
  it('is never approved by its proposer', () => given([proposed]).when({ ...approve, by: 'dana', accounts: ['dana'] }).thenRefused('FOUR_EYES'));
  it('is never approved by its proposer under another account', () => given([proposed]).when({ ...approve, accounts: ['olga', 'dana'] }).thenRefused('FOUR_EYES'));
  it('stays approved', () => given([proposed, approved]).when(approve).then([]));
  it('is completed with the place of the archive and the lesson', () => given([proposed, approved]).when(complete).then([completed]));
  it('is completed once', () => given([proposed, approved, completed]).when(complete).then([]));
  it('is not completed before its approval', () => given([proposed]).when(complete).thenRefused('RETIREMENT_STATE'));
  it('has to exist', () => given([]).when(approve).thenRefused('RETIREMENT_NOT_FOUND'));
});
