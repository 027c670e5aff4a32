import { EMPTY_ROOT, nodeHash } from './merkle-tree.ts';
import type { ReadTile } from './proof.ts';
import { TiledTree } from './tiled-tree.ts';
import { tilePath } from './tile.ts';

/** RFC 6962, 2.1 to 2.1.2, word for word and with all its recursion: what the quick ways are measured against. */
export function naiveRoot(leaves: readonly Buffer[]): Buffer {
  const [first] = leaves;
  if (!first) return EMPTY_ROOT;
  if (leaves.length === 1) return first;
  const k = split(leaves.length);
  return nodeHash(naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
}

export function naivePath(m: number, leaves: readonly Buffer[]): Buffer[] {
  if (leaves.length <= 1) return [];
  const k = split(leaves.length);
  return m < k ? [...naivePath(m, leaves.slice(0, k)), naiveRoot(leaves.slice(k))] : [...naivePath(m - k, leaves.slice(k)), naiveRoot(leaves.slice(0, k))];
}

export function naiveConsistency(m: number, leaves: readonly Buffer[], whole = true): Buffer[] {
  if (m === leaves.length) return whole ? [] : [naiveRoot(leaves)];
  const k = split(leaves.length);
  return m <= k
    ? [...naiveConsistency(m, leaves.slice(0, k), whole), naiveRoot(leaves.slice(k))]
    : [...naiveConsistency(m - k, leaves.slice(k), false), naiveRoot(leaves.slice(0, k))];
}

/** The tiles of a log of these leaves, as files; read only those that a log of this size has. */
export function tilesOver(leaves: readonly Buffer[]): { readonly files: ReadonlyMap<string, Buffer>; readonly read: ReadTile; readonly root: Buffer } {
  const files = new Map<string, Buffer>();
  const tree = new TiledTree((tile, hashes) => void files.set(tilePath(tile), hashes));
  for (const leaf of leaves) tree.append(leaf);
  for (const { tile, hashes } of tree.partials()) files.set(tilePath(tile), hashes);
  const read: ReadTile = async (tile) => {
    const bytes = files.get(tilePath(tile));
    if (!bytes) throw new Error(`a log of ${leaves.length} entries has no ${tilePath(tile)}`);
    return bytes;
  };
  return { files, read, root: tree.root() };
}

function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}
