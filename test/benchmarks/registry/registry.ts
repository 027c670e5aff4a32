import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startNats } from '@vitae/local';
import { disk, load, machine } from '../ledger/machine.ts';
import { WrongArguments } from '../ledger/options.ts';
import { reportTo, verdictLine } from '../ledger/report.ts';
import { startTestbed } from '../ledger/testbed.ts';
import { artefacts } from './artefacts.ts';
import { startRegistry } from './programs.ts';

const USAGE = 'npm run bench -- registry [artefacts] [--rounds 3] [--megabytes 1024] [--data DIR] [--json FILE]';

/** What the registry does in a second, each goal of the project with what came out. For now: artefacts in and out. */
export async function registry(say: (line: string) => void, args: readonly string[]): Promise<void> {
  const { rounds, megabytes, data, json } = optionsFrom(args);
  const report = reportTo(say);
  const testbed = await startTestbed(data);
  const stack = new AsyncDisposableStack();
  stack.defer(() => testbed.stop());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stack.disposeAsync().finally(() => process.exit(1)));
  try {
    const nats = await startNats({ storeDir: join(testbed.directory, 'nats') });
    stack.defer(() => nats.stop());
    const service = await startRegistry({
      DATABASE_URL: await testbed.database('registry'),
      NATS_URL: nats.url,
      VITAE_DATA_DIR: join(testbed.directory, 'registry'),
      VITAE_MAX_ARTEFACT_BYTES: String(64 * 1024 ** 3),
    });
    stack.defer(() => service.stop());
    const { fileSystem, fdatasync } = await disk(testbed.directory);
    const conditions = [new Date().toISOString(), `${machine()}; load ${load()}`, `data on ${fileSystem}, fdatasync of 8 kB ${fdatasync} µs`, 'service, load generator and servers share the machine'];
    for (const line of conditions) say(line);
    await artefacts({ registry: service, directory: testbed.directory, megabytes, rounds, report });
    say(`\nAfterwards: load ${load()}\n\nGoals`);
    for (const verdict of report.record.verdicts) say(`  ${verdictLine(verdict)}`);
    if (json) await writeFile(json, `${JSON.stringify({ conditions, ...report.record }, null, 2)}\n`);
  } finally {
    await stack.disposeAsync();
  }
}

/** @throws WrongArguments */
function optionsFrom(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { rounds: { type: 'string', default: '3' }, megabytes: { type: 'string', default: '1024' }, data: { type: 'string', default: tmpdir() }, json: { type: 'string' } },
    });
    if (positionals.some((part) => part !== 'artefacts')) throw new Error(`there is no part "${positionals.find((part) => part !== 'artefacts')}"`);
    const [rounds, megabytes] = [Number(values.rounds), Number(values.megabytes)];
    if (!(rounds >= 1)) throw new Error('--rounds must be a number of at least 1');
    if (!(megabytes >= 64 && megabytes % 4 === 0)) throw new Error('--megabytes must be a number of at least 64 that 4 divides');
    return { rounds: Math.round(rounds), megabytes, data: values.data, json: values.json };
  } catch (cause) {
    throw new WrongArguments(`${(cause as Error).message}\n${USAGE}`, { cause });
  }
}
