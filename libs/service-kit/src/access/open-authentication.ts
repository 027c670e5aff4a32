import type { MikroORM } from '@mikro-orm/postgresql';
import type { BaseConfig } from '../config.ts';
import { Authentication } from './authentication.ts';
import { CredentialRefused } from './credential-refused.ts';
import { GrantsFile } from './grants-file.store.ts';
import { TokenVerifier } from './verify-token.client.ts';

/** Puts together by what a service knows its callers. */
export async function openAuthentication({ OIDC_ISSUER, OIDC_AUDIENCE, VITAE_GRANTS_FILE }: BaseConfig, _orm: MikroORM | undefined): Promise<Authentication & { close(): void }> {
  const grants = await GrantsFile.open(VITAE_GRANTS_FILE ?? ''); // parseConfig has made sure of all three
  const verifier = new TokenVerifier({ issuer: OIDC_ISSUER ?? '', audience: OIDC_AUDIENCE ?? '' });
  const authentication = new Authentication({
    verify: (token) => verifier.verify(token),
    pseudonym: ({ subject }) => Promise.resolve(subject),
    apiToken: () => Promise.reject(new CredentialRefused('token-unknown')),
    grants: () => grants.current,
  });
  return Object.assign(authentication, { close: () => grants.close() });
}
