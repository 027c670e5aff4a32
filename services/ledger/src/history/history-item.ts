/** One event as the history API shows it: the envelope in proto3 JSON, and the payload as it is stored. */
export interface HistoryItem {
  readonly envelope: Envelope;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** vitae.ledger.v1.Envelope in JSON; 64-bit numbers are strings there. Empty fields are left out. */
export interface Envelope {
  readonly id: string;
  readonly stream: string;
  readonly revision: string;
  readonly index: string;
  readonly type: string;
  readonly projectId: string;
  readonly subjects: readonly string[];
  readonly actor: { readonly id: string; readonly kind: string; readonly onBehalfOf?: string };
  readonly reason?: string;
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly correlationId?: string;
  readonly causationId?: string;
  readonly traceparent?: string;
}

/** An event as it lies in PostgreSQL. */
export interface StoredRow {
  readonly index: string;
  readonly id: string;
  readonly stream: string;
  readonly revision: number;
  readonly type: string;
  readonly project_id: string;
  readonly subjects: readonly string[];
  /** Canonical JSON. */
  readonly payload: string;
  /** Canonical JSON of the envelope's other fields. */
  readonly metadata: string;
  /** RFC 3339, UTC, with microseconds. */
  readonly recordedAt: string;
}

/** What was stored, as it was stored: an event type that this build does not know is told like any other. */
export function historyItem(row: StoredRow): HistoryItem {
  const { id, stream, revision, index, type, project_id: projectId, subjects, recordedAt } = row;
  const rest = JSON.parse(row.metadata) as Pick<Envelope, 'actor' | 'occurredAt'>;
  return {
    envelope: { ...rest, id, stream, revision: String(revision), index: String(index), type, projectId, subjects, recordedAt },
    payload: JSON.parse(row.payload) as Readonly<Record<string, unknown>>,
  };
}

/** An event's place in the ledger. */
export const indexOf = ({ envelope }: HistoryItem): number => Number(envelope.index);

/** Who did it, when and why, and which event says so. */
export interface Deed {
  readonly index: number;
  readonly id: string;
  readonly type: string;
  readonly stream: string;
  readonly revision: number;
  readonly recordedAt: string;
  readonly occurredAt: string;
  readonly actor: Envelope['actor'];
  readonly reason: string;
}

export function deedOf({ envelope }: HistoryItem): Deed {
  const { id, type, stream, recordedAt, occurredAt, actor, reason = '' } = envelope;
  return { index: Number(envelope.index), id, type, stream, revision: Number(envelope.revision), recordedAt, occurredAt, actor, reason };
}
