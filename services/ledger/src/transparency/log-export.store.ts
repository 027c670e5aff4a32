import { randomUUID } from 'node:crypto';
import { access, link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { consistencyProof, decodeEntries, entriesPath, eventsPath, leafHash, parseCheckpoint, tilePath, tilesNeeded, TILE_WIDTH, verifyConsistency, type Checkpoint, type LogSource, type Tile } from '@vitae/transparency';

/** What the directory holds and what is to be added do not belong together. Nothing was added. */
export class ExportRefused extends Error {
  override readonly name = 'ExportRefused';
}

/**
 * Brings a directory up to the log's checkpoint: the same files under the same paths as the service serves (README, Transparency
 * log), so that a web server, an object store or `vitae verify` can take it from there.
 *
 * It may be stopped anywhere and called again: a file is there whole or not at all and is never changed, a tile comes after the
 * bundles beneath it, the checkpoint comes last. What the directory holds must be the beginning of the log, and the events must
 * hash to the tiles; otherwise it rejects with ExportRefused.
 *
 * @returns the size of the log in the directory.
 */
export async function exportLog(source: LogSource, directory: string, verifierKeys: readonly string[], signal?: AbortSignal): Promise<number> {
  const note = await source.checkpoint();
  const next = checkpointIn(note);
  const before = await exported(directory);
  if (before) await mustGrowFrom(before, next, source);
  const needed = tilesNeeded(before?.size ?? 0, next.size);
  for (const tile of needed) {
    signal?.throwIfAborted();
    if (!(await isThere(join(directory, tilePath(tile))))) await writeTile(tile, source, directory);
  }
  if (before?.size === next.size && !(await isNewNote(directory, note))) return next.size;
  const meanwhile = await exported(directory);
  if (meanwhile && meanwhile.size > next.size) return meanwhile.size; // another replica exports here as well, and was quicker
  await replace(join(directory, 'log.vkey'), Buffer.from(verifierKeys.map((key) => `${key}\n`).join('')));
  await replace(join(directory, 'checkpoint'), Buffer.from(note));
  // Narrower tiles and bundles are of no use once the checkpoint asks for the full ones.
  for (const { level, index, width } of needed) {
    if (width < TILE_WIDTH) continue;
    const paths = level === 0 ? [entriesPath(index, width), eventsPath(index, width)] : [];
    for (const path of [tilePath({ level, index, width }), ...paths]) await rm(join(directory, `${path}.p`), { recursive: true, force: true });
  }
  return next.size;
}

/** The checkpoint that the directory holds; undefined for a directory without one. */
async function exported(directory: string): Promise<Checkpoint | undefined> {
  const note = await readFile(join(directory, 'checkpoint'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return note === undefined ? undefined : checkpointIn(note);
}

/** The export trusts the source for its signature; who reads the export does not have to. */
const checkpointIn = (note: string): Checkpoint => parseCheckpoint(note.slice(0, note.lastIndexOf('\n\n') + 1));

async function mustGrowFrom(before: Checkpoint, next: Checkpoint, source: LogSource): Promise<void> {
  if (before.origin !== next.origin) throw new ExportRefused(`the directory holds the log ${before.origin}; this is ${next.origin}. Take another directory`);
  if (before.size > next.size) throw new ExportRefused(`the directory holds ${before.size} events, the log has ${next.size}: the database is older than what was exported`);
  try {
    const proof = await consistencyProof(before.size, next.size, (tile) => present(source.tile(tile), tilePath(tile)));
    verifyConsistency({ from: before.size, to: next.size, fromRoot: before.root, toRoot: next.root, proof });
  } catch (cause) {
    throw new ExportRefused(`what the directory holds is not the beginning of this log: ${(cause as Error).message}`, { cause });
  }
}

async function writeTile(tile: Tile, source: LogSource, directory: string): Promise<void> {
  const { level, index, width } = tile;
  const hashes = await present(source.tile(tile), tilePath(tile));
  if (level === 0) {
    const entries = await present(source.entries(index, width), entriesPath(index, width));
    const events = await present(source.events(index, width), eventsPath(index, width));
    if (!Buffer.concat(decodeEntries(entries).map(leafHash)).equals(hashes)) throw new ExportRefused(`the events behind ${tilePath(tile)} do not hash to it; run vitae fsck to find which was changed`);
    await add(join(directory, entriesPath(index, width)), entries);
    await add(join(directory, eventsPath(index, width)), events);
  }
  await add(join(directory, tilePath(tile)), hashes);
}

async function present(bytes: Promise<Uint8Array | undefined>, path: string): Promise<Uint8Array> {
  const found = await bytes;
  if (!found) throw new ExportRefused(`the log has no ${path}, although its checkpoint asks for it`);
  return found;
}

const isThere = (path: string): Promise<boolean> => access(path).then(() => true, () => false);
const isNewNote = async (directory: string, note: string): Promise<boolean> => (await readFile(join(directory, 'checkpoint'), 'utf8')) !== note;

/** A new file, whole or not at all. One that is there already stays, and must be the same. */
async function add(path: string, bytes: Uint8Array): Promise<void> {
  await written(path, bytes, async (draft) => {
    await link(draft, path).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
      if (!(await readFile(path)).equals(bytes)) throw new ExportRefused(`${path} is there already with other bytes`);
    });
    await rm(draft);
  });
}

/** The new bytes or the old, at every moment. */
async function replace(path: string, bytes: Uint8Array): Promise<void> {
  await written(path, bytes, (draft) => rename(draft, path));
}

async function written(path: string, bytes: Uint8Array, place: (draft: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = join(dirname(path), `.${randomUUID()}`);
  const file = await open(draft, 'wx');
  try {
    await file.writeFile(bytes);
    await file.sync();
    await place(draft);
  } finally {
    await file.close();
    await rm(draft, { force: true });
  }
}
