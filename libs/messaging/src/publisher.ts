import { JetStreamApiError, jetstream, type JetStreamClient } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { RecordedEvent } from '@vitae/event-store';
import { LEDGER_STREAM } from './ledger-stream.ts';
import { contextOf, traceparentOf } from './trace-context.ts';
import { toWire } from './wire.ts';

/** JetStream holds more than the ledger: the database is older than the stream, and must not be published from. */
export class LedgerBehindStream extends Error {
  override readonly name = 'LedgerBehindStream';
}

const WRONG_LAST_SEQUENCE = 10071;
const IN_FLIGHT = 256;

/**
 * Publishes consecutive events; the first MUST have index `last sequence of the stream`.
 *
 * Each message says which sequence must be the last before it (`Nats-Expected-Last-Sequence: i` on index
 * i), so that sequence = index + 1 for ever: a second or outdated publisher is refused by the server, and
 * whoever was interrupted sends the same message again without harm.
 *
 * @returns how many were acknowledged, in order. Fewer than given: somebody else published, or the
 *   connection broke; ask the stream for its last sequence and go on from there.
 */
export async function publishFrom(nats: NatsConnection, origin: string, events: readonly RecordedEvent[]): Promise<number> {
  const js = jetstream(nats);
  let acknowledged = 0;
  for (let start = 0; start < events.length; start += IN_FLIGHT) {
    const results = await Promise.allSettled(events.slice(start, start + IN_FLIGHT).map((event) => publish(js, origin, event)));
    const failed = results.findIndex((result) => result.status === 'rejected');
    if (failed === -1) {
      acknowledged += results.length;
      continue;
    }
    const { reason } = results[failed] as PromiseRejectedResult;
    if (reason instanceof JetStreamApiError && reason.code === WRONG_LAST_SEQUENCE) return acknowledged + failed;
    throw reason;
  }
  return acknowledged;
}

const tracer = trace.getTracer('@vitae/messaging');

/** One event, in a span of the trace that its append belongs to; a subscriber finds that span in `traceparent`. */
async function publish(js: JetStreamClient, origin: string, event: RecordedEvent): Promise<void> {
  const { subject, headers, data } = toWire(event);
  const parent = contextOf(event.traceparent);
  const attributes = { 'messaging.system': 'nats', 'messaging.destination.name': LEDGER_STREAM, 'vitae.index': event.index ?? -1 };
  const span = tracer.startSpan(`publish ${event.type}`, { kind: SpanKind.PRODUCER, attributes }, parent);
  const carried = traceparentOf(trace.setSpan(parent, span));
  if (carried !== '') headers.set('traceparent', carried);
  try {
    await js.publish(subject, data, {
      headers,
      msgID: `${origin}:${event.index}`,
      expect: { lastSequence: event.index ?? 0 },
      timeout: 10_000,
    });
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
    throw error;
  } finally {
    span.end();
  }
}
