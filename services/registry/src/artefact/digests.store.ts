import { createHash, webcrypto } from 'node:crypto';
import { CHUNK_BYTES, chunksAround } from './chunk-digests.ts';

/** What was stored under a digest no longer has that digest: the disk lied, or somebody wrote to it. */
export class ArtefactCorrupted extends Error {
  override readonly name = 'ArtefactCorrupted';
}

/** What bytes turned out to be. */
export interface Digested {
  readonly digest: string;
  readonly sizeBytes: number;
  /** Raw SHA-256 of each chunk of CHUNK_BYTES, one after the other. */
  readonly chunkList: Buffer;
}

/** The same bytes in blocks of CHUNK_BYTES; the last one may be shorter. */
export async function* inChunks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (let part of source) {
    while (length + part.length >= CHUNK_BYTES) {
      parts.push(part.subarray(0, CHUNK_BYTES - length));
      part = part.subarray(CHUNK_BYTES - length);
      yield Buffer.concat(parts, CHUNK_BYTES);
      [parts, length] = [[], 0];
    }
    if (part.length > 0) parts.push(part);
    length += part.length;
  }
  if (length > 0) yield Buffer.concat(parts, length);
}

/**
 * Digests bytes while they go by. `each` gets every chunk, and the next one comes when it is done.
 * The chunk's own digest is computed on another thread, at the same time as that of the whole.
 */
export async function digested(source: AsyncIterable<Uint8Array>, each: (chunk: Buffer) => Promise<unknown> = async () => undefined): Promise<Digested> {
  const whole = createHash('sha256');
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of inChunks(source)) {
    const work = Promise.all([webcrypto.subtle.digest('SHA-256', chunk), each(chunk)]);
    whole.update(chunk);
    chunks.push(Buffer.from((await work)[0]));
    sizeBytes += chunk.length;
  }
  return { digest: `sha256:${whole.digest('hex')}`, sizeBytes, chunkList: Buffer.concat(chunks) };
}

/** The bytes of a whole file. Its last part is held back until the digest of all is known to be right. */
export async function* proven(source: AsyncIterable<Uint8Array>, digest: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let held: Uint8Array | undefined;
  for await (const part of source) {
    if (held) yield held;
    hash.update(part);
    held = part;
  }
  const actual = `sha256:${hash.digest('hex')}`;
  if (actual !== digest) throw new ArtefactCorrupted(`the bytes kept as ${digest} have digest ${actual}; restore them from a backup`);
  if (held) yield held;
}

/**
 * The bytes of a range, of whole chunks around it: each chunk is held back until its digest is the one in the list.
 * @param source the bytes of `chunksAround(range)`.
 */
export async function* provenRange(
  source: AsyncIterable<Uint8Array>,
  { start, end }: { readonly start: number; readonly end: number },
  { digest, sizeBytes, chunkList }: Digested,
): AsyncGenerator<Uint8Array> {
  const around = chunksAround({ start, end }, sizeBytes);
  let index = around.first;
  for await (const chunk of inChunks(source)) {
    const expected = chunkList.subarray(index * 32, (index + 1) * 32);
    const actual = createHash('sha256').update(chunk).digest();
    if (!actual.equals(expected)) {
      throw new ArtefactCorrupted(`bytes ${index * CHUNK_BYTES} and following of ${digest} are no longer those that arrived, or the list of their digests is not; restore them from a backup`);
    }
    const from = index * CHUNK_BYTES;
    yield chunk.subarray(Math.max(0, start - from), end + 1 - from);
    index += 1;
  }
  if (index !== around.last + 1) throw new ArtefactCorrupted(`the bytes kept as ${digest} end before byte ${end}; restore them from a backup`);
}
