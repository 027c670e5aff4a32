import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager, type JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import type { RecordedEvent } from '@vitae/event-store';
import type { ConsumerLog } from './consumer-log.ts';
import { LEDGER_STREAM } from './ledger-stream.ts';
import { fromWire } from './wire.ts';

/** One delivered event; parsed only if it is wanted. */
export interface Delivered {
  readonly event: { readonly index: number; recorded(): RecordedEvent };
  ack(): void;
}

/** What JetStream delivers to one durable, as a queue that can be waited on, and interrupted. */
export interface Delivery {
  /** The next message, or undefined after `ms` of silence or on stop. */
  next(ms: number): Promise<Delivered | undefined>;
  /** The message with this index, if it is the next and has come already. */
  nextIf(index: number): Delivered | undefined;
  /** Waits, but not longer than until stop. */
  pause(ms: number): Promise<void>;
  stop(): void;
  closed(): Promise<void>;
}

/**
 * Listens on the ledger stream from an index on. The stream or the durable may be missing, or vanish
 * (JetStream is disposable): it is asked for again until it is there.
 */
export function listen(
  nats: NatsConnection,
  { durable, from, log }: { readonly durable: string; readonly from: number; readonly log: ConsumerLog },
): Delivery {
  const queue: JsMsg[] = [];
  const stop = new AbortController();
  let wake: (() => void) | undefined;
  const stopped = new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));

  const wait = (ms: number, early: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      if (stop.signal.aborted || early()) return resolve();
      const finish = (): void => {
        clearTimeout(timer);
        stop.signal.removeEventListener('abort', finish);
        wake = undefined;
        resolve();
      };
      const timer = setTimeout(finish, ms);
      stop.signal.addEventListener('abort', finish);
      wake = () => early() && finish();
    });

  async function open(): Promise<void> {
    const manager = await jetstreamManager(nats, { checkAPI: false });
    await manager.consumers.info(LEDGER_STREAM, durable).catch(() =>
      manager.consumers.add(LEDGER_STREAM, {
        durable_name: durable,
        ack_policy: AckPolicy.Explicit,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: from + 1, // sequence = index + 1
        max_ack_pending: 10_000,
      }),
    );
    const consumer = await jetstream(nats, { checkAPI: false }).consumers.get(LEDGER_STREAM, durable);
    const messages = await consumer.consume({
      max_messages: 500,
      abort_on_missing_resource: true,
      callback: (message) => {
        queue.push(message);
        wake?.();
      },
    });
    // Until it ends by itself (stream or durable are gone) or by us. Its own close is not waited for: it may wait for a
    // server that is not there.
    await Promise.race([messages.closed(), stopped]);
    void messages.close();
  }

  async function keepOpen(): Promise<void> {
    while (!stop.signal.aborted && !nats.isClosed()) {
      await open().catch((error: Error) => {
        if (!stop.signal.aborted) log.warn({ durable, err: error }, 'JetStream has no ledger stream to read yet; PostgreSQL is read meanwhile');
      });
      if (!stop.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  const ended = keepOpen();
  return {
    async next(ms) {
      await wait(ms, () => queue.length > 0);
      const message = queue.shift();
      return message && !stop.signal.aborted ? delivered(message) : undefined;
    },
    nextIf(index) {
      const [message] = queue;
      if (message?.seq !== index + 1 || stop.signal.aborted) return undefined;
      queue.shift();
      return delivered(message);
    },
    pause: (ms) => wait(ms, () => false),
    stop: () => stop.abort(),
    closed: () => ended,
  };
}

const delivered = (message: JsMsg): Delivered => ({
  event: { index: message.seq - 1, recorded: () => fromWire(message) },
  ack: () => message.ack(),
});
