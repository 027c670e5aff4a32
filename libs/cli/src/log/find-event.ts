import { decodeEntries, parseLogEntry, TILE_WIDTH, type LogSource } from '@vitae/transparency';
import { CannotRun } from '../outcome.ts';

/** One bundle of entries of a log of this size. @throws CannotRun when it is not there. */
async function bundle(source: LogSource, n: number, size: number): Promise<readonly Buffer[]> {
  const bytes = await source.entries(n, Math.min(TILE_WIDTH, size - n * TILE_WIDTH));
  if (!bytes) throw new CannotRun(`the log lacks the entries ${n * TILE_WIDTH} to ${Math.min((n + 1) * TILE_WIDTH, size) - 1}. Check it with \`vitae verify\`.`);
  return decodeEntries(bytes);
}

/** The entry at an index of a log of this size. Nothing is verified yet. */
export async function entryAt(source: LogSource, index: number, size: number): Promise<Buffer> {
  const entry = (await bundle(source, Math.floor(index / TILE_WIDTH), size))[index % TILE_WIDTH];
  if (!entry) throw new CannotRun(`the bundle of entries with index ${index} ends before it. Check the log with \`vitae verify\`.`);
  return entry;
}

/** Reads entry after entry until one has this event id: a log has no other way to find one. */
export async function findIndex(source: LogSource, id: string, size: number, onProgress: (done: number, total: number) => void): Promise<number | undefined> {
  for (let n = 0; n * TILE_WIDTH < size; n += 1) {
    const found = (await bundle(source, n, size)).findIndex((entry) => parseLogEntry(entry).id === id);
    if (found !== -1) return n * TILE_WIDTH + found;
    onProgress(Math.min((n + 1) * TILE_WIDTH, size), size);
  }
  return undefined;
}
