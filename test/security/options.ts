import { parseArgs } from 'node:util';
import { attacked, type Attacked } from './documents.ts';

export interface AttackOptions {
  /** Requests that are made up for each operation, beside those that follow from its schema. */
  readonly examples: number;
  readonly seed: number;
  readonly services: readonly Attacked[];
}

const HELP = `npm run test:security -- [--long] [--seed N] [--only SERVICE]
  --long          many more requests for each operation (about an hour)
  --seed N        the same requests as a run that printed this seed
  --only SERVICE  one of ${attacked.join(', ')}`;

/** @throws with the help, for an option that there is not. */
export function optionsOf(args: readonly string[]): AttackOptions {
  const { values } = parseArgs({ args: [...args], options: { long: { type: 'boolean' }, seed: { type: 'string' }, only: { type: 'string' } } });
  const only = values.only === undefined ? attacked : attacked.filter((name) => name === values.only);
  const seed = Number(values.seed ?? 20261127);
  if (only.length === 0 || !Number.isSafeInteger(seed) || seed < 0) throw new Error(HELP);
  return { examples: values.long ? 200 : 4, seed, services: only };
}
