import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openText, replaceSealed, replaceUnsealed, SEAL, sealedTextsIn, sealText } from './sealed-text.ts';

const key = randomBytes(32);
const home = { keyId: '01990000-0000-7000-8000-000000000001', eventId: '01990000-0000-7000-8000-000000000002', place: 'payload.lesson' };
const elsewhere = '01990000-0000-7000-8000-000000000009';

describe('a sealed text', () => {
  it('opens to what was sealed, whatever it was', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => openText(sealText(text, key, home), key) === text));
  });

  it('shows nothing of the text, and is never the same twice', () => {
    const sealed = sealText('Paula was late again', key, home);
    expect(sealed).not.toMatch(/Paula|late/);
    expect(sealed.slice(0, sealed.lastIndexOf(':'))).toBe(`${SEAL}${home.keyId}:${home.eventId}:${home.place}`);
    expect(sealText('Paula was late again', key, home)).not.toBe(sealed);
  });

  it('does not tell a short answer by its length', () => {
    expect(sealText('yes', key, home)).toHaveLength(sealText('certainly not', key, home).length);
  });

  it('does not open with another key', () => {
    expect(openText(sealText('text', key, home), randomBytes(32))).toBeUndefined();
  });

  it.each([
    ['event', { ...home, eventId: elsewhere }],
    ['field', { ...home, place: 'payload.rootCause' }],
    ['key', { ...home, keyId: elsewhere }],
  ])('does not open when it was told to be at home in another %s', (_what, other) => {
    const sealed = sealText('text', key, home);
    const moved = sealText('', key, other).replace(/:[^:]*$/, sealed.slice(sealed.lastIndexOf(':')));
    expect(sealedTextsIn(moved)).toEqual([other]);
    expect(openText(moved, key)).toBeUndefined();
  });

  it('does not open when any character of it is another one', () => {
    const sealed = sealText('text', key, home);
    const opened = [...sealed].map((was, i) => openText(sealed.slice(0, i) + (was === 'A' ? 'B' : 'A') + sealed.slice(i + 1), key));
    // The last character before the semicolon may carry bits that belong to no byte; those change nothing.
    const spare = opened.length - 2;
    expect(opened.filter((text, i) => text !== undefined && i !== spare)).toEqual([]);
    expect([undefined, 'text']).toContain(opened[spare]);
  });
});

describe('sealed texts within a text', () => {
  const [one, two] = [sealText('one', key, home), sealText('two', key, home)];

  it('are found side by side, and replaced where they stand', () => {
    const text = `because ${one}${two}, and ${one}so on`;
    expect(sealedTextsIn(text)).toEqual([home, home, home]);
    expect(replaceSealed(text, (sealed) => openText(sealed, key) ?? '?')).toBe('because onetwo, and oneso on');
  });

  it('stay as they are when the rest is changed', () => {
    expect(replaceUnsealed(`because ${one}${two}!`, (clear) => `<${clear}>`)).toBe(`<because >${one}${two}<!>`);
    expect(replaceUnsealed('all clear', (clear) => `<${clear}>`)).toBe('<all clear>');
    expect(replaceUnsealed(one, () => '!')).toBe(one);
  });
});
