import { describe, expect, it } from '@jest/globals';
import { newSigner, rotationStatement, type Signer } from '@vitae/transparency';
import { KeyChainBroken, signingKeys, type Rotation } from './signing-keys.ts';

const origin = 'vitae.example/ledger/1';
const [a, b, c, stranger] = [newSigner(origin), newSigner(origin), newSigner(origin), newSigner(origin)];
const rotation = (index: number, old: Signer, next: Signer, by = old): Rotation => ({
  index,
  payload: JSON.stringify({ oldVerifierKey: old.verifierKey, newVerifierKey: next.verifierKey, statement: rotationStatement(origin, by, next.verifierKey) }),
});
const rotations = [rotation(10, a, b), rotation(20, b, c)];
const names = new Map([[a.verifierKey, 'a'], [b.verifierKey, 'b'], [c.verifierKey, 'c']]);
const signed = (from: number, to: number, by = rotations): string => signingKeys(a.verifierKey, by, { origin, from, to }).map((key) => names.get(key)).join('');

describe('a checkpoint', () => {
  it.each([
    [0, 5, 'a', 'by the first key before there is a rotation'],
    [5, 10, 'a', 'by the old key up to the rotation'],
    [5, 11, 'ab', 'by both when it is the first to cover the rotation'],
    [10, 11, 'ab', 'by both when nothing but the rotation is new'],
    [11, 12, 'b', 'by the new key afterwards'],
    [5, 30, 'abc', 'by all when it covers two rotations'],
    [0, 30, 'abc', 'by all when it is the first of the log'],
    [21, 22, 'c', 'by the last key at the end'],
  ])('from %i to %i is signed by %s: %s', (from, to, keys) => expect(signed(from, to)).toBe(keys));

  it('is not signed when a rotation lacks the signature of the key before', () => {
    expect(() => signed(5, 11, [rotation(10, a, b, stranger)])).toThrow(KeyChainBroken);
  });
  it('is not signed when a rotation starts from a key that is not in force', () => {
    expect(() => signed(5, 21, [rotation(10, a, b), rotation(20, a, c)])).toThrow(KeyChainBroken);
  });
});
