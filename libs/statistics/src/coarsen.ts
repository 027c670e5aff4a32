import type { FeatureBaseline } from './bins.ts';
import type { WindowSummary } from './window-summary.ts';

/**
 * The few cells in which PSI and chi-square compare a window with its reference: up to `maxCells` groups of bins
 * of about equal reference mass, then NOVEL (outside the reference range, or OTHER), then MISSING (missing or of a wrong type).
 *
 * Why coarse: the noise of PSI grows with the cells, (B-1)(1/n + 1/m), and chi-square wants five rows expected in each.
 * Why NOVEL and MISSING are cells of their own, as scorecards do: folded into the tails, a constant that changes its value,
 * or a feature that turns null, would not move anything.
 *
 * The groups depend on the baseline alone, so any two summaries of one baseline give cells that match.
 * Up to `maxCells` bins stay as they are. More are put into order (numeric: as they lie; categories: the frequent first)
 * and bin i joins group floor(maxCells * (mass before i + half the mass of i)).
 *
 * @returns rows in each cell: groups, NOVEL, MISSING; their sum is `rowsIn(summary)`.
 * @throws TypeError when the summary was not made for this baseline.
 */
export function coarsen(baseline: FeatureBaseline, summary: WindowSummary, maxCells = 10): number[] {
  if (baseline.kind !== summary.kind || baseline.counts.length !== summary.counts.length) {
    throw new TypeError(`A ${summary.kind} summary of ${summary.counts.length} bins was not made for this ${baseline.kind} baseline of ${baseline.counts.length}.`);
  }
  const { groupOf, groups } = groupBins(baseline, maxCells);
  const cells = new Array<number>(groups).fill(0);
  summary.counts.forEach((count, bin) => {
    const group = groupOf[bin] ?? 0;
    cells[group] = (cells[group] ?? 0) + count;
  });
  const novel = summary.kind === 'numeric' ? summary.below + summary.above : summary.other;
  return [...cells, novel, summary.missing + summary.typeErrors];
}

function groupBins(baseline: FeatureBaseline, maxCells: number): { groupOf: number[]; groups: number } {
  const bins = baseline.counts.map((count, bin) => ({ bin, count }));
  if (bins.length <= maxCells) return { groupOf: bins.map(({ bin }) => bin), groups: bins.length };

  if (baseline.kind === 'categorical') bins.sort((a, b) => b.count - a.count || a.bin - b.bin);
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  const groupOf = bins.map(() => 0);
  let before = 0;
  let lastTarget = -1;
  let groups = 0;
  for (const { bin, count } of bins) {
    const target = Math.min(maxCells - 1, Math.floor((maxCells * (before + count / 2)) / total));
    if (target !== lastTarget) groups += 1;
    lastTarget = target;
    groupOf[bin] = groups - 1;
    before += count;
  }
  return { groupOf, groups };
}
