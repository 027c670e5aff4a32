import type { Bench } from './bench.ts';
import { callerOf } from './http-call.ts';
import { memoryOf } from './processes.ts';
import { onModel, ownOnModel } from './operations.ts';
import type { RegistryUnderTest } from './registry-under-test.ts';
import { sameAsProjected } from './seed-vitae.ts';
import { sideBySide, timesAsLong, type Contender, type Figure } from './side-by-side.ts';
import { markdown, ratios, timesTable } from './tables.ts';
import { startVitae } from './vitae.ts';
import { PROJECT, type SeedModel } from './world.ts';

/** Our own API, as a contender of its own beside MLflow's requests to us. */
const OWN = 'own API';

/** One model with few and with many versions, each in a registry and a database of its own. */
export async function versions({ testbed, natsUrl, identity, options, report, mlflow, progress, readme }: Bench): Promise<void> {
  await using running = new AsyncDisposableStack();
  const contenders: Contender[] = [];
  const started: { readonly registry: RegistryUnderTest; readonly size: string }[] = [];
  for (const count of options.sizes) {
    const model: SeedModel = { name: 'credit-risk', versions: count };
    const size = count.toLocaleString('en-US');
    progress(`seeding ${size} versions`);
    const ours = await startVitae({ testbed, natsUrl, identity, progress }, [model]);
    running.defer(() => ours.stop());
    if (count === options.sizes[0]) await sameAsProjected(ours.databaseUrl);
    contenders.push({ name: 'Vitae', size, registry: ours, operations: onModel(model) });
    contenders.push({ name: OWN, size, registry: ours, operations: ownOnModel(model, await idOf(ours, model.name)) });
    started.push({ registry: ours, size });
    const theirs = await mlflow?.start({ testbed, natsUrl, progress }, [model]);
    if (!theirs) continue;
    running.defer(() => theirs.stop());
    contenders.push({ name: theirs.name, size, registry: theirs, operations: onModel(model) });
    started.push({ registry: theirs, size });
  }
  await testbed.query('checkpoint');

  const sizes = options.sizes.map((count) => count.toLocaleString('en-US'));
  const order = ['Vitae', OWN, ...(mlflow ? [mlflow.name] : [])];
  const rounds = { rounds: options.rounds, seconds: options.seconds, progress };
  const measured = await sideBySide(testbed, contenders, { ...rounds, mode: 'new' });
  const figures = [...measured].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name) || sizes.indexOf(a.size) - sizes.indexOf(b.size));
  const times = timesTable(figures);
  report.table(`One model, by how many versions it has: p50 / p95 ms (SQL statements); a connection for each request`, times.head, times.rows);
  ratios(report, figures, 'Vitae', sizes);
  readme.push(markdown(times));

  const reads = contenders.map((contender) => ({ ...contender, operations: contender.operations.filter(({ name }) => name === 'get model' || name === 'get version') }));
  const kept = timesTable(await sideBySide(testbed, reads.filter(({ size }) => size === sizes[0]), { ...rounds, mode: 'kept' }));
  report.table('The same over one kept connection', kept.head, kept.rows);
  report.table('Memory held afterwards, MB (PSS of all its processes)', ['', ...sizes], order.filter((name) => name !== OWN).map((name) => [name, ...sizes.map((size) => memoryOf(started.find((one) => one.registry.name === name && one.size === size)?.registry.pid ?? 0))]));
  verdicts(figures, sizes, report);
}

function verdicts(figures: readonly Figure[], sizes: readonly string[], report: Bench['report']): void {
  const of = (operation: string, size: string | undefined) => figures.find((one) => one.name === 'Vitae' && one.operation === operation && one.size === size);
  for (const operation of new Set(figures.filter(({ everyday }) => everyday).map((one) => one.operation))) {
    report.verdict({ goal: `${operation}, ${sizes.at(-1)} versions, p95 ms`, measured: of(operation, sizes.at(-1))?.p95 ?? Number.NaN, atMost: 25 });
    if (sizes.length > 1) report.verdict({ goal: `${operation}, times as long (p95) as with ${sizes[0]} versions`, measured: timesAsLong(of(operation, sizes.at(-1)), of(operation, sizes[0]), 'p95s'), atMost: 1.5 });
  }
}

async function idOf({ url, as }: RegistryUnderTest, name: string): Promise<string> {
  const caller = callerOf(url, 'new', as);
  const { items } = JSON.parse(await caller.call({ method: 'GET', path: `/v1/projects/${PROJECT}/models?filter=${encodeURIComponent(`name = '${name}'`)}` })) as { readonly items: readonly { readonly id: string }[] };
  const [model] = items;
  if (!model) throw new Error(`the model ${name} is not in the registry at ${url}`);
  return model.id;
}
