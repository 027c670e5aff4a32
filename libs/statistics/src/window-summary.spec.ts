import { describe, expect, it } from '@jest/globals';
import { fitCategorical, fitNumeric } from './bins.ts';
import { addValue, emptySummary, mergeSummaries, referenceSummary, rowsIn, summarise } from './window-summary.ts';

const amount = fitNumeric([10, 20, 30, 40]);
const country = fitCategorical(['DE', 'FR', 'FR', 'US']);

describe('counting values', () => {
  it('given numeric bins, when any value arrives, then it is counted in exactly one place', () => {
    const values = [10, 10.5, 40, 9.99, 40.01, -Infinity, Infinity, null, undefined, NaN, '12', true, {}, 20n];
    const summary = summarise(amount, values);
    expect(summary).toEqual({ kind: 'numeric', counts: [1, 2, 0, 1], below: 2, above: 2, missing: 3, typeErrors: 3 });
    expect(rowsIn(summary)).toBe(values.length);
  });

  it('given categorical bins, when any value arrives, then it is counted in exactly one place', () => {
    const values = ['FR', 'DE', 'XX', '', null, NaN, {}, [], 7, false];
    const summary = summarise(country, values);
    expect(summary).toEqual({ kind: 'categorical', counts: [1, 1, 0], other: 4, missing: 2, typeErrors: 2 });
    expect(rowsIn(summary)).toBe(values.length);
  });

  it('given the reference itself, when summarised, then its counts are those of the baseline', () => {
    const values = Array.from({ length: 1234 }, (_, i) => ((i * 7919) % 1000) / 7);
    const baseline = fitNumeric(values);
    expect(summarise(baseline, values)).toEqual(referenceSummary(baseline));
  });

  it('given a summary of another kind, when a value is added, then it is refused', () => {
    expect(() => addValue(amount, emptySummary(country), 1)).toThrow('A categorical summary cannot count values for a numeric baseline.');
  });
});

describe('merging summaries', () => {
  const rows = Array.from({ length: 5000 }, (_, i) => (i % 97 === 0 ? null : i % 89 === 0 ? 'text' : ((i * 7919) % 5003) / 100));

  it.each([
    ['numeric', fitNumeric(rows.map((row) => (typeof row === 'number' ? row + 3 : null)))],
    ['categorical', fitCategorical(rows.map((row) => (typeof row === 'number' ? Math.round(row) : row)))],
  ])('given %s rows cut anywhere, when the parts are merged in any order, then the result is that of a single pass', (_, baseline) => {
    const whole = summarise(baseline, rows);
    for (const cut of [0, 1, 17, 2500, 4999, 5000]) {
      const [head, tail] = [summarise(baseline, rows.slice(0, cut)), summarise(baseline, rows.slice(cut))];
      expect(mergeSummaries(head, tail)).toEqual(whole);
      expect(mergeSummaries(tail, head)).toEqual(whole);
    }
  });

  it('given a summary that went through JSON, when merged with none, then it is the same summary', () => {
    const summary = summarise(amount, [1, 20, null]);
    expect(mergeSummaries(JSON.parse(JSON.stringify(summary)), emptySummary(amount))).toEqual(summary);
  });

  it('given summaries of different baselines, when merged, then it is refused', () => {
    expect(() => mergeSummaries(emptySummary(amount), emptySummary(country))).toThrow('numeric with 4 bins, categorical with 3');
    expect(() => mergeSummaries(emptySummary(country), emptySummary(fitCategorical(['a'])))).toThrow('do not merge');
    expect(() => mergeSummaries(emptySummary(fitNumeric([1])), emptySummary(fitCategorical(['a'])))).toThrow('do not merge');
  });
});
