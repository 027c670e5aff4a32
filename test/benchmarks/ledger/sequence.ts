import { Client } from 'pg';
import type { Bench } from './bench.ts';
import { inboxOrGaps } from './inbox-or-gaps.ts';
import { steady } from './latency.ts';
import { startLedgerService } from './service.ts';

const RATES = [500, 2_000, 8_000];

/** How long an event waits for its index while others come, and what the two ways to give indices cost. */
export async function sequence(bench: Bench): Promise<void> {
  await lag(bench);
  await inboxOrGaps(bench);
}

/**
 * From the moment an event is written (before its commit) to its index, by PostgreSQL's clock alone; the real ledger
 * service does the work and publishes meanwhile.
 */
async function lag({ testbed, options, report }: Bench): Promise<void> {
  const service = await startLedgerService(testbed);
  const client = new Client({ connectionString: service.databaseUrl });
  await client.connect();
  try {
    await steady(service, RATES[0]!, 1);
    const rows = [];
    for (const rate of RATES) {
      const { rows: head } = await client.query<{ from: string }>('select next_index as from from ledger.head');
      const { missed } = await steady(service, rate, Math.max(2, 2 * options.seconds));
      const { rows: lags } = await client.query<{ count: number; quantiles: number[] }>(LAG, [head[0]!.from]);
      rows.push([`${rate}/s`, lags[0]!.count, ...lags[0]!.quantiles, missed]);
    }
    report.table('sequencing lag, written to indexed', ['', 'events', 'p50 ms', 'p90 ms', 'p99 ms', 'longest ms', 'missed'], rows);
  } finally {
    await client.end();
    await service.stop();
  }
}

const LAG = `
  select count(*)::integer as count,
    percentile_disc(array[0.5, 0.9, 0.99, 1]) within group (order by greatest(0, 1000 * extract(epoch from n.sequenced_at - e.recorded_at))::float8) as quantiles
  from ledger.entry n join ledger.event e on e.seq = n.seq where n.index >= $1`;
