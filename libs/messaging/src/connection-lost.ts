import type { NatsConnection } from '@nats-io/nats-core';

/** Who waits for an answer on a connection. One reader of its status serves them all. */
const waiting = new WeakMap<NatsConnection, Set<() => void>>();

/** Calls `lost` when the connection breaks or closes: answers to what was sent before do not come any more. Returns how to stop. */
export function onLost(nats: NatsConnection, lost: () => void): () => void {
  let callbacks = waiting.get(nats);
  if (!callbacks) {
    callbacks = new Set();
    waiting.set(nats, callbacks);
    void watch(nats, callbacks);
  }
  callbacks.add(lost);
  return () => void callbacks.delete(lost);
}

async function watch(nats: NatsConnection, callbacks: ReadonlySet<() => void>): Promise<void> {
  for await (const { type } of nats.status()) {
    if (type === 'disconnect' || type === 'close') for (const lost of [...callbacks]) lost();
  }
  for (const lost of [...callbacks]) lost();
}
