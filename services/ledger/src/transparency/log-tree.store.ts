import type { RawEntry } from '@vitae/event-store';
import { appendLeaves, emptyFrontier, EntryInvalid, leafHash, logEntry, rootOf, TiledTree, tilePath, TILE_WIDTH, type Tile } from '@vitae/transparency';
import type { LogTables } from './log-tables.store.ts';
import { HASH_BYTES, hashesIn, openTiles } from './open-tiles.ts';

/**
 * What is stored is not what was stored before. Nothing may be signed any more: whoever runs this has to look, and `vitae fsck`
 * names every place.
 */
export class HistoryChanged extends Error {
  override readonly name = 'HistoryChanged';
}

/** The bytes that are hashed for an event. @throws HistoryChanged when no append can have written it. */
export function entryOf(event: RawEntry): Buffer {
  try {
    return logEntry({ ...event, subjects: [event.subjects] }); // joined already, as the entry wants them
  } catch (cause) {
    if (!(cause instanceof EntryInvalid)) throw cause;
    throw new HistoryChanged(`event ${event.index} (${event.id}) cannot be an entry of the log: ${cause.message}`, { cause });
  }
}

/** The same events, when they are those from `from` on, none missing. @throws HistoryChanged */
export function dense(events: readonly RawEntry[], from: number, count = events.length): readonly RawEntry[] {
  const gap = events.findIndex(({ index }, i) => index !== from + i);
  if (gap !== -1 || events.length < count) throw new HistoryChanged(`the ledger has no event with index ${from + (gap === -1 ? events.length : gap)} any more`);
  return events;
}

export const leafOf = (event: RawEntry): Buffer => leafHash(entryOf(event));

/**
 * The hashes of a tile as wide as asked for: a full one that is stored, or else made from what lies beneath it, which is at
 * most 256 events or 256 full tiles. @throws HistoryChanged when something is missing that was there.
 */
export async function tileHashes(tables: LogTables, tile: Tile): Promise<Uint8Array> {
  const { level, index, width } = tile;
  const stored = await tables.tile(tile);
  if (stored) return stored.subarray(0, width * HASH_BYTES);
  const from = index * TILE_WIDTH;
  if (level === 0) return Buffer.concat(dense(await tables.events(from, width), from, width).map(leafOf));
  const beneath = await tables.tiles(level - 1, from, width);
  if (beneath.length < width) throw new HistoryChanged(`of the ${width} tiles of level ${level - 1} beneath ${tilePath(tile)} only ${beneath.length} are there`);
  return Buffer.concat(beneath.map((bytes) => rootOf(appendLeaves(emptyFrontier, hashesIn(bytes)))));
}

/**
 * The tree to go on from: that of the newest checkpoint, rebuilt from stored tiles and a few events, never from the whole
 * ledger. What lies behind it is read and compared again.
 *
 * @throws HistoryChanged when it has not the root that was signed.
 */
export async function signedTree(tables: LogTables): Promise<TiledTree> {
  const newest = await tables.newestCheckpoint();
  const size = newest?.size ?? 0;
  const hashes = new Map(await Promise.all(openTiles(size).map(async (tile) => [tile.level, await tileHashes(tables, tile)] as const)));
  const tree = TiledTree.resume(size, ({ level }) => hashes.get(level) as Uint8Array);
  if (newest && !tree.root().equals(newest.root)) {
    throw new HistoryChanged(`the events and tiles that are stored do not give the root that was signed for the first ${size} events; run vitae fsck to find what was changed`);
  }
  return tree;
}
