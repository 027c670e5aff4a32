import { createHmac, randomBytes } from 'node:crypto';
import type { BaseConfig } from '../config.ts';
import type { ApiTokenCheck, ApiTokenRefusal } from './api-tokens.store.ts';
import { Authentication } from './authentication.ts';
import { CredentialRefused } from './credential-refused.ts';
import type { CredentialFault } from './credential.ts';
import { GrantsFile } from './grants-file.store.ts';
import { PERMISSION_NAMES } from './permissions.ts';
import type { Account } from './principal-of.ts';
import type { Principal } from './principal.ts';
import { TokenVerifier } from './verify-token.client.ts';
import { clusterFetch } from './workload-issuer.client.ts';
import { workloadOf, type WorkloadReview } from './workload-tokens.ts';

/** Whom authentication asks: the database where the service has one, else governance; and the cluster, where there is one. */
export interface Registers {
  readonly people?: { pseudonymOf(account: Account): Promise<string> } | undefined;
  readonly apiTokens: { check(text: string): Promise<ApiTokenCheck> };
  readonly tokenReview: { reviewToken(token: string): Promise<WorkloadReview> };
}

/**
 * Puts together by what a service knows its callers.
 * @throws ConfigError when the grants cannot be read.
 */
export async function openAuthentication(config: BaseConfig, { people, apiTokens, tokenReview }: Registers): Promise<Authentication & { close(): void }> {
  const grants = await GrantsFile.open(config.VITAE_GRANTS_FILE ?? ''); // parseConfig has made sure of it, and of the next two
  const verifier = new TokenVerifier({ issuer: config.OIDC_ISSUER ?? '', audience: config.OIDC_AUDIENCE ?? '' });
  const authentication = new Authentication({
    verify: (token) => verifier.verify(token),
    workload: workloadSubject(config, tokenReview),
    pseudonym: (account) => people?.pseudonymOf(account) ?? Promise.resolve(passerBy(account)),
    apiToken: async (text) => holderOf(await apiTokens.check(text)),
    grants: () => grants.current,
  });
  return Object.assign(authentication, { close: () => grants.close() });
}

/** A service without a database writes no events; what it calls somebody means something in its own log alone, until it is restarted. */
const passing = randomBytes(32);
const passerBy = ({ issuer, subject }: Account): string => `passing_${createHmac('sha256', passing).update(JSON.stringify([issuer, subject])).digest('hex').slice(0, 24)}`;

const FAULTS: Readonly<Record<ApiTokenRefusal, CredentialFault>> = { malformed: 'malformed', unknown: 'token-unknown', expired: 'expired', revoked: 'token-revoked' };

function holderOf(check: ApiTokenCheck): Principal {
  if ('refused' in check) throw new CredentialRefused(FAULTS[check.refused]);
  const { name, owner, projects, permissions } = check;
  // A permission that this build does not know any more gives nothing.
  return { kind: 'machine', id: name, onBehalfOf: owner, grants: [{ projects, permissions: PERMISSION_NAMES.filter((permission) => permissions.includes(permission)) }] };
}

/** A workload is known by the cluster's own word on its token, or by the keys of the cluster's issuer. */
function workloadSubject(config: BaseConfig, tokenReview: Registers['tokenReview']): (token: string, issuer: string | undefined) => Promise<string | undefined> {
  const { VITAE_WORKLOAD_ISSUER: issuer, VITAE_WORKLOAD_AUDIENCE: audience, VITAE_TOKEN_REVIEW_URL: review, OIDC_ISSUER: people } = config;
  if (review !== undefined) {
    return async (token, said) => {
      if (said === people) return undefined;
      const answer = await tokenReview.reviewToken(token);
      if ('refused' in answer) throw new CredentialRefused(answer.refused === 'audience' ? 'audience-wrong' : answer.refused === 'not-authenticated' ? 'issuer-wrong' : 'claims-wrong');
      return answer.subject;
    };
  }
  if (issuer === undefined || audience === undefined) return () => Promise.resolve(undefined);
  const verifier = new TokenVerifier({ issuer, audience, fetch: clusterFetch(config) });
  return async (token, said) => {
    if (said !== issuer) return undefined;
    const { sub = '' } = await verifier.verify(token);
    if (!workloadOf(sub)) throw new CredentialRefused('claims-wrong', 'its subject is no service account');
    return sub;
  };
}
