import { describe, expect, it } from '@jest/globals';
import { parseConfig } from '@vitae/service-kit';
import { runtimeConfig } from './config.ts';

const cluster = { VITAE_MODE: 'cluster', OIDC_ISSUER: 'https://login.example', OIDC_AUDIENCE: 'vitae' };

describe('the configuration of the runtime', () => {
  it('needs an admin token in cluster mode', () => {
    expect(() => parseConfig('runtime', runtimeConfig, cluster)).toThrow(/^runtime cannot start: 1 setting is wrong\.\n {2}RUNTIME_ADMIN_TOKEN is missing; expected a secret of at least 16 characters/);
    expect(parseConfig('runtime', runtimeConfig, { ...cluster, RUNTIME_ADMIN_TOKEN: '0123456789abcdef' })).toMatchObject({ PORT: 7406, RUNTIME_MAX_BODY_BYTES: 10_485_760 });
  });

  it('needs none in local mode, and never shows one that is too short', () => {
    expect(parseConfig('runtime', runtimeConfig, { VITAE_MODE: 'local' }).RUNTIME_ADMIN_TOKEN).toBeUndefined();
    expect(() => parseConfig('runtime', runtimeConfig, { VITAE_MODE: 'local', RUNTIME_ADMIN_TOKEN: 'short' })).toThrow(/RUNTIME_ADMIN_TOKEN is \(not shown\)/);
  });
});
