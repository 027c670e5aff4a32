import type { Bench } from './bench.ts';
import { writing, type Appender, type Shape } from './closed-loop.ts';
import { grouped, groupedPrepared, oneTransactionEach } from './ours.ts';
import { alternate } from './rounds.ts';

/** The loads that the issue asks for, of every system that appends. */
export const SHAPES: readonly Shape[] = [1, 10].flatMap((batch) => [1, 8, 32].map((writers) => ({ writers, batch })));

/** Connections of a system that has one for each append under way. */
export const CONNECTIONS = 32;

/** Our own ways to append, side by side: what the contract check costs, and what sharing a commit saves. */
export async function append(bench: Bench): Promise<void> {
  const url = await bench.testbed.ledger();
  const contenders = [await oneTransactionEach(url, CONNECTIONS), await grouped(url), await groupedPrepared(url)];
  await sideBySide(bench, contenders, 'append');
}

/** Runs every shape over all of them, closes them, and prints a table for each shape. */
export async function sideBySide({ rounds, report }: Bench, contenders: readonly Appender[], title: string, shapes = SHAPES) {
  try {
    const results = [];
    for (const shape of shapes) {
      const figures = await alternate(contenders.map((contender) => writing(contender, shape)), rounds);
      report.figures(`${title}: ${shape.writers} ${shape.writers === 1 ? 'writer' : 'writers'}, ${shape.batch} ${shape.batch === 1 ? 'event' : 'events'} an append`, figures);
      results.push({ shape, of: (name: string) => figures.find((f) => f.name === name)! });
    }
    return results;
  } finally {
    for (const contender of contenders) await contender.close();
  }
}
