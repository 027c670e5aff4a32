/**
 * Where the parts of a log lie, by C2SP tlog-tiles: `tile/<level>/<index>[.p/<width>]` holds up to 256 hashes of one level,
 * `tile/entries/<index>[.p/<width>]` the entries behind a tile of level 0. Ours, numbered alike: `events/…`, the stored bytes
 * behind those entries.
 */

/** How many hashes, entries or events a full tile or bundle holds. */
export const TILE_WIDTH = 256;

/** Each hash of a tile at level L covers 256^L entries. `width` 256 is a full tile, 1 to 255 a partial one. */
export interface Tile {
  readonly level: number;
  readonly index: number;
  readonly width: number;
}

export interface Bundle {
  readonly kind: 'entries' | 'events';
  readonly index: number;
  readonly width: number;
}

const PATH = /^(tile\/(?:0|[1-9]\d?)|tile\/entries|events)\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;
const HIGHEST_LEVEL = 63;

/** E.g. `tile/0/x001/067.p/12`. */
export function tilePath({ level, index, width }: Tile): string {
  return `tile/${level}/${numbered(index, width)}`;
}

/** The entries of a bundle: uint16 length, then the entry, for each. */
export function entriesPath(index: number, width: number): string {
  return `tile/entries/${numbered(index, width)}`;
}

/** The stored bytes behind the entries of the bundle with the same number. */
export function eventsPath(index: number, width: number): string {
  return `events/${numbered(index, width)}`;
}

/** The tile at this path; undefined unless it is exactly as tilePath would write it. */
export function parseTilePath(path: string): Tile | undefined {
  const { folder = '', index = 0, width = 0 } = parts(path) ?? {};
  const level = /^tile\/(\d+)$/.exec(folder)?.[1];
  if (level === undefined || Number(level) > HIGHEST_LEVEL) return undefined;
  const tile = { level: Number(level), index, width };
  return tilePath(tile) === path ? tile : undefined;
}

/** The bundle at this path; undefined unless it is exactly as entriesPath or eventsPath would write it. */
export function parseBundlePath(path: string): Bundle | undefined {
  const { folder, index = 0, width = 0 } = parts(path) ?? {};
  if (folder === 'tile/entries' && entriesPath(index, width) === path) return { kind: 'entries', index, width };
  if (folder === 'events' && eventsPath(index, width) === path) return { kind: 'events', index, width };
  return undefined;
}

/** Every tile that a log of this size has: the full ones, and the partial one at the end of a level. Levels from 0 up. */
export function tilesOf(size: number): Tile[] {
  return tilesNeeded(0, size);
}

/** The tiles of a log of size `to` that it did not have, or not as wide, at size `from`. Levels from 0 up. */
export function tilesNeeded(from: number, to: number): Tile[] {
  const tiles: Tile[] = [];
  let [before, now] = [from, to];
  for (let level = 0; now > 0; level += 1) {
    if (now > before) {
      for (let index = Math.floor(before / TILE_WIDTH); index * TILE_WIDTH < now; index += 1) {
        tiles.push({ level, index, width: Math.min(TILE_WIDTH, now - index * TILE_WIDTH) });
      }
    }
    [before, now] = [Math.floor(before / TILE_WIDTH), Math.floor(now / TILE_WIDTH)];
  }
  return tiles;
}

function numbered(index: number, width: number): string {
  const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, '0');
  const groups = digits.replaceAll(/\d{3}(?=\d)/g, 'x$&/');
  return width === TILE_WIDTH ? groups : `${groups}.p/${width}`;
}

function parts(path: string): { folder: string; index: number; width: number } | undefined {
  const [, folder, groups, partial] = PATH.exec(path) ?? [];
  if (folder === undefined || groups === undefined) return undefined;
  const index = Number(groups.replaceAll(/[x/]/g, ''));
  const width = partial === undefined ? TILE_WIDTH : Number(partial);
  if (!Number.isSafeInteger(index) || (partial !== undefined && width >= TILE_WIDTH)) return undefined;
  return { folder, index, width };
}
