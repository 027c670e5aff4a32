import { describe, expect, it } from '@jest/globals';
import { credentialOf } from './credential.ts';
import { hasBrowser } from './session/browser.ts';
import { doorOf, sessionFile } from './session/session-file.ts';
import { lifetime, names } from './tokens.ts';

describe('the options of a token', () => {
  it('are names between commas', () => {
    expect(names('credit, pricing')).toEqual(['credit', 'pricing']);
    for (const wrong of ['', 'a,', ',a', 'a,,b']) expect(() => names(wrong)).toThrow('divided by commas');
  });

  it('are a time to live, or an end', () => {
    expect(['12h', '30d', '8w'].map(lifetime)).toEqual([12 * 3_600_000, 30 * 86_400_000, 56 * 86_400_000]);
    expect(lifetime('2027-01-01T00:00:00+01:00')).toBe('2026-12-31T23:00:00.000Z');
    for (const wrong of ['30', 'd', '0d', '1y', '-3d', '2027-01-01', '2027-13-01T00:00:00Z', '1.5h']) expect(() => lifetime(wrong)).toThrow('such as 12h');
  });
});

describe('who asks', () => {
  it('is told by VITAE_TOKEN before VITAE_TOKEN_FILE before the session', () => {
    expect([{ VITAE_TOKEN: 'a', VITAE_TOKEN_FILE: 'b' }, { VITAE_TOKEN: '', VITAE_TOKEN_FILE: 'b' }, {}].map((env) => credentialOf(env))).toEqual(['VITAE_TOKEN', 'VITAE_TOKEN_FILE', 'session']);
  });
});

describe('the sessions', () => {
  it('lie where programs of the system keep such things', () => {
    expect(sessionFile({ XDG_CONFIG_HOME: '/x', HOME: '/h' }, 'linux')).toBe('/x/vitae/sessions.json');
    expect(sessionFile({ HOME: '/h' }, 'darwin')).toBe('/h/.config/vitae/sessions.json');
    expect(sessionFile({ APPDATA: '/app', HOME: '/h' }, 'win32')).toBe('/app/vitae/sessions.json');
  });

  it('know a front door by one spelling', () => {
    expect(['http://Vitae.example:80/api/', 'http://vitae.example/api'].map(doorOf)).toEqual(['http://vitae.example/api', 'http://vitae.example/api']);
  });
});

describe('a browser', () => {
  it.each([
    ['darwin', {}, true, true],
    ['win32', {}, true, true],
    ['linux', { DISPLAY: ':0' }, true, true],
    ['linux', { WAYLAND_DISPLAY: 'wayland-0' }, true, true],
    ['linux', {}, true, false],
    ['linux', { DISPLAY: ':0' }, false, false],
    ['darwin', { SSH_CONNECTION: '10.0.0.1' }, true, false],
    ['linux', { DISPLAY: ':99', CI: 'true' }, true, false],
  ] as const)('on %s with %j and a terminal: %s shows itself: %s', (platform, env, terminal, shows) => expect(hasBrowser(platform, env, terminal)).toBe(shows));
});
