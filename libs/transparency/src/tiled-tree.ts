import { HASH_BYTES, perfectRoot, rootOf } from './merkle-tree.ts';
import { TILE_WIDTH, type Tile } from './tile.ts';

/**
 * A log's tree while it grows: the unfinished tile at the end of each level, which is all that is needed to go on. A tile that
 * gets full is handed out and its root becomes a hash of the level above. Memory: 8 KiB a level, of which there are at most 7.
 */
export class TiledTree {
  #size = 0;
  readonly #edge: { readonly hashes: Buffer; index: number; width: number }[] = [];
  readonly #onFull: (tile: Tile, hashes: Buffer) => void;

  /** @param onFull gets each tile when it is full: level 0 first, then the tile above it, if that is full too. */
  constructor(onFull: (tile: Tile, hashes: Buffer) => void = () => undefined) {
    this.#onFull = onFull;
  }

  /**
   * The tree of this size whose unfinished tiles hold these hashes, so that a log can go on without being read again.
   * @param unfinished gives the hashes of the unfinished tile of a level; asked only for levels that have one.
   */
  static resume(size: number, unfinished: (tile: Tile) => Uint8Array): TiledTree {
    const tree = new TiledTree();
    tree.#size = size;
    for (let [level, count] = [0, size]; count > 0; [level, count] = [level + 1, Math.floor(count / TILE_WIDTH)]) {
      const tile = { level, index: Math.floor(count / TILE_WIDTH), width: count % TILE_WIDTH };
      const hashes = Buffer.alloc(TILE_WIDTH * HASH_BYTES);
      if (tile.width > 0) hashes.set(unfinished(tile));
      tree.#edge.push({ hashes, index: tile.index, width: tile.width });
    }
    return tree;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds the leaf hash of the next entry. */
  append(leaf: Uint8Array): void {
    this.#size += 1;
    this.#push(0, leaf);
  }

  root(): Buffer {
    const subtrees: Buffer[] = [];
    for (const { hashes, width } of this.#edge.toReversed()) {
      let from = 0;
      for (let half = TILE_WIDTH / 2; half >= 1; half /= 2) {
        if ((width & half) === 0) continue;
        subtrees.push(perfectRoot(hashes, from, half));
        from += half;
      }
    }
    return rootOf({ hashes: subtrees });
  }

  /** The partial tile at the end of each level that has one. The hashes are views: they change when the tree grows. */
  partials(): { readonly tile: Tile; readonly hashes: Buffer }[] {
    return this.#edge
      .map(({ hashes, index, width }, level) => ({ tile: { level, index, width }, hashes: hashes.subarray(0, width * HASH_BYTES) }))
      .filter(({ tile }) => tile.width > 0);
  }

  /** Another tree with the same leaves so far. */
  fork(onFull?: (tile: Tile, hashes: Buffer) => void): TiledTree {
    const fork = new TiledTree(onFull);
    fork.#size = this.#size;
    fork.#edge.push(...this.#edge.map(({ hashes, index, width }) => ({ hashes: Buffer.from(hashes), index, width })));
    return fork;
  }

  #push(level: number, hash: Uint8Array): void {
    const edge = (this.#edge[level] ??= { hashes: Buffer.alloc(TILE_WIDTH * HASH_BYTES), index: 0, width: 0 });
    edge.hashes.set(hash, edge.width * HASH_BYTES);
    edge.width += 1;
    if (edge.width < TILE_WIDTH) return;
    const tile = { level, index: edge.index, width: TILE_WIDTH };
    const root = perfectRoot(edge.hashes, 0, TILE_WIDTH);
    this.#onFull(tile, Buffer.from(edge.hashes));
    edge.index += 1;
    edge.width = 0;
    this.#push(level + 1, root);
  }
}
