import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { leafHash } from './merkle-tree.ts';
import { naiveRoot, tilesOver } from './naive-tree.fixture.ts';
import { entriesPath, eventsPath, parseBundlePath, parseTilePath, tilePath, tilesNeeded, tilesOf } from './tile.ts';

const size = fc.oneof(fc.nat(2000), fc.nat(10_000_000), fc.constantFrom(255, 256, 257, 65_535, 65_536, 65_537));

describe('where the tiles of a log lie', () => {
  it.each([
    [{ level: 0, index: 0, width: 256 }, 'tile/0/000'],
    [{ level: 0, index: 1067, width: 12 }, 'tile/0/x001/067.p/12'],
    [{ level: 3, index: 1_234_067, width: 256 }, 'tile/3/x001/x234/067'],
    [{ level: 63, index: 999, width: 255 }, 'tile/63/999.p/255'],
  ])('%j lies at %s', (tile, path) => {
    expect(tilePath(tile)).toBe(path);
    expect(parseTilePath(path)).toEqual(tile);
  });

  it('bundles are numbered like the tiles of level 0', () => {
    expect([entriesPath(1_234_067, 256), eventsPath(1_234_067, 7)]).toEqual(['tile/entries/x001/x234/067', 'events/x001/x234/067.p/7']);
    expect(parseBundlePath('tile/entries/x001/000')).toEqual({ kind: 'entries', index: 1000, width: 256 });
    expect(parseBundlePath('events/000.p/1')).toEqual({ kind: 'events', index: 0, width: 1 });
  });

  it.each([
    'tile/0/0', 'tile/0/00', 'tile/0/0000', 'tile/00/000', 'tile/64/000', 'tile/-1/000', 'tile/0/001/067', 'tile/0/x000/001', 'tile/0/x001/x067',
    'tile/0/000.p/0', 'tile/0/000.p/256', 'tile/0/000.p/012', 'tile/0/000.p/', 'tile/0/000/', '/tile/0/000', 'tile/0/000\n', 'tile/0/٠٠٠',
    'tile/8/0/000', 'tile/0/x999/x999/x999/x999/x999/999', 'tile/entries/000', 'tile/0/../000', '',
  ])('%j is no path of a tile', (path) => {
    expect(parseTilePath(path)).toBeUndefined();
  });

  it.each(['tile/entries/0', 'tile/entries/x000/000', 'events/000.p/256', 'event/000', 'events/', 'tile/0/000', 'tile/events/000'])('%j is no path of a bundle', (path) => {
    expect(parseBundlePath(path)).toBeUndefined();
  });

  it('given a log of 256, then it has one full tile and above it a partial one of width 1', () => {
    expect(tilesOf(256).map(tilePath)).toEqual(['tile/0/000', 'tile/1/000.p/1']);
  });

  it('given a log of 70,000, then it has the tiles that the specification counts', () => {
    const paths = tilesOf(70_000).map(tilePath);
    const full = Array.from({ length: 273 }, (_, i) => `tile/0/${String(i).padStart(3, '0')}`);
    expect(paths).toEqual([...full, 'tile/0/273.p/112', 'tile/1/000', 'tile/1/001.p/17', 'tile/2/000.p/1']);
  });

  it('given no entry, then there is no tile', () => {
    expect(tilesOf(0)).toEqual([]);
    expect(tilesNeeded(5, 5)).toEqual([]);
  });

  it('given any growth, then what is needed and what was there are all that the larger log has', () => {
    fc.assert(
      fc.property(size, fc.nat(3000), (from, more) => {
        const before = new Set(tilesOf(from).map(tilePath));
        const needed = tilesNeeded(from, from + more).map(tilePath);
        expect(tilesOf(from + more).map(tilePath).filter((path) => !before.has(path))).toEqual(needed);
      }),
      { numRuns: 40 },
    );
  });

  it('given any tile, then its path leads back to it', () => {
    fc.assert(
      fc.property(fc.nat(63), fc.maxSafeNat(), fc.integer({ min: 1, max: 256 }), (level, index, width) => {
        expect(parseTilePath(tilePath({ level, index, width }))).toEqual({ level, index, width });
        expect(parseBundlePath(eventsPath(index, width))).toEqual({ kind: 'events', index, width });
      }),
    );
  });

  it.each([1, 2, 255, 256, 257, 1000, 66_000])('given a log of %d, then its tiles are those of its size, and each hash is the root of what it covers', (count) => {
    const leaves = Array.from({ length: count }, (_, i) => leafHash(Buffer.from(`entry ${i}`)));
    const { files } = tilesOver(leaves);
    expect([...files.keys()].sort()).toEqual(tilesOf(count).map(tilePath).sort());
    for (const { level, index, width } of tilesOf(count)) {
      const covers = 256 ** level;
      const at = (index * 256 + width - 1) * covers;
      const last = files.get(tilePath({ level, index, width }))?.subarray((width - 1) * 32);
      expect(last).toEqual(naiveRoot(leaves.slice(at, at + covers)));
    }
  });
});
