const text = new TextEncoder();

/**
 * MurmurHash3 (x86, 32 bit) of a text's UTF-8 bytes: an unsigned 32-bit number. Spreads neighbouring
 * texts (`request-1`, `request-2`) evenly, which FNV-1a alone does not. Not for secrets.
 *
 * Source: Austin Appleby's public-domain MurmurHash3_x86_32.
 */
export function murmur3(value: string, seed = 0): number {
  const bytes = text.encode(value);
  const at = (i: number): number => bytes[i] ?? 0;
  const body = bytes.length - (bytes.length % 4);
  let hash = seed | 0;
  for (let i = 0; i < body; i += 4) {
    hash ^= scramble(at(i) | (at(i + 1) << 8) | (at(i + 2) << 16) | (at(i + 3) << 24));
    hash = (Math.imul(rotateLeft(hash, 13), 5) + 0xe6546b64) | 0;
  }
  if (body < bytes.length) hash ^= scramble(at(body) | (at(body + 1) << 8) | (at(body + 2) << 16));

  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const scramble = (word: number): number => Math.imul(rotateLeft(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
const rotateLeft = (word: number, by: number): number => (word << by) | (word >>> (32 - by));
