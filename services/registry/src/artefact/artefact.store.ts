import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { DigestedFile } from '@vitae/model-signing';
import { CONFIG, Problem } from '@vitae/service-kit';
import type { RegistryConfig } from '../config.ts';
import { artefactEmpty, artefactNotFound, digestMismatch } from './artefact.ts';
import { chunkListBytes, chunksAround } from './chunk-digests.ts';
import { chunkListOf, keyOf, type Depot, type Tier } from './depot.ts';
import { digested, prove, proven, provenRange, type Digested } from './digests.store.ts';
import { bytesOf } from './file-depot.store.ts';

/** Injection token of the depot behind the store. */
export const DEPOT = Symbol('vitae.registry.depot');

/** Bytes that are here. */
export interface StoredArtefact {
  readonly digest: string;
  readonly sizeBytes: number;
}

/** Files laid out in a directory of their own, to be opened by their paths. Disposing takes it away. */
export interface CheckedOut extends AsyncDisposable {
  readonly directory: string;
  pathOf(path: string): string;
}

/** How much may be written and not yet on the disk. */
const FLUSHED_BYTES = 32 * 1024 * 1024;

/** How old a half-written file must be before a start clears it away: another replica may still write it. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

/**
 * Bytes by their SHA-256, in a depot. What comes in is written to the local disk first:
 *
 *   <data>/artefacts/incoming/   half-written files; they go to the depot when they are whole and their digest is known
 *   <data>/scratch/              files laid out for programs that open them by path
 *
 * So the depot never holds bytes under a name that is not theirs. The same bytes are kept once, whoever brings them.
 */
@Injectable()
export class ArtefactStore implements OnModuleInit {
  readonly #root: string;
  readonly #limit: number;

  constructor(
    @Inject(CONFIG) config: RegistryConfig,
    @Inject(DEPOT) private readonly depot: Depot,
  ) {
    this.#root = resolve(config.VITAE_DATA_DIR);
    this.#limit = config.VITAE_MAX_ARTEFACT_BYTES;
  }

  /** Where programs that work on artefacts may spill to. */
  get scratch(): string {
    return join(this.#root, 'scratch');
  }

  async onModuleInit(): Promise<void> {
    for (const directory of [incomingOf(this.#root), this.scratch]) {
      await mkdir(directory, { recursive: true });
      for (const name of await readdir(directory)) {
        const path = join(directory, name);
        const found = await stat(path).catch(() => undefined);
        if (found && Date.now() - found.mtimeMs > ABANDONED_MS) await rm(path, { recursive: true, force: true });
      }
    }
  }

  /** @throws Problem 413 artefact-too-large. */
  mustFit(sizeBytes: number): void {
    if (sizeBytes <= this.#limit) return;
    throw new Problem(413, 'artefact-too-large', 'The artefact is too large', `An artefact may have at most ${this.#limit} bytes, and this one has more. Nothing was kept. Split it, or ask the operator to raise VITAE_MAX_ARTEFACT_BYTES.`);
  }

  /**
   * Keeps a stream's bytes under their digest. Durable when it resolves; when it rejects, nothing is kept.
   * The stream is left readable after a refusal, so that the sender can still be answered; its buffers are used up.
   *
   * @param announced bytes that the sender says will come; a larger number than the limit is refused at once.
   * @throws Problem 413 artefact-too-large; Refused ARTEFACT_EMPTY, DIGEST_MISMATCH.
   */
  async receive(source: Readable, { declared, announced = 0 }: { readonly declared?: string | undefined; readonly announced?: number | undefined } = {}): Promise<StoredArtefact & { readonly added: boolean }> {
    this.mustFit(announced);
    const draft = this.#newDraft();
    try {
      return await this.#admit(draft, await this.#written(source, draft), declared);
    } finally {
      await rm(draft, { force: true });
    }
  }

  /**
   * Keeps a file that is whole under its digest; it is read once more for that, so that what is proven is what is on
   * the disk. The file is used up, unless this rejects.
   * @throws Refused DIGEST_MISMATCH.
   */
  async adopt(path: string, declared?: string): Promise<StoredArtefact> {
    const { digest, sizeBytes } = await this.#admit(path, await digested(bytesOf(path)), declared);
    return { digest, sizeBytes };
  }

  /** What is known of a digest's bytes, in use or archived; undefined when they are not here. */
  async find(digest: string): Promise<StoredArtefact | undefined> {
    const found = await this.#locate(digest);
    return found && { digest, sizeBytes: found.sizeBytes };
  }

  /**
   * The bytes as a stream that proves them. Of all: the last part is held back until the digest is known to be right,
   * so that a reader who got the announced length got the true bytes. Of a range: each chunk is proven before any of
   * it leaves.
   * @throws Refused ARTEFACT_NOT_FOUND. The stream fails with ArtefactCorrupted.
   */
  async read(digest: string, range?: { readonly start: number; readonly end: number }): Promise<AsyncGenerator<Uint8Array>> {
    const { tier, sizeBytes } = await this.#mustLocate(digest);
    if (!range) return proven(this.depot.read(tier, keyOf(digest)), digest);
    const chunkList = await this.#chunkList(tier, { digest, sizeBytes });
    return provenRange(this.depot.read(tier, keyOf(digest), chunksAround(range, sizeBytes)), range, { digest, sizeBytes, chunkList });
  }

  /**
   * All bytes, proven, in memory: for what is known to be small.
   * @throws Refused ARTEFACT_NOT_FOUND, ArtefactCorrupted.
   */
  async whole(digest: string): Promise<Buffer> {
    return gathered(await this.read(digest));
  }

  /**
   * The first and the last bytes, proven: as many as asked for, or all there are.
   * @throws Refused ARTEFACT_NOT_FOUND, ArtefactCorrupted.
   */
  async ends(digest: string, bytes: number): Promise<{ readonly head: Uint8Array; readonly tail: Uint8Array }> {
    const { sizeBytes } = await this.#mustLocate(digest);
    const length = Math.min(bytes, sizeBytes);
    const head = await gathered(await this.read(digest, { start: 0, end: length - 1 }));
    return { head, tail: await gathered(await this.read(digest, { start: sizeBytes - length, end: sizeBytes - 1 })) };
  }

  /**
   * Lays files out under their paths, each read and proven, for programs that open files.
   * The files MUST NOT be written to.
   * @throws Refused ARTEFACT_NOT_FOUND, ArtefactCorrupted.
   */
  async checkOut(files: readonly DigestedFile[]): Promise<CheckedOut> {
    const directory = join(this.scratch, randomUUID());
    const pathOf = (path: string): string => {
      const full = resolve(directory, path);
      if (!full.startsWith(directory + sep)) throw new Error(`${path} leads out of the artefact`);
      return full;
    };
    const dispose = () => rm(directory, { recursive: true, force: true });
    try {
      for (const { path, digest } of files) {
        const { tier } = await this.#mustLocate(digest);
        await mkdir(dirname(pathOf(path)), { recursive: true });
        await this.depot.fetch(tier, keyOf(digest), pathOf(path));
        await prove(bytesOf(pathOf(path)), digest);
      }
    } catch (error) {
      await dispose();
      throw error;
    }
    return { directory, pathOf, [Symbol.asyncDispose]: dispose };
  }

  /** Puts a durable copy into the archive, unless it is there. Returns where. */
  async archive(digest: string): Promise<string> {
    const key = keyOf(digest);
    if ((await this.depot.sizeOf('archive', key)) === undefined) {
      const { tier } = await this.#mustLocate(digest);
      await prove(this.depot.read(tier, key), digest); // no copy is made of what is not true
      await this.depot.copy('artefacts', 'archive', key);
      if ((await this.depot.sizeOf('artefacts', chunkListOf(key))) !== undefined) await this.depot.copy('artefacts', 'archive', chunkListOf(key));
    }
    return this.depot.locationOf('archive', key);
  }

  /** Takes the bytes out of what is in use. They MUST be in the archive. */
  async release(digest: string): Promise<void> {
    const key = keyOf(digest);
    if ((await this.depot.sizeOf('archive', key)) === undefined) throw new Error(`${digest} is not in the archive, so its bytes stay in use`);
    await this.depot.remove('artefacts', key);
    await this.depot.remove('artefacts', chunkListOf(key));
  }

  /** Removes the bytes, in use and archived. MUST only be asked for when nothing needs them; what is not here is gone already. */
  async remove(digest: string): Promise<void> {
    const key = keyOf(digest);
    for (const tier of ['artefacts', 'archive'] as const) for (const each of [key, chunkListOf(key)]) await this.depot.remove(tier, each);
  }

  async #written(source: Readable, draft: string): Promise<Digested> {
    const file = await open(draft, 'wx');
    let flushing: Promise<unknown> = Promise.resolve();
    let flushed = 0;
    try {
      const bytes = source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
      const found = await digested(bytes, async (chunk, start) => {
        const end = start + chunk.reduce((sum, part) => sum + part.length, 0);
        this.mustFit(end);
        await writeAll(file, chunk, start);
        if (end - flushed < FLUSHED_BYTES) return;
        // The disk works while more bytes come; else it would begin when all are here.
        flushed = end;
        await flushing;
        flushing = file.datasync();
        flushing.catch(() => undefined); // told by the await, whenever that comes
      });
      await flushing;
      return found;
    } finally {
      await flushing.catch(() => undefined);
      await file.close();
    }
  }

  /** Bytes first, the list of their chunks second: without the list it is made anew when it is needed. */
  async #admit(draft: string, { digest, sizeBytes, chunkList }: Digested, declared?: string): Promise<StoredArtefact & { readonly added: boolean }> {
    if (sizeBytes === 0) throw artefactEmpty();
    if (declared !== undefined && declared !== digest) throw digestMismatch(declared, digest);
    if (await this.find(digest)) {
      await rm(draft, { force: true });
      return { digest, sizeBytes, added: false };
    }
    await this.depot.keep('artefacts', keyOf(digest), draft);
    await this.#keepChunkList('artefacts', digest, chunkList);
    return { digest, sizeBytes, added: true };
  }

  /** The list beside the bytes; made anew from the bytes, and they are proven by it, when there is none that fits. */
  async #chunkList(tier: Tier, { digest, sizeBytes }: StoredArtefact): Promise<Buffer> {
    const key = chunkListOf(keyOf(digest));
    if ((await this.depot.sizeOf(tier, key)) === chunkListBytes(sizeBytes)) return gathered(this.depot.read(tier, key));
    const { chunkList } = await digested(proven(this.depot.read(tier, keyOf(digest)), digest));
    await this.depot.remove(tier, key);
    await this.#keepChunkList(tier, digest, chunkList);
    return chunkList;
  }

  async #keepChunkList(tier: Tier, digest: string, chunkList: Buffer): Promise<void> {
    const draft = this.#newDraft();
    try {
      await writeFile(draft, chunkList, { flag: 'wx' });
      await this.depot.keep(tier, chunkListOf(keyOf(digest)), draft);
    } finally {
      await rm(draft, { force: true });
    }
  }

  async #locate(digest: string): Promise<{ readonly tier: Tier; readonly sizeBytes: number } | undefined> {
    for (const tier of ['artefacts', 'archive'] as const) {
      const sizeBytes = await this.depot.sizeOf(tier, keyOf(digest));
      if (sizeBytes !== undefined) return { tier, sizeBytes };
    }
    return undefined;
  }

  async #mustLocate(digest: string): Promise<{ readonly tier: Tier; readonly sizeBytes: number }> {
    const found = await this.#locate(digest);
    if (found === undefined) throw artefactNotFound(digest);
    return found;
  }

  #newDraft(): string {
    return join(incomingOf(this.#root), randomUUID());
  }
}

/** A write may take fewer bytes than it was given. */
async function writeAll(file: FileHandle, parts: readonly Uint8Array[], position: number): Promise<void> {
  let { bytesWritten: written } = await file.writev(parts, position);
  let skipped = 0;
  for (const part of parts) {
    while (written < skipped + part.length) written += (await file.write(part, written - skipped, undefined, position + written)).bytesWritten;
    skipped += part.length;
  }
}

async function gathered(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}

/** Where half-written files lie. */
export const incomingOf = (root: string): string => join(root, 'artefacts', 'incoming');
