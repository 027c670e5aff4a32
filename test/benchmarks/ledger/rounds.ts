import { cpuSecondsOf, ownCpuSeconds } from './cpu.ts';
import { median, quantile } from './quantile.ts';

/** What one run did. */
export interface Run {
  /** Events that were acknowledged. */
  readonly events: number;
  /** Milliseconds of each operation; empty when there is nothing to time. */
  readonly latencies: readonly number[];
}

export interface Contender {
  readonly name: string;
  /** Works for about so many seconds. */
  run(seconds: number): Promise<Run>;
}

/** Does the same again and again, one at a time, at least once; each time is so many events. */
export function repeated(name: string, events: number, work: () => Promise<void>): Contender {
  return {
    name,
    run: async (seconds) => {
      const latencies: number[] = [];
      const end = performance.now() + 1000 * seconds;
      do {
        const begun = performance.now();
        await work();
        latencies.push(performance.now() - begun);
      } while (performance.now() < end);
      return { events: latencies.length * events, latencies };
    },
  };
}

/** One contender's medians over all rounds. */
export interface Figures {
  readonly name: string;
  readonly eventsPerSecond: number;
  /** Of each round, in order: round i of two contenders ran side by side. */
  readonly rates: readonly number[];
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** CPU microseconds an event: of the whole PostgreSQL, and of this process. */
  readonly serverMicros: number;
  readonly clientMicros: number;
}

export interface RoundsOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly serverPid: number;
}

/**
 * Runs the contenders in turn, forwards and backwards (A B C, C B A, A B C …), so that what disturbs the machine for
 * a while disturbs all of them. Each has a short run before the first round that does not count.
 */
export async function alternate(contenders: readonly Contender[], { rounds, seconds, serverPid }: RoundsOptions): Promise<readonly Figures[]> {
  const runs = new Map<string, Measured[]>(contenders.map(({ name }) => [name, []]));
  for (const contender of contenders) await contender.run(Math.min(0.3, seconds));
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of round % 2 === 0 ? contenders : [...contenders].reverse()) {
      runs.get(contender.name)?.push(await measured(() => contender.run(seconds), serverPid));
    }
  }
  return [...runs].map(([name, of]) => summary(name, of));
}

/** How many times as many events one contender does as the other: the median of the ratios of each round. */
export function ratio(a: Figures, b: Figures): number {
  return median(a.rates.map((rate, round) => rate / (b.rates[round] ?? Number.NaN)));
}

interface Measured {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly serverMicros: number;
  readonly clientMicros: number;
}

async function measured(work: () => Promise<Run>, serverPid: number): Promise<Measured> {
  const server = cpuSecondsOf(serverPid) ?? Number.NaN;
  const client = ownCpuSeconds();
  const begun = performance.now();
  const { events, latencies } = await work();
  const seconds = (performance.now() - begun) / 1000;
  const clientSeconds = ownCpuSeconds() - client;
  const serverSeconds = (cpuSecondsOf(serverPid) ?? Number.NaN) - server;
  return {
    rate: events / seconds,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    serverMicros: (1e6 * serverSeconds) / events,
    clientMicros: (1e6 * clientSeconds) / events,
  };
}

function summary(name: string, runs: readonly Measured[]): Figures {
  const of = (key: keyof Measured): number => median(runs.map((run) => run[key]));
  return {
    name,
    eventsPerSecond: of('rate'),
    rates: runs.map(({ rate }) => rate),
    p50: of('p50'),
    p99: of('p99'),
    serverMicros: of('serverMicros'),
    clientMicros: of('clientMicros'),
  };
}
