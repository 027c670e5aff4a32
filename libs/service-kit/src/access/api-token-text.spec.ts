import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { API_TOKEN_BYTES, apiTokenText, looksLikeApiToken, readApiToken } from './api-token-text.ts';

const zeros = apiTokenText(new Uint8Array(API_TOKEN_BYTES));
const ones = apiTokenText(new Uint8Array(API_TOKEN_BYTES).fill(255));

describe('the text of an API token', () => {
  it('is always as long, whatever it is made of', () => {
    expect(zeros).toMatch(/^vitae_0{12}_0{43}[0-9A-Za-z]{6}$/);
    expect(ones).toMatch(/^vitae_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$/);
    expect(() => apiTokenText(new Uint8Array(32))).toThrow('40 random bytes, not of 32');
  });

  it('loses no bit: every one of its 320 gives another text', () => {
    const texts = Array.from({ length: API_TOKEN_BYTES * 8 }, (_, bit) => {
      const bytes = new Uint8Array(API_TOKEN_BYTES);
      bytes[bit >> 3] = 1 << (bit & 7);
      return apiTokenText(bytes);
    });
    expect(new Set([zeros, ...texts]).size).toBe(321);
  });

  it('is read as its id and the hash of its secret', () => {
    const text = apiTokenText(randomBytes(API_TOKEN_BYTES));
    const [, id, rest] = text.split('_');
    expect(readApiToken(text)).toEqual({ id, hash: createHash('sha256').update(rest!.slice(0, 43)).digest() });
  });

  it.each([
    ['cut', ones.slice(0, -1)],
    ['with something behind it', `${ones}x`],
    ['with one letter changed', ones.replace(/(.)(.{20})$/, (_all, letter: string, end: string) => `${letter === 'a' ? 'b' : 'a'}${end}`)],
    ['with two letters swapped', `vitae_0${'1'}${zeros.slice(8)}`],
    ['in capitals', ones.toUpperCase()],
    ['of somebody else', `ghp_${'a'.repeat(36)}`],
    ['empty', ''],
  ])('is refused %s', (_how, text) => expect(readApiToken(text)).toBeUndefined());

  it('is told from a JWT by how it begins', () => {
    expect([looksLikeApiToken(zeros), looksLikeApiToken('vitae_'), looksLikeApiToken('eyJhbGciOiJSUzI1NiJ9.e30.c2ln')]).toEqual([true, true, false]);
  });
});
