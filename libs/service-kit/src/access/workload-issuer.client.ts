import { readFile } from 'node:fs/promises';
import { Agent, fetch as fetchBy } from 'undici';
import type { BaseConfig } from '../config.ts';

export type ClusterSettings = Pick<BaseConfig, 'VITAE_WORKLOAD_CA_FILE' | 'VITAE_WORKLOAD_TOKEN_FILE'>;

const PATIENCE = 5_000;

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

/** The same in the form of `fetch`, for what only reads: discovery and keys of the cluster's issuer. */
export const clusterFetch =
  (settings: ClusterSettings): typeof fetch =>
  async (url) => {
    const { status, text } = await askCluster(settings, url instanceof Request ? url.url : String(url));
    return new Response(text, { status });
  };
