import { describe, expect, it } from '@jest/globals';
import { AiActClass, AiActClassSchema, DirectionSchema } from '@vitae/contracts';
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
