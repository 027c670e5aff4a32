import type { Measured, MeasuredGroup, MeasuredSlice, Measurement, Task } from './measured.ts';

/** What somebody else says that it measured. */
export interface Report {
  readonly executedBy: string;
  readonly tool: { readonly name: string; readonly version: string; readonly url: string };
  /** RFC 3339. */
  readonly executedAt: string;
  readonly dataset: { readonly datasetVersionId: string; readonly datasetDigest: string } | { readonly uri: string; readonly digest: string; readonly name: string };
  readonly split: string;
  readonly rowCount: number;
  readonly task: Task | '';
  readonly metrics: readonly Measured[];
  readonly groups: readonly MeasuredGroup[];
  readonly slices: readonly MeasuredSlice[];
  readonly rubricScores: readonly { readonly criterion: string; readonly n: number; readonly mean: number; readonly standardDeviation: number }[];
  readonly judge?: { readonly model: string; readonly rubric: string; readonly scaleFrom: number; readonly scaleTo: number } | undefined;
  readonly notes: string;
}

/** Counts and metrics as events have them, of what was measured and of what was reported. */
export function resultsOf({ rowCount, metrics, groups, slices }: Pick<Measurement, 'rowCount' | 'metrics' | 'groups' | 'slices'>) {
  return {
    rowCount: BigInt(rowCount),
    metrics: [...metrics],
    groups: groups.map((group) => ({ ...group, rowCount: BigInt(group.rowCount), positiveCount: BigInt(group.positiveCount), metrics: [...group.metrics] })),
    slices: slices.map((slice) => ({ ...slice, rowCount: BigInt(slice.rowCount), metrics: [...slice.metrics] })),
  };
}
