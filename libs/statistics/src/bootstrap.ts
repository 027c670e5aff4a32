import { mean } from './interval.ts';
import { binomialFrom, seededRandom } from './seeded-random.ts';

/** A number, its 95 % interval, and how likely one at least as far from 0 is when there is no difference. */
export type Resampled = { readonly value: number; readonly low: number; readonly high: number; readonly pValue: number };

/** Resamples, and the seed that they come from: both belong beside every result. */
export const BOOTSTRAP = { resamples: 2_000, seed: 20_250_101 } as const;

/**
 * Percentile bootstrap of something that depends on the rows only by how many of each kind there are. Rows are drawn
 * with replacement by drawing the counts (a multinomial), so a million rows cost what a hundred do.
 *
 * The p value is two-sided for the hypothesis 0: twice the smaller share of resamples on either side of 0, with one
 * more on each side, so that it is never 0 (Davison and Hinkley 1997, 4.2). Of no use for what is not a difference.
 *
 * @param counts of each kind of row; whole numbers.
 * @param statistic gets counts of the same order. May be null, for instance when a resample has no positive row.
 * @returns null when the statistic of the rows themselves is, or that of more than one resample in ten.
 */
export function bootstrapCounts(counts: readonly number[], statistic: (counts: readonly number[]) => number | null, { resamples, seed }: { readonly resamples: number; readonly seed: number } = BOOTSTRAP): Resampled | null {
  const value = statistic(counts);
  if (value === null) return null;
  const random = seededRandom(seed);
  const rows = counts.reduce((sum, count) => sum + count, 0);
  const drawn: number[] = [];
  for (let i = 0; i < resamples; i += 1) {
    let [left, leftOf] = [rows, rows];
    const resample = counts.map((count) => {
      const got = leftOf <= 0 ? 0 : binomialFrom(random, left, count / leftOf);
      left -= got;
      leftOf -= count;
      return got;
    });
    const one = statistic(resample);
    if (one !== null) drawn.push(one);
  }
  if (drawn.length < 0.9 * resamples) return null;
  drawn.sort((a, b) => a - b);
  const atMost = mean(drawn.map((one) => (one <= 0 ? 1 : 0))) * drawn.length;
  const atLeast = mean(drawn.map((one) => (one >= 0 ? 1 : 0))) * drawn.length;
  return {
    value,
    low: quantile(drawn, 0.025),
    high: quantile(drawn, 0.975),
    pValue: Math.min(1, (2 * (Math.min(atMost, atLeast) + 1)) / (drawn.length + 1)),
  };
}

/** Between the two nearest of sorted values (Hyndman and Fan's type 7, numpy's default). */
export function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const [below = 0, above = below] = sorted.slice(Math.floor(place), Math.floor(place) + 2);
  return below + (place - Math.floor(place)) * (above - below);
}
