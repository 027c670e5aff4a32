import { describe, expect, it } from '@jest/globals';
import { Refused } from '@vitae/event-store';
import { compare, mustFit, newLabels, type RequestLabels } from './labels.ts';

const a: RequestLabels = { requestId: 'a', labels: [0, 1] };
const b: RequestLabels = { requestId: 'b', labels: [1] };
const refusalOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof Refused) return `${error.status} ${error.reason}`;
    throw error;
  }
  return 'taken';
};

describe('labels', () => {
  it('are new unless they were given before, and giving the same again is harmless', () => {
    expect(newLabels([a, b], new Map())).toEqual([a, b]);
    expect(newLabels([a, b], new Map([['a', [0, 1]]]))).toEqual([b]);
  });
  it('cannot be changed, as verdicts rest on them', () => {
    expect(refusalOf(() => newLabels([a], new Map([['a', [1, 1]]])))).toBe('409 GROUND_TRUTH_DIFFERS');
    expect(refusalOf(() => newLabels([a], new Map([['a', [0, 1, 0]]])))).toBe('409 GROUND_TRUTH_DIFFERS');
  });
  it('name each request once', () => expect(refusalOf(() => newLabels([a, a], new Map()))).toBe('422 GROUND_TRUTH_REPEATED'));
  it('fit the rows of a request that is known', () => {
    expect(refusalOf(() => mustFit(a, [0]))).toBe('422 GROUND_TRUTH_MISFIT');
    expect(refusalOf(() => mustFit(a, [0, 0]))).toBe('taken');
    expect(refusalOf(() => mustFit(a, undefined))).toBe('taken');
  });
});

describe('a prediction', () => {
  it('is right or wrong by its value, in whatever form the model server wrote it', () => {
    expect(compare([0, 0], [0, 1])).toEqual({ rows: 2, errors: 1 });
    expect(compare(['1', true, 0], [1, 1, 0])).toEqual({ rows: 3, errors: 0 });
  });
  it('that has another number of rows, or is none, cannot be compared', () => {
    expect(compare([0], [0, 1])).toBeUndefined();
    expect(compare(undefined, [0])).toBeUndefined();
  });
});
