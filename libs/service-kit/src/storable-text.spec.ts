import { describe, expect, it } from '@jest/globals';
import { unstorable } from './storable-text.ts';

describe('text that cannot be kept', () => {
  it('is found wherever it stands, names of fields too', () => {
    const value = { title: 'a\0', kpis: [{ name: 'ok' }, { name: '\ud800' }], plain: 'é 😀', tags: { 'k\0': 'v' }, n: 1, no: null };
    expect(unstorable(value).map((at) => at.join('/')).sort()).toEqual(['kpis/1/name', 'tags', 'title']);
    expect(unstorable('\0')).toEqual([[]]);
    expect(unstorable({ a: ['b', { c: 'd' }] })).toEqual([]);
  });

  it('is found however deep', () => {
    let deep: unknown = '\0';
    for (let level = 0; level < 2_000; level += 1) deep = [deep];
    expect(unstorable(deep)).toHaveLength(1);
  });
});
