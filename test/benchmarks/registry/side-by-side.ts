import { median, quantile } from '../ledger/quantile.ts';
import type { Testbed } from '../ledger/testbed.ts';
import { callerOf, type Caller, type Mode } from './http-call.ts';
import type { Operation, RegistryUnderTest } from './registry-under-test.ts';
import { statementsOf, type Statements } from './statements.ts';

/** One registry with what is asked of it, as one column of the tables. */
export interface Contender {
  /** Whose: contenders of one name are the same thing in other sizes. */
  readonly name: string;
  /** How much it holds. */
  readonly size: string;
  readonly registry: RegistryUnderTest;
  readonly operations: readonly Operation[];
}

export interface Figure {
  readonly name: string;
  readonly size: string;
  readonly operation: string;
  readonly everyday: boolean;
  /** Milliseconds, over all rounds. */
  readonly p50: number;
  readonly p95: number;
  /** Of each round, in order: round i of two contenders ran side by side. */
  readonly p50s: readonly number[];
  readonly p95s: readonly number[];
  readonly statements: Statements;
}

export interface Rounds {
  readonly rounds: number;
  /** Longest that one operation runs in one round; it runs at least 3 times, and at most 60. */
  readonly seconds: number;
  readonly mode: Mode;
  readonly progress: (line: string) => void;
}

/**
 * Asks each operation of each contender, one request at a time, round after round in turn, forwards and backwards: what
 * disturbs the machine for a while disturbs all of them. All of it once before, for programs that are quicker when they are warm.
 */
export async function sideBySide(testbed: Testbed, contenders: readonly Contender[], { rounds, seconds, mode, progress }: Rounds): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  const names = [...new Set(contenders.flatMap(({ operations }) => operations.map(({ name }) => name)))];
  const callers = new Map<Contender, Caller>(contenders.map((contender) => [contender, callerOf(contender.registry.url, mode, contender.registry.as)]));
  const counts = new Map<RegistryUnderTest, number>();
  const next = ({ registry }: Contender): number => {
    const n = (counts.get(registry) ?? Math.floor(Math.random() * 1_000_000)) + 1;
    counts.set(registry, n);
    return n;
  };
  try {
    progress('warming up');
    for (const contender of contenders) for (const { call } of contender.operations) await timed(seconds / 2, 1, () => (callers.get(contender) as Caller).call(call(next(contender))));
    for (const name of names) {
      progress(`${name} (${mode === 'new' ? 'a connection each' : 'one connection'})`);
      const taking = contenders.flatMap((contender) => contender.operations.filter((operation) => operation.name === name).map((operation) => ({ contender, operation, caller: callers.get(contender) as Caller, rounds: [] as number[][] })));
      for (let round = 0; round < rounds; round += 1) {
        for (const { contender, operation, caller, rounds: kept } of round % 2 === 0 ? taking : [...taking].reverse()) {
          kept.push(await timed(seconds, 3, () => caller.call(operation.call(next(contender)))));
        }
      }
      for (const { contender, operation, caller, rounds: kept } of taking) {
        const all = kept.flat();
        figures.push({
          name: contender.name,
          size: contender.size,
          operation: name,
          everyday: operation.everyday,
          p50: quantile(all, 0.5),
          p95: quantile(all, 0.95),
          p50s: kept.map((round) => quantile(round, 0.5)),
          p95s: kept.map((round) => quantile(round, 0.95)),
          statements: await statementsOf(testbed, contender.registry.database, caller, operation, next(contender) + 1_000_000, quantile(all, 0.5) > 100 ? 2 : 20),
        });
      }
    }
  } finally {
    for (const caller of callers.values()) caller.close();
  }
  return figures;
}

/** How many times as long the first takes: the median of the ratios of each round. */
export const timesAsLong = (of: Figure | undefined, than: Figure | undefined, which: 'p50s' | 'p95s' = 'p50s'): number =>
  median((of?.[which] ?? []).map((time, round) => time / (than?.[which][round] ?? Number.NaN)));

async function timed(seconds: number, least: number, call: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + 1_000 * seconds;
  while (times.length < 60 && (times.length < least || performance.now() < end)) {
    const begun = performance.now();
    await call();
    times.push(performance.now() - begun);
  }
  return times;
}
