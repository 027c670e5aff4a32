import { createHash } from 'node:crypto';
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

/**
 * Gives the memory of bytes back at once; they MUST NOT be used any more. What shares its memory with others is left alone.
 * Without it V8 clears up its whole heap for every 40 MB that stream by, which costs more than hashing them (README, Measured).
 */
export function giveBack({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && byteLength > 0) buffer.transfer(0);
}

/** The same bytes, gathered to CHUNK_BYTES, the last time fewer. As they came and in parts: joining them would copy each once more. */
export async function* inChunks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[]> {
  let parts: Uint8Array[] = [];
  let missing = CHUNK_BYTES;
  for await (let part of source) {
    while (part.length >= missing) {
      parts.push(part.subarray(0, missing));
      part = part.subarray(missing);
      yield parts;
      [parts, missing] = [[], CHUNK_BYTES];
    }
    if (part.length > 0) parts.push(part);
    missing -= part.length;
  }
  if (parts.length > 0) yield parts;
}

/** Chunks that may be at work at once, so that neither the line nor the disk waits for a turn of the other. */
const AT_WORK = 3;

/**
 * Digests bytes while they go by. `each` gets every chunk, and where it begins; while a few are at work the next ones are gathered.
 * The source's buffers are used up.
 */
export async function digested(source: AsyncIterable<Uint8Array>, each?: (chunk: readonly Uint8Array[], start: number) => Promise<unknown>): Promise<Digested> {
  const whole = createHash('sha256');
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  const working: Promise<unknown>[] = [];
  for await (const parts of inChunks(source)) {
    const own = createHash('sha256');
    const start = sizeBytes;
    for (const part of parts) {
      whole.update(part);
      own.update(part);
      sizeBytes += part.length;
    }
    chunks.push(own.digest());
    if (working.length === AT_WORK) await working.shift();
    const work = Promise.resolve(each?.(parts, start)).then(() => parts.forEach(giveBack));
    work.catch(() => undefined); // told by the await, whenever that comes
    working.push(work);
  }
  await Promise.all(working);
  return { digest: `sha256:${whole.digest('hex')}`, sizeBytes, chunkList: Buffer.concat(chunks) };
}

/** Reads to the end, for the proof alone. @throws ArtefactCorrupted. */
export async function prove(source: AsyncIterable<Uint8Array>, digest: string): Promise<void> {
  for await (const part of proven(source, digest)) giveBack(part);
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
  for await (const parts of inChunks(source)) {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(part);
    if (!hash.digest().equals(chunkList.subarray(index * 32, (index + 1) * 32))) {
      throw new ArtefactCorrupted(`bytes ${index * CHUNK_BYTES} and following of ${digest} are no longer those that arrived, or the list of their digests is not; restore them from a backup`);
    }
    let from = index * CHUNK_BYTES;
    for (const part of parts) {
      const wanted = part.subarray(Math.max(0, start - from), Math.max(0, end + 1 - from));
      from += part.length;
      if (wanted.length > 0) yield wanted;
    }
    index += 1;
  }
  if (index !== around.last + 1) throw new ArtefactCorrupted(`the bytes kept as ${digest} end before byte ${end}; restore them from a backup`);
}
