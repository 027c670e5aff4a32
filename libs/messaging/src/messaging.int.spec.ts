import { create } from '@bufbuild/protobuf';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from '@jest/globals';
import { ActorKind, ActorSchema, UseCaseSubmittedSchema } from '@vitae/contracts';
import { append, ledgerMigrations, migrate, pooledSql, readLedger, readRaw, transactOn, type RecordedEvent, type Transaction } from '@vitae/event-store';
import { eventually, freshDatabase, freshNats, type FreshDatabase, type FreshNats } from '@vitae/testing';
import { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { ensureLedgerStream, fromWire, LEDGER_STREAM, messagingMigrations, publishFrom, startConsumer, toWire, type Consumer, type ConsumerOptions } from './index.ts';

let database: FreshDatabase;
let broker: FreshNats;
let nats: NatsConnection;
let pool: Pool;
let origin: string;

beforeAll(async () => {
  broker = await freshNats();
});
afterAll(() => broker.drop());

beforeEach(async () => {
  await broker.restart({ emptied: true });
  database = await freshDatabase({
    name: 'messaging',
    prepare: async (url) => {
      await migrate(url, ledgerMigrations);
      await migrate(url, messagingMigrations);
    },
  });
  pool = new Pool({ connectionString: database.url, max: 8 });
  pool.on('error', () => undefined);
  await pool.query('create table effect (index bigint, consumer text)');
  origin = (await pool.query<{ id: string }>('select id from ledger.origin')).rows[0]?.id ?? '';
  nats = await connect({ servers: broker.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
});
afterEach(async () => {
  await Promise.all(consumers.splice(0).map((consumer) => consumer.stop()));
  await nats.close();
  await pool.end();
  await database.drop();
});

const consumers: Consumer[] = [];
const silent = { warn: () => undefined, error: () => undefined };

async function consume(more: Partial<ConsumerOptions<Transaction>> = {}): Promise<Consumer> {
  const name = more.name ?? 'spec.effects';
  const consumer = await startConsumer<Transaction>({
    name,
    nats,
    transact: transactOn(pool),
    sql: pooledSql(pool),
    log: silent,
    backoffMs: 1,
    handle: async (event, tx) => {
      await tx.sql.query('insert into effect values ($1, $2)', [event.index, name]);
    },
    ...more,
  });
  consumers.push(consumer);
  return consumer;
}

/** Appends and sequences n events, reason "Grüße, 100 %" to try the wire's encoding. */
async function record(n: number): Promise<void> {
  for (let i = 0; i < n; i += 1) {
    await transactOn(pool)((tx) =>
      append(tx.sql, {
        stream: `governance.UseCase-${uuidv7()}`,
        expected: 'noStream',
        events: [create(UseCaseSubmittedSchema, { useCaseId: uuidv7() })],
        subjects: ['use-case:u', 'model:m'],
        attribution: {
          projectId: 'credit',
          actor: create(ActorSchema, { id: 'dana', kind: ActorKind.HUMAN }),
          reason: 'Grüße, 100 % "sure"',
          occurredAt: '2026-11-20T09:00:00.000Z',
          correlationId: 'c',
          causationId: '',
          traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        },
      }),
    );
  }
  await pool.query('select ledger.sequence(10000)');
}

async function publishAll(): Promise<void> {
  const last = await ensureLedgerStream(nats, origin);
  await publishFrom(nats, await readLedger(pooledSql(pool), { from: last, limit: 10_000 }));
}

const effects = async (name = 'spec.effects'): Promise<number[]> =>
  (await pool.query<{ index: string }>('select index from effect where consumer = $1 order by ctid', [name])).rows.map((r) => Number(r.index));
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe('the wire', () => {
  it('carries an event unchanged, as a CloudEvent in binary mode', async () => {
    await record(1);
    const [event] = (await readLedger(pooledSql(pool), { from: 0, limit: 1 })) as [RecordedEvent];
    await publishAll();
    const message = await (await jetstreamManager(nats)).streams.getMessage(LEDGER_STREAM, { seq: 1 });
    if (!message) throw new Error('there is no message at sequence 1');
    const { header: headers, data, subject } = message;
    expect(fromWire({ headers, data })).toEqual(event);
    expect(subject).toBe('vitae.ledger.credit.governance.UseCase.UseCaseSubmitted');
    expect(headers.get('ce-specversion')).toBe('1.0');
    expect(headers.get('ce-reason')).toBe('Gr%C3%BC%C3%9Fe,%20100%20%25%20%22sure%22');
    expect(headers.get('traceparent')).toBe(event.traceparent);
  });

  it('carries a traceparent that is none as an attribute only, and the payload whole', async () => {
    await record(1);
    await ensureLedgerStream(nats, origin);
    const [event] = (await readLedger(pooledSql(pool), { from: 0, limit: 1 })) as [RecordedEvent];
    const odd = { ...event, traceparent: '00-Bahnhöfe-01' };
    await publishFrom(nats, [odd]);
    const message = await (await jetstreamManager(nats)).streams.getMessage(LEDGER_STREAM, { seq: 1 });
    if (!message) throw new Error('there is no message at sequence 1');
    expect(message.header.get('traceparent')).toBe('');
    expect(fromWire({ headers: message.header, data: message.data })).toEqual(odd);
  });

  it('is the same from an entry as it is stored and from an event that was read', async () => {
    await record(3);
    const events = await readLedger(pooledSql(pool), { from: 0, limit: 3 });
    const entries = await readRaw(pool, { from: 0, limit: 3 });
    const withMillis = (wire: { headers: string }) => wire.headers.replace(/(ce-time: [^.\r]+?)(\.000)?Z/, '$1Z');
    expect(entries.map((entry) => withMillis(toWire(entry)))).toEqual(events.map((event) => withMillis(toWire(event))));
  });
});

describe('the publisher', () => {
  it('puts the event with index i at sequence i + 1, and again so after the store was deleted', async () => {
    await record(30);
    await publishAll();
    const before = await stored();
    expect(before.map((m) => m.seq)).toEqual(upTo(30).map((i) => i + 1));

    await broker.restart({ emptied: true });
    await eventually(() => nats.flush());
    await publishAll();
    expect(await stored()).toEqual(before);
  });

  it('loses and doubles nothing when two publish at once', async () => {
    await record(60);
    await ensureLedgerStream(nats, origin);
    const events = await readLedger(pooledSql(pool), { from: 0, limit: 100 });
    await Promise.all([publishFrom(nats, events), publishFrom(nats, events)]);
    await publishAll();
    expect((await stored()).map((m) => m.id)).toEqual(events.map((e) => e.id));
  });

  it('stores nothing behind a hole, and says how far it is sure', async () => {
    await record(200);
    await ensureLedgerStream(nats, origin);
    const events = await readLedger(pooledSql(pool), { from: 0, limit: 200 });
    expect(await publishFrom(nats, events.filter(({ index }) => index !== 100))).toBe(64); // the last answered before the hole
    expect(await ensureLedgerStream(nats, origin)).toBe(100);
    expect(await publishFrom(nats, events.slice(64))).toBe(136); // again from there: what is stored already is refused, what follows is not
    expect(await ensureLedgerStream(nats, origin)).toBe(200);
    expect((await stored()).map((m) => m.id)).toEqual(events.map((e) => e.id));
  });

  it('says why JetStream refuses a message', async () => {
    await record(3);
    await ensureLedgerStream(nats, origin);
    const manager = await jetstreamManager(nats);
    const { config } = await manager.streams.info(LEDGER_STREAM);
    await manager.streams.update(LEDGER_STREAM, { ...config, max_msg_size: 10 });
    const events = await readLedger(pooledSql(pool), { from: 0, limit: 3 });
    await expect(publishFrom(nats, events.slice(0, 1))).rejects.toThrow(/JetStream refused a message: .*size/);
  });

  it('refuses a stream that belongs to another ledger', async () => {
    await ensureLedgerStream(nats, origin);
    await expect(ensureLedgerStream(nats, uuidv7())).rejects.toThrow(/belongs to ledger/);
  });

  async function stored(): Promise<{ seq: number; id: string; data: string }[]> {
    const manager = await jetstreamManager(nats);
    const { state } = await manager.streams.info(LEDGER_STREAM);
    return Promise.all(
      upTo(state.messages).map(async (i) => {
        const message = await manager.streams.getMessage(LEDGER_STREAM, { seq: i + 1 });
        return { seq: message?.seq ?? 0, id: message?.header.get('ce-id') ?? '', data: message?.string() ?? '' };
      }),
    );
  }
});

describe('a consumer', () => {
  it('takes every event once and in order, live and from before it existed', async () => {
    await record(10);
    await publishAll();
    const consumer = await consume();
    await record(10);
    await publishAll();
    expect(await consumer.catchUp()).toBe(true);
    expect(await effects()).toEqual(upTo(20));
    expect(consumer.status()).toEqual({ name: 'spec.effects', bookmark: 20, parked: 0 });
  });

  it('gets on without JetStream, from PostgreSQL', async () => {
    const consumer = await consume({ pollMs: 20 });
    await record(5);
    await eventually(() => expect(consumer.status().bookmark).toBe(5));
    expect(await effects()).toEqual(upTo(5));
  });

  it('fills a gap from PostgreSQL before it takes the message after it', async () => {
    await record(6);
    await publishAll();
    const consumer = await consume({ pollMs: 60_000 });
    await eventually(() => expect(consumer.status().bookmark).toBe(6));
    await record(4);
    // Only the last of the four arrives by JetStream in time to be seen: the others are found in PostgreSQL.
    const events = await readLedger(pooledSql(pool), { from: 6, limit: 4 });
    await publishFrom(nats, events);
    await eventually(() => expect(consumer.status().bookmark).toBe(10));
    expect(await effects()).toEqual(upTo(10));
  });

  it('has no second effect from a redelivered event, nor from a second replica', async () => {
    await record(40);
    await publishAll();
    await Promise.all([consume({ pollMs: 20 }), consume({ pollMs: 20 })]);
    await eventually(() => expect(consumers.map((c) => c.status().bookmark)).toEqual([40, 40]));
    const direct = await jetstream(nats).consumers.get(LEDGER_STREAM, 'spec-effects');
    expect((await direct.info()).delivered.stream_seq).toBe(40);
    expect(await effects()).toEqual(upTo(40));
  });

  it('goes on from its bookmark when its effect and bookmark were rolled back', async () => {
    await record(3);
    let failures = 2;
    const consumer = await consume({
      pollMs: 20,
      handle: async (event, tx) => {
        await tx.sql.query('insert into effect values ($1, $2)', [event.index, 'spec.effects']);
        if (event.index === 1 && failures-- > 0) throw new Error('not now');
      },
    });
    await eventually(() => expect(consumer.status().bookmark).toBe(3));
    expect(await effects()).toEqual(upTo(3));
  });

  it('parks an event that it can never take, reports it, and goes on', async () => {
    await record(4);
    const consumer = await consume({
      pollMs: 20,
      attempts: 3,
      handle: async (event, tx) => {
        await tx.sql.query('insert into effect values ($1, $2)', [event.index, 'spec.effects']);
        if (event.index === 2) throw new Error('poison');
      },
    });
    await eventually(() => expect(consumer.status()).toMatchObject({ bookmark: 4, parked: 1 }));
    expect(await effects()).toEqual([0, 1, 3]);
    const { rows } = await pool.query('select consumer, index::int, error, attempts from messaging.parked');
    expect(rows).toEqual([{ consumer: 'spec.effects', index: 2, error: 'poison', attempts: 3 }]);
  });

  it('does not park an event because PostgreSQL went away', async () => {
    await record(3);
    let cut = true;
    const consumer = await consume({
      pollMs: 20,
      attempts: 1,
      handle: async (event, tx) => {
        if (event.index === 1 && cut) {
          cut = false;
          await tx.sql.query('select pg_terminate_backend(pg_backend_pid())');
        }
        await tx.sql.query('insert into effect values ($1, $2)', [event.index, 'spec.effects']);
      },
    });
    await eventually(() => expect(consumer.status()).toMatchObject({ bookmark: 3, parked: 0 }));
    expect(await effects()).toEqual(upTo(3));
  });

  it('outlives the loss of the JetStream store', async () => {
    const consumer = await consume({ pollMs: 50 });
    await record(5);
    await publishAll();
    await eventually(() => expect(consumer.status().bookmark).toBe(5));
    await broker.restart({ emptied: true });
    await eventually(() => nats.flush());
    await record(5);
    await publishAll();
    await eventually(() => expect(consumer.status().bookmark).toBe(10));
    expect(await effects()).toEqual(upTo(10));
  });
});
