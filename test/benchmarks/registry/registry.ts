import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startIdentity, startNats } from '@vitae/local';
import { disk, load, machine } from '../ledger/machine.ts';
import { reportTo, verdictLine } from '../ledger/report.ts';
import { startTestbed } from '../ledger/testbed.ts';
import { artefacts } from './artefacts.ts';
import type { Bench } from './bench.ts';
import { creates } from './creates.ts';
import { installMlflow } from './mlflow-server.ts';
import { models } from './models.ts';
import { optionsFrom, type Part } from './options.ts';
import { STATEMENTS_SETTINGS } from './statements.ts';
import { versions } from './versions.ts';

const parts: Readonly<Record<Part, (bench: Bench) => Promise<void>>> = { versions, models, creates, artefacts };

/**
 * What the registry does in a second, beside MLflow's own server on the same PostgreSQL, each goal of the project with what
 * came out. Timed on whatever machine it runs on: of two systems compare the ratio.
 */
export async function registry(say: (line: string) => void, args: readonly string[]): Promise<void> {
  const options = optionsFrom(args);
  const report = reportTo(say);
  const begun = performance.now();
  const progress = (line: string): void => void process.stderr.write(`${((performance.now() - begun) / 1_000).toFixed(0).padStart(5)} s  ${line}\n`);
  const testbed = await startTestbed(options.data, STATEMENTS_SETTINGS);
  const stack = new AsyncDisposableStack();
  stack.defer(() => testbed.stop());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stack.disposeAsync().finally(() => process.exit(1)));
  try {
    await testbed.query('create extension pg_stat_statements');
    const nats = await startNats({ storeDir: join(testbed.directory, 'nats') });
    stack.defer(() => nats.stop());
    const identity = await startIdentity({ dataDir: join(testbed.directory, 'identity') });
    stack.defer(() => identity.stop());
    const { fileSystem, fdatasync } = await disk(testbed.directory);
    const conditions = [
      new Date().toISOString(),
      `${machine()}; load ${load()}`,
      `data on ${fileSystem}, fdatasync of 8 kB ${fdatasync} µs; PostgreSQL with fsync on`,
      `${options.rounds} rounds of at most ${options.seconds} s each, alternating; service, load generator and servers share the machine`,
    ];
    for (const line of conditions) say(line);
    const bench: Bench = { testbed, natsUrl: nats.url, identity, options, report, mlflow: await peer(options, testbed.directory, progress, say), progress, readme: [] };
    for (const part of options.parts) {
      say(`\n== ${part} ==  (load ${load()})`);
      await parts[part](bench);
      await testbed.clear();
    }
    say(`\nAfterwards: load ${load()}, ${((performance.now() - begun) / 60_000).toFixed(1)} minutes\n`);
    for (const table of bench.readme) say(`${table}\n`);
    say('Goals');
    for (const verdict of report.record.verdicts) say(`  ${verdictLine(verdict)}`);
    if (options.json) await writeFile(options.json, `${JSON.stringify({ conditions, ...report.record }, null, 2)}\n`);
  } finally {
    await stack.disposeAsync();
  }
}

/** MLflow's server, for the parts that have something to compare. */
async function peer({ parts: wished, alone, venv }: Bench['options'], directory: string, progress: Bench['progress'], say: (line: string) => void): Promise<Bench['mlflow']> {
  if (alone || wished.every((part) => part === 'artefacts')) return undefined;
  progress('installing MLflow');
  const mlflow = await installMlflow(directory, venv);
  if ('why' in mlflow) {
    say(`MLflow is left out: ${mlflow.why}`);
    return undefined;
  }
  say(`${mlflow.name} beside, run by gunicorn with ${mlflow.how}`);
  return mlflow;
}
