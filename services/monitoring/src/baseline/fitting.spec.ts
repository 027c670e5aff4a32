import { describe, expect, it } from '@jest/globals';
import { Refused } from '@vitae/event-store';
import { fitFeatures, type Column } from './fitting.ts';

const amounts: Column = { name: 'amount', kind: 'numeric', values: [1, 2, 3, null] };
const refusalOf = (columns: readonly Column[]): string => {
  try {
    fitFeatures(columns);
  } catch (error) {
    if (error instanceof Refused) return `${error.status} ${error.reason}`;
    throw error;
  }
  return 'fitted';
};

describe('fitting a reference', () => {
  it('gives bins for each column, by its kind', () => {
    const { features, leftOut } = fitFeatures([amounts, { name: 'housing', kind: 'categorical', values: ['own', 'rent', 'own', 'own'] }]);
    expect(features).toEqual([
      ['amount', { kind: 'numeric', min: 1, edges: [1, 2, 3], counts: [1, 1, 1], missing: 1 }],
      ['housing', { kind: 'categorical', categories: ['own', 'rent'], counts: [3, 1], other: 0, missing: 0 }],
    ]);
    expect(leftOut).toEqual([]);
  });

  it('leaves out what cannot be watched: empty columns, and identifiers, whose values stay out of the ledger', () => {
    const { features, leftOut } = fitFeatures([
      amounts,
      { name: 'notes', kind: 'categorical', values: [null, null] },
      { name: 'nothing', kind: 'numeric', values: [null, Number.NaN] },
      { name: 'email', kind: 'categorical', values: Array.from({ length: 100 }, (_, i) => `person-${i}@example.org`) },
    ]);
    expect(features.map(([name]) => name)).toEqual(['amount']);
    expect(leftOut).toEqual([
      { column: 'notes', why: 'empty' },
      { column: 'nothing', why: 'empty' },
      { column: 'email', why: 'identifier' },
    ]);
  });

  it('keeps a column of few rows and as many categories: it is small data, not an identifier', () => {
    expect(fitFeatures([{ name: 'country', kind: 'categorical', values: ['at', 'de', 'fr'] }]).features).toHaveLength(1);
  });

  it('shares the bins among very many columns, so that the event fits a message', () => {
    const columns = Array.from({ length: 1_000 }, (_, i): Column => ({ name: `c${i}`, kind: 'numeric', values: Array.from({ length: 500 }, (__, row) => row) }));
    const { features } = fitFeatures(columns);
    expect(features.map(([, { counts }]) => counts.length)).toEqual(columns.map(() => 20));
  });

  it('refuses what has no bins, and says why', () => {
    expect(refusalOf([])).toBe('422 BASELINE_WITHOUT_FEATURES');
    expect(refusalOf([{ name: 'amount', kind: 'numeric', values: [1, Infinity] }])).toBe('422 COLUMN_UNFITTABLE');
    const essays = Array.from({ length: 100 }, (_, i) => `${'long text '.repeat(500)}${i % 49}`);
    expect(refusalOf([1, 2, 3].map((n): Column => ({ name: `essay${n}`, kind: 'categorical', values: essays })))).toBe('422 BASELINE_TOO_LARGE');
  });
});
