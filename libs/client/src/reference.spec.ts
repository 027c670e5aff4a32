import { describe, expect, it } from '@jest/globals';
import { parseName, parseVersionName, quoted } from './reference.ts';

const id = '0199aaaa-0000-7000-8000-000000000001';

describe('what somebody calls a version', () => {
  it.each([
    [id, { by: 'id', id }],
    [id.toUpperCase(), { by: 'id', id }],
    ['credit/3', { by: 'number', of: { by: 'name', name: 'credit' }, version: 3 }],
    [`${id}/3`, { by: 'number', of: { by: 'id', id }, version: 3 }],
    ['credit@champion', { by: 'alias', of: { by: 'name', name: 'credit' }, alias: 'champion' }],
    ['dana@example.org@champion', { by: 'alias', of: { by: 'name', name: 'dana@example.org' }, alias: 'champion' }],
    ['größere Kredite/12', { by: 'number', of: { by: 'name', name: 'größere Kredite' }, version: 12 }],
    ['credit', { by: 'newest', of: { by: 'name', name: 'credit' } }],
    ['credit@', { by: 'newest', of: { by: 'name', name: 'credit@' } }],
  ] as const)('%s', (text, named) => expect(parseVersionName(text)).toEqual(named));

  it('is the name of a model unless it looks like an id', () => {
    expect([parseName('credit'), parseName(id)]).toEqual([{ by: 'name', name: 'credit' }, { by: 'id', id }]);
  });
});

describe('a text in a filter', () => {
  it('ends where it should, whatever it holds', () => expect(quoted(`it's ' OR name != '`)).toBe(`'it''s '' OR name != '''`));
});
