import { hash } from 'node:crypto';

/**
 * The Merkle tree of RFC 6962 over SHA-256. A leaf is SHA-256(0x00 ‖ entry), a node SHA-256(0x01 ‖ left ‖ right); a tree of
 * n > 1 leaves splits at the largest power of two below n. Nothing is padded or doubled.
 */

export const HASH_BYTES = 32;

/** SHA-256 of nothing: the root of a tree without leaves. */
export const EMPTY_ROOT: Buffer = sha256(Buffer.alloc(0));

const LEAF = 0x00;
const NODE = 0x01;
const leafInput = Buffer.alloc(1 + 4096).fill(LEAF, 0, 1);
const nodeInput = Buffer.alloc(1 + 2 * HASH_BYTES).fill(NODE, 0, 1);

export function leafHash(entry: Uint8Array): Buffer {
  if (entry.length >= leafInput.length) return sha256(Buffer.concat([Buffer.of(LEAF), entry]));
  leafInput.set(entry, 1);
  return sha256(leafInput.subarray(0, 1 + entry.length));
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_BYTES);
  return sha256(nodeInput);
}

/** The root over `width` hashes that lie one behind the other in `hashes`, from the hash at `from` on. `width` MUST be a power of two. */
export function perfectRoot(hashes: Uint8Array, from: number, width: number): Buffer {
  let level: Buffer = Buffer.from(hashes.subarray(from * HASH_BYTES, (from + width) * HASH_BYTES));
  for (let n = width; n > 1; n /= 2) {
    for (let i = 0; i < n; i += 2) {
      nodeInput.set(level.subarray(i * HASH_BYTES, (i + 2) * HASH_BYTES), 1);
      level.write(hash('sha256', nodeInput, 'binary'), (i / 2) * HASH_BYTES, 'binary');
    }
    level = level.subarray(0, (n / 2) * HASH_BYTES);
  }
  return level;
}

/**
 * All that is needed of a tree to let it grow: the roots of its perfect subtrees (one for each set bit of its size), the
 * largest first. At most 53 hashes, however large the tree. Plain data.
 */
export interface Frontier {
  readonly size: number;
  readonly hashes: readonly Buffer[];
}

export const emptyFrontier: Frontier = { size: 0, hashes: [] };

/** The tree with more leaves behind its last. `leaves` are leaf hashes (see leafHash), not entries. */
export function appendLeaves(frontier: Frontier, leaves: readonly Uint8Array[]): Frontier {
  const hashes = [...frontier.hashes];
  let { size } = frontier;
  for (const leaf of leaves) {
    let node: Buffer = Buffer.from(leaf);
    // Each set bit at the low end of the size is a subtree as high as `node`: together they are one of the next height.
    for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) node = nodeHash(hashes.pop() ?? node, node);
    hashes.push(node);
    size += 1;
  }
  return { size, hashes };
}

export function rootOf({ hashes }: Pick<Frontier, 'hashes'>): Buffer {
  return hashes.length === 0 ? EMPTY_ROOT : hashes.reduceRight((right, left) => nodeHash(left, right));
}

/** By way of a string, as OpenSSL's answer costs three times as much in a new Buffer. */
function sha256(input: Uint8Array): Buffer {
  return Buffer.from(hash('sha256', input, 'binary'), 'binary');
}
