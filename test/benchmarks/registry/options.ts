import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { WrongArguments } from '../ledger/options.ts';

export const PARTS = ['versions', 'models', 'creates', 'artefacts'] as const;
export type Part = (typeof PARTS)[number];

export interface Options {
  readonly parts: readonly Part[];
  readonly rounds: number;
  /** Longest that one operation, or one load, runs in one round. */
  readonly seconds: number;
  /** Versions of the one model of `versions`, from few to many. */
  readonly sizes: readonly number[];
  /** Models of `models`, each with ten versions. */
  readonly models: number;
  /** Size of an artefact. */
  readonly megabytes: number;
  /** Where the databases and the artefacts lie: the disk that is measured. */
  readonly data: string;
  readonly json: string | undefined;
  /** Without MLflow's server beside. */
  readonly alone: boolean;
  /** A virtual environment that has MLflow's server already. */
  readonly venv: string | undefined;
}

const USAGE = `npm run bench -- registry [${PARTS.join('|')}|all …] [--rounds 3] [--seconds 1] [--sizes 1000,10000,100000] [--models 10000] [--megabytes 512] [--alone] [--venv DIR] [--data DIR] [--json FILE]`;

/** @throws WrongArguments */
export function optionsFrom(args: readonly string[]): Options {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '3' },
        seconds: { type: 'string', default: '1' },
        sizes: { type: 'string', default: '1000,10000,100000' },
        models: { type: 'string', default: '10000' },
        megabytes: { type: 'string', default: '512' },
        data: { type: 'string', default: tmpdir() },
        json: { type: 'string' },
        alone: { type: 'boolean', default: false },
        venv: { type: 'string' },
      },
    });
    const unknown = positionals.find((part) => part !== 'all' && !isPart(part));
    if (unknown !== undefined) throw new Error(`there is no part "${unknown}"`);
    const all = positionals.length === 0 || positionals.includes('all');
    const megabytes = atLeast(64, 'megabytes', Number(values.megabytes));
    if (megabytes % 4 !== 0) throw new Error('--megabytes must be a number that 4 divides');
    return {
      parts: all ? PARTS : PARTS.filter((part) => positionals.includes(part)),
      rounds: atLeast(1, 'rounds', Math.round(Number(values.rounds))),
      seconds: atLeast(0.1, 'seconds', Number(values.seconds)),
      sizes: values.sizes.split(',').map((size) => atLeast(10, 'sizes', Math.round(Number(size)))).sort((a, b) => a - b),
      models: atLeast(100, 'models', Math.round(Number(values.models))),
      megabytes,
      data: values.data,
      json: values.json,
      alone: values.alone,
      venv: values.venv,
    };
  } catch (cause) {
    throw new WrongArguments(`${(cause as Error).message}\n${USAGE}`, { cause });
  }
}

const isPart = (name: string): name is Part => (PARTS as readonly string[]).includes(name);

function atLeast(least: number, name: string, value: number): number {
  if (!(value >= least)) throw new Error(`--${name} must be at least ${least}`);
  return value;
}
