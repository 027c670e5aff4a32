import { create, type JsonObject, type Message } from '@bufbuild/protobuf';
import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { canonicalMessage, EnvelopeSchema, eventFromJson, readMessage, type Actor, type Envelope } from '@vitae/contracts';
import { isInMillis, rfc3339 } from './timestamp.ts';

/** Who did it, why, and in what chain of causes: the same for all events of one command. */
export interface Attribution {
  readonly projectId: string;
  readonly actor: Actor;
  /** Why, in the actor's words; may be empty. */
  readonly reason: string;
  /** RFC 3339 UTC, by the clock of the service that took the command. */
  readonly occurredAt: string;
  readonly correlationId: string;
  /** Id of the event that caused the command; empty when a request did. */
  readonly causationId: string;
  /** W3C Trace Context; empty outside a trace. */
  readonly traceparent: string;
}

/** An event as the ledger holds it. */
export interface RecordedEvent<Event extends Message = Message> extends Attribution {
  /** UUIDv7. */
  readonly id: string;
  readonly stream: string;
  /** Place in the stream, from 1. */
  readonly revision: number;
  /** Full name of the message, e.g. `vitae.registry.v1.ModelRegistered`. */
  readonly type: string;
  readonly subjects: readonly string[];
  /** RFC 3339 UTC, by PostgreSQL's clock. */
  readonly recordedAt: string;
  readonly event: Event;
  /** The stored bytes: canonical proto3 JSON. */
  readonly payload: string;
  /** Place in the ledger, from 0; undefined until the sequencer has been there. */
  readonly index?: number | undefined;
}

/** A row of ledger.event, as the queries of read.ts select it. */
export interface EventRow {
  readonly index: string | null;
  readonly id: string;
  readonly stream: string;
  readonly revision: number;
  readonly type: string;
  readonly project_id: string;
  /** As PostgreSQL prints an array. */
  readonly subjects: string;
  readonly payload: string;
  readonly metadata: string;
  /** As PostgreSQL prints it. */
  readonly recorded_at: string;
}

/** The part of the envelope that is stored as JSON: canonical, in the envelope's own field names. */
export function metadataOf(attribution: Attribution): string {
  const envelope = create(EnvelopeSchema, {
    actor: attribution.actor,
    reason: attribution.reason,
    occurredAt: timestampFromDate(new Date(attribution.occurredAt)),
    correlationId: attribution.correlationId,
    causationId: attribution.causationId,
    traceparent: attribution.traceparent,
  });
  return canonicalMessage(EnvelopeSchema, envelope);
}

/** Throws UnknownEventType, and what protobuf-es throws for JSON that append did not write. */
export function recordedFrom(row: EventRow): RecordedEvent {
  const stored = JSON.parse(row.metadata) as JsonObject;
  const metadata = readMessage(EnvelopeSchema, stored);
  if (!metadata.actor || !metadata.occurredAt) {
    throw new Error(`event ${row.id} has no actor or time: its metadata was not written by append`);
  }
  return {
    id: row.id,
    stream: row.stream,
    revision: row.revision,
    type: row.type,
    projectId: row.project_id,
    subjects: row.subjects === '{}' ? [] : row.subjects.slice(1, -1).split(','), // {a:1,b:2}: their pattern needs no quotes
    actor: metadata.actor,
    reason: metadata.reason,
    occurredAt: isInMillis(stored['occurredAt']) ? stored['occurredAt'] : timestampDate(metadata.occurredAt).toISOString(),
    recordedAt: rfc3339(row.recorded_at),
    correlationId: metadata.correlationId,
    causationId: metadata.causationId,
    traceparent: metadata.traceparent,
    payload: row.payload,
    event: eventFromJson(row.type, row.payload),
    index: row.index === null ? undefined : Number(row.index),
  };
}

/** The event's envelope as the contract's own message. The event must have its index. */
export function envelopeOf(event: RecordedEvent): Envelope {
  if (event.index === undefined) throw new Error(`event ${event.id} has no index yet`);
  return create(EnvelopeSchema, {
    id: event.id,
    stream: event.stream,
    revision: BigInt(event.revision),
    index: BigInt(event.index),
    type: event.type,
    projectId: event.projectId,
    subjects: [...event.subjects],
    actor: event.actor,
    reason: event.reason,
    occurredAt: timestampFromDate(new Date(event.occurredAt)),
    recordedAt: timestampFromDate(new Date(event.recordedAt)),
    correlationId: event.correlationId,
    causationId: event.causationId,
    traceparent: event.traceparent,
  });
}
