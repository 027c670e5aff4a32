import { create } from '@bufbuild/protobuf';
import { describe, it } from '@jest/globals';
import { ColumnKind, DatasetVersionRegisteredSchema, PiiClass } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { datasetVersion, type ColumnContent, type RegisterDatasetVersion } from './dataset-version.ts';

const given = specification(datasetVersion);

const age: ColumnContent = { name: 'age', dataType: 'BIGINT', kind: 'numeric', nullCount: 0, distinctCount: 3, minimum: 19, maximum: 74, mean: 35.5, standardDeviation: 11, quartiles: [27, 33, 42], topValues: [{ value: '27', count: 60 }, { value: '74', count: 1 }] };
const sex: ColumnContent = { name: 'sex', dataType: 'VARCHAR', kind: 'categorical', nullCount: 0, distinctCount: 2, quartiles: [], topValues: [{ value: 'male', count: 60 }, { value: 'female', count: 40 }] };
const bad: ColumnContent = { name: 'bad', dataType: 'BIGINT', kind: 'numeric', nullCount: 0, distinctCount: 2, minimum: 0, maximum: 1, mean: 0.3, standardDeviation: 0.46, quartiles: [0, 0, 1], topValues: [{ value: '0', count: 70 }] };
const split: ColumnContent = { name: 'split', dataType: 'VARCHAR', kind: 'categorical', nullCount: 0, distinctCount: 2, quartiles: [], topValues: [] };

const command: RegisterDatasetVersion = {
  type: 'RegisterDatasetVersion',
  datasetVersionId: '01890000-0000-7000-8000-000000000001',
  datasetName: 'german-credit',
  version: 1,
  digest: `sha256:${'a'.repeat(64)}`,
  sizeBytes: 4711,
  mediaType: 'text/csv',
  labelColumn: 'bad',
  splitColumn: 'split',
  protectedColumns: ['sex'],
  piiClasses: { age: 'personal', sex: 'personal' },
  lawfulBasis: 'contract',
  allowedPurposes: ['credit-scoring'],
  residency: 'EU',
  retentionUntil: '2030-01-01',
  source: 'https://example.org/credit',
  licence: 'CC BY 4.0',
  content: { rowCount: 100, columns: [age, sex, bad, split], splits: [{ name: 'test', rowCount: 35 }, { name: 'train', rowCount: 65 }], unsplitRows: 0 },
};
const registered = create(DatasetVersionRegisteredSchema, {
  datasetVersionId: command.datasetVersionId,
  datasetName: 'german-credit',
  version: 1,
  digest: command.digest,
  sizeBytes: 4711n,
  mediaType: 'text/csv',
  rowCount: 100n,
  columns: [
    // Neither the extremes nor the value of a single person: an event cannot be taken back.
    { name: 'age', dataType: 'BIGINT', kind: ColumnKind.NUMERIC, nullCount: 0n, distinctCount: 3n, mean: 35.5, standardDeviation: 11, quartiles: [27, 33, 42], topValues: [{ value: '27', count: 60n }], piiClass: PiiClass.PERSONAL },
    { name: 'sex', dataType: 'VARCHAR', kind: ColumnKind.CATEGORICAL, nullCount: 0n, distinctCount: 2n, topValues: [{ value: 'male', count: 60n }, { value: 'female', count: 40n }], piiClass: PiiClass.PERSONAL },
    { name: 'bad', dataType: 'BIGINT', kind: ColumnKind.NUMERIC, nullCount: 0n, distinctCount: 2n, minimum: 0, maximum: 1, mean: 0.3, standardDeviation: 0.46, quartiles: [0, 0, 1], topValues: [{ value: '0', count: 70n }], piiClass: PiiClass.NONE },
    { name: 'split', dataType: 'VARCHAR', kind: ColumnKind.CATEGORICAL, nullCount: 0n, distinctCount: 2n, piiClass: PiiClass.NONE },
  ],
  splits: [{ name: 'test', rowCount: 35n }, { name: 'train', rowCount: 65n }],
  splitColumn: 'split',
  labelColumn: 'bad',
  protectedColumns: ['sex'],
  piiClass: PiiClass.PERSONAL,
  lawfulBasis: 'contract',
  allowedPurposes: ['credit-scoring'],
  residency: 'EU',
  retentionUntil: '2030-01-01',
  source: 'https://example.org/credit',
  licence: 'CC BY 4.0',
});

describe('A dataset version', () => {
  it('is registered with what was found and what was said', () => given([]).when(command).then([registered]));
  it('stays as it is when it is registered again', () => given([registered]).when(command).then([]));

  it('takes the strictest class of its columns', () =>
    given([]).when({ ...command, piiClasses: { sex: 'special' } }).then([
      { ...registered, piiClass: PiiClass.SPECIAL, columns: [{ ...registered.columns[0]!, piiClass: PiiClass.NONE, minimum: 19, maximum: 74, topValues: create(DatasetVersionRegisteredSchema, { columns: [{ topValues: [{ value: '27', count: 60n }, { value: '74', count: 1n }] }] }).columns[0]!.topValues }, { ...registered.columns[1]!, piiClass: PiiClass.SPECIAL }, ...registered.columns.slice(2)] },
    ]));

  it('needs no lawful basis without personal data', () =>
    given([]).when({ ...command, piiClasses: {}, lawfulBasis: '', content: { ...command.content, columns: [bad, split, sex] } }).then([
      { ...registered, piiClass: PiiClass.NONE, lawfulBasis: '', columns: [registered.columns[2]!, registered.columns[3]!, { ...registered.columns[1]!, piiClass: PiiClass.NONE }] },
    ]));

  it('is refused with personal data and no lawful basis', () => given([]).when({ ...command, lawfulBasis: '' }).thenRefused('LAWFUL_BASIS_MISSING'));
  it('is refused when the label is no column', () => given([]).when({ ...command, labelColumn: 'good' }).thenRefused('COLUMN_UNKNOWN'));
  it('is refused when a classified column is none', () => given([]).when({ ...command, piiClasses: { name: 'personal' } }).thenRefused('COLUMN_UNKNOWN'));
  it('is refused when a protected column is none', () => given([]).when({ ...command, protectedColumns: ['gender'] }).thenRefused('COLUMN_UNKNOWN'));
  it('is refused when the split column is none', () => given([]).when({ ...command, splitColumn: 'fold' }).thenRefused('COLUMN_UNKNOWN'));
  it('is refused when the label is protected, too', () => given([]).when({ ...command, protectedColumns: ['bad'] }).thenRefused('COLUMN_ROLES_CLASH'));
  it('is refused when a protected column would make groups of single persons', () =>
    given([]).when({ ...command, protectedColumns: ['age'], content: { ...command.content, columns: [{ ...age, distinctCount: 51 }, sex, bad, split] } }).thenRefused('PROTECTED_COLUMN_TOO_FINE'));
  it('is refused when a row belongs to no split', () => given([]).when({ ...command, content: { ...command.content, unsplitRows: 1 } }).thenRefused('SPLIT_UNUSABLE'));
  it('is refused when the split column is not one', () =>
    given([]).when({ ...command, content: { ...command.content, splits: Array.from({ length: 33 }, (_, i) => ({ name: `${i}`, rowCount: 1 })) } }).thenRefused('SPLIT_UNUSABLE'));
});
