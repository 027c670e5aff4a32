import { EMPTY_ROOT, HASH_BYTES, nodeHash, perfectRoot, rootOf } from './merkle-tree.ts';
import { TILE_WIDTH, tilePath, type Tile } from './tile.ts';

/** The proof does not show what it should; what it speaks of MUST NOT be believed. */
export class ProofInvalid extends Error {
  override readonly name = 'ProofInvalid';
}

/** Gives the bytes of a tile at the width that the tree's size asks for. MUST reject when it has none. */
export type ReadTile = (tile: Tile) => Promise<Uint8Array>;

/** Entries from `begin` up to, without, `end`. */
interface Range {
  readonly begin: number;
  readonly end: number;
}

/**
 * That the entry at `index` is in the tree of `size` entries: the hashes beside its way to the root, the leaf's sibling first
 * (RFC 6962, 2.1.1). The tiles are believed: a proof made from forged tiles does not verify.
 *
 * @throws ProofInvalid when there is no such entry, or a tile has another width.
 */
export async function inclusionProof(index: number, size: number, read: ReadTile): Promise<Buffer[]> {
  mustBeSize(size);
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) throw new ProofInvalid(`there is no entry ${index} in a log of ${size}`);
  const beside: Range[] = [];
  for (let range = { begin: 0, end: size }; range.end - range.begin > 1; ) {
    const [left, right] = halves(range);
    beside.unshift(index < left.end ? right : left);
    range = index < left.end ? left : right;
  }
  return hashesOf(beside, size, read);
}

/**
 * That the tree of `to` entries begins with the tree of `from` (RFC 6962, 2.1.2). Empty when both are one, or `from` is 0.
 *
 * @throws ProofInvalid when `from` is larger than `to`, or a tile has another width.
 */
export async function consistencyProof(from: number, to: number, read: ReadTile): Promise<Buffer[]> {
  mustGrow(from, to);
  if (from === 0) return [];
  const parts: Range[] = [];
  let range: Range = { begin: 0, end: to };
  while (range.end !== from) {
    const [left, right] = halves(range);
    parts.unshift(from <= left.end ? right : left);
    range = from <= left.end ? left : right;
  }
  // A subtree that is the whole old tree is left out: whoever checks has its root.
  if (range.begin > 0) parts.unshift(range);
  return hashesOf(parts, to, read);
}

/** `leaf` is the leaf hash of the entry. @throws ProofInvalid unless the proof leads from the leaf to the root. */
export function verifyInclusion(claim: { readonly index: number; readonly size: number; readonly leaf: Uint8Array; readonly proof: readonly Uint8Array[]; readonly root: Uint8Array }): void {
  const { index, size, leaf, proof, root } = claim;
  mustBeSize(size);
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) throw new ProofInvalid(`there is no entry ${index} in a log of ${size}`);
  mustBeHashes([leaf, root, ...proof]);
  let node = leaf;
  let [at, last] = [index, size - 1];
  for (const sibling of proof) {
    if (last === 0) throw new ProofInvalid(`the proof for entry ${index} of ${size} is too long`);
    if (isOdd(at) || at === last) {
      node = nodeHash(sibling, node);
      // A node without a right sibling goes up alone, until it is a right one.
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      node = nodeHash(node, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  if (last !== 0) throw new ProofInvalid(`the proof for entry ${index} of ${size} is too short`);
  if (!equal(node, root)) throw new ProofInvalid(`the proof does not lead from entry ${index} to the root of the log at ${size}: entry, proof or root was changed`);
}

/** @throws ProofInvalid unless the proof shows that the larger tree begins with the smaller. */
export function verifyConsistency(claim: { readonly from: number; readonly to: number; readonly fromRoot: Uint8Array; readonly toRoot: Uint8Array; readonly proof: readonly Uint8Array[] }): void {
  const { from, to, fromRoot, toRoot, proof } = claim;
  mustGrow(from, to);
  mustBeHashes([fromRoot, toRoot, ...proof]);
  if (from === 0 || from === to) {
    if (proof.length > 0) throw new ProofInvalid(`from size ${from} to ${to} nothing is to be proven, yet there is a proof`);
    if (!equal(fromRoot, from === 0 ? EMPTY_ROOT : toRoot)) throw new ProofInvalid(`two roots for one log of ${from} entries: it shows different histories`);
    return;
  }
  let [at, last] = [from - 1, to - 1];
  while (isOdd(at)) [at, last] = [half(at), half(last)];
  // The old tree is a whole subtree of the new one: its root opens the proof.
  const [first, ...rest] = at === 0 ? [fromRoot, ...proof] : proof;
  if (!first) throw new ProofInvalid(`the proof from size ${from} to ${to} is too short`);
  let [before, now] = [first, first];
  for (const sibling of rest) {
    if (last === 0) throw new ProofInvalid(`the proof from size ${from} to ${to} is too long`);
    if (isOdd(at) || at === last) {
      before = nodeHash(sibling, before);
      now = nodeHash(sibling, now);
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      now = nodeHash(now, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  if (last !== 0) throw new ProofInvalid(`the proof from size ${from} to ${to} is too short`);
  if (!equal(before, fromRoot) || !equal(now, toRoot)) throw new ProofInvalid(`the log of ${to} entries does not begin with the log of ${from}: its history was changed`);
}

/** The two subtrees of a tree: the left one as large as the largest power of two below the whole. */
function halves({ begin, end }: Range): [Range, Range] {
  let width = 1;
  while (width * 2 < end - begin) width *= 2;
  return [{ begin, end: begin + width }, { begin: begin + width, end }];
}

async function hashesOf(ranges: readonly Range[], size: number, read: ReadTile): Promise<Buffer[]> {
  const tiles = new Map<string, Promise<Uint8Array>>();
  const readOnce = (tile: Tile): Promise<Uint8Array> => {
    const path = tilePath(tile);
    const bytes = tiles.get(path) ?? readWhole(tile, read);
    tiles.set(path, bytes);
    return bytes;
  };
  return Promise.all(ranges.map((range) => rangeHash(range, size, readOnce)));
}

/** The root over a range that is a subtree of the tree: whole, or at the tree's right edge. */
async function rangeHash({ begin, end }: Range, size: number, read: ReadTile): Promise<Buffer> {
  const subtrees: Promise<Buffer>[] = [];
  for (let at = begin; at < end; ) {
    let width = 1;
    while (at + width * 2 <= end) width *= 2;
    subtrees.push(subtreeHash(at, width, size, read));
    at += width;
  }
  return rootOf({ hashes: await Promise.all(subtrees) });
}

async function subtreeHash(begin: number, width: number, size: number, read: ReadTile): Promise<Buffer> {
  let [level, covers] = [0, 1];
  while (covers * TILE_WIDTH <= width) [level, covers] = [level + 1, covers * TILE_WIDTH];
  const first = begin / covers;
  const index = Math.floor(first / TILE_WIDTH);
  const tile = { level, index, width: Math.min(TILE_WIDTH, Math.floor(size / covers) - index * TILE_WIDTH) };
  return perfectRoot(await read(tile), first - index * TILE_WIDTH, width / covers);
}

async function readWhole(tile: Tile, read: ReadTile): Promise<Uint8Array> {
  const bytes = await read(tile);
  if (bytes.length !== tile.width * HASH_BYTES) throw new ProofInvalid(`${tilePath(tile)} has ${bytes.length} bytes instead of ${tile.width * HASH_BYTES}`);
  return bytes;
}

function mustBeSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw new ProofInvalid(`${size} is not the size of a log`);
}

function mustGrow(from: number, to: number): void {
  mustBeSize(from);
  mustBeSize(to);
  if (from > to) throw new ProofInvalid(`the log has ${to} entries, fewer than the ${from} it had: its tail was cut`);
}

function mustBeHashes(hashes: readonly Uint8Array[]): void {
  const wrong = hashes.find((hash) => hash.length !== HASH_BYTES);
  if (wrong) throw new ProofInvalid(`a hash of ${wrong.length} bytes is no SHA-256`);
}

const isOdd = (n: number): boolean => n % 2 === 1;
const half = (n: number): number => Math.floor(n / 2);
const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
