import { upperIncompleteGamma } from './incomplete-gamma.ts';

/** Result of the test that two rows of counts come from one distribution. */
export type ChiSquare = {
  readonly statistic: number;
  /** Cells after regrouping, minus one. 0 means that nothing could be compared; then pValue is 1. */
  readonly degreesOfFreedom: number;
  /** Probability of a statistic at least this large when nothing changed. */
  readonly pValue: number;
};

/** Upper tail of the chi-square distribution: Q(df/2, x/2). */
export function chiSquareTail(statistic: number, degreesOfFreedom: number): number {
  return upperIncompleteGamma(degreesOfFreedom / 2, statistic / 2);
}

/**
 * Pearson's chi-square test of homogeneity on the 2 x B table of reference and window,
 * sum of (observed - expected)^2 / expected with expected = row total * cell total / all, df = B - 1.
 *
 * The contingency test, not goodness of fit: goodness of fit takes the reference for the truth and ignores that it too
 * is a sample (32.7 % false alarms instead of 5 % at 500 rows each). No Yates correction.
 *
 * Cells where either side expects fewer than `minExpected` rows are pooled into one; when that still expects too few,
 * it takes in the smallest other cell, until it expects enough (Cochran's rule). Pooling looks only at
 * cell totals, never at how they split, so the p value stays honest. The price: a category that is new in few rows
 * is diluted; with 400 rows against 10,000 it needs about 9 % of the rows before this test alone sees it at .01.
 *
 * @throws RangeError when the tables differ in length.
 */
export function contingencyChiSquare(reference: readonly number[], window: readonly number[], minExpected = 5): ChiSquare {
  if (reference.length !== window.length) throw new RangeError(`Cells do not match: ${reference.length} in the reference, ${window.length} in the window.`);
  const m = reference.reduce((sum, rows) => sum + rows, 0);
  const n = window.reduce((sum, rows) => sum + rows, 0);
  if (m === 0 || n === 0) return { statistic: 0, degreesOfFreedom: 0, pValue: 1 };

  const cells = pool(reference.map((r, i) => ({ r, w: window[i] ?? 0 })), (minExpected * (m + n)) / Math.min(m, n));
  let statistic = 0;
  for (const { r, w } of cells) {
    const expectedR = (m * (r + w)) / (m + n);
    const expectedW = (n * (r + w)) / (m + n);
    statistic += (r - expectedR) ** 2 / expectedR + (w - expectedW) ** 2 / expectedW;
  }
  const degreesOfFreedom = Math.max(0, cells.length - 1);
  return { statistic, degreesOfFreedom, pValue: degreesOfFreedom === 0 ? 1 : chiSquareTail(statistic, degreesOfFreedom) };
}

type Cell = { readonly r: number; readonly w: number };

/** Cells of at least `minTotal` rows, the rest pooled; the smaller side then expects enough rows in each. */
function pool(cells: readonly Cell[], minTotal: number): Cell[] {
  const ascending = cells.filter(({ r, w }) => r + w > 0).sort((a, b) => a.r + a.w - (b.r + b.w));
  let rare: Cell | undefined;
  while (ascending[0] !== undefined && (tooFew(ascending[0]) || (rare !== undefined && tooFew(rare)))) {
    const smallest = ascending[0];
    rare = { r: (rare?.r ?? 0) + smallest.r, w: (rare?.w ?? 0) + smallest.w };
    ascending.shift();
  }
  return rare === undefined ? ascending : [rare, ...ascending];

  function tooFew({ r, w }: Cell): boolean {
    return r + w < minTotal;
  }
}
