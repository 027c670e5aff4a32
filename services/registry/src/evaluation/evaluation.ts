import { create } from '@bufbuild/protobuf';
import { EvaluationInvalidatedSchema, EvaluationRecordedSchema, EvaluationReportedSchema, type EvaluationInvalidated, type EvaluationRecorded, type EvaluationReported } from '@vitae/contracts';
import { Refused, type Decider, type RefusalStatus } from '@vitae/event-store';
import type { PairedDifference } from './compare.ts';
import type { Measured, Measurement } from './measured.ts';
import { resultsOf, type Report } from './report.ts';
import { suiteResultOf, type JudgedBySuite } from './suite-result.ts';

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
  readonly suite?: JudgedBySuite | undefined;
  /** Another version, measured on the same rows. */
  readonly comparedWith?: { readonly version: MeasuredVersion; readonly measured: Measurement; readonly paired: readonly PairedDifference[] } | undefined;
}

export interface ReportEvaluation {
  readonly type: 'ReportEvaluation';
  readonly evaluationId: string;
  readonly of: MeasuredVersion;
  readonly report: Report;
  readonly suite?: JudgedBySuite | undefined;
}

/** Why an evaluation is no evidence any more. */
export const INVALIDATION_CAUSES = ['wrong-data', 'wrong-labels', 'leakage', 'faulty-run', 'other'] as const;
export type InvalidationCause = (typeof INVALIDATION_CAUSES)[number];

export interface InvalidateEvaluation {
  readonly type: 'InvalidateEvaluation';
  readonly evaluationId: string;
  readonly cause: InvalidationCause;
  readonly reason: string;
}

export type EvaluationCommand = RecordEvaluation | ReportEvaluation | InvalidateEvaluation;
export type EvaluationEvent = EvaluationRecorded | EvaluationReported | EvaluationInvalidated;

export type EvaluationRefusal =
  | 'COMPARISON_NOT_FOUND'
  | 'COMPARISON_UNFIT'
  | 'EVALUATION_NOT_FOUND'
  | 'INPUT_UNMATCHED'
  | 'INPUT_VALUE_MISSING'
  | 'JUDGE_MISSING'
  | 'LABEL_MISSING'
  | 'LABEL_NOT_BINARY'
  | 'LABEL_UNFIT'
  | 'MODEL_FAILED'
  | 'OUTPUT_UNSUPPORTED'
  | 'SLICE_UNFIT'
  | 'SPLIT_UNKNOWN';

/** An evaluation's refusal; its status is 422 unless it says otherwise. */
export const refuse = (reason: EvaluationRefusal, message: string, status: RefusalStatus = 422): Refused => new Refused(reason, message, status);

type Known = { readonly is: 'recorded' | 'reported' | 'invalidated'; readonly reported: boolean; readonly modelVersionId: string; readonly modelId: string; readonly version: number };
export type EvaluationState = { readonly is: 'none' } | Known;

/**
 * An evaluation: what one version measured on one split of one dataset version, or what somebody says that it did.
 *
 *   none ── Record ──► recorded ──┐
 *        ── Report ──► reported ──┴── Invalidate ──► invalidated
 *
 * The two never become each other: a reported one is not measured by being believed.
 */
export const evaluation: Decider<EvaluationState, EvaluationCommand, EvaluationEvent> = {
  category: 'registry.Evaluation',
  initial: { is: 'none' },

  decide(command, state): readonly EvaluationEvent[] {
    switch (command.type) {
      case 'RecordEvaluation':
        return state.is === 'none' ? [recorded(command)] : [];
      case 'ReportEvaluation':
        return state.is === 'none' ? [reported(command)] : [];
      case 'InvalidateEvaluation': {
        if (state.is === 'none') throw evaluationNotFound();
        if (state.is === 'invalidated') return [];
        const { is: _, ...of } = state;
        return [create(EvaluationInvalidatedSchema, { ...of, evaluationId: command.evaluationId, cause: command.cause, reason: command.reason })];
      }
    }
  },

  evolve(state, event): EvaluationState {
    switch (event.$typeName) {
      case 'vitae.registry.v1.EvaluationRecorded':
      case 'vitae.registry.v1.EvaluationReported': {
        const reported = event.$typeName === 'vitae.registry.v1.EvaluationReported';
        return { is: reported ? 'reported' : 'recorded', reported, modelVersionId: event.modelVersionId, modelId: event.modelId, version: event.version };
      }
      case 'vitae.registry.v1.EvaluationInvalidated':
        return state.is === 'none' ? state : { ...state, is: 'invalidated' };
    }
  },
};

function recorded({ evaluationId, of, dataset, split, measured, suite, comparedWith }: RecordEvaluation): EvaluationRecorded {
  return create(EvaluationRecordedSchema, {
    evaluationId,
    ...of,
    ...dataset,
    split,
    task: measured.task,
    ...resultsOf(measured),
    ...(suite ? { suite: suiteResultOf(suite) } : {}),
    ...(comparedWith
      ? {
          comparison: {
            modelVersionId: comparedWith.version.modelVersionId,
            version: comparedWith.version.version,
            differences: differences(measured.metrics, comparedWith.measured.metrics),
            paired: [...comparedWith.paired],
          },
        }
      : {}),
  });
}

function reported({ evaluationId, of, report, suite }: ReportEvaluation): EvaluationReported {
  const { dataset, rubricScores, judge, ...same } = report;
  return create(EvaluationReportedSchema, {
    evaluationId,
    ...of,
    ...same,
    ...('uri' in dataset ? { externalDataset: dataset } : dataset),
    ...resultsOf(report),
    rubricScores: rubricScores.map(({ n, ...score }) => ({ ...score, n: BigInt(n) })),
    ...(judge ? { judge } : {}),
    ...(suite ? { suite: suiteResultOf(suite) } : {}),
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

export const evaluationNotFound = (id = ''): Refused =>
  refuse('EVALUATION_NOT_FOUND', `There is no ${id === '' ? 'such evaluation' : `evaluation ${id}`} in this project. GET …/model-versions/<id>/evaluations lists those of a version.`, 404);
