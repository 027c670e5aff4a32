import { toJson } from '@bufbuild/protobuf';
import { EnvelopeSchema, type TrafficShifted } from '@vitae/contracts';
import { envelopeOf, readLedger, type RecordedEvent, type Sql } from '@vitae/event-store';

/** One event as the history API shows it: the envelope in proto3 JSON, and the payload as it is stored. */
export interface HistoryItem {
  readonly envelope: object;
  readonly payload: unknown;
}

export interface HistoryPage {
  readonly items: readonly HistoryItem[];
  /** Index to go on from; absent at the end of the ledger. */
  readonly next?: number;
}

/** Events of a project in ledger order, from an index on; with `subject` only those that concern it. */
export async function history(
  sql: Sql,
  { projectId, subject, from, limit }: { projectId: string; subject?: string | undefined; from: number; limit: number },
): Promise<HistoryPage> {
  const events = await readLedger(sql, { from, limit, subject });
  const last = events.at(-1)?.index;
  return {
    items: events.filter((event) => event.projectId === projectId).map(item),
    ...(events.length === limit && last !== undefined ? { next: last + 1 } : {}),
  };
}

/** One event by its index, or undefined when the ledger is not that long or the event is another project's. */
export async function eventAt(sql: Sql, projectId: string, index: number): Promise<HistoryItem | undefined> {
  const [event] = await readLedger(sql, { from: index, limit: 1 });
  return event?.index === index && event.projectId === projectId ? item(event) : undefined;
}

/** What an endpoint served, and since when. */
export interface Serving {
  readonly endpointId: string;
  readonly endpoint: string;
  readonly environment: string;
  readonly weights: readonly { readonly version: number; readonly modelVersionId: string; readonly variantId: string; readonly weight: number }[];
  /** The event that made it so. */
  readonly since: { readonly index: number; readonly recordedAt: string; readonly actor: string; readonly reason: string };
}

/** Which versions served on the endpoint at a time (RFC 3339): the last shift of traffic recorded until then. */
export async function servingAt(sql: Sql, projectId: string, endpointId: string, at: string): Promise<Serving | undefined> {
  const [found] = await sql.query<{ index: string }>(
    `select n.index from ledger.entry_subject s
     join ledger.entry n on n.index = s.index join ledger.event e on e.seq = n.seq
     where s.subject = $1 and e.project_id = $2 and e.type = 'vitae.deployment.v1.TrafficShifted' and e.recorded_at <= $3
     order by n.index desc limit 1`,
    [`endpoint:${endpointId}`, projectId, at],
  );
  if (!found) return undefined;
  const [event] = (await readLedger(sql, { from: Number(found.index), limit: 1 })) as readonly RecordedEvent<TrafficShifted>[];
  if (!event) return undefined;
  return {
    endpointId,
    endpoint: event.event.endpointName,
    environment: event.event.environment,
    weights: event.event.weights
      .filter(({ weight }) => weight > 0)
      .map(({ version, modelVersionId, variantId, weight }) => ({ version, modelVersionId, variantId, weight })),
    since: { index: Number(found.index), recordedAt: event.recordedAt, actor: event.actor.id, reason: event.reason },
  };
}

function item(event: RecordedEvent): HistoryItem {
  return { envelope: toJson(EnvelopeSchema, envelopeOf(event)) as object, payload: JSON.parse(event.payload) as unknown };
}
