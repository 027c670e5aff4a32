import type { Bench } from './bench.ts';
import { memoryOf } from './processes.ts';
import { overModels } from './operations.ts';
import { sideBySide, type Contender } from './side-by-side.ts';
import { markdown, ratios, timesTable } from './tables.ts';
import { startVitae } from './vitae.ts';
import type { SeedModel } from './world.ts';

/** Many models with ten versions each. */
export async function models({ testbed, natsUrl, identity, options, report, mlflow, progress, readme }: Bench): Promise<void> {
  await using running = new AsyncDisposableStack();
  const seed: readonly SeedModel[] = Array.from({ length: options.models }, (_, i) => ({ name: `model-${String(i).padStart(5, '0')}`, versions: 10 }));
  const size = `${options.models.toLocaleString('en-US')} models`;
  progress(`seeding ${size}`);
  const ours = await startVitae({ testbed, natsUrl, identity, progress }, seed);
  running.defer(() => ours.stop());
  const theirs = await mlflow?.start({ testbed, natsUrl, progress }, seed);
  if (theirs) running.defer(() => theirs.stop());
  const registries = [ours, ...(theirs ? [theirs] : [])];
  const contenders: Contender[] = registries.map((registry) => ({ name: registry.name, size, registry, operations: overModels(seed) }));
  await testbed.query('checkpoint');

  const figures = await sideBySide(testbed, contenders, { rounds: options.rounds, seconds: options.seconds, mode: 'new', progress });
  const times = timesTable(figures);
  report.table(`${size} with ten versions each: p50 / p95 ms (SQL statements); a connection for each request`, times.head, times.rows);
  ratios(report, figures, 'Vitae', [size]);
  readme.push(markdown(times));
  report.table('Memory held afterwards, MB (PSS of all its processes)', ['', 'MB'], registries.map(({ name, pid }) => [name, memoryOf(pid)]));
  for (const { operation, p95, statements } of figures.filter(({ name, everyday }) => name === 'Vitae' && !everyday)) {
    report.verdict({ goal: `${operation}, p95 ms`, measured: p95, atMost: 40 });
    report.verdict({ goal: `${operation}, SQL statements`, measured: statements.work, atMost: 4 });
  }
}
