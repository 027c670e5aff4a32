import { binomialFrom, seededRandom, type RandomNumbers } from './seeded-random.ts';

/** A number, its 95 % interval, and how likely one at least as far from 0 is when there is no difference. */
export type Resampled = { readonly value: number; readonly low: number; readonly high: number; readonly pValue: number };

/** Resamples, and the seed that they come from: both belong beside every result. */
export const BOOTSTRAP = { resamples: 2_000, seed: 20_250_101 } as const;

/**
 * Percentile bootstrap of what depends on the rows only by how many of each kind there are. Rows are drawn with
 * replacement by drawing the counts (a multinomial), so a million rows cost what a hundred do.
 *
 * The p value is two-sided for the hypothesis 0: twice the smaller share of resamples on either side of 0, with one
 * more on each side, so that it is never 0 (Davison and Hinkley 1997, 4.2). Of no use for what is not a difference.
 *
 * @param counts of each kind of row; whole numbers.
 * @param statistics get counts of the same order and give several numbers, each null where it is not defined, for
 *   instance because no row is positive. All are taken of the same resamples.
 * @returns null in the place of one that the rows themselves do not define, or more than one resample in ten.
 */
export function bootstrapCounts(counts: readonly number[], statistics: (counts: readonly number[]) => readonly (number | null)[], { resamples, seed }: { readonly resamples: number; readonly seed: number } = BOOTSTRAP): (Resampled | null)[] {
  const random = seededRandom(seed);
  const rows = counts.reduce((sum, count) => sum + count, 0);
  const values = statistics(counts);
  const drawn: number[][] = values.map(() => []);
  for (let i = 0; i < resamples; i += 1) {
    statistics(resampled(counts, rows, random)).forEach((one, place) => {
      if (one !== null) drawn[place]?.push(one);
    });
  }
  return values.map((value, place) => (value === null ? null : summary(value, drawn[place] ?? [], resamples)));
}

function resampled(counts: readonly number[], rows: number, random: RandomNumbers): number[] {
  let [left, leftOf] = [rows, rows];
  return counts.map((count) => {
    const got = leftOf <= 0 ? 0 : binomialFrom(random, left, count / leftOf);
    left -= got;
    leftOf -= count;
    return got;
  });
}

function summary(value: number, drawn: readonly number[], resamples: number): Resampled | null {
  if (drawn.length < 0.9 * resamples) return null;
  const sorted = [...drawn].sort((a, b) => a - b);
  const count = (wanted: (one: number) => boolean): number => sorted.reduce((sum, one) => sum + (wanted(one) ? 1 : 0), 0);
  const nearer = Math.min(count((one) => one <= 0), count((one) => one >= 0));
  return { value, low: quantile(sorted, 0.025), high: quantile(sorted, 0.975), pValue: Math.min(1, (2 * (nearer + 1)) / (drawn.length + 1)) };
}

/** Between the two nearest of sorted values (Hyndman and Fan's type 7, numpy's default). */
export function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const [below = 0, above = below] = sorted.slice(Math.floor(place), Math.floor(place) + 2);
  return below + (place - Math.floor(place)) * (above - below);
}
