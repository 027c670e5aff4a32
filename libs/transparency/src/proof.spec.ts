import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { appendLeaves, emptyFrontier, EMPTY_ROOT, leafHash, rootOf } from './merkle-tree.ts';
import { naiveConsistency, naivePath, naiveRoot, tilesOver } from './naive-tree.fixture.ts';
import { consistencyProof, inclusionProof, ProofInvalid, verifyConsistency, verifyInclusion } from './proof.ts';

const ctLeaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map((entry) => leafHash(Buffer.from(entry, 'hex')));
const manyLeaves = Array.from({ length: 1400 }, (_, i) => leafHash(Buffer.from(`entry ${i}`)));
const hex = (proof: readonly Uint8Array[]): string[] => proof.map((hash) => Buffer.from(hash).toString('hex'));
const rootAt = (size: number): Buffer => rootOf(appendLeaves(emptyFrontier, manyLeaves.slice(0, size)));
const sizes = fc.oneof(fc.integer({ min: 1, max: 1400 }), fc.constantFrom(1, 2, 255, 256, 257, 512, 513, 1024));

describe('inclusion proofs', () => {
  it.each([
    // the reference proofs of the Certificate Transparency implementations
    [1, 8, ['6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d', '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e', '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4']],
    [0, 8, ['96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7', '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e', '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4']],
    [5, 8, ['bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b', 'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0', 'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7']],
    [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
    [0, 1, []],
  ])('given reference entry %d in a tree of %d, then the proof is the reference proof', async (index, size, expected) => {
    const leaves = ctLeaves.slice(0, size);
    const proof = await inclusionProof(index, size, tilesOver(leaves).read);
    expect(hex(proof)).toEqual(expected);
    verifyInclusion({ index, size, leaf: ctLeaves[index] as Buffer, proof, root: naiveRoot(leaves) });
  });

  it('given any entry of any tree, then the proof from tiles is that of the recursive definition, and verifies', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), async (size, any) => {
        const index = any % size;
        const leaves = manyLeaves.slice(0, size);
        const { read, root } = tilesOver(leaves);
        const proof = await inclusionProof(index, size, read);
        expect(hex(proof)).toEqual(hex(naivePath(index, leaves)));
        verifyInclusion({ index, size, leaf: leaves[index] as Buffer, proof, root });
      }),
      { numRuns: 60 },
    );
  });

  it('given a proof with anything changed, then it is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 600 }), fc.nat(), fc.nat(), fc.nat(255), async (size, any, where, byte) => {
        const index = any % size;
        const { read, root } = tilesOver(manyLeaves.slice(0, size));
        const proof = await inclusionProof(index, size, read);
        const leaf = manyLeaves[index] as Buffer;
        const claim = { index, size, leaf, proof, root };
        const flipped = proof.map((hash) => Buffer.from(hash));
        const hash = flipped[where % flipped.length] as Buffer;
        hash[byte % 32] = (hash[byte % 32] ?? 0) ^ (1 + (byte % 255));
        const other = (index + 1) % size;
        for (const lie of [
          { ...claim, proof: flipped },
          { ...claim, proof: proof.slice(1) },
          { ...claim, proof: proof.slice(0, -1) },
          { ...claim, proof: [...proof, root] },
          { ...claim, proof: [root, ...proof] },
          { ...claim, leaf: root },
          { ...claim, root: leaf },
          { ...claim, leaf: manyLeaves[other] as Buffer },
          { ...claim, index: size },
          { ...claim, index: -1 },
          { ...claim, index: 0.5 },
          { ...claim, size: 0 },
          { ...claim, root: root.subarray(1) },
        ]) {
          expect(() => verifyInclusion(lie)).toThrow(ProofInvalid);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('given tiles of another width, then no proof is made of them', async () => {
    await expect(inclusionProof(0, 3, async () => Buffer.alloc(64))).rejects.toThrow('tile/0/000.p/3 has 64 bytes instead of 96');
    await expect(inclusionProof(3, 3, tilesOver(ctLeaves.slice(0, 3)).read)).rejects.toThrow('there is no entry 3 in a log of 3');
  });

  it('given forged tiles, then their proof does not verify', async () => {
    const leaves = manyLeaves.slice(0, 300);
    const forged = tilesOver(leaves.with(7, ctLeaves[0] as Buffer));
    const proof = await inclusionProof(6, 300, forged.read);
    expect(() => verifyInclusion({ index: 6, size: 300, leaf: leaves[6] as Buffer, proof, root: naiveRoot(leaves) })).toThrow('does not lead from entry 6');
  });
});

describe('consistency proofs', () => {
  it.each([
    [1, 8, ['96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7', '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e', '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4']],
    [6, 8, ['0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a', 'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0', 'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7']],
    [2, 5, ['5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e', 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b']],
    [8, 8, []],
    [0, 8, []],
  ])('given the reference tree at %d and at %d, then the proof is the reference proof', async (from, to, expected) => {
    const proof = await consistencyProof(from, to, tilesOver(ctLeaves.slice(0, to)).read);
    expect(hex(proof)).toEqual(expected);
    verifyConsistency({ from, to, fromRoot: naiveRoot(ctLeaves.slice(0, from)), toRoot: naiveRoot(ctLeaves.slice(0, to)), proof });
  });

  it('given any two sizes, then the proof from tiles is that of the recursive definition, and verifies', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), async (to, any) => {
        const from = 1 + (any % to);
        const { read, root } = tilesOver(manyLeaves.slice(0, to));
        const proof = await consistencyProof(from, to, read);
        expect(hex(proof)).toEqual(hex(naiveConsistency(from, manyLeaves.slice(0, to))));
        verifyConsistency({ from, to, fromRoot: rootAt(from), toRoot: root, proof });
      }),
      { numRuns: 60 },
    );
  });

  it('given a history that was changed, then no proof shows that it was not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 600 }), fc.nat(), fc.nat(), async (to, any, other) => {
        const from = 1 + (any % (to - 1));
        const changed = manyLeaves.slice(0, to).with(other % from, ctLeaves[1] as Buffer);
        const { read, root } = tilesOver(changed);
        const proof = await consistencyProof(from, to, read);
        const claim = { from, to, fromRoot: rootAt(from), toRoot: root, proof };
        for (const lie of [
          claim,
          { ...claim, fromRoot: naiveRoot(changed.slice(0, from)), toRoot: rootAt(to) },
          { ...claim, proof: proof.slice(1) },
          { ...claim, proof: [...proof, root] },
          { ...claim, proof: [] },
          { ...claim, from: to, to: from },
        ]) {
          expect(() => verifyConsistency(lie)).toThrow(ProofInvalid);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('given one size and two roots, then the log is caught with two histories', () => {
    expect(() => verifyConsistency({ from: 3, to: 3, fromRoot: rootAt(3), toRoot: rootAt(4), proof: [] })).toThrow('two roots for one log of 3 entries');
    expect(() => verifyConsistency({ from: 3, to: 3, fromRoot: rootAt(3), toRoot: rootAt(3), proof: [rootAt(3)] })).toThrow('nothing is to be proven');
  });

  it('given fewer entries than before, then the cut is named', () => {
    expect(() => verifyConsistency({ from: 4, to: 3, fromRoot: rootAt(4), toRoot: rootAt(3), proof: [] })).toThrow('its tail was cut');
  });

  it('given the empty log, then it is the beginning of every log, if its root is that of nothing', () => {
    verifyConsistency({ from: 0, to: 3, fromRoot: EMPTY_ROOT, toRoot: rootAt(3), proof: [] });
    expect(() => verifyConsistency({ from: 0, to: 3, fromRoot: rootAt(1), toRoot: rootAt(3), proof: [] })).toThrow(ProofInvalid);
  });
});
