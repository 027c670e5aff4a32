import type { Sql } from '@vitae/event-store';
import type { AsOf } from './as-of.view.ts';
import { readEvents } from './event-search.view.ts';
import { deedOf } from './history-item.ts';

/** What an endpoint served, and since when. */
export interface Serving {
  readonly endpointId: string;
  readonly endpoint: string;
  readonly environment: string;
  readonly weights: readonly { readonly version: number; readonly modelVersionId: string; readonly variantId: string; readonly weight: number }[];
  /** The event that made it so. */
  readonly since: { readonly index: number; readonly recordedAt: string; readonly actor: string; readonly reason: string };
  /** The prefix of the ledger that says so. */
  readonly asOf: AsOf;
}

interface TrafficShifted {
  readonly endpointName: string;
  readonly environment: string;
  readonly weights: readonly { readonly version: number; readonly modelVersionId: string; readonly variantId: string; readonly weight?: number }[];
}

/** Which versions served on the endpoint as of a point: the last shift of traffic until then. Undefined: nothing had ever served. */
export async function servingAsOf(sql: Sql, projectId: string, endpointId: string, asOf: AsOf): Promise<Serving | undefined> {
  const shifts = { projectId, subject: `endpoint:${endpointId}`, type: 'vitae.deployment.v1.TrafficShifted' };
  const [last] = await readEvents(sql, shifts, { from: 0, to: asOf.index, order: 'desc', limit: 1 });
  if (!last) return undefined;
  const { endpointName, environment, weights } = last.payload as unknown as TrafficShifted;
  const { index, recordedAt, actor, reason } = deedOf(last);
  return {
    endpointId,
    endpoint: endpointName,
    environment,
    weights: weights.flatMap(({ version, modelVersionId, variantId, weight = 0 }) => (weight > 0 ? [{ version, modelVersionId, variantId, weight }] : [])),
    since: { index, recordedAt, actor: actor.id, reason },
    asOf,
  };
}
