import { TILE_WIDTH, type Tile, type TiledTree } from '@vitae/transparency';

/** The partial tiles of a log of this size: one for each level that has one. */
export function openTiles(size: number): readonly Tile[] {
  const tiles: Tile[] = [];
  for (let [level, count] = [0, size]; count > 0; [level, count] = [level + 1, Math.floor(count / TILE_WIDTH)]) {
    const width = count % TILE_WIDTH;
    if (width > 0) tiles.push({ level, index: Math.floor(count / TILE_WIDTH), width });
  }
  return tiles;
}

/** The hashes of a partial tile, when it lies in the open part of this tree; undefined when it is full by now, or not as wide yet. */
export function openTile(tree: TiledTree, { level, index, width }: Tile): Uint8Array | undefined {
  const open = tree.partials().find(({ tile }) => tile.level === level && tile.index === index);
  return open && width <= open.tile.width ? open.hashes.subarray(0, width * HASH_BYTES) : undefined;
}

export const HASH_BYTES = 32;

/** The hashes that lie one behind the other in a tile. */
export function hashesIn(tile: Uint8Array): Uint8Array[] {
  return Array.from({ length: tile.length / HASH_BYTES }, (_, i) => tile.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}
