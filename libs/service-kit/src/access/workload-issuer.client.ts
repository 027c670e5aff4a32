import { readFile } from 'node:fs/promises';
import { Agent, fetch as fetchBy } from 'undici';
import { z } from 'zod';
import type { BaseConfig } from '../config.ts';

export type ClusterSettings = Pick<BaseConfig, 'VITAE_WORKLOAD_CA_FILE' | 'VITAE_WORKLOAD_TOKEN_FILE'>;

const PATIENCE = 5_000;
const Discovered = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) });

/** What comes back from the cluster, read to its end. */
export interface ClusterAnswer {
  readonly status: number;
  readonly text: string;
}

/**
 * Asks the cluster's API server: believes the authority in VITAE_WORKLOAD_CA_FILE (default: what Node believes) and shows the
 * pod's own token from VITAE_WORKLOAD_TOKEN_FILE where there is one, both read again each time, for both are renewed.
 */
export async function askCluster({ VITAE_WORKLOAD_CA_FILE: caFile, VITAE_WORKLOAD_TOKEN_FILE: tokenFile }: ClusterSettings, url: string, body?: object): Promise<ClusterAnswer> {
  const [ca, token] = await Promise.all([caFile === undefined ? undefined : readFile(caFile, 'utf8'), tokenFile === undefined ? undefined : readFile(tokenFile, 'utf8')]);
  const dispatcher = new Agent(ca === undefined ? {} : { connect: { ca } });
  try {
    const response = await fetchBy(url, {
      method: body ? 'POST' : 'GET',
      headers: { accept: 'application/json', ...(body ? { 'content-type': 'application/json' } : {}), ...(token === undefined ? {} : { authorization: `Bearer ${token.trim()}` }) },
      body: body ? JSON.stringify(body) : null,
      redirect: 'error',
      signal: AbortSignal.timeout(PATIENCE),
      dispatcher,
    });
    return { status: response.status, text: await response.text() };
  } catch (cause) {
    const { message, cause: deeper } = cause as Error & { readonly cause?: Error };
    throw new Error(`the cluster cannot be asked at ${url}: ${deeper?.message || message}`, { cause });
  } finally {
    await dispatcher.close();
  }
}

/**
 * Where the keys of the cluster's issuer are: by discovery, which MUST answer for the issuer that was asked. The API server
 * may name another host for them than its own; they are asked for in the same way.
 */
export async function workloadKeysAt(settings: ClusterSettings, issuer: string): Promise<string> {
  const url = `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`;
  const { status, text } = await askCluster(settings, url);
  if (status !== 200) throw new Error(`${url} answered ${status}. ${status === 401 || status === 403 ? 'Give this pod\'s service account the role system:service-account-issuer-discovery, and its token by VITAE_WORKLOAD_TOKEN_FILE.' : 'Check VITAE_WORKLOAD_ISSUER.'}`);
  const found = Discovered.parse(JSON.parse(text));
  if (found.issuer !== issuer) throw new Error(`${url} speaks for the issuer ${found.issuer}, not for ${issuer}. Set VITAE_WORKLOAD_ISSUER to what it calls itself.`);
  return found.jwks_uri;
}
