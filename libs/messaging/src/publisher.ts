import { JetStreamApiError, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import type { RecordedEvent } from '@vitae/event-store';
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
    const results = await Promise.allSettled(
      events.slice(start, start + IN_FLIGHT).map((event) => {
        const { subject, headers, data } = toWire(event);
        return js.publish(subject, data, {
          headers,
          msgID: `${origin}:${event.index}`,
          expect: { lastSequence: event.index ?? 0 },
          timeout: 10_000,
        });
      }),
    );
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
