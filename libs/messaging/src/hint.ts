import type { NatsConnection } from '@nats-io/nats-core';

/** The subject of hints. */
export const HINT = 'vitae.hint.appended';
/** A sequencer at work looks again by itself, so that it needs no hint for each of many appends. */
const REST_MS = 1;

/**
 * How to tell the sequencer, over core NATS, that something was committed: one hint at once, and while more follow one
 * every millisecond. Only a hint: it may be lost, and then the sequencer's poll finds the event some milliseconds
 * later. MUST NOT be called inside a transaction. Never throws.
 */
export function hinting(nats: NatsConnection): () => void {
  let resting = false;
  let again = false;
  const hint = (): void => {
    if (resting) return void (again = true);
    again = false;
    try {
      if (!nats.isClosed()) nats.publish(HINT);
    } catch {
      return; // it is closing, or its buffer is full; polling will find the event
    }
    resting = true;
    setTimeout(() => {
      resting = false;
      if (again) hint();
    }, REST_MS).unref();
  };
  return hint;
}

/** Calls `wake` on every hint. Returns how to stop. */
export function onAppended(nats: NatsConnection, wake: () => void): () => void {
  const subscription = nats.subscribe(HINT, { callback: () => wake() });
  return () => subscription.unsubscribe();
}
