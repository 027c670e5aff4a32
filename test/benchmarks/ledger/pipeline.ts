import { hinting } from '@vitae/messaging';
import type { Bench } from './bench.ts';
import { writing, type Shape } from './closed-loop.ts';
import { groupedPrepared } from './ours.ts';
import { median } from './quantile.ts';
import { startLedgerService, type LedgerService } from './service.ts';
import { subscribe } from './subscriber.ts';

const SHAPES = [{ writers: 32, batch: 10 }, { writers: 256, batch: 1 }] as const satisfies readonly Shape[];

/**
 * The whole way at full speed: append (group commit) → index → hash and sign → JetStream → subscriber. Writers and
 * subscriber share this process; PostgreSQL, NATS and the ledger service are processes of their own. Counted until the
 * last event has come out, so that a queue that grows does not look quick. A new ledger for each shape: what was written
 * before would be written out meanwhile. And all of it once before, uncounted: memory that the host of a virtual machine
 * has not handed out yet costs a quarter of an event when it is first touched.
 */
export async function pipeline(bench: Bench): Promise<void> {
  const { options, report } = bench;
  await roundsOf(bench, SHAPES[0]);
  for (const shape of SHAPES) {
    const { runs, version } = await roundsOf(bench, shape);
    const rows = runs.map((run, i) => [
      `round ${i + 1}`, run.appended, run.received, run.signed, run.missed, run.outOfOrder, run.cpu.postgres, run.cpu.ledger, run.cpu.nats, run.cpu.client,
    ]);
    const head = ['', 'appended/s', 'received/s', 'signed/s', 'missed', 'out of order', 'postgres µs/event', 'ledger µs/event', 'nats µs/event', 'client µs/event'];
    report.table(`pipeline: ${shape.writers} writers, ${shape.batch} event(s) an append, ${4 * options.seconds} s; NATS ${version}`, head, rows);
    report.verdict({ goal: `whole pipeline, ${shape.writers} writers × ${shape.batch}, received/s`, measured: median(runs.map((run) => run.received)), atLeast: 25_000 });
    report.verdict({ goal: 'missed, doubled, out of order', measured: runs.reduce((sum, run) => sum + Math.abs(run.missed) + run.outOfOrder, 0), atMost: 0 });
  }
}

async function roundsOf({ testbed, options }: Bench, shape: Shape): Promise<{ readonly runs: readonly Through[]; readonly version: string | undefined }> {
  const service = await startLedgerService(testbed);
  try {
    await through(service, shape, 4 * options.seconds); // until its code is compiled
    const runs: Through[] = [];
    for (let round = 0; round < options.rounds; round += 1) runs.push(await through(service, shape, 4 * options.seconds));
    return { runs, version: service.nats.info?.version };
  } finally {
    await service.stop();
    await testbed.clear();
  }
}

/** Events a second, counted from the first append: until the last was acknowledged, received, under a signed checkpoint. */
interface Through {
  readonly appended: number;
  readonly received: number;
  readonly signed: number;
  readonly missed: number;
  readonly outOfOrder: number;
  /** Microseconds an event. */
  readonly cpu: ReturnType<LedgerService['cpu']>;
}

async function through(service: LedgerService, shape: Shape, seconds: number): Promise<Through> {
  const { nats, databaseUrl } = service;
  const appender = await groupedPrepared(databaseUrl);
  const hint = hinting(nats);
  const hinted = { ...appender, append: (append: Parameters<typeof appender.append>[0]) => appender.append(append).then(hint) };
  const subscriber = await subscribe(nats);
  const sizeBefore = await signedSize(service);
  const before = service.cpu();
  const begun = performance.now();
  const { events } = await writing(hinted, shape).run(seconds);
  const appendedAt = performance.now();
  await subscriber.reached(events);
  const signedAt = await whenSigned(service, sizeBefore + events);
  const after = service.cpu();
  await appender.close();
  await subscriber.close();
  const each = (name: keyof typeof after): number => (1e6 * (after[name] - before[name])) / events;
  return {
    appended: (1000 * events) / (appendedAt - begun),
    received: subscriber.received === 0 ? 0 : (1000 * subscriber.received) / (subscriber.lastAt - begun),
    signed: (1000 * events) / (signedAt - begun),
    missed: events - subscriber.received,
    outOfOrder: subscriber.outOfOrder,
    cpu: { postgres: each('postgres'), nats: each('nats'), ledger: each('ledger'), client: each('client') },
  };
}

/** Entries under the newest signed checkpoint; 0 when there is none yet. */
async function signedSize({ address, as }: LedgerService): Promise<number> {
  const answer = await fetch(`${address}/log/checkpoint`, { headers: { authorization: `Bearer ${await as.accessToken()}` } });
  const text = await answer.text();
  return answer.ok ? Number(text.split('\n')[1]) : 0;
}

/** performance.now() when a checkpoint covers so many; NaN when none does within half a minute. */
async function whenSigned(service: LedgerService, size: number): Promise<number> {
  const begun = performance.now();
  while (performance.now() - begun < 30_000) {
    if ((await signedSize(service)) >= size) return performance.now();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return Number.NaN;
}

