import { create } from '@bufbuild/protobuf';
import { describe, it } from '@jest/globals';
import {
  ColumnKind,
  DatasetQualityAssessedSchema,
  DatasetSensitivityClassifiedSchema,
  DatasetVersionDeprecatedSchema,
  DatasetVersionDeprecationLiftedSchema,
  DatasetVersionErasedSchema,
  DatasetVersionQuarantinedSchema,
  DatasetVersionQuarantineLiftedSchema,
  DatasetVersionRegisteredSchema,
  ExpectationSeverity,
  PiiClass,
  QualityOutcome,
} from '@vitae/contracts';
import { specification } from '@vitae/testing';
import type { Assessment } from '../dataset/assessment.ts';
import { datasetVersion } from './dataset-version.ts';
import type { ColumnContent, RegisterDatasetVersion } from './registration.ts';

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
  labellingNotes: 'Two clerks, and a third where they disagreed.',
  anonymisations: [{ method: 'generalisation', parameters: 'years', columns: ['age'], note: 'Months were cut off.' }],
  derivedFrom: { datasetVersionIds: ['01890000-0000-7000-8000-000000000009'], uris: ['s3://bank/raw.csv'] },
  content: { rowCount: 100, columns: [age, sex, bad, split], splits: [{ name: 'test', rowCount: 35 }, { name: 'train', rowCount: 65 }], unsplitRows: 0, suggestions: [{ column: 'sex', piiClass: 'personal', detector: 'sex-name', sampled: 0, matched: 0 }] },
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
  labellingNotes: command.labellingNotes,
  anonymisations: [{ method: 'generalisation', parameters: 'years', columns: ['age'], note: 'Months were cut off.' }],
  derivedFromDatasetVersionIds: ['01890000-0000-7000-8000-000000000009'],
  derivedFromUris: ['s3://bank/raw.csv'],
  piiSuggestions: [{ column: 'sex', piiClass: PiiClass.PERSONAL, detector: 'sex-name', sampled: 0, matched: 0 }],
});

describe('A dataset version', () => {
  it('is registered with what was found and what was said', () => given([]).when(command).then([registered]));
  it('stays as it is when it is registered again', () => given([registered]).when(command).then([]));

  it('takes the strictest class of its columns', () =>
    given([]).when({ ...command, piiClasses: { sex: 'special' } }).then([
      { ...registered, piiClass: PiiClass.SPECIAL, columns: [{ ...registered.columns[0]!, piiClass: PiiClass.NONE, minimum: 19, maximum: 74, topValues: create(DatasetVersionRegisteredSchema, { columns: [{ topValues: [{ value: '27', count: 60n }, { value: '74', count: 1n }] }] }).columns[0]!.topValues }, { ...registered.columns[1]!, piiClass: PiiClass.SPECIAL }, ...registered.columns.slice(2)] },
    ]));

  it('needs no lawful basis without personal data', () =>
    given([]).when({ ...command, piiClasses: { sex: 'none' }, anonymisations: [], lawfulBasis: '', content: { ...command.content, columns: [bad, split, sex] } }).then([
      { ...registered, piiClass: PiiClass.NONE, lawfulBasis: '', anonymisations: [], columns: [registered.columns[2]!, registered.columns[3]!, { ...registered.columns[1]!, piiClass: PiiClass.NONE }] },
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

  it('tells of a column that looks personal as little as of a personal one, until somebody says what it is', () =>
    given([]).when({ ...command, piiClasses: { age: 'personal' } }).then([
      { ...registered, columns: [registered.columns[0]!, { ...registered.columns[1]!, piiClass: PiiClass.NONE, piiUnconfirmed: true }, ...registered.columns.slice(2)] },
    ]));
  it('is refused when what was anonymised is no column', () =>
    given([]).when({ ...command, anonymisations: [{ method: 'hashing', parameters: '', columns: ['name'], note: '' }] }).thenRefused('COLUMN_UNKNOWN'));
});

const of = { datasetVersionId: command.datasetVersionId, datasetName: 'german-credit', version: 1 };
const quarantined = create(DatasetVersionQuarantinedSchema, { ...of, reason: 'The labels of May are wrong.' });
const lifted = create(DatasetVersionQuarantineLiftedSchema, { ...of, reason: 'They were put right.' });
const deprecated = create(DatasetVersionDeprecatedSchema, { ...of, reason: 'There is a newer one.', successorDatasetVersionId: '' });

/** Vera looks at what dana registered. */
const others = { by: 'vera', accounts: ['vera'], registrants: ['dana'] } as const;

describe('The quarantine of a dataset version', () => {
  const quarantine = { type: 'QuarantineDatasetVersion', reason: 'The labels of May are wrong.' } as const;
  const lift = { type: 'LiftQuarantine', reason: 'They were put right.', ...others } as const;
  it('says why', () => given([registered]).when(quarantine).then([quarantined]));
  it('is one, however often it is asked for', () => given([registered, quarantined]).when(quarantine).then([]));
  it('is lifted with a reason', () => given([registered, quarantined]).when(lift).then([lifted]));
  it('is not lifted by who registered it, under whatever account or by whatever machine', async () => {
    await given([registered, quarantined]).when({ ...lift, by: 'dana', accounts: ['dana'] }).thenRefused('FOUR_EYES');
    await given([registered, quarantined]).when({ ...lift, accounts: ['vera', 'dana'] }).thenRefused('FOUR_EYES');
    await given([registered, quarantined]).when({ ...lift, by: 'dana', accounts: ['dana'], registrants: ['ci', 'dana'] }).thenRefused('FOUR_EYES');
  });
  it('that is none needs no lifting', () => given([registered]).when(lift).then([]));
  it('can come again', () => given([registered, quarantined, lifted]).when(quarantine).then([quarantined]));
  it('of a version that is not there is refused', () => given([]).when(quarantine).thenRefused('DATASET_VERSION_NOT_FOUND'));
  it('of an erased version is refused', () => given([registered, erasedWith({})]).when(quarantine).thenRefused('DATASET_VERSION_ERASED'));
});

describe('The deprecation of a dataset version', () => {
  const deprecate = { type: 'DeprecateDatasetVersion', reason: 'There is a newer one.', successorDatasetVersionId: '' } as const;
  it('may name what to use instead', () => given([registered]).when({ ...deprecate, successorDatasetVersionId: '01890000-0000-7000-8000-000000000002' }).then([{ ...deprecated, successorDatasetVersionId: '01890000-0000-7000-8000-000000000002' }]));
  it('is news again only with another successor', () => given([registered, deprecated]).when({ ...deprecate, reason: 'Said otherwise.' }).then([]));
  it('cannot name the version itself', () => given([registered]).when({ ...deprecate, successorDatasetVersionId: of.datasetVersionId }).thenRefused('SUCCESSOR_UNFIT'));
  it('is lifted once', async () => {
    await given([registered, deprecated]).when({ type: 'LiftDatasetVersionDeprecation' }).then([create(DatasetVersionDeprecationLiftedSchema, of)]);
    await given([registered]).when({ type: 'LiftDatasetVersionDeprecation' }).then([]);
  });
});

describe('The sensitivity of a dataset version', () => {
  const standing = { lawfulBasis: 'contract', allowedPurposes: ['credit-scoring'], residency: 'EU', retentionUntil: '2030-01-01' };
  const unclassed = { ...registered, piiClass: PiiClass.NONE, lawfulBasis: '', columns: registered.columns.map((column) => ({ ...column, piiClass: PiiClass.NONE, piiUnconfirmed: column.name === 'sex' })) };
  const classify = (classes: Record<string, 'none' | 'personal' | 'special'>, more: object = {}) => ({ type: 'ClassifySensitivity', classes, ...others, ...more }) as const;
  it('is classed anew by column, and the strictest is that of the version', () =>
    given([registered]).when(classify({ bad: 'special' })).then([create(DatasetSensitivityClassifiedSchema, { ...of, ...standing, columns: [{ name: 'bad', piiClass: PiiClass.SPECIAL }], piiClass: PiiClass.SPECIAL })]));
  it('may become less strict', () =>
    given([registered]).when(classify({ age: 'none', sex: 'none' })).then([create(DatasetSensitivityClassifiedSchema, { ...of, ...standing, columns: [{ name: 'age', piiClass: PiiClass.NONE }, { name: 'sex', piiClass: PiiClass.NONE }], piiClass: PiiClass.NONE })]));
  it('is not made less strict by who registered it, and stricter by anybody', async () => {
    const own = { by: 'dana', accounts: ['dana'] };
    await given([registered]).when(classify({ sex: 'none' }, own)).thenRefused('FOUR_EYES');
    await given([unclassed]).when(classify({ sex: 'none' }, own)).thenRefused('FOUR_EYES');
    await given([registered]).when(classify({ bad: 'special', sex: 'none' }, own)).thenRefused('FOUR_EYES');
    await given([registered]).when(classify({ sex: 'special' }, own)).then([create(DatasetSensitivityClassifiedSchema, { ...of, ...standing, columns: [{ name: 'sex', piiClass: PiiClass.SPECIAL }], piiClass: PiiClass.SPECIAL })]);
    await given([unclassed]).when(classify({ sex: 'personal' }, { ...own, lawfulBasis: 'consent' })).then([
      create(DatasetSensitivityClassifiedSchema, { ...of, ...standing, lawfulBasis: 'consent', columns: [{ name: 'sex', piiClass: PiiClass.PERSONAL }], piiClass: PiiClass.PERSONAL }),
    ]);
  });
  it('said again is no news', () => given([registered]).when(classify({ sex: 'personal' })).then([]));
  it('confirmed as none of what was suspected is news, once', async () => {
    const confirmed = create(DatasetSensitivityClassifiedSchema, { ...of, ...standing, lawfulBasis: '', columns: [{ name: 'sex', piiClass: PiiClass.NONE }], piiClass: PiiClass.NONE });
    await given([unclassed]).when(classify({ sex: 'none' })).then([confirmed]);
    await given([unclassed, confirmed]).when(classify({ sex: 'none' })).then([]);
  });
  it('needs a lawful basis as soon as it is personal', async () => {
    await given([unclassed]).when(classify({ sex: 'personal' })).thenRefused('LAWFUL_BASIS_MISSING');
    await given([unclassed]).when(classify({ sex: 'personal' }, { lawfulBasis: 'consent', residency: 'DE' })).then([
      create(DatasetSensitivityClassifiedSchema, { ...of, ...standing, lawfulBasis: 'consent', residency: 'DE', columns: [{ name: 'sex', piiClass: PiiClass.PERSONAL }], piiClass: PiiClass.PERSONAL }),
    ]);
  });
  it('of an unknown column is refused', () => given([registered]).when(classify({ name: 'none' })).thenRefused('COLUMN_UNKNOWN'));
});

describe('The quality of a dataset version', () => {
  const result = { expectation: 'ages', kind: 'in-range', columns: ['age'], checkedRows: 100, failingRows: 3, fault: '' } as const;
  const assessment: Assessment = { assessmentId: '01890000-0000-7000-8000-000000000005', expectationsRevision: 2, rowCount: 100, outcome: 'failed', onFailure: 'note', results: [{ ...result, severity: 'error', met: false }] };
  const assessed = create(DatasetQualityAssessedSchema, {
    ...of, assessmentId: assessment.assessmentId, expectationsRevision: 2, outcome: QualityOutcome.FAILED, rowCount: 100n,
    results: [{ expectation: 'ages', kind: 'in-range', columns: ['age'], severity: ExpectationSeverity.ERROR, met: false, checkedRows: 100n, failingRows: 3n }],
  });
  const forIt = create(DatasetVersionQuarantinedSchema, { ...of, reason: 'Its data do not meet what is expected of them (revision 2): ages.', assessmentId: assessment.assessmentId });
  it('is noted', () => given([registered]).when({ type: 'RecordQuality', assessment }).then([assessed]));
  it('puts it into quarantine where that is wished', () => given([registered]).when({ type: 'RecordQuality', assessment: { ...assessment, onFailure: 'quarantine' } }).then([assessed, forIt]));
  it('does so with the registration, too', () => given([]).when({ ...command, assessment: { ...assessment, onFailure: 'quarantine' } }).then([registered, assessed, forIt]));
  it('needs no second quarantine', () => given([registered, quarantined]).when({ type: 'RecordQuality', assessment: { ...assessment, onFailure: 'quarantine' } }).then([assessed]));
  it('that is only warned of does not', () =>
    given([registered]).when({ type: 'RecordQuality', assessment: { ...assessment, outcome: 'warned', onFailure: 'quarantine', results: [{ ...result, severity: 'warning', met: false }] } }).then([
      { ...assessed, outcome: QualityOutcome.WARNED, results: [{ ...assessed.results[0]!, severity: ExpectationSeverity.WARNING }] },
    ]));
});

function erasedWith(more: object) {
  return create(DatasetVersionErasedSchema, { ...of, reason: 'Consent was withdrawn.', removed: [command.digest], ...more });
}

describe('The erasure of a dataset version', () => {
  const erase = { type: 'EraseDatasetVersion', reason: 'Consent was withdrawn.', force: false, builtOn: [], needed: false } as const;
  const id = '01890000-0000-7000-8000-000000000007';
  it('removes its bytes', () => given([registered]).when(erase).then([erasedWith({})]));
  it('leaves bytes that something else needs', () => given([registered]).when({ ...erase, needed: true }).then([erasedWith({ removed: [] })]));
  it('is refused while something is built on it', () => given([registered]).when({ ...erase, builtOn: [id] }).thenRefused('DATASET_BUILT_ON'));
  it('names what was built on it when somebody insists', () => given([registered]).when({ ...erase, builtOn: [id], force: true }).then([erasedWith({ builtOnModelVersionIds: [id] })]));
  it('is one, however often it is asked for', () => given([registered, erasedWith({})]).when(erase).then([]));
  it('is also for what is in quarantine', () => given([registered, quarantined]).when(erase).then([erasedWith({})]));
});
