import { describe, expect, it } from '@jest/globals';
import { judge, type Threshold } from './threshold.ts';

const results = {
  metrics: [{ name: 'auc', value: 0.75, lower: 0.7, upper: 0.8 }, { name: 'log_loss', value: 0.5 }],
  slices: [{ slice: 'young', rowCount: 30, metrics: [{ name: 'auc', value: 0.6, lower: 0.5, upper: 0.7 }] }, { slice: 'few', rowCount: 3, metrics: [] }],
};
const atLeast = (value: number, more: Partial<Threshold> = {}): Threshold => ({ metric: 'auc', op: 'at-least', value, slice: '', severity: 'error', ...more });
const judged = (thresholds: readonly Threshold[], metrics: readonly string[] = []) => {
  const { thresholds: each, ...rest } = judge({ metrics, thresholds }, results);
  return { ...rest, outcomes: each.map(({ outcome, close }) => [outcome, close]) };
};

describe('A threshold', () => {
  it.each([
    [0.7, 'passed', false],
    [0.71, 'passed', true],
    [0.75, 'passed', true],
    [0.76, 'failed', true],
    [0.8, 'failed', false],
  ])('of at least %s is judged by the value, and says whether the bound lies in the interval', (bound, outcome, close) => {
    expect(judged([atLeast(bound)]).outcomes).toEqual([[outcome, close]]);
  });
  it('of at most is met by the bound itself', () => {
    expect(judged([atLeast(0.75, { op: 'at-most' }), atLeast(0.74, { op: 'at-most' })]).outcomes).toEqual([['passed', true], ['failed', true]]);
  });
  it('looks at its slice', () => expect(judged([atLeast(0.65, { slice: 'young' })])).toMatchObject({ verdict: 'failed', outcomes: [['failed', true]] }));
  it('tells what it saw', () => expect(judge({ metrics: [], thresholds: [atLeast(0.65, { slice: 'young' })] }, results).thresholds[0]?.measured).toEqual({ name: 'auc', value: 0.6, lower: 0.5, upper: 0.7 }));
  it('is never close without an interval', () => expect(judged([atLeast(0.5, { metric: 'log_loss' })]).outcomes).toEqual([['passed', false]]));
});

describe('The verdict', () => {
  it('passes when all is met', () => expect(judged([atLeast(0.7)], ['auc'])).toMatchObject({ verdict: 'passed', missingMetrics: [] }));
  it('does not hang on warnings', () => expect(judged([atLeast(0.7), atLeast(0.9, { severity: 'warning' }), atLeast(0.9, { metric: 'f1', severity: 'warning' })])).toMatchObject({ verdict: 'passed', outcomes: [['passed', false], ['failed', false], ['not-measured', false]] }));
  it('is inconclusive when a threshold, or a metric that is asked for, was not measured', () => {
    expect(judged([atLeast(0.7, { slice: 'few' })])).toMatchObject({ verdict: 'inconclusive', outcomes: [['not-measured', false]] });
    expect(judged([atLeast(0.7, { slice: 'nobody' })]).verdict).toBe('inconclusive');
    expect(judged([atLeast(0.7)], ['brier', 'auc'])).toMatchObject({ verdict: 'inconclusive', missingMetrics: ['brier'] });
  });
  it('fails when one is not met, whatever else is unknown', () => expect(judged([atLeast(0.9), atLeast(0.9, { metric: 'f1' })], ['brier']).verdict).toBe('failed'));
});
