import { encodeEntries, eventLine } from './bundle.ts';
import { formatCheckpoint } from './checkpoint.ts';
import { logEntry, type StoredEvent } from './log-entry.ts';
import { leafHash } from './merkle-tree.ts';
import { signNote } from './note.ts';
import type { Signer } from './signer.ts';
import { TiledTree } from './tiled-tree.ts';
import { entriesPath, eventsPath, tilePath, TILE_WIDTH } from './tile.ts';
import type { LogSource } from './verify-log.ts';

/**
 * A whole log of these events, as the files that the ledger serves and exports: path and bytes. In memory, so for small logs:
 * specs, examples, what goes into one archive. The signers' name is the origin.
 */
export function logFiles(events: readonly StoredEvent[], signers: readonly [Signer, ...Signer[]]): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const tree = new TiledTree((tile, hashes) => void files.set(tilePath(tile), hashes));
  for (let begin = 0; begin < events.length; begin += TILE_WIDTH) {
    const bundle = events.slice(begin, begin + TILE_WIDTH);
    const entries = bundle.map(logEntry);
    for (const entry of entries) tree.append(leafHash(entry));
    files.set(entriesPath(begin / TILE_WIDTH, bundle.length), encodeEntries(entries));
    files.set(eventsPath(begin / TILE_WIDTH, bundle.length), Buffer.from(bundle.map(eventLine).join('')));
  }
  for (const { tile, hashes } of tree.partials()) files.set(tilePath(tile), hashes);
  const checkpoint = formatCheckpoint({ origin: signers[0].name, size: tree.size, root: tree.root() });
  files.set('checkpoint', Buffer.from(signNote(checkpoint, signers)));
  return files;
}

/** Reads a log from files in memory. A log without a checkpoint has an empty one, which no verifier accepts. */
export function logFrom(files: ReadonlyMap<string, Buffer>): LogSource {
  return {
    checkpoint: async () => files.get('checkpoint')?.toString() ?? '',
    tile: async (tile) => files.get(tilePath(tile)),
    entries: async (index, width) => files.get(entriesPath(index, width)),
    events: async (index, width) => files.get(eventsPath(index, width)),
  };
}
