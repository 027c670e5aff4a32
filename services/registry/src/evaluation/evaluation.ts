import { create } from '@bufbuild/protobuf';
import { EvaluationRecordedSchema, type EvaluationRecorded } from '@vitae/contracts';
import { Refused, type Decider, type RefusalStatus } from '@vitae/event-store';
import type { Measurement, Measured } from './measure.ts';

/** The version that was measured, or compared with. */
export interface MeasuredVersion {
  readonly modelVersionId: string;
  readonly modelId: string;
  readonly version: number;
  readonly artefactDigest: string;
}

export interface RecordEvaluation {
  readonly type: 'RecordEvaluation';
  readonly evaluationId: string;
  readonly of: MeasuredVersion;
  readonly dataset: { readonly datasetVersionId: string; readonly datasetDigest: string };
  /** Empty: all rows. */
  readonly split: string;
  readonly measured: Measurement;
  /** Another version, measured on the same rows. */
  readonly comparedWith?: { readonly version: MeasuredVersion; readonly measured: Measurement } | undefined;
}

export type EvaluationRefusal =
  | 'COMPARISON_UNFIT'
  | 'EVALUATION_NOT_FOUND'
  | 'INPUT_UNMATCHED'
  | 'INPUT_VALUE_MISSING'
  | 'LABEL_MISSING'
  | 'LABEL_NOT_BINARY'
  | 'MODEL_FAILED'
  | 'OUTPUT_UNSUPPORTED'
  | 'SPLIT_UNKNOWN';

/** An evaluation's refusal; its status is 422 unless it says otherwise. */
export const refuse = (reason: EvaluationRefusal, message: string, status: RefusalStatus = 422): Refused => new Refused(reason, message, status);

type State = 'none' | 'recorded';

/**
 * An evaluation: what one version measured on one split of one dataset version.
 *
 *   none ── RecordEvaluation ──► recorded
 */
export const evaluation: Decider<State, RecordEvaluation, EvaluationRecorded> = {
  category: 'registry.Evaluation',
  initial: 'none',
  decide: (command, state) => (state === 'recorded' ? [] : [recorded(command)]),
  evolve: () => 'recorded',
};

function recorded({ evaluationId, of, dataset, split, measured, comparedWith }: RecordEvaluation): EvaluationRecorded {
  return create(EvaluationRecordedSchema, {
    evaluationId,
    ...of,
    ...dataset,
    split,
    rowCount: BigInt(measured.rowCount),
    metrics: [...measured.metrics],
    groups: measured.groups.map(({ rowCount, positiveCount, metrics, ...group }) => ({
      ...group,
      rowCount: BigInt(rowCount),
      positiveCount: BigInt(positiveCount),
      metrics: [...metrics],
    })),
    ...(comparedWith
      ? {
          comparison: {
            modelVersionId: comparedWith.version.modelVersionId,
            version: comparedWith.version.version,
            differences: differences(measured.metrics, comparedWith.measured.metrics),
          },
        }
      : {}),
  });
}

/** This one's metric minus the other's, of those that both have. */
function differences(these: readonly Measured[], others: readonly Measured[]): { name: string; value: number }[] {
  const known = new Map(others.map(({ name, value }) => [name, value]));
  return these.flatMap(({ name, value }) => {
    const other = known.get(name);
    return other === undefined ? [] : [{ name, value: value - other }];
  });
}

/** @throws Refused COMPARISON_UNFIT unless the two are different versions of one model. */
export function mustCompare(of: MeasuredVersion, other: MeasuredVersion): void {
  if (of.modelVersionId === other.modelVersionId) {
    throw refuse('COMPARISON_UNFIT', `Version ${of.version} cannot be compared with itself. Name another version in compareWith, or leave it out.`);
  }
  if (of.modelId !== other.modelId) {
    throw refuse('COMPARISON_UNFIT', 'The version in compareWith belongs to another model. Name a version of the same model, or leave compareWith out.');
  }
}

export const evaluationNotFound = (id: string): Refused =>
  refuse('EVALUATION_NOT_FOUND', `There is no evaluation ${id} in this project. GET …/model-versions/<id>/evaluations lists those of a version.`, 404);
