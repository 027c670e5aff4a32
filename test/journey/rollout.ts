import { pat } from './cast.ts';
import { until } from './api.ts';
import type { Endpoint } from './deploy.ts';
import { serving } from './deploy.ts';
import type { ModelVersion } from './develop.ts';
import { seen, sendUntil, type Population } from './traffic.ts';
import type { Stage } from './stage.ts';

interface Evidence {
  readonly candidateRows: number;
  readonly candidateErrors: number;
  readonly stableRows: number;
  readonly stableErrors: number;
  readonly logEValue: number;
}
interface Rollout {
  readonly state: 'running' | 'completed' | 'rolled-back';
  readonly step: number;
  readonly weight: number;
  readonly reason?: string;
  readonly evidence: readonly Evidence[];
}

/** What a rollout came to, and when each of its weights was first seen (RFC 3339). */
export interface Outcome {
  readonly state: 'completed' | 'rolled-back';
  readonly seenAt: ReadonlyMap<number, string>;
  readonly sent: number;
}

/**
 * Act 9: 10 % → 50 % → 100 %, decided by the deployment service on evidence from monitoring, while
 * customers keep coming; or back to 0 % when the evidence is against the candidate.
 */
export async function rollOut(stage: Stage, endpoint: Endpoint, version: ModelVersion, candidateVariantId: string, from: Population, sentBefore: number): Promise<Outcome> {
  const { api, say } = stage;
  const { rolloutId } = await api.post<{ rolloutId: string }>(`/deployment/endpoints/${endpoint.id}/rollouts`, {
    as: pat,
    why: `Carry version ${version.version} to production step by step`,
    body: { candidateVariantId, steps: [10, 50, 100], minimumRows: 100, alpha: 0.01 },
  });
  const look = (): Promise<Rollout> => api.get<Rollout>(`/deployment/rollouts/${rolloutId}`, pat);
  const seenAt = new Map<number, string>();
  let before = '';
  const watch = async (): Promise<Rollout> => {
    const rollout = await look();
    const now = await serving(stage, endpoint);
    const weight = now.get(version.version) ?? 0;
    if (!seenAt.has(weight)) seenAt.set(weight, new Date().toISOString());
    const line = `${rollout.state} at ${weight} %`;
    if (rollout.state === 'running' && line !== before) say(`rollout of version ${version.version}: ${weight} %`);
    before = line;
    return rollout;
  };
  await until('the first step of the rollout', stage.signal, async () => {
    await watch();
    return ((await serving(stage, endpoint)).get(version.version) ?? 0) > 0 ? true : undefined;
  });
  const sent = await sendUntil(stage, endpoint, from, {
    atMost: 20_000,
    done: async (rows) => {
      await seen(stage, endpoint, sentBefore + rows);
      return (await watch()).state !== 'running';
    },
  });
  const end = await until('the rollout to end', stage.signal, async () => {
    const rollout = await watch();
    return rollout.state === 'running' ? undefined : rollout;
  });
  // The decision comes first, the traffic a moment later: wait for what customers get.
  const target = end.state === 'completed' ? 100 : 0;
  await until(`version ${version.version} to have ${target} % of the traffic`, stage.signal, async () => {
    await watch();
    return ((await serving(stage, endpoint)).get(version.version) ?? 0) === target ? true : undefined;
  });
  const last = end.evidence.at(-1);
  const counted = last
    ? `version ${version.version} erred on ${last.candidateErrors} of ${last.candidateRows} labelled rows, the stable one on ${last.stableErrors} of ${last.stableRows} (e-value ${Math.exp(Math.min(last.logEValue, 700)).toPrecision(3)})`
    : 'no evidence';
  say(`rollout of version ${version.version} ${end.state === 'completed' ? 'COMPLETED' : 'ROLLED BACK by itself'} after ${sent} rows: ${counted}`);
  if (end.reason) say(`    reason: ${end.reason}`);
  if (end.state === 'running') throw new Error('a rollout that ended is not running');
  return { state: end.state, seenAt, sent };
}
