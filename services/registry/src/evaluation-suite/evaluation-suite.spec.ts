import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { EvaluationSuiteDraftedSchema, EvaluationSuitePublishedSchema, EvaluationSuiteRevisedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { evaluationSuite } from './evaluation-suite.ts';
import { NewSuiteContent } from './new-suite-content.ts';
import { sameSuite, suiteContentFrom, suiteMessage, type SuiteContent } from './suite-content.ts';
import { suiteFaults, type SuiteData } from './suite-faults.ts';

const given = specification(evaluationSuite);
const suiteId = '01890000-0000-7000-8000-000000000001';
const datasetVersionId = '01890000-0000-7000-8000-000000000005';

const content: SuiteContent = {
  kind: 'tabular',
  purpose: 'What every version has to pass.',
  datasets: [{ datasetVersionId, split: 'test' }],
  metrics: ['brier'],
  thresholds: [
    { metric: 'auc', op: 'at-least', value: 0.7, slice: '', severity: 'error' },
    { metric: 'accuracy', op: 'at-least', value: 0.6, slice: 'young', severity: 'warning' },
    { metric: 'demographic_parity_ratio:sex', op: 'at-least', value: 0.8, slice: '', severity: 'error' },
  ],
  slices: [{ name: 'young', column: 'age', from: 18, below: 25 }, { name: 'women', column: 'sex', equals: 'female' }],
};
const known: SuiteData = {
  ...{ id: datasetVersionId, name: 'credit', version: 1, labelColumn: 'bad', splits: [{ name: 'test' }], protectedColumns: ['sex'] },
  columns: [{ name: 'age', dataType: 'BIGINT', kind: 'numeric' }, { name: 'sex', dataType: 'VARCHAR', kind: 'categorical' }],
};
const data = new Map([[datasetVersionId, known]]);
const event = (number: number, of: SuiteContent = content) => ({ suiteId, name: 'gate', number, content: suiteMessage(of) });
const drafted = create(EvaluationSuiteDraftedSchema, event(1));
const published = create(EvaluationSuitePublishedSchema, event(1));
const stricter: SuiteContent = { ...content, metrics: [] };
const revised = create(EvaluationSuiteRevisedSchema, event(2, stricter));

describe('An evaluation suite', () => {
  it('is drafted once', () => {
    given([]).when({ type: 'DraftEvaluationSuite', suiteId, name: 'gate', content }).then([drafted]);
    given([drafted]).when({ type: 'DraftEvaluationSuite', suiteId, name: 'gate', content }).then([]);
  });
  it('is revised under its number until it is published', () => {
    given([drafted]).when({ type: 'ReviseEvaluationSuite', content: stricter }).then([create(EvaluationSuiteRevisedSchema, event(1, stricter))]);
    given([drafted]).when({ type: 'ReviseEvaluationSuite', content: structuredClone(content) }).then([]);
  });
  it('is published as it stands, once', () => {
    given([drafted]).when({ type: 'PublishEvaluationSuite', data }).then([published]);
    given([drafted, published]).when({ type: 'PublishEvaluationSuite', data }).then([]);
  });
  it('gets the next number for what is written after a publication', () => {
    given([drafted, published]).when({ type: 'ReviseEvaluationSuite', content: stricter }).then([revised]);
    given([drafted, published, revised]).when({ type: 'PublishEvaluationSuite', data }).then([create(EvaluationSuitePublishedSchema, event(2, stricter))]);
  });
  it('is refused when it is not there, or cannot be run', () => {
    given([]).when({ type: 'PublishEvaluationSuite', data }).thenRefused('EVALUATION_SUITE_NOT_FOUND');
    given([drafted]).when({ type: 'PublishEvaluationSuite', data: new Map() }).thenRefused('EVALUATION_SUITE_UNFIT');
  });
  it('says the same in events and in answers', () => {
    const judged: SuiteContent = { ...content, kind: 'llm', judge: { model: 'judge-1', rubric: 'Is it helpful?', scale: { from: 1, to: 5 } } };
    expect(suiteContentFrom(suiteMessage(judged))).toEqual(judged);
    expect(sameSuite(content, { ...content, slices: [...content.slices].reverse() })).toBe(false);
  });
});

describe('A suite cannot be published', () => {
  const first = content.thresholds.slice(0, 1);
  const of = (change: Partial<SuiteContent>, more: Partial<SuiteData> = {}) => suiteFaults({ ...content, ...change }, new Map([[datasetVersionId, { ...known, ...more }]]));
  it('unless something is wrong with it', () => expect(of({})).toEqual([]));
  it.each<[string, Partial<SuiteContent>, Partial<SuiteData>, RegExp]>([
    ['without thresholds', { thresholds: [] }, {}, /nothing could fail/],
    ['with a threshold on a slice that it does not have', { slices: [] }, {}, /the slice young/],
    ['with a judge of numbers', { judge: { model: 'm', rubric: 'r', scale: { from: 0, to: 1 } } }, {}, /no judge/],
    ['without data', { datasets: [] }, {}, /no data/],
    ['with data that are not here', { datasets: [{ datasetVersionId: suiteId, split: '' }] }, {}, /no dataset version 01890000-0000-7000-8000-000000000001/],
    ['with a split that is not there', { datasets: [{ datasetVersionId, split: 'holdout' }] }, {}, /no split named holdout/],
    ['on data without a label', {}, { labelColumn: '' }, /no label column/],
    ['with a slice of a column that is not there', {}, { columns: known.columns.slice(1) }, /column age/],
    ['with a metric that nobody knows', { metrics: ['vibes'] }, {}, /vibes is not measured/],
    ['with fairness between groups that are not protected', {}, { protectedColumns: [] }, /demographic_parity_ratio:sex is not measured/],
    ['with fairness within a slice', { thresholds: [{ ...content.thresholds[2]!, slice: 'young' }] }, {}, /demographic_parity_ratio:sex of the slice young/],
  ])('%s', (_, change, more, fault) => expect(of(change, more).join('; ')).toMatch(fault));
  it('for language models with a scale that ends before it begins, and else with whatever metrics and data its tools have', () => {
    const llm: SuiteContent = { kind: 'llm', purpose: '', datasets: [], metrics: ['faithfulness'], thresholds: first, slices: [], judge: { model: 'm', rubric: 'r', scale: { from: 5, to: 1 } } };
    expect(suiteFaults(llm, new Map())).toEqual(['the scale of the judge ends before it begins']);
    expect(suiteFaults({ ...llm, judge: undefined }, new Map())).toEqual([]);
  });
});

describe('What is sent as a suite', () => {
  const sent = (more: object) => NewSuiteContent.safeParse(more).success;
  it('has a small grammar for slices, and no other', () => {
    const slice = (more: object) => sent({ slices: [{ name: 's', column: 'age', ...more }] });
    expect([{ equals: 'x' }, { from: 1 }, { below: 2 }, { from: 1, below: 2 }].map(slice)).toEqual([true, true, true, true]);
    expect([{}, { equals: 'x', from: 1 }, { from: 2, below: 1 }, { where: 'age > 3' }].map(slice)).toEqual([false, false, false, false]);
  });
  it('names each slice, metric and dataset once', () => {
    const slice = { name: 's', column: 'age', equals: '1' };
    expect([{ slices: [slice, slice] }, { metrics: ['auc', 'auc'] }, { datasets: [{ datasetVersionId }, { datasetVersionId, split: '' }] }].map(sent)).toEqual([false, false, false]);
  });
});
