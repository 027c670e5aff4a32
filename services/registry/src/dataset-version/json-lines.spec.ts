import { describe, expect, it } from '@jest/globals';
import { lineGuard, MAX_DEPTH, MAX_LINE_BYTES, typeOfValues } from './json-lines.ts';

const guard = (text: string, cut = text.length): void => {
  const look = lineGuard();
  const bytes = Buffer.from(text);
  for (let i = 0; i < bytes.length; i += cut) look(bytes.subarray(i, i + cut));
};

describe('The guard before JSON lines', () => {
  it.each([
    ['objects', '{"a":1}\n{"a":2}\n'],
    ['blank lines and spaces', '\n  {"a":1}\r\n\n{"a":2}'],
    ['braces and quotes within text', `{"a":"${'{['.repeat(100)}\\"${'{'.repeat(100)}"}\n`],
    ['nesting up to the limit', `${'{"a":'.repeat(MAX_DEPTH)}1${'}'.repeat(MAX_DEPTH)}\n`],
    ['the longest line', `{"a":"${'x'.repeat(MAX_LINE_BYTES - 8)}"}\n{}`],
  ])('lets %s through, whatever pieces they come in', (_, text) => {
    guard(text);
    guard(text, 7);
  });

  it.each([
    ['a list', '{"a":1}\n[1]\n', /^Line 2 .* is no JSON object/],
    ['a bare number', '3\n', /^Line 1 /],
    ['nesting that goes too deep', `{"a":1}\n{"a":${'['.repeat(100_000)}`, /^Line 2 .* nested more than 32 deep/],
    ['a line without end', `{"a":1}\n\n{"a":"${'x'.repeat(10 * MAX_LINE_BYTES)}`, /^Line 3 .* longer than 1048576 bytes/],
  ])('stops %s', (_, text, message) => expect(() => guard(text, 1000)).toThrow(message));

  it('begins each line anew, so that a broken one is told as the line that it is', () => {
    expect(() => guard('{"a":"open\n[')).toThrow(/^Line 2 /);
  });
});

describe('The type of a JSON column', () => {
  it.each([
    [['UBIGINT', 'BIGINT', 'NULL'], false, 'BIGINT'],
    [['UBIGINT'], true, 'DOUBLE'],
    [['UBIGINT', 'DOUBLE'], false, 'DOUBLE'],
    [['VARCHAR', 'NULL'], false, 'VARCHAR'],
    [['BOOLEAN'], false, 'BOOLEAN'],
    [['ARRAY', 'OBJECT'], false, 'JSON'],
    [['NULL'], false, 'VARCHAR'],
    [[], false, 'VARCHAR'],
    [['VARCHAR', 'UBIGINT'], false, undefined],
    [['BOOLEAN', 'UBIGINT'], false, undefined],
    [['OBJECT', 'VARCHAR'], false, undefined],
  ])('of %j is (beyond BIGINT: %s) %s', (kinds, beyond, type) => expect(typeOfValues(kinds, beyond)).toBe(type));
});
