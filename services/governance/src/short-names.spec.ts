import { describe, expect, it } from '@jest/globals';
import { AiActClass, AiActClassSchema, DirectionSchema } from '@vitae/contracts';
import { pageOf, pageQuery } from './page.ts';
import { shortNames } from './short-names.ts';

describe('short names of an enum', () => {
  const classes = shortNames<AiActClass>(AiActClassSchema);
  it('are kebab-case, without prefix and without the unspecified one', () => {
    expect(classes.names).toEqual(['minimal', 'limited', 'high-risk', 'prohibited']);
    expect(shortNames(DirectionSchema).names).toEqual(['at-least', 'at-most']);
  });
  it('lead there and back', () => {
    expect(classes.valueOf('high-risk')).toBe(AiActClass.HIGH_RISK);
    expect(classes.nameOf(AiActClass.HIGH_RISK)).toBe('high-risk');
  });
  it('give nothing for what is not among them', () => {
    expect([classes.valueOf('high_risk'), classes.nameOf(99 as AiActClass)]).toEqual([0, 'unspecified']);
  });
});

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
