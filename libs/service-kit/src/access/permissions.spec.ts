import { describe, expect, it } from '@jest/globals';
import { PERMISSION_NAMES, roleMay, ROLES, ruleOf, type Permission, type Role } from './permissions.ts';

const roles = Object.keys(ROLES) as Role[];
const holders = (permission: Permission): Role[] => roles.filter((role) => roleMay(role, permission));

describe('the table of permissions', () => {
  it('gives nobody the right to approve for being an administrator or a platform engineer', () => {
    const approvals = PERMISSION_NAMES.filter((name) => name.startsWith('approval.') && name !== 'approval.request');
    expect(approvals).toEqual(['approval.business-owner', 'approval.model-risk', 'approval.delegated']);
    for (const role of ['platform-engineer', 'data-scientist', 'ml-engineer'] as const) expect(approvals.filter((name) => roleMay(role, name))).toEqual(['approval.delegated']); // and only in the place of somebody
    for (const name of approvals) for (const role of ['administrator', 'auditor', 'viewer', 'service'] as const) expect([name, role, roleMay(role, name)]).toEqual([name, role, false]);
  });

  it('wants a recent login of a person for every decision that somebody answers for', () => {
    const decisions = PERMISSION_NAMES.filter((name) => ruleOf(name).recentLogin);
    expect(decisions).toEqual(expect.arrayContaining(['approval.business-owner', 'approval.model-risk', 'use-case.decide', 'retirement.approve', 'erasure.decide', 'delegation.give', 'person.link']));
    for (const name of decisions) expect([name, ruleOf(name).peopleOnly]).toEqual([name, true]);
  });

  it('lets those who only look change nothing', () => {
    for (const role of ['viewer', 'auditor'] as const) {
      const held = PERMISSION_NAMES.filter((name) => roleMay(role, name));
      expect(held.filter((name) => !/\.read(-all)?$|^evidence\.export$|^token\.make$/.test(name))).toEqual([]);
    }
    expect(roleMay('auditor', 'personal-text.read')).toBe(false);
  });

  it('gives each permission to somebody, and nobody everything', () => {
    expect(PERMISSION_NAMES.filter((name) => holders(name).length === 0)).toEqual([]);
    for (const role of roles) expect([role, PERMISSION_NAMES.every((name) => roleMay(role, name))]).toEqual([role, false]);
  });

  it('keeps ML engineers out of production', () => {
    expect(['development', 'staging', 'production'].map((environmentClass) => roleMay('ml-engineer', 'rollout.start', environmentClass))).toEqual([true, true, false]);
    expect(roleMay('ml-engineer', 'rollout.start')).toBe(true); // somewhere: the route lets in, the command asks for the class
    expect(roleMay('platform-engineer', 'rollout.start', 'production')).toBe(true);
  });

  it('has every restriction on a role that holds the permission', () => {
    for (const name of PERMISSION_NAMES) for (const role of Object.keys(ruleOf(name).only ?? {})) expect([name, ruleOf(name).roles]).toEqual([name, expect.arrayContaining([role])]);
  });
});
