import { readEntries, readEvents, type Read } from './bundle.ts';
import { checkEvent, idIn } from './check-event.ts';
import { keysAfterRotation, LOG_KEY_ROTATED } from './key-rotation.ts';
import type { Findings } from './log-problem.ts';
import { HASH_BYTES, leafHash } from './merkle-tree.ts';
import { TiledTree } from './tiled-tree.ts';
import { entriesPath, eventsPath, tilePath, TILE_WIDTH, type Tile } from './tile.ts';
import type { VerifierKey } from './verifier-key.ts';

/** The three files of up to 256 events. */
export interface BundleBytes {
  readonly entries: Uint8Array | undefined;
  readonly events: Uint8Array | undefined;
  readonly tile: Uint8Array | undefined;
}

/** A tile above level 0, as computed from below. */
export interface ComputedTile {
  readonly tile: Tile;
  readonly hashes: Buffer;
  /** The same tile over the leaves that the tiles of level 0 hold, from the first on that is not the hash of its entry. */
  alternative?: Buffer;
}

/**
 * One walk over a log from its first event to its last, in bundles of 256, with all that has to be remembered on the way. Two
 * trees grow: one over the entries, and, once entry and tile have disagreed, one over what the tiles say, so that the signed
 * root can tell which of them was changed.
 */
export class LogWalk {
  keys: readonly VerifierKey[];
  readonly #origin: string;
  readonly #findings: Findings;
  readonly #rootAt: number | undefined;
  readonly #rootsThere: Buffer[] = [];
  readonly #tree = new TiledTree((tile, hashes) => this.#computed(tile, hashes));
  #tiles: TiledTree | undefined;
  #above: ComputedTile[] = [];

  /** @param rootAt a size at which the roots are to be kept. */
  constructor(origin: string, keys: readonly VerifierKey[], findings: Findings, rootAt?: number) {
    this.#origin = origin;
    this.keys = keys;
    this.#findings = findings;
    this.#rootAt = rootAt;
    this.#keepRoots();
  }

  get size(): number {
    return this.#tree.size;
  }

  /** The root over the entries, and the one over the tiles if they disagreed. */
  get roots(): readonly Buffer[] {
    return [this.#tree.root(), ...(this.#tiles ? [this.#tiles.root()] : [])];
  }

  get disagreed(): boolean {
    return this.#tiles !== undefined;
  }

  /** The roots at the size asked for; empty when the walk did not pass it. */
  get rootsThere(): readonly Buffer[] {
    return this.#rootsThere;
  }

  /** Takes the next bundle. False when it cannot go on, for want of both an entry and its leaf. */
  step(tile: Tile, bytes: BundleBytes): boolean {
    const begin = tile.index * TILE_WIDTH;
    const { width } = tile;
    const entries = this.#read('entry', entriesPath(tile.index, width), bytes.entries, readEntries, begin, width);
    const lines = this.#read('payload', eventsPath(tile.index, width), bytes.events, readEvents, begin, width);
    const stored = this.#leaves(tile, bytes.tile);
    if (entries.length < width && !stored) return false;

    const leaves = Buffer.from(stored ?? Buffer.alloc(width * HASH_BYTES)); // of an entry that is missing the tile's, as #read has reported it
    for (const [i, entry] of entries.entries()) leafHash(entry).copy(leaves, i * HASH_BYTES);
    const disagree = stored !== undefined && !leaves.equals(stored);
    if (disagree) this.#tiles ??= this.#tree.fork((above, hashes) => this.#computedFromTiles(above, hashes));
    for (const [i, entry] of entries.entries()) {
      const index = begin + i;
      // First whether it is the entry that was signed: if not, what it says of its payload proves nothing.
      if (disagree && !sameHash(leaves, stored, i)) {
        this.#findings.add({ where: 'leaf', what: `the entry does not hash to its leaf in ${tilePath(tile)}`, index, eventId: idIn(entry), path: entriesPath(tile.index, width) });
      }
      let sound = true;
      const known = checkEvent(entry, lines[i], ({ where, what }) => {
        sound = false;
        this.#findings.add({ where, what, index, eventId: idIn(entry), path: where === 'entry' ? entriesPath(tile.index, width) : eventsPath(tile.index, width) });
      });
      if (sound && known?.type === LOG_KEY_ROTATED && lines[i]) this.#rotate(lines[i].payload.toString(), index, known.id);
    }
    this.#grow(leaves, stored ?? leaves);
    return true;
  }

  /** The tiles above level 0 that have become full since the last call; with `last`, the partial ones too. */
  tilesAbove({ last }: { readonly last: boolean }): readonly ComputedTile[] {
    if (last) {
      for (const { tile, hashes } of this.#tree.partials()) this.#computed(tile, hashes);
      for (const { tile, hashes } of this.#tiles?.partials() ?? []) this.#computedFromTiles(tile, hashes);
    }
    const above = this.#above;
    this.#above = [];
    return above;
  }

  #read<Item>(where: 'entry' | 'payload', path: string, bytes: Uint8Array | undefined, read: (bytes: Uint8Array) => Read<Item>, begin: number, width: number): readonly Item[] {
    if (!bytes) {
      this.#findings.add({ where, path, index: begin, what: `${path} is missing: nothing of the events ${begin} to ${begin + width - 1} can be checked against it` });
      return [];
    }
    const { items, fault } = read(bytes);
    if (items.length === width && fault === undefined) return items;
    const what = fault ?? `${path} holds ${items.length} events; in a log of this size it holds ${width}`;
    this.#findings.add({ where, path, what, index: begin + Math.min(items.length, width) });
    return items.slice(0, width);
  }

  #leaves(tile: Tile, bytes: Uint8Array | undefined): Buffer | undefined {
    const path = tilePath(tile);
    if (bytes?.length === tile.width * HASH_BYTES) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#findings.add({ where: 'tile', path, what: bytes ? `${path} has ${bytes.length} bytes instead of ${tile.width * HASH_BYTES}` : `${path} is missing` });
    return undefined;
  }

  #grow(leaves: Buffer, stored: Buffer): void {
    for (let at = 0; at < leaves.length; at += HASH_BYTES) {
      this.#tree.append(leaves.subarray(at, at + HASH_BYTES));
      this.#tiles?.append(stored.subarray(at, at + HASH_BYTES));
      this.#keepRoots();
    }
  }

  #keepRoots(): void {
    if (this.#tree.size === this.#rootAt) this.#rootsThere.push(...this.roots);
  }

  #rotate(payload: string, index: number, eventId: string): void {
    try {
      this.keys = keysAfterRotation(this.#origin, this.keys, payload);
    } catch (error) {
      this.#findings.add({ where: 'key', index, eventId, what: `the rotation of the log's key does not stand: ${error instanceof Error ? error.message : String(error)}` });
    }
  }

  #computed(tile: Tile, hashes: Buffer): void {
    if (tile.level > 0) this.#above.push({ tile, hashes });
  }

  #computedFromTiles({ level, index }: Tile, hashes: Buffer): void {
    const computed = this.#above.find(({ tile }) => tile.level === level && tile.index === index);
    if (computed) computed.alternative = hashes;
  }
}

function sameHash(a: Buffer, b: Buffer, at: number): boolean {
  const [begin, end] = [at * HASH_BYTES, (at + 1) * HASH_BYTES];
  return a.compare(b, begin, end, begin, end) === 0;
}
