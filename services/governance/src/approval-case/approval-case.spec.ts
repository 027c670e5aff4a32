import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { describe, it } from '@jest/globals';
import { ApprovalCaseOpenedSchema, ApprovalGrantedSchema, ApprovalRefusedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { approvalCase } from './approval-case.ts';

const approvalCaseId = '01990000-0000-7000-8000-000000000010';
const subjectHash = `sha256:${'c'.repeat(64)}`;
const subject = {
  gate: 'promote-production',
  modelVersionId: '01990000-0000-7000-8000-000000000002',
  modelId: '01990000-0000-7000-8000-000000000001',
  version: 1,
  artefactDigest: `sha256:${'a'.repeat(64)}`,
  useCaseId: '01990000-0000-7000-8000-000000000003',
  environment: 'prod-eu',
  environmentClass: 'production',
  subjectHash,
};
const opened = create(ApprovalCaseOpenedSchema, { approvalCaseId, subject, requestedBy: 'rita', contributors: ['dana', 'emil'] });
const granted = (role: string, approver: string, expires: string) =>
  create(ApprovalGrantedSchema, { approvalCaseId, role, approver, subjectHash, expiresAt: timestampFromDate(new Date(expires)) });
const refused = (role: string, approver: string) => create(ApprovalRefusedSchema, { approvalCaseId, role, approver, subjectHash });

const at = '2026-11-20T09:00:00.000Z';
const in30Days = '2026-12-20T09:00:00.000Z';
const open = { type: 'OpenApprovalCase', approvalCaseId, subject, requestedBy: 'rita', contributors: ['dana', 'emil'] } as const;
const approve = (role: 'business-owner' | 'model-risk', by: string, more: object = {}) => ({ type: 'Approve', role, by, human: true, at, ...more }) as const;
const given = specification(approvalCase);

describe('an approval case', () => {
  it('is opened', () => given([]).when(open).then([opened]));
  it('is opened once, whoever asks', () => given([opened]).when({ ...open, requestedBy: 'somebody-else' }).then([]));
  it('has to be open', () => given([]).when(approve('model-risk', 'marc')).thenRefused('APPROVAL_CASE_NOT_FOUND'));

  it('takes an approval that counts for 30 days', () => given([opened]).when(approve('model-risk', 'marc')).then([granted('model-risk', 'marc', in30Days)]));
  it('takes approvals of two people in two roles', () =>
    given([opened, granted('business-owner', 'olga', in30Days)]).when(approve('model-risk', 'marc')).then([granted('model-risk', 'marc', in30Days)]));
  it('takes a repeated approval for said', () => given([opened, granted('model-risk', 'marc', in30Days)]).when(approve('model-risk', 'marc')).then([]));
  it('takes an approval anew when the last one has expired', () =>
    given([opened, granted('model-risk', 'marc', at)]).when(approve('model-risk', 'marc')).then([granted('model-risk', 'marc', in30Days)]));

  it('takes no word of who built it', () => given([opened]).when(approve('model-risk', 'emil')).thenRefused('APPROVER_BUILT_IT'));
  it('takes no word of who requested it', () => given([opened]).when(approve('business-owner', 'rita')).thenRefused('APPROVER_REQUESTED_IT'));
  it('takes no word of a machine', () => given([opened]).when(approve('model-risk', 'marc', { human: false })).thenRefused('APPROVER_NOT_HUMAN'));
  it('counts a person once', () => given([opened, granted('business-owner', 'olga', in30Days)]).when(approve('model-risk', 'olga')).thenRefused('APPROVER_COUNTED'));
  it('counts a person who refused once, too', () => given([opened, refused('business-owner', 'olga')]).when(approve('model-risk', 'olga')).thenRefused('APPROVER_COUNTED'));
  it('lets a person act in another role once the approval has expired', () =>
    given([opened, granted('business-owner', 'olga', at)]).when(approve('model-risk', 'olga')).then([granted('model-risk', 'olga', in30Days)]));

  it('takes a refusal', () => given([opened]).when({ ...approve('model-risk', 'marc'), type: 'RefuseApproval' }).then([refused('model-risk', 'marc')]));
  it('takes a repeated refusal for said', () => given([opened, refused('model-risk', 'marc')]).when({ ...approve('model-risk', 'marc'), type: 'RefuseApproval' }).then([]));
  it('lets a person change the mind', () => {
    given([opened, refused('model-risk', 'marc')]).when(approve('model-risk', 'marc')).then([granted('model-risk', 'marc', in30Days)]);
    given([opened, granted('model-risk', 'marc', in30Days)]).when({ ...approve('model-risk', 'marc'), type: 'RefuseApproval' }).then([refused('model-risk', 'marc')]);
  });
});
