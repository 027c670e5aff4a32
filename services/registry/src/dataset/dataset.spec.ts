import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { DatasetDescribedSchema, DatasetExpectationsStatedSchema, DatasetTaggedSchema, DatasetTagRemovedSchema, ExpectationSeverity, OnFailure } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { judge, outcomeOf, type Result } from './assessment.ts';
import { dataset } from './dataset.ts';
import { questionOf, type Expectation } from './expectation.ts';

const given = specification(dataset);
const of = { datasetId: '01890000-0000-7000-8000-000000000001', datasetName: 'german-credit' };
const described = create(DatasetDescribedSchema, { ...of, description: 'Loans', owner: 'olga' });
const tagged = create(DatasetTaggedSchema, { ...of, key: 'team', value: 'risk' });
const ages: Expectation = { name: 'ages', kind: 'in-range', columns: ['age'], minimum: 18, maximum: 120, values: [], pattern: '', mostDays: 0, tolerance: 0, severity: 'error' };
const stated = create(DatasetExpectationsStatedSchema, {
  ...of, expectationsRevision: 1, onFailure: OnFailure.QUARANTINE, expectations: [{ name: 'ages', kind: 'in-range', columns: ['age'], minimum: 18, maximum: 120, severity: ExpectationSeverity.ERROR }],
});

describe('A dataset', () => {
  it('is described, and what is left out stays', async () => {
    await given([]).when({ ...of, type: 'DescribeDataset', description: 'Loans', owner: 'olga' }).then([described]);
    await given([described]).when({ ...of, type: 'DescribeDataset', owner: 'marc' }).then([{ ...described, owner: 'marc' }]);
    await given([described]).when({ ...of, type: 'DescribeDataset', description: 'Loans' }).then([]);
  });
  it('is tagged', async () => {
    await given([]).when({ ...of, type: 'TagDataset', key: 'team', value: 'risk' }).then([tagged]);
    await given([tagged]).when({ ...of, type: 'TagDataset', key: 'team', value: 'risk' }).then([]);
    await given([tagged]).when({ ...of, type: 'RemoveDatasetTag', key: 'team' }).then([create(DatasetTagRemovedSchema, { ...of, key: 'team' })]);
    await given([]).when({ ...of, type: 'RemoveDatasetTag', key: 'team' }).then([]);
  });
  it('is expected something of, in revisions', async () => {
    const expect1 = { ...of, type: 'StateExpectations', expectations: [ages], onFailure: 'quarantine' } as const;
    await given([]).when(expect1).then([stated]);
    await given([stated]).when(expect1).then([]);
    await given([stated]).when({ ...expect1, onFailure: 'note' }).then([{ ...stated, expectationsRevision: 2, onFailure: OnFailure.NOTE }]);
    await given([stated]).when({ ...expect1, expectations: [], onFailure: 'note' }).then([{ ...stated, expectationsRevision: 2, onFailure: OnFailure.NOTE, expectations: [] }]);
    await given([]).when({ ...expect1, expectations: [], onFailure: 'note' }).then([]);
  });
});

describe('An expectation', () => {
  const types = new Map([['age', 'BIGINT'], ['it\'s "odd"', 'VARCHAR']]);
  const ask = (more: Partial<Expectation>) => questionOf({ ...ages, ...more }, types, '2026-01-01T00:00:00Z');
  it('of a column that is not there cannot be judged', () => expect(ask({ columns: ['height'] })).toEqual({ fault: 'column-missing' }));
  it.each(['in-range', 'mean-between', 'quantile-between'] as const)('%s of text cannot be judged', (kind) => expect(ask({ kind, columns: ['it\'s "odd"'] })).toEqual({ fault: 'not-numeric' }));
  it('of an age of numbers cannot be judged', () => expect(ask({ kind: 'fresh' })).toEqual({ fault: 'not-a-time' }));
  it('of columns that are there holds', () => expect(ask({ kind: 'columns-present' })).toEqual({ holds: true }));
  it('quotes names and values', () =>
    expect(ask({ kind: 'in-set', columns: ['it\'s "odd"'], values: ["a'); drop table content; --"] })).toEqual({
      sql: `select count("it's ""odd"""), count(*) filter (where "it's ""odd""" is not null and (cast("it's ""odd""" as varchar) not in ('a''); drop table content; --'))), null from content`,
    }));
});

describe('A judgement', () => {
  it('counts what fails against what may fail', () => {
    expect(judge({ ...ages, tolerance: 0.05 }, { checked: 100, failing: 5 }, false)).toMatchObject({ met: true, checkedRows: 100, failingRows: 5, fault: '' });
    expect(judge({ ...ages, tolerance: 0.05 }, { checked: 100, failing: 6 }, false).met).toBe(false);
  });
  it('of what cannot be judged is that it is not met', () => expect(judge(ages, { fault: 'column-missing' }, false)).toMatchObject({ met: false, fault: 'column-missing' }));
  it('of a mean is by its bounds', () => {
    const mean: Expectation = { ...ages, kind: 'mean-between', minimum: 30, maximum: 40 };
    expect([29.9, 30, 40, 40.1].map((observed) => judge(mean, { checked: 9, failing: 0, observed }, true).met)).toEqual([false, true, true, false]);
    expect(judge(mean, { checked: 0, failing: 0 }, true)).toMatchObject({ met: false, fault: 'no-values' });
  });
  it('tells no quantile and no newest date of personal columns', () => {
    const quantile: Expectation = { ...ages, kind: 'quantile-between', quantile: 1 };
    expect(judge(quantile, { checked: 9, failing: 0, observed: 74 }, false).observed).toBe(74);
    expect(judge(quantile, { checked: 9, failing: 0, observed: 74 }, true)).not.toHaveProperty('observed');
    expect(judge({ ...ages, kind: 'fresh', mostDays: 3 }, { checked: 9, failing: 0, observed: 2 }, true)).toMatchObject({ met: true });
    expect(judge({ ...ages, kind: 'fresh', mostDays: 3 }, { checked: 9, failing: 0, observed: 2 }, true)).not.toHaveProperty('observed');
  });
  it('of all is the worst that was not met', () => {
    const result = (severity: Result['severity'], met: boolean): Result => ({ expectation: 'x', kind: 'unique', columns: [], severity, met, checkedRows: 1, failingRows: 0, fault: '' });
    expect(outcomeOf([result('error', true), result('warning', true)])).toBe('passed');
    expect(outcomeOf([result('error', true), result('warning', false)])).toBe('warned');
    expect(outcomeOf([result('error', false), result('warning', false)])).toBe('failed');
  });
});
