import { describe, expect, it } from '@jest/globals';
import { fitCategorical, fitNumeric } from './bins.ts';
import { coarsen } from './coarsen.ts';
import { referenceSummary, rowsIn, summarise } from './window-summary.ts';

describe('coarsening to cells', () => {
  it('given 100 numeric bins, when coarsened, then ten cells hold a tenth of the reference each, and NOVEL and MISSING nothing', () => {
    const baseline = fitNumeric(Array.from({ length: 2000 }, (_, i) => i));
    expect(coarsen(baseline, referenceSummary(baseline))).toEqual([...new Array<number>(10).fill(200), 0, 0]);
  });

  it('given a heavy value, when coarsened, then it keeps a cell of its own and every row is in a cell', () => {
    const baseline = fitNumeric([...new Array<number>(5000).fill(0), ...Array.from({ length: 5000 }, (_, i) => i + 1)]);
    const cells = coarsen(baseline, referenceSummary(baseline));
    expect(cells).toEqual([5000, 1000, 1000, 1000, 1000, 1000, 0, 0]);
  });

  it('given a thousand equally frequent categories, when coarsened, then ten cells share them', () => {
    const baseline = fitCategorical(Array.from({ length: 3000 }, (_, i) => `c${i % 1000}`));
    expect(coarsen(baseline, referenceSummary(baseline))).toEqual([...new Array<number>(10).fill(300), 0, 0]);
  });

  it('given frequent and rare categories in any order, when coarsened, then the frequent keep a cell and the rare share one', () => {
    const rows = { a: 10, b: 300, c: 10, d: 250, e: 10, f: 150, g: 10, h: 100, i: 10, j: 80, k: 10, l: 60 };
    const baseline = fitCategorical(Object.entries(rows).flatMap(([category, count]) => new Array<string>(count).fill(category)));
    expect(coarsen(baseline, referenceSummary(baseline))).toEqual([300, 250, 150, 100, 80, 120, 0, 0]);
  });

  it('given ten bins or fewer, when coarsened, then they stay as they are', () => {
    const baseline = fitCategorical(['a', 'a', 'a', 'a', 'b', 'c', null]);
    expect(coarsen(baseline, referenceSummary(baseline))).toEqual([4, 1, 1, 0, 1]);
  });

  it('given values out of range, missing or of a wrong type, when coarsened, then they have their own cells', () => {
    const baseline = fitNumeric([1, 2]);
    const summary = summarise(baseline, [1, 2, 2, 0, 3, 4, null, 'x']);
    expect(coarsen(baseline, summary)).toEqual([1, 2, 3, 2]);
    expect(rowsIn(summary)).toBe(8);
  });

  it('given a summary of another baseline, when coarsened, then it is refused', () => {
    const summary = referenceSummary(fitNumeric([1, 2]));
    expect(() => coarsen(fitNumeric([1, 2, 3]), summary)).toThrow('A numeric summary of 2 bins was not made for this numeric baseline of 3.');
  });
});
