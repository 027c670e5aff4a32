import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { EvaluationInvalidatedSchema, EvaluationRecordedSchema, EvaluationReportedSchema, SuiteVerdict, ThresholdOp, ThresholdOutcome, ThresholdSeverity } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { evaluation, mustCompare, type InvalidateEvaluation, type RecordEvaluation, type ReportEvaluation } from './evaluation.ts';
import type { Report } from './report.ts';
import { suiteResultFrom } from './suite-result.ts';

const given = specification(evaluation);
const id = (n: number): string => `01890000-0000-7000-8000-00000000000${n}`;
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

const of = { modelVersionId: id(2), modelId: id(3), version: 2, artefactDigest: digest('a') };
const other = { modelVersionId: id(4), modelId: id(3), version: 1, artefactDigest: digest('b') };
const command: RecordEvaluation = {
  type: 'RecordEvaluation',
  evaluationId: id(1),
  of,
  dataset: { datasetVersionId: id(5), datasetDigest: digest('c') },
  split: 'test',
  measured: {
    task: 'binary-classification',
    slices: [],
    rowCount: 242,
    metrics: [{ name: 'accuracy', value: 0.75, lower: 0.6875, upper: 0.8125 }, { name: 'auc', value: 0.5 }],
    groups: [{ attribute: 'sex', group: 'female', rowCount: 83, positiveCount: 25, metrics: [{ name: 'tpr', value: 0.25 }] }],
  },
};
const recorded = create(EvaluationRecordedSchema, {
  evaluationId: id(1),
  ...of,
  datasetVersionId: id(5),
  datasetDigest: digest('c'),
  split: 'test',
  rowCount: 242n,
  task: 'binary-classification',
  metrics: [{ name: 'accuracy', value: 0.75, lower: 0.6875, upper: 0.8125 }, { name: 'auc', value: 0.5 }],
  groups: [{ attribute: 'sex', group: 'female', rowCount: 83n, positiveCount: 25n, metrics: [{ name: 'tpr', value: 0.25 }] }],
});

describe('An evaluation', () => {
  it('records what was measured', () => given([]).when(command).then([recorded]));
  it('stays as it is when it is recorded again', () => given([recorded]).when(command).then([]));

  it('says by how much each metric that both have is above the other version', () => {
    const measured = { ...command.measured, metrics: [{ name: 'accuracy', value: 0.5 }, { name: 'f1', value: 0.2 }], groups: [] };
    const paired = [{ metric: 'accuracy', value: 0.25, lower: 0.125, upper: 0.375, pValue: 0.01, adjustedPValue: 0.02, method: 'mcnemar-mid-p' as const }];
    const comparison = create(EvaluationRecordedSchema, {
      comparison: { modelVersionId: id(4), version: 1, differences: [{ name: 'accuracy', value: 0.25 }], paired },
    }).comparison!;
    given([]).when({ ...command, comparedWith: { version: other, measured, paired } }).then([{ ...recorded, comparison }]);
  });

  it('compares different versions of one model only', () => {
    expect(() => mustCompare(of, other)).not.toThrow();
    expect(() => mustCompare(of, of)).toThrow(/with itself/);
    expect(() => mustCompare(of, { ...other, modelId: id(9) })).toThrow(/another model/);
  });

  const threshold = { metric: 'auc', op: 'at-least', value: 0.7, slice: '', severity: 'error' } as const;
  const suite = { suiteId: id(6), name: 'gate', number: 2, verdict: 'failed', missingMetrics: ['brier'], thresholds: [{ threshold, outcome: 'failed', measured: { name: 'auc', value: 0.5, lower: 0.4, upper: 0.6 }, close: false }] } as const;
  it('says what the suite that it was made by found', () => {
    const result = {
      suite: {
        ...{ suiteId: id(6), name: 'gate', number: 2, verdict: SuiteVerdict.FAILED, missingMetrics: ['brier'] },
        thresholds: [{ threshold: { metric: 'auc', op: ThresholdOp.AT_LEAST, value: 0.7, severity: ThresholdSeverity.ERROR }, outcome: ThresholdOutcome.FAILED, measured: { name: 'auc', value: 0.5, lower: 0.4, upper: 0.6 } }],
      },
      slices: [{ slice: 'young', rowCount: 30n, metrics: [{ name: 'accuracy', value: 0.5 }] }],
    };
    const expected = create(EvaluationRecordedSchema, result);
    given([]).when({ ...command, suite, measured: { ...command.measured, slices: [{ slice: 'young', rowCount: 30, metrics: [{ name: 'accuracy', value: 0.5 }] }] } }).then([{ ...recorded, suite: expected.suite!, slices: expected.slices }]);
    expect(suiteResultFrom(expected.suite!)).toEqual(suite);
  });

  const report: Report = {
    executedBy: 'red team',
    tool: { name: 'harness', version: '2', url: '' },
    executedAt: '2026-11-01T10:00:00Z',
    dataset: { uri: 's3://bucket/answers.jsonl', digest: digest('e'), name: 'answers' },
    split: '',
    rowCount: 50,
    task: '',
    metrics: [{ name: 'exact_match', value: 0.5 }],
    groups: [],
    slices: [],
    rubricScores: [{ criterion: 'helpful', n: 50, mean: 4.25, standardDeviation: 0.5 }],
    judge: { model: 'judge-1', rubric: 'Is it helpful?', scaleFrom: 1, scaleTo: 5 },
    notes: 'On a Sunday.',
  };
  const reporting: ReportEvaluation = { type: 'ReportEvaluation', evaluationId: id(1), of, report };
  const reported = create(EvaluationReportedSchema, {
    ...{ evaluationId: id(1), ...of, executedBy: 'red team', tool: { name: 'harness', version: '2' }, executedAt: '2026-11-01T10:00:00Z', rowCount: 50n, notes: 'On a Sunday.' },
    externalDataset: { uri: 's3://bucket/answers.jsonl', digest: digest('e'), name: 'answers' },
    metrics: [{ name: 'exact_match', value: 0.5 }],
    rubricScores: [{ criterion: 'helpful', n: 50n, mean: 4.25, standardDeviation: 0.5 }],
    judge: { model: 'judge-1', rubric: 'Is it helpful?', scaleFrom: 1, scaleTo: 5 },
  });
  it('that somebody else ran is another fact than one that we ran, and never becomes one', () => {
    given([]).when(reporting).then([reported]);
    given([reported]).when(reporting).then([]);
    given([reported]).when(command).then([]);
  });
  it('is reported on data that are registered, too', () => {
    const { externalDataset: _, ...same } = reported;
    given([]).when({ ...reporting, report: { ...report, dataset: command.dataset } }).then([{ ...same, datasetVersionId: id(5), datasetDigest: digest('c') }]);
  });

  const invalidate: InvalidateEvaluation = { type: 'InvalidateEvaluation', evaluationId: id(1), cause: 'leakage', reason: 'The test rows were among the training rows.' };
  const invalidated = (wasReported: boolean) => create(EvaluationInvalidatedSchema, { evaluationId: id(1), modelVersionId: id(2), modelId: id(3), version: 2, reported: wasReported, cause: 'leakage', reason: 'The test rows were among the training rows.' });
  it('is taken back once, and stays so', () => {
    given([recorded]).when(invalidate).then([invalidated(false)]);
    given([reported]).when(invalidate).then([invalidated(true)]);
    given([recorded, invalidated(false)]).when({ ...invalidate, cause: 'other' }).then([]);
    given([recorded, invalidated(false)]).when(command).then([]);
    given([]).when(invalidate).thenRefused('EVALUATION_NOT_FOUND');
  });
});
