// One of several consumers of the torture tests that share a name, and so an effect: a row for each event, in the order in
// which it happened. A process that is killed at any moment.
import { connect } from '@nats-io/transport-node';
import { pooledSql, transactOn, type Transaction } from '@vitae/event-store';
import { startConsumer } from '@vitae/messaging';
import { Pool } from 'pg';
import { dice } from './random.ts';

export interface ConsumerSettings {
  readonly name: string;
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly seed: number;
}

const settings = JSON.parse(process.argv[2] ?? '{}') as ConsumerSettings;
const chance = dice(settings.seed + process.pid);
const log = (level: string) => (detail: object, message: string) => console.log(`${level} ${message} ${String((detail as { err?: Error }).err?.message ?? '')}`);

const nats = await connect({ servers: settings.natsUrl, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
const pool = new Pool({ connectionString: settings.databaseUrl, application_name: settings.name, max: 4, connectionTimeoutMillis: 10_000 });
pool.on('error', () => undefined);

const consumer = await startConsumer<Transaction>({
  name: 'chaos.effects',
  nats,
  transact: transactOn(pool),
  sql: pooledSql(pool),
  log: { warn: log('warn'), error: log('error') },
  attempts: 20,
  backoffMs: 5,
  pollMs: 500,
  handle: async ({ index, id }, { sql }) => {
    await sql.query('insert into chaos.effect (index, id) values ($1, $2)', [index, id]);
    if (chance.roll() < 0.0005) throw new Error('an effect that fails after it wrote: its transaction must take that back');
  },
});

process.once('SIGTERM', () => {
  void consumer.stop().then(() => process.exit(0));
});
process.once('disconnect', () => process.exit(1)); // whoever started us is gone
