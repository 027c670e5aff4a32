import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { appendLeaves, emptyFrontier, EMPTY_ROOT, leafHash, nodeHash, rootOf } from './merkle-tree.ts';
import { naiveRoot } from './naive-tree.fixture.ts';
import { TiledTree } from './tiled-tree.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The entries and roots that the Certificate Transparency implementations test themselves with. */
const CT_ENTRIES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const CT_ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const ctLeaves = CT_ENTRIES.map((entry) => leafHash(Buffer.from(entry, 'hex')));
const leavesOf = (count: number): Buffer[] => Array.from({ length: count }, (_, i) => leafHash(Buffer.from(`entry ${i}`)));
const sizes = fc.oneof(fc.integer({ min: 0, max: 700 }), fc.constantFrom(255, 256, 257, 511, 512, 513));

describe('the Merkle tree of RFC 6962', () => {
  it.each(CT_ROOTS.map((root, size) => ({ size, root })))('given the first $size reference entries, then the root is $root', ({ size, root }) => {
    expect(hex(rootOf(appendLeaves(emptyFrontier, ctLeaves.slice(0, size))))).toBe(root);
  });

  it('given an entry and a node, then their hashes cannot be taken for each other', () => {
    expect(hex(leafHash(Buffer.from('L123456')))).toBe('395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56');
    expect(hex(nodeHash(Buffer.from('N123'), Buffer.from('N456')))).not.toBe(hex(leafHash(Buffer.from('N123N456'))));
  });

  it('given an entry longer than any buffer kept for entries, then its hash is the same as in one piece', () => {
    const long = Buffer.alloc(60_000, 'x');
    expect(leafHash(long)).toEqual(leafHash(Buffer.from(long)));
    expect(leafHash(long.subarray(1))).not.toEqual(leafHash(long));
  });

  it('given any leaves appended in any two parts, then the root is that of the recursive definition', () => {
    fc.assert(
      fc.property(sizes, fc.nat(700), (size, cut) => {
        const leaves = leavesOf(size);
        const first = appendLeaves(emptyFrontier, leaves.slice(0, cut));
        const grown = appendLeaves(first, leaves.slice(cut));
        expect(grown.size).toBe(size);
        expect(hex(rootOf(grown))).toBe(hex(naiveRoot(leaves)));
        expect(first).toEqual(appendLeaves(emptyFrontier, leaves.slice(0, cut)));
      }),
      { numRuns: 60 },
    );
  });

  it('given a tree that hands out its tiles, then at each size its root is that of the frontier', () => {
    const leaves = leavesOf(600);
    const tree = new TiledTree();
    let frontier = emptyFrontier;
    expect(tree.root()).toEqual(EMPTY_ROOT);
    for (const leaf of leaves) {
      tree.append(leaf);
      frontier = appendLeaves(frontier, [leaf]);
      expect(hex(tree.root())).toBe(hex(rootOf(frontier)));
    }
  });

  it('given a fork, then each of the two trees grows by itself', () => {
    const tree = new TiledTree();
    for (const leaf of leavesOf(300)) tree.append(leaf);
    const fork = tree.fork();
    fork.append(leafHash(Buffer.from('another')));
    expect(hex(tree.root())).toBe(hex(naiveRoot(leavesOf(300))));
    expect(hex(fork.root())).toBe(hex(naiveRoot([...leavesOf(300), leafHash(Buffer.from('another'))])));
  });
});
