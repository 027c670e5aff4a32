import { readFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';

// From dist/journey as well as from journey: the fixtures lie beside both.
const place = import.meta.url.includes('/dist/') ? '../../fixtures/german-credit/' : '../fixtures/german-credit/';
const directory = new URL(place, import.meta.url);

/** Columns of the data that are no inputs of the models. */
const NO_FEATURES = ['bad_credit', 'split'];

export type Row = Readonly<Record<string, string>>;

export const fixture = (name: string): Promise<Buffer> => readFile(new URL(name, directory));

/** Commit-like name of the code that trained the models: the digest of the script itself. */
export async function trainingCommit(): Promise<string> {
  return createHash('sha256').update(await fixture('train.py')).digest('hex').slice(0, 40);
}

/** The rows of a CSV fixture (no quotes in these files); with `split` only that part of them. */
export async function rows(name: string, split?: string): Promise<readonly Row[]> {
  const [header = '', ...lines] = (await fixture(name)).toString('utf8').trim().split('\n');
  const columns = header.trim().split(',');
  const all = lines.map((line): Row => Object.fromEntries(line.trim().split(',').map((value, i) => [columns[i] ?? '', value])));
  return split === undefined ? all : all.filter((row) => row['split'] === split);
}

export const label = (row: Row): number => Number(row['bad_credit']);

/** Rows as the inputs of an Open Inference Protocol request: one tensor for each feature. */
export function tensors(batch: readonly Row[]): readonly object[] {
  return Object.keys(batch[0] ?? {})
    .filter((column) => !NO_FEATURES.includes(column))
    .map((name) => {
      const values = batch.map((row) => row[name] ?? '');
      const numeric = values.every((value) => value !== '' && Number.isFinite(Number(value)));
      return {
        name,
        shape: [batch.length, 1],
        datatype: numeric ? 'FP32' : 'BYTES',
        data: numeric ? values.map(Number) : values,
      };
    });
}

/** A generator of uniform numbers in [0, 1) that gives the same sequence for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
