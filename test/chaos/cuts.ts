import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '@vitae/local';
import { append, groupCommit, pooledSql, transactOn, type Transaction } from '@vitae/event-store';
import { startConsumer, type Consumer } from '@vitae/messaging';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { Pool } from 'pg';
import { cuttingProxy, type CuttingProxy, type Moment } from './cutting-proxy.ts';
import { fsck } from './fsck.ts';
import { checkEffects, checkMessages } from './check-fan-out.ts';
import { keepRunning } from './kept-process.ts';
import { fetchCheckpoint, fetchKeys } from './log-over-http.ts';
import { published, reached, readEffects, readEntries, readMessages } from './observe.ts';
import { ledgerService } from './programs.ts';
import { startServers } from './servers.ts';
import { natsCalls, postgresCalls } from './take-apart.ts';
import { until } from './wait.ts';
import { newEvents, newStream, request } from './writing.ts';

/** A connection that breaks at one call. */
export interface CutAt {
  readonly server: 'PostgreSQL' | 'NATS';
  readonly call: string;
  readonly moment: Moment;
  /** Whether the ledger service has to start for the call to be made. */
  readonly atStart: boolean;
}

export interface CutsOptions {
  readonly directory: string;
  readonly durable: boolean;
  /** Which of all cuts are made. */
  readonly choose: (all: readonly CutAt[]) => readonly CutAt[];
  readonly say: (line: string) => void;
}

/** Events of the largest append of a round. */
const ROUND = 30;

/**
 * Fails each SQL statement and each NATS call once: one way from append to consumed effect, with every connection of the
 * writer, the ledger service and the consumer through a proxy that breaks it off, before the call or instead of its answer.
 * After each cut everything has to come to rest, complete, and with a clean fsck.
 *
 * @returns a sentence for each promise that was broken, and the cuts that were made.
 */
export async function cuts({ directory, durable, choose, say }: CutsOptions): Promise<{ readonly broken: readonly string[]; readonly made: readonly CutAt[] }> {
  await mkdir(directory, { recursive: true });
  const servers = await startServers({ directory, durable });
  const postgres = await cuttingProxy(Number(new URL(servers.databaseUrl).port), postgresCalls);
  const broker = await cuttingProxy(Number(new URL(servers.natsUrl).port), natsCalls);
  const databaseUrl = through(servers.databaseUrl, postgres);
  const natsUrl = through(servers.natsUrl, broker);
  const admin = new Pool({ connectionString: servers.databaseUrl, application_name: 'chaos', max: 4 });
  const pool = new Pool({ connectionString: databaseUrl, max: 6, connectionTimeoutMillis: 10_000 });
  pool.on('error', () => undefined);
  const port = await freePort();
  const service = keepRunning(ledgerService({ name: 'ledger', directory, dataDir: join(directory, 'keys'), port, databaseUrl, natsUrl, identity: servers.identity }));
  const nats = await connect({ servers: natsUrl, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  const group = groupCommit(pool);
  let consumer = await consume(nats, pool);
  const restart = async (): Promise<void> => {
    await Promise.all([service.kill(), consumer.stop()]);
    consumer = await until('the consumer has started', () => consume(nats, pool));
  };
  const told: string[] = [];
  /** Appends in each of the three ways; what was answered is kept, what was not may be there or not. */
  const round = async (): Promise<void> => {
    const [first, second, ...more] = [request('cuts', newStream(), 'noStream', newEvents(ROUND)), ...Array.from({ length: 3 }, () => request('cuts', newStream(), 'any', newEvents(1)))];
    const keyed = { ...(second as typeof first), idempotency: { key: newStream(), fingerprint: 'f' } };
    const ways = [group.append(first), group.append(keyed), ...more.map((one) => group.append(one)), transactOn(pool)(({ sql }) => append(sql, request('cuts', newStream(), 'noStream', newEvents(2))))];
    for (const outcome of await Promise.allSettled(ways)) if (outcome.status === 'fulfilled') told.push(...outcome.value.map(({ id }) => id));
    await fetchCheckpoint(servers.reader, [port]); // somebody looks at the log, too
  };
  const rest = (): Promise<true> =>
    until('everything is sequenced, signed, published and consumed', async () => {
      const { sequenced, waiting, effects, signed } = await reached(admin);
      const shown = Number((await fetchCheckpoint(servers.reader, [port]))?.split('\n')[1]);
      return waiting === 0 && effects === sequenced && signed === sequenced && shown === sequenced && (await published(servers.natsUrl)) === sequenced;
    });
  const complete = async (): Promise<readonly string[]> => {
    const ledger = await readEntries(admin);
    const there = new Set(ledger.map(({ id }) => id));
    const { parked } = await reached(admin);
    return [
      ...told.filter((id) => !there.has(id)).map((id) => `lost: event ${id} was acknowledged`),
      ...[...checkMessages(await readMessages(servers.natsUrl), ledger), ...checkEffects(await readEffects(admin), ledger)].map(({ kind, what }) => `${kind}: ${what}`),
      ...(parked > 0 ? [`parked: ${parked} events were set aside`] : []),
      ...(await fsck(servers.databaseUrl, await fetchKeys(servers.reader, port))).map((what) => `fsck: ${what}`),
    ];
  };

  try {
    // Twice: what only happens while the service starts is seen the first time alone.
    await round();
    await rest();
    const first = new Set([...postgres.seen, ...broker.seen]);
    postgres.forget();
    broker.forget();
    for (let rounds = 0; rounds < ROUNDS; rounds += 1) await round();
    await rest();
    const again = new Set([...postgres.seen, ...broker.seen]);
    const all = [...new Set([...first, ...again])].flatMap((call) =>
      (['before', 'after'] as const).map((moment): CutAt => ({ server: isOfNats(call) ? 'NATS' : 'PostgreSQL', call, moment, atStart: !again.has(call) })),
    );
    say(`${all.length / 2} kinds of statements and calls: ${all.length} cuts`);
    const made: CutAt[] = [];
    for (const cut of choose(all)) {
      const proxy = cut.server === 'NATS' ? broker : postgres;
      proxy.arm(cut.call, cut.moment);
      const fired = await provoke(cut, proxy, { round, rest, restart });
      proxy.disarm();
      await rest();
      if (!fired) {
        say(`not made again: ${cut.call}`);
        continue;
      }
      made.push(cut);
      say(`cut ${cut.moment} ${cut.call}`);
      const broken = await complete();
      if (broken.length > 0) return { broken: broken.map((what) => `after the cut ${cut.moment} ${cut.call}: ${what}`), made };
    }
    return { broken: [], made };
  } finally {
    await consumer.stop();
    await nats.close();
    await group.close();
    await service.stop();
    await pool.end();
    await admin.end();
    await Promise.all([postgres.close(), broker.close()]);
    await servers.stop();
  }
}

/** A consumer whose effect is a row for each event. */
const consume = (nats: NatsConnection, pool: Pool): Promise<Consumer> =>
  startConsumer<Transaction>({
    name: 'chaos.effects',
    nats,
    transact: transactOn(pool),
    sql: pooledSql(pool),
    log: { warn: () => undefined, error: () => undefined },
    pollMs: 500,
    handle: async ({ index, id }, { sql }) => void (await sql.query('insert into chaos.effect (index, id) values ($1, $2)', [index, id])),
  });

/** Appends until a tile gets full, at the longest: each call that is made again is made by then. */
const ROUNDS = 8;

/** Does what leads to the call, until it was made and all is at rest again; whether the cut was made. */
async function provoke({ atStart }: CutAt, proxy: CuttingProxy, { round, rest, restart }: Record<'round' | 'rest' | 'restart', () => Promise<unknown>>): Promise<boolean> {
  if (atStart) await restart();
  for (let rounds = 0; rounds < (atStart ? 1 : ROUNDS) && !proxy.fired; rounds += 1) {
    await round();
    await rest();
  }
  return proxy.fired;
}

const isOfNats = (call: string): boolean => /^(H?PUB|SUB|UNSUB|PING|PONG|CONNECT)\b/.test(call);

function through(url: string, { port }: CuttingProxy): string {
  const by = new URL(url);
  by.port = String(port);
  return by.href;
}
