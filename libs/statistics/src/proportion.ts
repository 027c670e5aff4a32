import { Z95 } from './interval.ts';

/** A share with its uncertainty; all in 0 to 1. */
export type Proportion = { readonly value: number; readonly low: number; readonly high: number };

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

/**
 * a - b of two independent shares with Newcombe's 95 % interval: the distances of each share from its own Wilson bounds,
 * put together (Newcombe 1998, method 10).
 */
export function newcombe(a: Proportion, b: Proportion): Proportion {
  const value = a.value - b.value;
  return {
    value,
    low: value - Math.hypot(a.value - a.low, b.high - b.value),
    high: value + Math.hypot(a.high - a.value, b.value - b.low),
  };
}

/**
 * a / b of two independent shares, given by their counts, with a 95 % interval on the logarithm; 1/2 is added to the
 * counts, as Walter (1975) does, so that it is defined for 0 successes. @returns null when b has no success.
 */
export function shareRatio(a: { readonly successes: number; readonly n: number }, b: { readonly successes: number; readonly n: number }): Proportion | null {
  if (b.successes === 0 || a.n === 0 || b.n === 0) return null;
  const centre = Math.log((a.successes + 0.5) / (a.n + 0.5) / ((b.successes + 0.5) / (b.n + 0.5)));
  const error = Math.sqrt(1 / (a.successes + 0.5) - 1 / (a.n + 0.5) + 1 / (b.successes + 0.5) - 1 / (b.n + 0.5));
  return { value: a.successes / a.n / (b.successes / b.n), low: Math.exp(centre - Z95 * error), high: Math.exp(centre + Z95 * error) };
}
