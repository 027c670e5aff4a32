import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Option, type Command } from 'commander';
import { answer, CannotRun, withJson, type Outcome } from './outcome.ts';
import { newProgress } from './progress.ts';

export interface RebuildOptions {
  readonly json?: boolean;
  readonly compare?: boolean;
  readonly databaseUrl?: string;
}

interface Report {
  readonly service: string;
  readonly resumedAt: number;
  readonly upTo: number;
  readonly swapped: boolean;
  readonly tables: readonly { readonly table: string; readonly rows: number; readonly unfounded: number; readonly missing: number; readonly examples: { readonly unfounded: readonly string[]; readonly missing: readonly string[] } }[];
}

/** What the service's process says, line by line. */
interface Said {
  readonly progress?: { readonly index: number; readonly of: number };
  readonly report?: Report;
  readonly error?: string;
}

export function registerRebuild(program: Command): void {
  withJson(program.command('rebuild'))
    .summary("make a service's views anew from the ledger")
    .description(
      "Reads the whole ledger into fresh tables beside a service's views, compares, and exchanges them in one transaction. The service runs meanwhile and " +
        'notices nothing but a short wait; no reaction is repeated. Interrupted, it goes on where it was the next time. The replaced tables stay in the schema <service>_replaced.',
    )
    .argument('<service>', 'registry, governance, deployment or monitoring')
    .option('--compare', 'only tell what differs, and change nothing')
    .addOption(new Option('--database-url <url>', 'the database, as the owner of the schemas').env('DATABASE_URL'))
    .addHelpText('after', '\nExample:\n  $ vitae rebuild deployment --compare --database-url postgres://owner@db.example/vitae')
    .action((service: string, options: RebuildOptions) => answer(options, () => rebuild(service, options)));
}

/** Runs the service's own program, for only that knows how its views are written. @throws CannotRun */
export async function rebuild(service: string, options: RebuildOptions): Promise<Outcome> {
  if (!/^[a-z]+$/.test(service)) throw new CannotRun(`${service} is not the name of a service.`);
  if (options.databaseUrl === undefined) throw new CannotRun('Name the database with --database-url or DATABASE_URL.');
  const program = fileURLToPath(new URL(`../../../services/${service}/dist/main.js`, import.meta.url));
  if (!existsSync(program)) throw new CannotRun(`There is no ${program}. Build it with \`npm run build\`; in a cluster, run the image of ${service} with the argument \`rebuild\`.`);
  const progress = newProgress('rebuilding', options);
  const child = spawn(process.execPath, [program, 'rebuild', ...(options.compare ? ['--compare'] : [])], {
    env: { ...process.env, DATABASE_URL: options.databaseUrl },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let last: Said = {};
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.startsWith('{')) continue;
      const said = JSON.parse(line) as Said;
      if (said.progress) progress.update(said.progress.index, said.progress.of);
      else last = said;
    }
  } finally {
    progress.stop();
  }
  if (!last.report) throw new CannotRun(last.error ?? `${service} ended without an answer.`);
  return outcome(last.report, options.compare === true);
}

function outcome(report: Report, compared: boolean): Outcome {
  const differing = report.tables.filter(({ unfounded, missing }) => unfounded + missing > 0);
  const lines = [
    ...report.tables.map(({ table, rows, unfounded, missing }) => `  ${table.padEnd(24)} ${rows} rows${unfounded + missing > 0 ? `, ${unfounded} that the ledger does not say, ${missing} missing or different` : ''}`),
    ...differing.flatMap(({ table, examples }) => [...examples.unfounded.map((row) => `  ${table} has    ${row}`), ...examples.missing.map((row) => `  ${table} lacks  ${row}`)]),
    compared
      ? `${differing.length === 0 ? 'The views are' : 'The views are NOT'} what the ledger says up to index ${report.upTo - 1}; nothing was changed.`
      : `The views of ${report.service} are new, up to index ${report.upTo - 1}. The tables before are in ${report.service}_replaced.`,
  ];
  return { ok: !compared || differing.length === 0, lines, json: { ...report } };
}
