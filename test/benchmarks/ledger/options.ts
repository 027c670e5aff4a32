import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';

export const PARTS = ['append', 'peers', 'batch', 'view', 'sequence', 'pipeline', 'latency', 'replay', 'verify', 'proofs', 'scale'] as const;
export type Part = (typeof PARTS)[number];

export interface Options {
  readonly parts: readonly Part[];
  /** How often each contender runs; the median counts. */
  readonly rounds: number;
  /** Length of one run. */
  readonly seconds: number;
  /** Events in the large database of `scale`. */
  readonly events: number;
  /** A file that takes every figure as JSON. */
  readonly json: string | undefined;
  /** Where PostgreSQL and NATS keep their data while it runs: the disk that is measured. */
  readonly data: string;
}

const USAGE = `npm run bench -- ledger [${PARTS.join('|')}|all …] [--rounds 3] [--seconds 1.5] [--events 2000000] [--data DIR] [--json FILE]`;

/** The message ends with the usage. */
export class WrongArguments extends Error {
  override readonly name = 'WrongArguments';
}

/** @throws WrongArguments */
export function optionsFrom(args: readonly string[]): Options {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '3' },
        seconds: { type: 'string', default: '1.5' },
        events: { type: 'string', default: '2000000' },
        json: { type: 'string' },
        data: { type: 'string', default: tmpdir() },
      },
    });
    const unknown = positionals.find((part) => part !== 'all' && !isPart(part));
    if (unknown !== undefined) throw new Error(`there is no part "${unknown}"`);
    const all = positionals.length === 0 || positionals.includes('all');
    return {
      parts: all ? PARTS : PARTS.filter((part) => positionals.includes(part)),
      rounds: atLeast(1, 'rounds', Math.round(Number(values.rounds))),
      seconds: atLeast(0.1, 'seconds', Number(values.seconds)),
      events: atLeast(100_000, 'events', Math.round(Number(values.events))),
      json: values.json,
      data: values.data,
    };
  } catch (cause) {
    throw new WrongArguments(`${(cause as Error).message}\n${USAGE}`, { cause });
  }
}

const isPart = (name: string): name is Part => (PARTS as readonly string[]).includes(name);

function atLeast(least: number, name: string, value: number): number {
  if (!(value >= least)) throw new Error(`--${name} must be a number of at least ${least}`);
  return value;
}
