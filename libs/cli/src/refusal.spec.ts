import { describe, expect, it } from '@jest/globals';
import { sayRefusal } from './refusal.ts';

const said = (status: number, challenge?: string, more: Record<string, unknown> = {}) => ({ message: 'No: because.', status, challenge, more });

describe('what to do about a refusal', () => {
  it('is to log in, when the session is over', () => {
    expect(sayRefusal(said(401, 'Bearer error="invalid_token"'), 'session')).toBe('No: because.\nYour session has ended. Run: vitae login');
  });

  it('is another token, when one was given', () => {
    for (const credential of ['VITAE_TOKEN', 'VITAE_TOKEN_FILE'] as const) expect(sayRefusal(said(401), credential)).toMatch(new RegExp(`The token in ${credential} is not accepted.*vitae tokens create; or unset ${credential} `));
  });

  it.each([
    ['Bearer error="insufficient_user_authentication", max_age=900', 'logged in within the last 15 minutes'],
    ['Bearer error="insufficient_user_authentication", max_age="60"', 'logged in within the last 60 seconds'],
    ['Bearer error="insufficient_user_authentication", acr_values="mfa"', 'newly logged in'],
  ])('is to log in again for %s', (challenge, when) => {
    expect(sayRefusal(said(401, challenge), 'session')).toBe(`No: because.\nThis is only for who has ${when}. Run: vitae login --again`);
    expect(sayRefusal(said(401, challenge), 'VITAE_TOKEN')).toContain('VITAE_TOKEN is set, so unset it first. Run: vitae login --again');
  });

  it('is to look at what one may do', () => {
    expect(sayRefusal(said(403, undefined, { permissions: ['gate.approve'], roles: ['risk-officer'], projectId: 'credit' }), 'session')).toBe('No: because.\nWhat you may do: vitae whoami --project credit');
    expect(sayRefusal(said(403, undefined, { projectId: null }), 'VITAE_TOKEN')).toBe('No: because.\nWhat you may do: vitae whoami');
  });

  it('is up to the message in all other cases', () => expect(sayRefusal(said(409), 'session')).toBe('No: because.'));
});
