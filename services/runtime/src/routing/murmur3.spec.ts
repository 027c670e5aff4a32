import { describe, expect, it } from '@jest/globals';
import { murmur3 } from './murmur3.ts';

describe('murmur3', () => {
  it.each([
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['test', 0, 0xba6bd213],
    ['hello, world', 0, 0x149bbb7f],
    ['Hello, world!', 0x9747b28c, 0x24884cba],
    ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
  ])('of %j with seed %d is the published value', (value, seed, expected) => {
    expect(murmur3(value, seed)).toBe(expected);
  });
});
