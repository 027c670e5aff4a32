/**
 * How bytes are cut for the list of digests beside them: so that a range can be proven by reading little more than it.
 * Stored lists depend on it; a list of another length is made anew.
 */
export const CHUNK_BYTES = 1024 * 1024;

/** Raw SHA-256 digests of the chunks, one after the other. */
export const chunkListBytes = (sizeBytes: number): number => Math.ceil(sizeBytes / CHUNK_BYTES) * 32;

/** The whole chunks around a range: what must be read to prove it. `end` counts. */
export function chunksAround({ start, end }: { readonly start: number; readonly end: number }, sizeBytes: number) {
  const first = Math.floor(start / CHUNK_BYTES);
  const last = Math.floor(end / CHUNK_BYTES);
  return { first, last, start: first * CHUNK_BYTES, end: Math.min((last + 1) * CHUNK_BYTES, sizeBytes) - 1 };
}
