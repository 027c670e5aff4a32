import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { describe, it } from '@jest/globals';
import { ApprovalCaseOpenedSchema, ApprovalGrantedSchema, ApprovalRefusedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { approvalCase } from './approval-case.ts';
import { APPROVAL_ROLES } from './approval-roles.ts';
import type { Duties } from './separation-of-duties.ts';

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
const duties: Duties = { links: [], delegations: [], contributors: [], requesters: [] };
const delegationId = '01990000-0000-7000-8000-000000000020';
const gave = (delegator: string, delegate: string, roles = ['business-owner', 'model-risk']) => ({ delegationId, delegator, delegate, roles });
const known = (more: Partial<Duties>) => ({ duties: { ...duties, ...more } });
const approve = (role: 'business-owner' | 'model-risk', by: string, more: object = {}) => ({ type: 'Approve', role, by, human: true, holds: APPROVAL_ROLES, duties, at, ...more }) as const;
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

  it('takes no word of who had a part in what the version was made of', () =>
    given([opened]).when(approve('model-risk', 'ida', known({ contributors: ['ida'] }))).thenRefused('APPROVER_BUILT_IT'));
  it('takes no word of who asked the gate about it', () =>
    given([opened]).when(approve('model-risk', 'sven', known({ requesters: ['sven'] }))).thenRefused('APPROVER_REQUESTED_IT'));
  it('takes no word of an administrator, or of anybody else who does not hold the role', () => {
    given([opened]).when(approve('model-risk', 'adam', { holds: [] })).thenRefused('APPROVAL_ROLE_NOT_HELD');
    given([opened]).when(approve('model-risk', 'olga', { holds: ['business-owner'] })).thenRefused('APPROVAL_ROLE_NOT_HELD');
  });

  describe('of people with two accounts', () => {
    it('takes no word of the other account of who built or requested it, over however many links', () => {
      given([opened]).when(approve('model-risk', 'marc', known({ links: [['marc', 'e2'], ['e2', 'emil']] }))).thenRefused('APPROVER_BUILT_IT');
      given([opened]).when(approve('model-risk', 'marc', known({ links: [['marc', 'rita']] }))).thenRefused('APPROVER_REQUESTED_IT');
    });
    it('counts a human once, in another role and in the same', () => {
      const same = known({ links: [['marc', 'olga']] });
      given([opened, granted('business-owner', 'olga', in30Days)]).when(approve('model-risk', 'marc', same)).thenRefused('APPROVER_COUNTED');
      given([opened, granted('business-owner', 'olga', in30Days)]).when(approve('business-owner', 'marc', same)).thenRefused('APPROVER_COUNTED');
      given([opened, refused('business-owner', 'olga')]).when(approve('business-owner', 'marc', same)).thenRefused('APPROVER_COUNTED');
    });
    it('lets be who are linked to nobody who matters', () =>
      given([opened]).when(approve('model-risk', 'marc', known({ links: [['marc', 'm2'], ['emil', 'e2']] }))).then([granted('model-risk', 'marc', in30Days)]));
  });

  describe('of delegates', () => {
    const forOlga = { onBehalfOf: 'olga', holds: [], ...known({ delegations: [gave('olga', 'dora')] }) } as const;
    const said = create(ApprovalGrantedSchema, { approvalCaseId, role: 'business-owner', approver: 'dora', subjectHash, expiresAt: timestampFromDate(new Date(in30Days)), onBehalfOf: 'olga', delegationId });

    it('takes a word in the name of somebody who gave a delegation, and says both', () => given([opened]).when(approve('business-owner', 'dora', forOlga)).then([said]));
    it('takes it repeated for said', () => given([opened, said]).when(approve('business-owner', 'dora', forOlga)).then([]));
    it('takes none without a delegation, or for a role that it does not name, or the wrong way round, or for oneself', () => {
      given([opened]).when(approve('business-owner', 'dora', { onBehalfOf: 'olga' })).thenRefused('DELEGATION_MISSING');
      given([opened]).when(approve('business-owner', 'dora', { ...forOlga, ...known({ delegations: [gave('olga', 'dora', ['model-risk'])] }) })).thenRefused('DELEGATION_MISSING');
      given([opened]).when(approve('business-owner', 'olga', { ...forOlga, onBehalfOf: 'dora' })).thenRefused('DELEGATION_MISSING');
      given([opened]).when(approve('business-owner', 'dora', { ...forOlga, ...known({ delegations: [gave('olga', 'dora')], links: [['olga', 'dora']] }) })).thenRefused('DELEGATION_MISSING');
    });
    it('takes none over two delegations: what one was given cannot be passed on', () =>
      given([opened]).when(approve('business-owner', 'paul', { ...forOlga, ...known({ delegations: [gave('olga', 'dora'), gave('dora', 'paul')] }) })).thenRefused('DELEGATION_MISSING'));
    it('counts both: who spoke and whose word it was', () => {
      given([opened, said]).when(approve('model-risk', 'olga', { duties: forOlga.duties })).thenRefused('APPROVER_COUNTED');
      given([opened, said]).when(approve('model-risk', 'dora')).thenRefused('APPROVER_COUNTED');
      given([opened, said]).when(approve('model-risk', 'paul', { onBehalfOf: 'olga', ...known({ delegations: [gave('olga', 'paul')] }) })).thenRefused('APPROVER_COUNTED');
      given([opened, granted('model-risk', 'olga', in30Days)]).when(approve('business-owner', 'dora', forOlga)).thenRefused('APPROVER_COUNTED');
      given([opened, said]).when(approve('model-risk', 'marc')).then([granted('model-risk', 'marc', in30Days)]);
    });
    it('takes none in the name of who built or requested it, nor by them in the name of another', () => {
      given([opened]).when(approve('model-risk', 'dora', { onBehalfOf: 'emil', ...known({ delegations: [gave('emil', 'dora')] }) })).thenRefused('APPROVER_BUILT_IT');
      given([opened]).when(approve('model-risk', 'emil', { onBehalfOf: 'olga', ...known({ delegations: [gave('olga', 'emil')] }) })).thenRefused('APPROVER_BUILT_IT');
      given([opened]).when(approve('model-risk', 'dora', { onBehalfOf: 'rita', ...known({ delegations: [gave('rita', 'dora')] }) })).thenRefused('APPROVER_REQUESTED_IT');
    });
    it('takes none of a delegate of who built or requested it, also in his own name and under another account', () => {
      given([opened]).when(approve('model-risk', 'marc', known({ delegations: [gave('emil', 'marc', ['business-owner'])] }))).thenRefused('APPROVER_IS_DELEGATE');
      given([opened]).when(approve('model-risk', 'marc', known({ delegations: [gave('rita', 'marc')] }))).thenRefused('APPROVER_IS_DELEGATE');
      given([opened]).when(approve('model-risk', 'marc', known({ delegations: [gave('e2', 'm2')], links: [['e2', 'emil'], ['m2', 'marc']] }))).thenRefused('APPROVER_IS_DELEGATE');
    });
    it('lets an approver delegate to whomever: that ties the delegate, not him', () =>
      given([opened]).when(approve('model-risk', 'marc', known({ delegations: [gave('marc', 'emil')] }))).then([granted('model-risk', 'marc', in30Days)]));
    it('lets a person take back what was said in her name', () => {
      const no = create(ApprovalRefusedSchema, { approvalCaseId, role: 'business-owner', approver: 'dora', subjectHash, onBehalfOf: 'olga', delegationId });
      given([opened, no]).when(approve('business-owner', 'olga')).then([granted('business-owner', 'olga', in30Days)]);
    });
  });
});
