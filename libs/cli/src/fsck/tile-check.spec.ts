import { describe, expect, it } from '@jest/globals';
import { leafHash, TiledTree } from '@vitae/transparency';
import type { Fault } from './fault.ts';
import { newTileCheck } from './tile-check.ts';

const SIZE = 2 * 256 * 256; // two full tiles of level 1
const leaves = Array.from({ length: SIZE }, (_, i) => leafHash(Buffer.from(`event ${i}`)));
const honest = new Map<string, Buffer>();
const tree = new TiledTree(({ level, index }, hashes) => void honest.set(`${level}/${index}`, hashes));
for (const leaf of leaves) tree.append(leaf);

/** What is found when these tiles are stored instead of the honest ones (undefined: none). */
async function found(changes: Readonly<Record<string, Buffer | undefined>>, signedSize = SIZE): Promise<string[]> {
  const faults: Fault[] = [];
  const stored = async (level: number, n: number): Promise<Buffer | undefined> => (`${level}/${n}` in changes ? changes[`${level}/${n}`] : honest.get(`${level}/${n}`));
  const check = newTileCheck(stored, signedSize, (fault) => faults.push(fault));
  for (let n = 0; n * 256 < SIZE; n += 1) await check.full(n, leaves.slice(n * 256, (n + 1) * 256));
  return faults.map(({ kind, index }) => `${kind} ${index}`);
}

/** A tile with one bit of one hash turned. */
function turned(path: string, hash: number): Buffer {
  const bytes = Buffer.from(honest.get(path) ?? []);
  bytes[hash * 32] = (bytes[hash * 32] ?? 0) ^ 1;
  return bytes;
}

describe('the check of tiles', () => {
  it('finds no fault in the tiles of an honest log', async () => expect(await found({})).toEqual([]));
  it('names the hash of a higher tile that is not the root below it', async () => expect(await found({ '1/1': turned('1/1', 3) })).toEqual(['tile-changed 66304']));
  it('leaves a wrong leaf to the tree, and still accepts the honest tile above it', async () => expect(await found({ '0/7': turned('0/7', 3) })).toEqual([]));
  it('names a tile that is missing, when its events are signed', async () => {
    expect(await found({ '0/7': undefined, '1/1': undefined })).toEqual(['tile-missing 1792', 'tile-missing 65536']);
    expect(await found({ '0/7': undefined, '1/1': undefined }, 1792)).toEqual([]);
  });
  it('names a tile that is too short', async () => expect(await found({ '1/0': (honest.get('1/0') ?? Buffer.alloc(0)).subarray(0, 8000) })).toEqual(['tile-changed 0']));
});
