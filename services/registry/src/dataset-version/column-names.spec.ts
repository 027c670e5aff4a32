import { describe, expect, it } from '@jest/globals';
import { acceptable, csvHeader } from './column-names.ts';

const unreadable = (message: RegExp) => expect.objectContaining({ reason: 'DATASET_UNREADABLE', status: 422, message: expect.stringMatching(message) });
const thrown = (work: () => unknown): unknown => {
  try {
    return { returned: work() };
  } catch (error) {
    return error;
  }
};

describe('The header of a CSV', () => {
  it.each<[string, string[]]>([
    ['age,sex\n1,m\n', ['age', 'sex']],
    ['age,sex\r\n1,m\r\n', ['age', 'sex']],
    ['\ufeffage,sex\n', ['age', 'sex']],
    ['age', ['age']],
    ['"the ""age"", in years",sex\n', ['the "age", in years', 'sex']],
  ])('of %j names %j', (start, names) => {
    expect(csvHeader(start)).toEqual(names);
  });

  it.each([
    ['age,\n', /Column 2 has no name/],
    ['', /Column 1 has no name/],
    ['age,Age\n', /Column 2 is named Age, as another/],
    ['\u0000\u0001\n', /unprintable/],
    ['\ufffd\n', /unprintable/],
    ['"age\n1\n', /opens a quote/],
    [`${'a'.repeat(129)}\n`, /longer than 128/],
  ])('refuses %j', (start, message) => {
    expect(thrown(() => csvHeader(start))).toEqual(unreadable(message));
  });

  it('refuses more columns than an event can describe', () => {
    const names = Array.from({ length: 257 }, (_, i) => `c${i}`);
    expect(thrown(() => acceptable(names))).toMatchObject({ reason: 'DATASET_TOO_WIDE', status: 422 });
    expect(acceptable(names.slice(1))).toHaveLength(256);
  });
});
