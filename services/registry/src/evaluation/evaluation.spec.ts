import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { EvaluationRecordedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { evaluation, mustCompare, type RecordEvaluation } from './evaluation.ts';

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
  metrics: [{ name: 'accuracy', value: 0.75, lower: 0.6875, upper: 0.8125 }, { name: 'auc', value: 0.5 }],
  groups: [{ attribute: 'sex', group: 'female', rowCount: 83n, positiveCount: 25n, metrics: [{ name: 'tpr', value: 0.25 }] }],
});

describe('An evaluation', () => {
  it('records what was measured', () => given([]).when(command).then([recorded]));
  it('stays as it is when it is recorded again', () => given([recorded]).when(command).then([]));

  it('says by how much each metric that both have is above the other version', () => {
    const measured = { rowCount: 242, metrics: [{ name: 'accuracy', value: 0.5 }, { name: 'f1', value: 0.2 }], groups: [] };
    const comparison = create(EvaluationRecordedSchema, {
      comparison: { modelVersionId: id(4), version: 1, differences: [{ name: 'accuracy', value: 0.25 }] },
    }).comparison!;
    given([]).when({ ...command, comparedWith: { version: other, measured } }).then([{ ...recorded, comparison }]);
  });

  it('compares different versions of one model only', () => {
    expect(() => mustCompare(of, other)).not.toThrow();
    expect(() => mustCompare(of, of)).toThrow(/with itself/);
    expect(() => mustCompare(of, { ...other, modelId: id(9) })).toThrow(/another model/);
  });
});
