import { writeFile } from 'node:fs/promises';
import { peers } from './against-peers.ts';
import { append } from './append.ts';
import { batch } from './batch.ts';
import type { Bench } from './bench.ts';
import { latency } from './latency.ts';
import { disk, load, machine } from './machine.ts';
import { optionsFrom, type Part } from './options.ts';
import { pipeline } from './pipeline.ts';
import { proofs } from './proofs.ts';
import { replay } from './replay.ts';
import { reportTo, verdictLine } from './report.ts';
import { SAMPLE_BYTES } from './sample-event.ts';
import { scale } from './scale.ts';
import { sequence } from './sequence.ts';
import { startTestbed } from './testbed.ts';
import { verify } from './verify.ts';
import { view } from './view.ts';

const parts: Readonly<Record<Part, (bench: Bench) => Promise<void>>> = { append, peers, batch, view, sequence, pipeline, latency, replay, verify, proofs, scale };

/**
 * What the ledger does in a second, beside others on the same PostgreSQL, with fsync on: the goals of the project, each
 * with what came out. Timed on whatever machine it runs on; of two systems compare the ratio, and the CPU of an event.
 */
export async function ledger(say: (line: string) => void, args: readonly string[]): Promise<void> {
  const options = optionsFrom(args);
  const report = reportTo(say);
  const testbed = await startTestbed(options.data);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void testbed.stop().finally(() => process.exit(1)));
  try {
    const bench: Bench = { testbed, options, report, rounds: { rounds: options.rounds, seconds: options.seconds, serverPid: testbed.server.pid } };
    const conditions = await describe(bench);
    for (const part of options.parts) {
      say(`\n== ${part} ==  (load ${load()})`);
      await parts[part](bench);
      await testbed.clear();
    }
    const after = await disk(testbed.directory);
    say(`\nAfterwards: fdatasync ${after.fdatasync} µs, load ${load()}`);
    say('\nGoals');
    for (const verdict of report.record.verdicts) say(`  ${verdictLine(verdict)}`);
    if (options.json) await writeFile(options.json, `${JSON.stringify({ conditions, ...report.record }, null, 2)}\n`);
  } finally {
    await testbed.stop();
  }
}

async function describe({ testbed, options, report }: Bench): Promise<readonly string[]> {
  const [server] = await testbed.query(`
    select split_part(version(), ' on ', 1) as version,
      (select string_agg(name || ' ' || current_setting(name), ', ' order by name) from pg_settings
       where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'wal_level', 'wal_sync_method', 'shared_buffers', 'max_wal_size')) as settings`);
  const { fileSystem, fdatasync } = await disk(testbed.directory);
  const conditions = [
    new Date().toISOString(),
    `${machine()}; load ${load()}`,
    `${server?.version}: ${server?.settings}`,
    `data on ${fileSystem}, fdatasync of 8 kB ${fdatasync} µs (median of 200)`,
    `event: ${SAMPLE_BYTES.payload} bytes of payload, ${SAMPLE_BYTES.metadata} of metadata; ${options.rounds} rounds of ${options.seconds} s each, alternating; medians`,
    'PostgreSQL, load generator, broker and services share the machine',
  ];
  for (const line of conditions) report.say(line);
  return conditions;
}
