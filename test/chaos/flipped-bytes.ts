import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { entriesPath, eventsPath, tilePath, verifyLog, type LogSource, type VerifierKey } from '@vitae/transparency';
import type { SmallExport } from './small-export.ts';

/** One byte of one file of an export. */
export interface Place {
  readonly file: string;
  readonly at: number;
}

/** Every byte of an export that anybody relies on. The key beside it is for convenience: nobody may trust it. */
export async function everyByte(directory: string): Promise<readonly Place[]> {
  const places: Place[] = [];
  for (const found of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const file = relative(directory, join(found.parentPath, found.name));
    if (!found.isFile() || file === 'log.vkey') continue;
    const { length } = await readFile(join(directory, file));
    for (let at = 0; at < length; at += 1) places.push({ file, at });
  }
  return places;
}

/** Runs the work while one bit of that byte is the other way round in the file itself. */
export async function whileFlipped<T>(directory: string, { file, at }: Place, work: () => Promise<T>): Promise<T> {
  const path = join(directory, file);
  const before = await readFile(path);
  const flipped = Buffer.from(before);
  flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << (at % 8)), at);
  await writeFile(path, flipped);
  try {
    return await work();
  } finally {
    await writeFile(path, before);
  }
}

/** The places where a flipped bit goes unnoticed. */
export async function flipsMissed({ directory, trusted }: SmallExport, places: readonly Place[]): Promise<readonly Place[]> {
  const missed: Place[] = [];
  for (const place of places) {
    if ((await whileFlipped(directory, place, () => problemsIn(directory, trusted))).length === 0) missed.push(place);
  }
  return missed;
}

/** What the verifier has against the export as it lies there. */
async function problemsIn(directory: string, keys: readonly VerifierKey[]): Promise<readonly string[]> {
  const file = (path: string): Promise<Uint8Array | undefined> => readFile(join(directory, path)).catch(() => undefined);
  const source: LogSource = {
    checkpoint: () => readFile(join(directory, 'checkpoint'), 'utf8'),
    tile: (tile) => file(tilePath(tile)),
    entries: (index, width) => file(entriesPath(index, width)),
    events: (index, width) => file(eventsPath(index, width)),
  };
  return (await verifyLog(source, { keys })).problems.map(({ what }) => what);
}
