import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { DelegationGrantedSchema, DelegationRevokedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { administers, approvalRolesOf, heldBy } from '../approval-case/approval-roles.ts';
import { delegation, type GiveDelegation } from './delegation.ts';

const delegationId = '01990000-0000-7000-8000-000000000020';
const at = '2026-11-20T09:00:00.000Z';
const until = '2026-12-01T09:00:00.000Z';
const give = (more: Partial<GiveDelegation> = {}): GiveDelegation => ({
  ...{ type: 'GiveDelegation', delegationId, delegator: 'olga', delegate: 'dora', human: true, roles: ['business-owner'], holds: ['business-owner'] },
  ...{ inProject: 'credit', until, at, reason: 'away until December', inForce: [], links: [] },
  ...more,
});
const given = create(DelegationGrantedSchema, { delegationId, delegator: 'olga', delegate: 'dora', roles: ['business-owner'], inProject: 'credit', until: timestampFromDate(new Date(until)) });
const revoked = (revokedBy: string) => create(DelegationRevokedSchema, { delegationId, revokedBy });
const revoke = (by: string, more: object = {}) => ({ type: 'RevokeDelegation', by, human: true, administrator: false, links: [], ...more }) as const;
const other = (delegator: string, delegate: string) => ({ delegationId: '01990000-0000-7000-8000-000000000021', delegator, delegate, roles: ['model-risk'] });
const spec = specification(delegation);

describe('a delegation', () => {
  it('is given, with an end', () => spec([]).when(give()).then([given]));
  it('is given once under an id', () => spec([given]).when(give()).thenRefused('DELEGATION_EXISTS'));
  it('is given by a person, with a reason', () => {
    spec([]).when(give({ human: false })).thenRefused('DELEGATOR_NOT_HUMAN');
    spec([]).when(give({ reason: '' })).thenRefused('REASON_MISSING');
  });
  it('is given to somebody else, whatever the account', () => {
    spec([]).when(give({ delegate: 'olga' })).thenRefused('DELEGATION_TO_ONESELF');
    spec([]).when(give({ links: [['olga', 'o2'], ['o2', 'dora']] })).thenRefused('DELEGATION_TO_ONESELF');
  });
  it('lasts 90 days at most, and ends in the future', () => {
    const last = '2027-02-18T09:00:00.000Z';
    spec([]).when(give({ until: last })).then([create(DelegationGrantedSchema, { ...given, until: timestampFromDate(new Date(last)) })]);
    spec([]).when(give({ until: '2027-02-18T09:00:00.001Z' })).thenRefused('DELEGATION_PERIOD');
    spec([]).when(give({ until: at })).thenRefused('DELEGATION_PERIOD');
    spec([]).when(give({ until: 'some day' })).thenRefused('DELEGATION_PERIOD');
  });
  it('passes on what the delegator holds', () => {
    spec([]).when(give({ roles: ['business-owner', 'model-risk'] })).thenRefused('APPROVAL_ROLE_NOT_HELD');
    spec([]).when(give({ holds: [] })).thenRefused('APPROVAL_ROLE_NOT_HELD');
  });
  it('makes no circle', () => {
    spec([]).when(give({ inForce: [other('dora', 'olga')] })).thenRefused('DELEGATION_CIRCULAR');
    spec([]).when(give({ inForce: [other('d2', 'o2')], links: [['d2', 'dora'], ['o2', 'olga']] })).thenRefused('DELEGATION_CIRCULAR');
  });
  it('makes no chain, at neither end', () => {
    spec([]).when(give({ inForce: [other('marc', 'olga')] })).thenRefused('DELEGATION_CHAIN');
    spec([]).when(give({ inForce: [other('dora', 'marc')] })).thenRefused('DELEGATION_CHAIN');
    spec([]).when(give({ inForce: [other('marc', 'o2')], links: [['o2', 'olga']] })).thenRefused('DELEGATION_CHAIN');
  });
  it('stands beside others: one delegates to two, and two to one', () => spec([]).when(give({ inForce: [other('olga', 'paul'), other('marc', 'dora')] })).then([given]));

  it('is revoked by either, or by an administrator', () => {
    spec([given]).when(revoke('olga')).then([revoked('olga')]);
    spec([given]).when(revoke('dora')).then([revoked('dora')]);
    spec([given]).when(revoke('o2', { links: [['o2', 'olga']] })).then([revoked('o2')]);
    spec([given]).when(revoke('adam', { administrator: true })).then([revoked('adam')]);
  });
  it('is revoked by nobody else, and by no machine', () => {
    spec([given]).when(revoke('paul')).thenRefused('NOT_YOUR_DELEGATION');
    spec([given]).when(revoke('olga', { human: false })).thenRefused('NOT_YOUR_DELEGATION');
  });
  it('is revoked once', () => spec([given, revoked('olga')]).when(revoke('dora')).then([]));
  it('has to be there to be revoked', () => spec([]).when(revoke('olga')).thenRefused('DELEGATION_NOT_FOUND'));
});

describe('approval roles', () => {
  const grant = (role: string, ...projects: string[]) => ({ role, projects });
  it('are held by the roles that judge, where they were granted', () => {
    expect(approvalRolesOf([grant('business-owner', 'credit'), grant('risk-officer', '*')], 'credit')).toEqual(['business-owner', 'model-risk']);
    expect(approvalRolesOf([grant('business-owner', 'credit'), grant('risk-officer', '*')], 'other')).toEqual(['model-risk']);
    expect(approvalRolesOf([grant('business-owner', 'credit'), grant('risk-officer', '*')])).toEqual(['model-risk']);
    expect(approvalRolesOf([grant('validator', 'credit')], 'credit')).toEqual(['model-risk']);
  });
  it('are held by no administrator, and by nobody else', () => {
    const roles = ['administrator', 'viewer', 'data-scientist', 'ml-engineer', 'platform-engineer', 'auditor', 'service', 'model-risk'];
    expect(approvalRolesOf(roles.map((role) => grant(role, '*')), 'credit')).toEqual([]);
  });
  it('are those of the grants that a request carries, and none without one of them', () => {
    expect(heldBy({ principal: { grants: [grant('risk-officer', 'credit')] } }, 'credit')).toEqual(['model-risk']);
    expect(heldBy({ principal: { grants: [grant('administrator', '*')] } }, 'credit')).toEqual([]);
  });
  it('are another thing than administering', () => {
    expect(administers([grant('administrator', 'credit')], 'credit')).toBe(true);
    expect([administers([grant('administrator', 'credit')]), administers([grant('administrator', 'credit')], 'other'), administers([grant('risk-officer', '*')], 'credit')]).toEqual([false, false, false]);
  });
});
