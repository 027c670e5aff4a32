import type { NatsConnection } from '@nats-io/nats-core';

const SUBJECT = 'vitae.hint.appended';

/**
 * Tells the sequencer, over core NATS, that something was committed. Only a hint: it may be lost, and
 * then the sequencer's poll finds the event some milliseconds later. Never sent inside a transaction.
 */
export function hintAppended(nats: NatsConnection): void {
  if (!nats.isClosed()) nats.publish(SUBJECT);
}

/** Calls `wake` on every hint. Returns how to stop. */
export function onAppended(nats: NatsConnection, wake: () => void): () => void {
  const subscription = nats.subscribe(SUBJECT, { callback: () => wake() });
  return () => subscription.unsubscribe();
}
