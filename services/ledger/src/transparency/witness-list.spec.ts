import { describe, expect, it } from '@jest/globals';
import { newSigner } from '@vitae/transparency';
import { witnessList } from './witness-list.ts';

const [a, b] = [newSigner('witness.example/a', 4).verifierKey, newSigner('witness.example/b@x', 4).verifierKey];
const read = (text?: string) => witnessList.parse(text).map(({ key, url }) => `${key.name} ${url}`);

describe('the list of witnesses', () => {
  it('is empty when nothing is said', () => expect(read(undefined)).toEqual([]));
  it('holds a key and an address for each', () => {
    expect(read(`${a}@https://w.example/log/, ${b}@http://127.0.0.1:7410`)).toEqual(['witness.example/a https://w.example/log', 'witness.example/b@x http://127.0.0.1:7410']);
  });
  it.each([
    ['a key without an address', a],
    ['the key of a log', `${newSigner('vitae.example/log').verifierKey}@https://w.example`],
    ['a key with a slip', `${a.replace('witness', 'witnes')}@https://w.example`],
    ['another kind of address', `${a}@ftp://w.example`],
  ])('refuses %s', (_, text) => expect(witnessList.safeParse(text).success).toBe(false));
});
