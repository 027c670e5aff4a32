import { describe, expect, it } from '@jest/globals';
import { leafHash, TiledTree, tilesOf } from '@vitae/transparency';
import { openTile, openTiles } from './open-tiles.ts';

const leaves = Array.from({ length: 66_000 }, (_, i) => leafHash(Buffer.from(`entry ${i}`)));
const grown = (size: number, from = new TiledTree()): TiledTree => {
  for (const leaf of leaves.slice(from.size, size)) from.append(leaf);
  return from;
};
const hex = (bytes?: Uint8Array): string | undefined => bytes && Buffer.from(bytes).toString('hex');

describe('the open tiles of a log', () => {
  it.each([0, 1, 255, 256, 257, 65_535, 65_536, 65_800])('are its partial ones at %i', (size) => {
    expect(openTiles(size)).toEqual(tilesOf(size).filter(({ width }) => width < 256));
  });

  it('are read as wide as they are, and narrower', () => {
    const tree = grown(65_800);
    for (const tile of openTiles(65_800)) expect(openTile(tree, tile)).toHaveLength(tile.width * 32);
    expect(hex(openTile(tree, { level: 0, index: 257, width: 2 }))).toBe(hex(Buffer.concat(leaves.slice(65_792, 65_794))));
    expect(openTile(tree, { level: 0, index: 257, width: 9 })).toBeUndefined();
    expect(openTile(tree, { level: 0, index: 256, width: 2 })).toBeUndefined();
    expect(openTile(tree, { level: 3, index: 0, width: 1 })).toBeUndefined();
  });

  it.each([0, 1, 256, 300, 65_536, 65_800])('are all that is needed to go on from %i', (size) => {
    const tree = grown(size);
    const again = TiledTree.resume(size, (tile) => openTile(tree, tile) ?? new Uint8Array());
    expect(hex(again.root())).toBe(hex(tree.root()));
    const further = Math.min(size + 300, leaves.length);
    const full: string[] = [];
    const forked = again.fork(({ level, index }) => full.push(`${level}/${index}`));
    expect(hex(grown(further, forked).root())).toBe(hex(grown(further).root()));
    expect(full.sort()).toEqual(tilesOf(further).filter((tile) => tile.width === 256 && tile.level === 0 && tile.index >= Math.floor(size / 256)).map(({ level, index }) => `${level}/${index}`).sort());
  });
});
