import { DiscardPolicy, JetStreamApiError, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';

/** The JetStream stream that carries the ledger: message with sequence i + 1 is the event with index i. */
export const LEDGER_STREAM = 'VITAE_LEDGER';

/** The stream at hand was written by another ledger. Publishing into it would mix two histories. */
export class ForeignStream extends Error {
  override readonly name = 'ForeignStream';
}

const NOT_FOUND = 10059;

/**
 * Creates the stream when it is missing. It keeps everything and lets nobody delete or purge a message.
 *
 * @param origin id of this ledger (`ledger.origin`), kept as the stream's metadata.
 * @returns the sequence of its last message; 0 when empty.
 */
export async function ensureLedgerStream(nats: NatsConnection, origin: string): Promise<number> {
  const manager = await jetstreamManager(nats);
  const existing = await manager.streams.info(LEDGER_STREAM).catch((error: unknown) => {
    if (error instanceof JetStreamApiError && error.code === NOT_FOUND) return undefined;
    throw error;
  });
  if (!existing) {
    const made = await manager.streams.add({
      name: LEDGER_STREAM,
      subjects: ['vitae.ledger.>'],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.New,
      deny_delete: true,
      deny_purge: true,
      metadata: { 'vitae-origin': origin },
    });
    return made.state.last_seq;
  }
  const theirs = existing.config.metadata?.['vitae-origin'];
  if (theirs !== origin) {
    throw new ForeignStream(
      `JetStream's ${LEDGER_STREAM} belongs to ledger ${theirs ?? 'unknown'}, this database is ledger ${origin}; ` +
        'point NATS_URL and DATABASE_URL at the same installation, or delete the stream (it is rebuilt from PostgreSQL)',
    );
  }
  return existing.state.last_seq;
}
