import { median, quantile } from '../ledger/quantile.ts';
import type { Bench } from './bench.ts';
import { callerOf, type Mode } from './http-call.ts';
import { newVersion } from './operations.ts';
import { cpuOf } from './processes.ts';
import type { RegistryUnderTest } from './registry-under-test.ts';
import { markdown, digits } from './tables.ts';
import { startVitae } from './vitae.ts';
import type { SeedModel } from './world.ts';

/** Clients that create versions, wait for the answer, and create the next: as many as MLflow's server has threads. */
const CLIENTS = 8;
const MODELS = 200;
const ACROSS = 'across models';
const ONE = 'of one model';

interface Load {
  readonly registry: RegistryUnderTest;
  readonly what: typeof ACROSS | typeof ONE;
  readonly mode: Mode;
  readonly runs: { readonly rate: number; readonly times: readonly number[]; readonly serviceMs: number; readonly databaseMs: number }[];
}

/** How many versions a second come in, from several clients at once. */
export async function creates({ testbed, natsUrl, identity, options, report, mlflow, progress, readme }: Bench): Promise<void> {
  await using running = new AsyncDisposableStack();
  const seed: readonly SeedModel[] = Array.from({ length: MODELS }, (_, i) => ({ name: `model-${i}`, versions: 10 }));
  const ours = await startVitae({ testbed, natsUrl, identity, progress }, seed);
  running.defer(() => ours.stop());
  const theirs = await mlflow?.start({ testbed, natsUrl, progress }, seed);
  if (theirs) running.defer(() => theirs.stop());
  const loads: readonly Load[] = [ours, ...(theirs ? [theirs] : [])].flatMap((registry) => [ACROSS, ONE].flatMap((what) => (['kept', 'new'] as const).map((mode) => ({ registry, what, mode, runs: [] }) as Load)));
  let n = 0;
  const one = async ({ registry, what, mode }: Load, seconds: number): Promise<Load['runs'][number]> => {
    const times: number[] = [];
    const [service, database] = [cpuOf(registry.pid), cpuOf(testbed.server.pid)];
    const begun = performance.now();
    const end = begun + 1_000 * seconds;
    await Promise.all(Array.from({ length: CLIENTS }, async () => {
      const caller = callerOf(registry.url, mode, registry.as);
      while (performance.now() < end) {
        const at = performance.now();
        n += 1;
        await caller.call({ method: 'POST', path: '/api/2.0/mlflow/model-versions/create', body: newVersion(`model-${what === ONE ? 0 : n % MODELS}`, n) });
        times.push(performance.now() - at);
      }
      caller.close();
    }));
    const elapsed = (performance.now() - begun) / 1_000;
    const perCreate = (seconds: number): number => (1_000 * seconds) / times.length;
    return { rate: times.length / elapsed, times, serviceMs: perCreate(cpuOf(registry.pid) - service), databaseMs: perCreate(cpuOf(testbed.server.pid) - database) };
  };
  for (const load of loads) await one(load, 1);
  for (let round = 0; round < options.rounds; round += 1) {
    for (const load of round % 2 === 0 ? loads : [...loads].reverse()) {
      progress(`creates ${load.what}, ${load.registry.name}, round ${round + 1}`);
      load.runs.push(await one(load, 3 * options.seconds));
    }
  }

  const of = ({ runs }: Load, key: 'rate' | 'serviceMs' | 'databaseMs'): number => median(runs.map((run) => run[key]));
  const all = ({ runs }: Load): readonly number[] => runs.flatMap(({ times }) => times);
  const head = ['', 'creates/s', 'lowest', 'highest', 'p50 ms', 'p95 ms', 'CPU ms, service', 'CPU ms, PostgreSQL'];
  const rows = loads.map((load) => [
    `${load.registry.name}, ${load.what}, ${load.mode === 'kept' ? 'connections kept' : 'a connection each'}`,
    of(load, 'rate'), Math.min(...load.runs.map(({ rate }) => rate)), Math.max(...load.runs.map(({ rate }) => rate)), quantile(all(load), 0.5), quantile(all(load), 0.95), of(load, 'serviceMs'), of(load, 'databaseMs'),
  ]);
  report.table(`Versions created by ${CLIENTS} clients at once, 3 tags each`, head, rows);
  readme.push(markdown({ head, rows: rows.map((row) => row.map((cell) => (typeof cell === 'number' ? digits(cell) : cell))) }));
  const ourRate = (what: Load['what']): number => Math.max(...loads.filter((load) => load.registry === ours && load.what === what).map((load) => of(load, 'rate')));
  report.verdict({ goal: 'creates a second across models', measured: ourRate(ACROSS), atLeast: 300 });
  report.verdict({ goal: 'creates a second of one model', measured: ourRate(ONE), atLeast: 150 });
}
