import { groupCommit } from '@vitae/event-store';
import { hinting } from '@vitae/messaging';
import { v7 as uuidv7 } from 'uuid';
import type { Bench } from './bench.ts';
import { atRate } from './open-loop.ts';
import { preparedOf } from './ours.ts';
import { quantile } from './quantile.ts';
import { samples } from './sample-event.ts';
import { startLedgerService, type LedgerService } from './service.ts';
import { subscribe } from './subscriber.ts';
import { openPool } from './testbed.ts';

const RATE = 2_000;

/** From the acknowledged commit of an event to the moment a subscriber has it, at a steady load. */
export async function latency(bench: Bench): Promise<void> {
  const { testbed, options, report } = bench;
  const seconds = Math.max(2, 4 * options.seconds);
  const service = await startLedgerService(testbed);
  try {
    await steady(service, RATE, seconds); // until its code is compiled
    const rounds: Steady[] = [];
    for (let round = 0; round < options.rounds; round += 1) rounds.push(await steady(service, RATE, seconds));
    const of = (share: number) => rounds.map(({ latencies }) => quantile(latencies, share));
    const rows = rounds.map(({ latencies, missed }, i) => [`round ${i + 1}`, latencies.length / seconds, quantile(latencies, 0.5), quantile(latencies, 0.9), quantile(latencies, 0.99), quantile(latencies, 1), missed]);
    report.table(`commit to subscriber at ${RATE} events a second, ${seconds} s; NATS ${service.nats.info?.version}`, ['', 'events/s', 'p50 ms', 'p90 ms', 'p99 ms', 'longest ms', 'missed'], rows);
    report.verdict({ goal: 'commit to subscriber at 2,000/s, p50 ms', measured: quantile(of(0.5), 0.5), atMost: 2 });
    report.verdict({ goal: 'commit to subscriber at 2,000/s, p99 ms', measured: quantile(of(0.99), 0.5), atMost: 20 });
  } finally {
    await service.stop();
  }
}

export interface Steady {
  readonly latencies: readonly number[];
  readonly missed: number;
}

/** Appends of one event at that rate; the milliseconds from each answer to its message, which may even come first. */
export async function steady({ nats, databaseUrl }: LedgerService, rate: number, seconds: number): Promise<Steady> {
  const committed = new Map<string, number>();
  const early = new Map<string, number>();
  const latencies: number[] = [];
  const subscriber = await subscribe(nats, (id, at) => {
    const since = committed.get(id);
    if (since === undefined) early.set(id, at);
    else latencies.push(at - since);
  });
  const pool = await openPool(databaseUrl, 3);
  const appends = groupCommit(pool);
  const hint = hinting(nats);
  const sent = await atRate(rate, seconds, async () => {
    const [event] = await appends.appendPrepared(preparedOf({ id: uuidv7(), revision: 0, events: samples(1) }));
    const now = performance.now();
    hint();
    const seen = early.get(event!.id);
    if (seen === undefined) committed.set(event!.id, now);
    else latencies.push(Math.max(0, seen - now));
  });
  await subscriber.reached(sent);
  await subscriber.close();
  await appends.close();
  await pool.end();
  return { latencies, missed: sent - subscriber.received };
}
