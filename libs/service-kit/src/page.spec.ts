import { describe, expect, it } from '@jest/globals';
import { pageOf, pageQuery } from './page.ts';

describe('a page', () => {
  const rows = ['a', 'b', 'c'].map((id) => ({ id }));
  it('names the next one only when there is one', () => {
    expect(pageOf(rows, 2)).toEqual({ items: [{ id: 'a' }, { id: 'b' }], next: 'b' });
    expect(pageOf(rows, 3)).toEqual({ items: rows });
  });
  it('holds 50 unless told, and at most 200', () => {
    expect(pageQuery.parse({})).toEqual({ limit: 50 });
    expect(pageQuery.safeParse({ limit: '201' }).success).toBe(false);
  });
});
