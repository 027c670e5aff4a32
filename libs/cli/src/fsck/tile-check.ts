import { appendLeaves, emptyFrontier, rootOf, TILE_WIDTH, tilePath } from '@vitae/transparency';
import type { Report } from './fault.ts';

/** A full tile as stored: whatever bytes are there. Undefined when there is none. */
export type StoredTile = (level: number, n: number) => Promise<Buffer | undefined>;

/** What a tile on a higher level may hold for one below: its root by the event rows, or by what is stored. */
interface Roots {
  readonly rows: Buffer;
  readonly stored: Buffer;
}

const HASH_BYTES = 32;

/**
 * Checks full tiles: those that a signed log of `signedSize` entries needs are there, have 256 hashes, and each of a higher
 * level holds the roots of those below it. Whether the leaves are right is the tree's business.
 */
export function newTileCheck(stored: StoredTile, signedSize: number, report: Report) {
  const levels: Roots[][] = [];

  /** The 256 leaves of tile `n` of level 0, as the event rows give them. */
  function full(n: number, leaves: readonly Buffer[]): Promise<void> {
    return tile(0, n, leaves.map((hash) => ({ rows: hash, stored: hash })));
  }

  async function tile(level: number, n: number, expected: readonly Roots[]): Promise<void> {
    const path = tilePath({ level, index: n, width: TILE_WIDTH });
    const bytes = await stored(level, n);
    const hashes = bytes && hashesIn(bytes);
    const end = (n + 1) * TILE_WIDTH ** (level + 1);
    const index = n * TILE_WIDTH ** (level + 1);
    if (!hashes && end <= signedSize) report({ kind: 'tile-missing', index, message: `${path} is not stored, though events up to ${signedSize - 1} are signed` });
    if (bytes && bytes.length !== TILE_WIDTH * HASH_BYTES) {
      report({ kind: 'tile-changed', index, message: `${path} has ${bytes.length} bytes instead of ${TILE_WIDTH * HASH_BYTES}` });
    } else if (hashes && level > 0) {
      const wrong = expected.findIndex(({ rows, stored: below }, i) => !hashes[i]?.equals(rows) && !hashes[i]?.equals(below));
      const below = tilePath({ level: level - 1, index: n * TILE_WIDTH + wrong, width: TILE_WIDTH });
      if (wrong !== -1) report({ kind: 'tile-changed', index: index + wrong * TILE_WIDTH ** level, message: `${path} was rewritten: its hash ${wrong} is not the root of ${below}` });
    }
    const above = (levels[level + 1] ??= []);
    const rows = rootOver(expected.map((roots) => roots.rows));
    above.push({ rows, stored: hashes ? rootOver(hashes) : rows });
    if (above.length === TILE_WIDTH) {
      levels[level + 1] = [];
      await tile(level + 1, Math.floor(n / TILE_WIDTH), above);
    }
  }

  return { full };
}

/** As many whole hashes as the bytes hold. */
export function hashesIn(bytes: Buffer): Buffer[] {
  return Array.from({ length: Math.floor(bytes.length / HASH_BYTES) }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}

function rootOver(hashes: readonly Buffer[]): Buffer {
  return rootOf(appendLeaves(emptyFrontier, hashes));
}
