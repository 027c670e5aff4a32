import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { VersionsComparedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { mustBeComparable, versionComparison, type CompareVersions } from './version-comparison.ts';

const given = specification(versionComparison);
const id = (n: number): string => `01890000-0000-7000-8000-00000000000${n}`;
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

const command: CompareVersions = {
  type: 'CompareVersions',
  ...{ comparisonId: id(1), modelId: id(2), datasetVersionId: id(3), datasetDigest: digest('d'), split: 'test', rowCount: 242, task: 'binary-classification', resamples: 2_000, seed: 7 },
  versions: [
    { modelVersionId: id(4), version: 1, artefactDigest: digest('a'), metrics: [{ name: 'auc', value: 0.5 }], differences: [] },
    { modelVersionId: id(5), version: 2, artefactDigest: digest('b'), metrics: [{ name: 'auc', value: 0.75 }], differences: [{ metric: 'auc', value: 0.25, lower: 0.125, upper: 0.375, pValue: 0.01, adjustedPValue: 0.02, method: 'delong' }] },
  ],
};
const { type: _, ...same } = command;
const compared = create(VersionsComparedSchema, { ...same, rowCount: 242n, seed: 7n, versions: command.versions.map(({ metrics, differences, ...of }) => ({ ...of, metrics: [...metrics], differences: [...differences] })) });

describe('A comparison of versions', () => {
  it('says what each measured, and how each stands to the first', () => given([]).when(command).then([compared]));
  it('stays as it is when it is made again', () => given([compared]).when(command).then([]));
  it('is of different versions of one model', () => {
    const of = (n: number, modelId = id(2)) => ({ modelVersionId: id(n), modelId, version: n, artefactDigest: digest('a') });
    expect(() => mustBeComparable([of(4), of(5), of(6)])).not.toThrow();
    expect(() => mustBeComparable([of(4), of(5), of(4)])).toThrow(expect.objectContaining({ reason: 'COMPARISON_UNFIT' }));
    expect(() => mustBeComparable([of(4), of(5, id(9))])).toThrow(/different models/);
  });
});
