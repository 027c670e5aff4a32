import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';

/** Somebody outside who listens to the ledger. */
export interface Subscriber {
  readonly received: number;
  /** Messages that were not the one after the one before: missed, doubled or out of order. */
  readonly outOfOrder: number;
  /** performance.now() of the last message. */
  readonly lastAt: number;
  /** Resolves when so many have come, or none has for ten seconds. */
  reached(count: number): Promise<void>;
  close(): Promise<void>;
}

/** Listens from now on. `seen` is called with the event's id, when it is given. */
export async function subscribe(nats: NatsConnection, seen?: (id: string, at: number) => void): Promise<Subscriber> {
  const js = jetstream(nats);
  const { state } = await (await js.jetstreamManager()).streams.info('VITAE_LEDGER');
  let expected = state.last_seq + 1;
  let received = 0;
  let outOfOrder = 0;
  let lastAt = performance.now();
  const consumer = await js.consumers.get('VITAE_LEDGER', { opt_start_seq: expected });
  const messages = await consumer.consume({
    max_messages: 5_000,
    callback: (message) => {
      lastAt = performance.now();
      received += 1;
      if (message.seq !== expected) outOfOrder += 1;
      expected = message.seq + 1;
      if (seen) seen(message.headers?.get('ce-id') ?? '', lastAt);
    },
  });
  return {
    get received() {
      return received;
    },
    get outOfOrder() {
      return outOfOrder;
    },
    get lastAt() {
      return lastAt;
    },
    reached: async (count) => {
      const begun = performance.now();
      while (received < count && performance.now() - Math.max(lastAt, begun) < 10_000) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    close: async () => void (await messages.close()),
  };
}
