/** What is in use, and what belonged to retired versions. */
export type Tier = 'artefacts' | 'archive';

/**
 * Where finished bytes lie: the file system or an object store. It knows keys, not digests, and proves nothing: whoever
 * reads from it MUST check what comes. Every depot passes `depot-contract.fixture.ts`.
 */
export interface Depot {
  /** Keeps a finished local file under a key; durable when it resolves. The file is used up. The same bytes twice do no harm. */
  keep(tier: Tier, key: string, draft: string): Promise<void>;
  /** Undefined: nothing is kept under the key. */
  sizeOf(tier: Tier, key: string): Promise<number | undefined>;
  /** The bytes from `start` to `end`, which counts; all of them without. Fails while reading when there are none. */
  read(tier: Tier, key: string, range?: { readonly start: number; readonly end: number }): AsyncIterable<Uint8Array>;
  /** Puts the bytes at a local path where nothing is yet. It MUST only be read from: it may be the kept file itself. */
  fetch(tier: Tier, key: string, target: string): Promise<void>;
  /** Makes a durable copy in the other tier. */
  copy(from: Tier, to: Tier, key: string): Promise<void>;
  /** Takes the bytes away; nothing to take is no fault. */
  remove(tier: Tier, key: string): Promise<void>;
  /** Where the bytes are, in words for an event: relative to the data directory, or an address. */
  locationOf(tier: Tier, key: string): string;
}

/** `sha256/ab/cdef…`: the key of the bytes with this digest. The list of their chunks' digests lies beside them. */
export function keyOf(digest: string): string {
  const hex = digest.slice('sha256:'.length);
  return `sha256/${hex.slice(0, 2)}/${hex.slice(2)}`;
}

export const chunkListOf = (key: string): string => `${key}.chunks`;
