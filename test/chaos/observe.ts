import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { readRaw } from '@vitae/event-store';
import { fromWire, LEDGER_STREAM } from '@vitae/messaging';
import type { Pool } from 'pg';
import type { Effect, Entry, Message } from './history.ts';

/** The whole ledger, in order. */
export async function readEntries(pool: Pool): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for (;;) {
    const page = await readRaw(pool, { from: entries.length, limit: 5_000 });
    for (const { index, id, stream, revision, payload, metadata } of page) {
      entries.push({ index, id, stream, revision, payload, op: (JSON.parse(metadata) as { correlationId?: string }).correlationId ?? '' });
    }
    if (page.length < 5_000) return entries;
  }
}

/** All that JetStream holds, as a subscriber gets it. */
export async function readMessages(natsUrl: string): Promise<readonly Message[]> {
  const nats = await connect({ servers: natsUrl });
  try {
    const { state } = await (await jetstreamManager(nats)).streams.info(LEDGER_STREAM);
    const messages: Message[] = [];
    if (state.messages === 0) return messages;
    const consumer = await jetstream(nats).consumers.get(LEDGER_STREAM);
    for await (const message of await consumer.consume()) {
      const { id, stream, revision, index, payload } = fromWire(message);
      messages.push({ sequence: message.seq, index: index ?? -1, id, stream, revision, payload });
      if (message.seq >= state.last_seq) break;
    }
    return messages;
  } finally {
    await nats.close();
  }
}

/** In the order in which they happened: a number is drawn in the transaction, and these follow each other. */
export async function readEffects(pool: Pool): Promise<readonly Effect[]> {
  const { rows } = await pool.query<{ index: string; id: string }>('select index, id from chaos.effect order by n');
  return rows.map(({ index, id }) => ({ index: Number(index), id }));
}

/** How far each part has come, in events. */
export interface Reached {
  readonly sequenced: number;
  /** Committed, without an index. */
  readonly waiting: number;
  readonly effects: number;
  readonly parked: number;
  readonly signed: number;
}

export async function reached(pool: Pool): Promise<Reached> {
  const { rows } = await pool.query<Record<keyof Reached, string>>(
    `select h.next_index as sequenced, (select coalesce(sum(1 + coalesce(cardinality(u.more), 0)), 0) from ledger.unsequenced u) as waiting, (select count(*) from chaos.effect) as effects,
       (select count(*) from messaging.parked) as parked, (select coalesce(max(size), 0) from ledger.checkpoint) as signed from ledger.head h`,
  );
  const of = (name: keyof Reached): number => Number(rows[0]?.[name]);
  return { sequenced: of('sequenced'), waiting: of('waiting'), effects: of('effects'), parked: of('parked'), signed: of('signed') };
}

/** How many messages JetStream holds; 0 when it has no stream. */
export async function published(natsUrl: string): Promise<number> {
  const nats = await connect({ servers: natsUrl });
  try {
    return (await (await jetstreamManager(nats)).streams.info(LEDGER_STREAM)).state.last_seq;
  } catch {
    return 0;
  } finally {
    await nats.close();
  }
}
