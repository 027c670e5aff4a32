import { describe, expect, it } from '@jest/globals';
import { interpret, type RawRows } from './interpret.ts';
import { belongs, sliceFault } from './slice.ts';

const raw = (more: Partial<RawRows>): RawRows => ({ labels: [], classes: [], scores: [], width: 1, groups: { sex: ['f'] }, slices: { all: [0] }, ...more });
const read = (rows: Partial<RawRows>, outputs: { label?: string; scores?: string }, hint = '') => interpret(raw(rows), outputs, 'y', hint);

describe('What a model answers', () => {
  it('is one of two classes, with or without their probability', () => {
    expect(read({ labels: ['1', '0'], classes: [1, 1], scores: [0.25, 0.75, 0.4, 0.6], width: 2 }, { label: 'l', scores: 's' })).toEqual({
      ...{ task: 'binary-classification', labels: [1, 0], predictions: [1, 1], scores: [0.75, 0.6] },
      ...{ groups: { sex: ['f'] }, slices: { all: [0] } },
    });
    expect(read({ labels: ['1', '0'], scores: [0.75, 0.25] }, { scores: 's' })).toMatchObject({ task: 'binary-classification', predictions: [1, 0], scores: [0.75, 0.25] });
    expect(read({ labels: ['true', 'false'], classes: [1, 0] }, { label: 'l' })).toMatchObject({ task: 'binary-classification', scores: undefined });
  });

  it('is one of several, in the order of the probabilities', () => {
    expect(read({ labels: ['2', '0', '1.0'], classes: [2, 1, 1], scores: [0.1, 0.2, 0.7, 0.3, 0.5, 0.2, 0, 1, 0], width: 3 }, { label: 'l', scores: 's' })).toMatchObject({
      ...{ task: 'multiclass-classification', classes: ['0', '1', '2'], labels: [2, 0, 1], predictions: [2, 1, 1], scores: [0.7, 0.3, 1] },
    });
    expect(read({ labels: ['good', 'bad'], classes: ['bad', 'bad'], scores: [0.6, 0.4, 0.9, 0.1], width: 2 }, { label: 'l', scores: 's' })).toMatchObject({ task: 'multiclass-classification', classes: ['bad', 'good'], labels: [1, 0], scores: [0.4, 0.9] });
    expect(read({ labels: ['2', '1'], scores: [0, 0, 1, 1, 0, 0], width: 3 }, { scores: 's' })).toMatchObject({ predictions: [2, 0], scores: [1, 0] });
  });

  it('has no log loss when it is unknown which probability is whose', () => {
    expect(read({ labels: ['good', 'bad'], classes: ['bad', 'bad'], scores: [0.1, 0.2, 0.7, 0.3, 0.5, 0.2], width: 3 }, { label: 'l', scores: 's' })).toMatchObject({ task: 'multiclass-classification', scores: undefined });
  });

  it('is a number, when its task says so or a label is neither 0 nor 1', () => {
    expect(read({ labels: ['1.5', '-2'], scores: [1, 2] }, { scores: 's' })).toEqual({ task: 'regression', labels: [1.5, -2], predictions: [1, 2], groups: { sex: ['f'] }, slices: { all: [0] } });
    expect(read({ labels: ['1', '0'], scores: [1, 2] }, { scores: 's' }, 'Price regression')).toMatchObject({ task: 'regression' });
  });

  it.each([
    ['a label of two classes that is neither', { labels: ['2'], classes: [1], scores: [0.5], width: 1 }, { label: 'l', scores: 's' }, 'LABEL_NOT_BINARY'],
    ['the same, by its task', { labels: ['2'], scores: [0.5] }, { scores: 's' }, 'LABEL_NOT_BINARY'],
    ['an empty label of several classes', { labels: [null], classes: ['a'] }, { label: 'l' }, 'LABEL_UNFIT'],
    ['a label that is no number', { labels: ['dear'], scores: [3] }, { scores: 's' }, 'LABEL_UNFIT'],
    ['more classes than a classifier has', { labels: Array.from({ length: 101 }, (_, i) => `c${i}`), classes: Array.from({ length: 101 }, () => 'c') }, { label: 'l' }, 'LABEL_UNFIT'],
  ])('is refused with %s', (_, rows, outputs, reason) => {
    expect(() => read(rows, outputs, reason === 'LABEL_NOT_BINARY' ? 'binary-classification' : '')).toThrow(expect.objectContaining({ reason }));
  });
});

describe('A slice', () => {
  const young = { name: 'young', column: 'age', from: 18, below: 25 };
  it('is a band with its beginning and without its end', () => {
    expect([17.9, 18, 24.9, 25, null, Number.NaN].map((age) => belongs(young, age))).toEqual([false, true, true, false, false, false]);
    expect(belongs({ name: 'old', column: 'age', from: 60 }, 1e9)).toBe(true);
  });
  it('is a value, spelt exactly', () => {
    expect(['f', 'F', '', null].map((sex) => belongs({ name: 'women', column: 'sex', equals: 'f' }, sex))).toEqual([true, false, false, false]);
    expect(belongs({ name: 'unknown', column: 'sex', equals: '' }, null)).toBe(true);
  });
  it('needs its column, and a band a number', () => {
    const columns = [{ name: 'age', dataType: 'BIGINT', kind: 'numeric' }, { name: 'sex', dataType: 'VARCHAR', kind: 'categorical' }] as const;
    expect(sliceFault(young, columns)).toBeUndefined();
    expect(sliceFault({ ...young, column: 'sex' }, columns)).toMatch(/not numeric/);
    expect(sliceFault({ ...young, column: 'size' }, columns)).toMatch(/do not have/);
  });
});
