import { create } from '@bufbuild/protobuf';
import { VersionsComparedSchema, type VersionsCompared } from '@vitae/contracts';
import type { Decider } from '@vitae/event-store';
import type { PairedDifference } from '../evaluation/compare.ts';
import { refuse, type MeasuredVersion } from '../evaluation/evaluation.ts';
import type { Measured, Task } from '../evaluation/measured.ts';

export interface ComparedVersion extends Pick<MeasuredVersion, 'modelVersionId' | 'version' | 'artefactDigest'> {
  readonly metrics: readonly Measured[];
  /** This version minus the baseline, on the same rows; empty for the baseline itself. */
  readonly differences: readonly PairedDifference[];
}

export interface CompareVersions {
  readonly type: 'CompareVersions';
  readonly comparisonId: string;
  readonly modelId: string;
  readonly datasetVersionId: string;
  readonly datasetDigest: string;
  /** Empty: all rows. */
  readonly split: string;
  readonly rowCount: number;
  readonly task: Task;
  /** The first is the baseline. */
  readonly versions: readonly ComparedVersion[];
  /** What the bootstrap was made with. */
  readonly resamples: number;
  readonly seed: number;
}

type State = 'none' | 'compared';

/**
 * Versions of one model side by side on the same rows.
 *
 *   none ── CompareVersions ──► compared
 */
export const versionComparison: Decider<State, CompareVersions, VersionsCompared> = {
  category: 'registry.VersionComparison',
  initial: 'none',
  decide: ({ type: _, rowCount, seed, versions, ...same }, state) =>
    state === 'compared'
      ? []
      : [create(VersionsComparedSchema, { ...same, rowCount: BigInt(rowCount), seed: BigInt(seed), versions: versions.map(({ metrics, differences, ...of }) => ({ ...of, metrics: [...metrics], differences: [...differences] })) })],
  evolve: () => 'compared',
};

/** @throws Refused COMPARISON_UNFIT unless all are different versions of one model. */
export function mustBeComparable(versions: readonly MeasuredVersion[]): void {
  if (new Set(versions.map(({ modelId }) => modelId)).size > 1) throw refuse('COMPARISON_UNFIT', 'The versions belong to different models. Name versions of one model.');
  if (new Set(versions.map(({ modelVersionId }) => modelVersionId)).size < versions.length) throw refuse('COMPARISON_UNFIT', 'A version stands beside itself. Name each version once.');
}

export const comparisonNotFound = (id: string) => refuse('COMPARISON_NOT_FOUND', `There is no comparison ${id} in this project. GET …/models/<id>/comparisons lists those of a model.`, 404);
