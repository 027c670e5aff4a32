/**
 * How far a window lies from its reference, by rows in matching cells. All take counts, not shares, in one order
 * for both, and agree on direction: `reference` is what was expected, `window` what came.
 *
 * A distance says how large a change is, never whether it is real: in small windows every distance is large by chance.
 * Evidence comes from `chi-square.ts`; `drift-verdict.ts` asks for both.
 */

/** PSI and what is needed to read it later. */
export type Psi = {
  /** Population stability index, in nats, 0 and up. Common thresholds: .1 look, .25 act (a habit without an error rate). */
  readonly psi: number;
  /** max(0, psi - noiseFloor): what is left above the noise. */
  readonly corrected: number;
  /** Mean of psi when nothing changed: (B-1)(1/n + 1/m), because psi then follows chi-square(B-1) * (1/n + 1/m). */
  readonly noiseFloor: number;
  /** B: cells in which either side has rows. */
  readonly cells: number;
  /** Rows added to each cell of each side before taking shares. */
  readonly pseudoCount: number;
};

/**
 * Population stability index, sum of (q_i - p_i) ln(q_i / p_i), with p_i = (reference_i + c) / (m + cB), q_i likewise.
 *
 * The pseudo-count c = 1/2 (Jeffreys) keeps an empty cell finite in proportion to the rows that were seen. The answer depends
 * on it: .235 at 1/2, .201 at 1, .315 with the habit of writing 1e-4 for zero (same data), so it is part of the result.
 * With c = 0 an empty cell opposite a filled one gives Infinity. Cells empty on both sides are left out.
 *
 * Noise correction: Yurdakul and Naranjo, Statistical properties of the population stability index (2020).
 */
export function psi(reference: readonly number[], window: readonly number[], pseudoCount = 0.5): Psi {
  const filled = pairs(reference, window).filter(([r, w]) => r + w > 0);
  const m = total(reference, 'reference');
  const n = total(window, 'window');
  const cells = filled.length;
  let value = 0;
  for (const [r, w] of filled) {
    const p = (r + pseudoCount) / (m + pseudoCount * cells);
    const q = (w + pseudoCount) / (n + pseudoCount * cells);
    value += (q - p) * Math.log(q / p);
  }
  const noiseFloor = (cells - 1) * (1 / n + 1 / m);
  return { psi: value, corrected: Math.max(0, value - noiseFloor), noiseFloor, cells, pseudoCount };
}

/**
 * Jensen-Shannon DISTANCE: the square root of the divergence, a metric. Base 2: 0 to 1. Base e: 0 to sqrt(ln 2) = .8326.
 * Libraries differ silently in both (divergence or distance, base e or 2); scipy's `jensenshannon` is the distance.
 */
export function jensenShannon(reference: readonly number[], window: readonly number[], base: 2 | 'e' = 2): number {
  const divergence = shares(reference, window).reduce((sum, [p, q]) => {
    const middle = (p + q) / 2;
    return sum + (p === 0 ? 0 : (p / 2) * Math.log(p / middle)) + (q === 0 ? 0 : (q / 2) * Math.log(q / middle));
  }, 0);
  return Math.sqrt(Math.max(0, base === 2 ? divergence / Math.LN2 : divergence));
}

/** Hellinger distance: the Euclidean distance of the square roots of the shares, over sqrt 2. 0 to 1. */
export function hellinger(reference: readonly number[], window: readonly number[]): number {
  return Math.sqrt(shares(reference, window).reduce((sum, [p, q]) => sum + (Math.sqrt(p) - Math.sqrt(q)) ** 2, 0) / 2);
}

/** Total variation distance: half the sum of |p_i - q_i|; the share of rows that would have to move. 0 to 1. */
export function totalVariation(reference: readonly number[], window: readonly number[]): number {
  return shares(reference, window).reduce((sum, [p, q]) => sum + Math.abs(p - q), 0) / 2;
}

/** Largest |p_i - q_i|: the change of the one cell that changed most. 0 to 1. */
export function lInfinity(reference: readonly number[], window: readonly number[]): number {
  return shares(reference, window).reduce((largest, [p, q]) => Math.max(largest, Math.abs(p - q)), 0);
}

/**
 * The Kolmogorov-Smirnov statistic D of the unbinned values, from bins alone: D_B <= D <= D_B + max_i min(p_i, q_i),
 * where D_B is the largest gap of the two distribution functions at bin edges. (Inside bin i the gap cannot exceed
 * min(gap at its left edge + p_i, gap at its right edge + q_i).) The bound is tight for many bins: use the fine ones.
 *
 * Both MUST be in the order of the values: `below`, the bins, `above`.
 */
export function kolmogorovSmirnov(reference: readonly number[], window: readonly number[]): { readonly lower: number; readonly upper: number } {
  let gap = 0;
  let lower = 0;
  let slack = 0;
  for (const [p, q] of shares(reference, window)) {
    gap += p - q;
    lower = Math.max(lower, Math.abs(gap));
    slack = Math.max(slack, Math.min(p, q));
  }
  return { lower, upper: Math.min(1, lower + slack) };
}

function shares(reference: readonly number[], window: readonly number[]): [number, number][] {
  const m = total(reference, 'reference');
  const n = total(window, 'window');
  return pairs(reference, window).map(([r, w]) => [r / m, w / n]);
}

function pairs(reference: readonly number[], window: readonly number[]): [number, number][] {
  if (reference.length !== window.length) throw new RangeError(`Cells do not match: ${reference.length} in the reference, ${window.length} in the window.`);
  return reference.map((rows, cell) => [rows, window[cell] ?? 0]);
}

function total(counts: readonly number[], side: string): number {
  const rows = counts.reduce((sum, count) => sum + count, 0);
  if (!(rows > 0)) throw new RangeError(`The ${side} has no rows: a distance is not defined. Wait for rows.`);
  return rows;
}
