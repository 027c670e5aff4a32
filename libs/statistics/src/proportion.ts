/** A share with its uncertainty; all in 0 to 1. */
export type Proportion = { readonly value: number; readonly low: number; readonly high: number };

/** 97.5 % quantile of the standard normal distribution. */
const Z95 = 1.959963984540054;

/**
 * successes / n with Wilson's 95 % score interval (Wilson 1927), without continuity correction:
 * (p + z^2/2n ± z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n).
 * Unlike p ± z sqrt(p(1-p)/n) it stays within 0 and 1 and is honest for few rows and at 0 and n successes.
 *
 * @returns null when n is 0: no rows, no share.
 */
export function wilson(successes: number, n: number): Proportion | null {
  if (!(successes >= 0 && successes <= n)) throw new RangeError(`A proportion needs 0 <= successes <= n; got ${successes} of ${n}.`);
  if (n === 0) return null;
  const p = successes / n;
  const z2 = Z95 * Z95;
  const centre = p + z2 / (2 * n);
  const radius = Z95 * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n));
  const scale = 1 + z2 / n;
  return {
    value: p,
    low: successes === 0 ? 0 : (centre - radius) / scale,
    high: successes === n ? 1 : (centre + radius) / scale,
  };
}
