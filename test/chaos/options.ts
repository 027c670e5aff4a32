import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';

export const PARTS = ['storm', 'cuts', 'bytes'] as const;
export type Part = (typeof PARTS)[number];

export interface Options {
  readonly parts: readonly Part[];
  /** How long the storm lasts. */
  readonly minutes: number;
  readonly seed: number;
  /** Processes. */
  readonly writers: number;
  /** Longest rest of a writer between two appends, in milliseconds: how busy the machine gets. */
  readonly restMs: number;
  /** Where everything is kept while it runs. */
  readonly data: string;
}

const USAGE = `npm run chaos -- [${PARTS.join(' ')}] [--minutes 10] [--seed N] [--writers 12] [--rest 1500] [--data DIR]`;

/** @throws with the usage as the end of its message. `fallbackSeed` counts when none is given. */
export function optionsFrom(args: readonly string[], fallbackSeed: number): Options {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        minutes: { type: 'string', default: '10' },
        seed: { type: 'string', default: String(fallbackSeed) },
        writers: { type: 'string', default: '12' },
        rest: { type: 'string', default: '1500' },
        data: { type: 'string', default: tmpdir() },
      },
    });
    const unknown = positionals.find((name) => !(PARTS as readonly string[]).includes(name));
    if (unknown !== undefined) throw new Error(`there is no part "${unknown}"`);
    const number = (name: 'minutes' | 'seed' | 'writers' | 'rest', least: number): number => {
      const value = Number(values[name]);
      if (!(value >= least)) throw new Error(`--${name} must be a number of at least ${least}`);
      return value;
    };
    return {
      parts: positionals.length === 0 ? PARTS : PARTS.filter((part) => positionals.includes(part)),
      minutes: number('minutes', 0),
      seed: number('seed', 0),
      writers: number('writers', 1),
      restMs: number('rest', 0),
      data: values.data,
    };
  } catch (cause) {
    throw new Error(`${(cause as Error).message}\n${USAGE}`, { cause });
  }
}
