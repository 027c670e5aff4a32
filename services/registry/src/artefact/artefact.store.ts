import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { CONFIG, Problem } from '@vitae/service-kit';
import type { RegistryConfig } from '../config.ts';
import { artefactEmpty, artefactNotFound, digestMismatch } from './artefact.ts';

/** Bytes that are here, and where. */
export interface StoredArtefact {
  readonly digest: string;
  readonly sizeBytes: number;
}

/** What was stored under a digest no longer has that digest: the disk lied, or somebody wrote to it. */
export class ArtefactCorrupted extends Error {
  override readonly name = 'ArtefactCorrupted';
}

/** How old a half-written file must be before a start clears it away: another replica may still write it. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

/**
 * Bytes by their SHA-256, on the file system: the seam behind which object storage comes.
 *
 *   <data>/artefacts/sha256/ab/cdef…   what is in use
 *   <data>/archive/sha256/ab/cdef…     what belonged to retired versions; reads fall back to it
 *   <data>/artefacts/incoming/         half-written files; renamed to their digest when whole and on disk
 *
 * The same bytes are kept once, whoever brings them. Nothing is ever changed in place.
 */
@Injectable()
export class ArtefactStore implements OnModuleInit {
  readonly #root: string;
  readonly #limit: number;

  constructor(@Inject(CONFIG) config: RegistryConfig) {
    this.#root = resolve(config.VITAE_DATA_DIR);
    this.#limit = config.VITAE_MAX_ARTEFACT_BYTES;
  }

  /** Where programs that work on artefacts may spill to. */
  get scratch(): string {
    return join(this.#root, 'scratch');
  }

  async onModuleInit(): Promise<void> {
    await mkdir(this.#incoming, { recursive: true });
    await mkdir(this.scratch, { recursive: true });
    for (const name of await readdir(this.#incoming)) {
      const path = join(this.#incoming, name);
      const found = await stat(path).catch(() => undefined);
      if (found && Date.now() - found.mtimeMs > ABANDONED_MS) await rm(path, { force: true });
    }
  }

  /**
   * Keeps a stream's bytes under their digest. Durable when it resolves; when it rejects, nothing is kept.
   * The stream is left readable after a refusal, so that the sender can still be answered.
   *
   * @param announced bytes that the sender says will come; a larger number than the limit is refused at once.
   * @throws Problem 413 artefact-too-large; Refused ARTEFACT_EMPTY, DIGEST_MISMATCH.
   */
  async receive(source: Readable, { declared, announced }: { readonly declared?: string | undefined; readonly announced?: number | undefined } = {}): Promise<StoredArtefact & { readonly added: boolean }> {
    if (announced !== undefined && announced > this.#limit) throw this.#tooLarge();
    const draft = join(this.#incoming, randomUUID());
    const hash = createHash('sha256');
    let sizeBytes = 0;
    const counted = async function* (tooLarge: () => Error, limit: number): AsyncGenerator<Buffer> {
      for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        sizeBytes += chunk.length;
        if (sizeBytes > limit) throw tooLarge();
        hash.update(chunk);
        yield chunk;
      }
    };
    try {
      await pipeline(counted(() => this.#tooLarge(), this.#limit), createWriteStream(draft, { flags: 'wx', flush: true }));
      const digest = `sha256:${hash.digest('hex')}`;
      if (sizeBytes === 0) throw artefactEmpty();
      if (declared !== undefined && declared !== digest) throw digestMismatch(declared, digest);
      if (await this.find(digest)) return { digest, sizeBytes, added: false };
      await settle(draft, this.#path(IN_USE, digest));
      return { digest, sizeBytes, added: true };
    } finally {
      await rm(draft, { force: true });
    }
  }

  /** What is known of a digest's bytes, in use or archived; undefined when they are not here. */
  async find(digest: string): Promise<StoredArtefact | undefined> {
    const path = await this.#locate(digest);
    return path === undefined ? undefined : { digest, sizeBytes: (await stat(path)).size };
  }

  /**
   * The bytes as a stream that proves them: its last chunk is held back until the digest of all is known to
   * be right, so that a reader who got the announced length got the true bytes.
   * @throws Refused ARTEFACT_NOT_FOUND. The stream fails with ArtefactCorrupted.
   */
  async read(digest: string): Promise<AsyncGenerator<Buffer>> {
    return proven(createReadStream(await this.#mustLocate(digest)), digest);
  }

  /**
   * A path at which the bytes can be opened, after they were read and proven.
   * @throws Refused ARTEFACT_NOT_FOUND, ArtefactCorrupted.
   */
  async localFile(digest: string): Promise<string> {
    const path = await this.#mustLocate(digest);
    for await (const _ of proven(createReadStream(path), digest)); // reads to the end, for the proof alone
    return path;
  }

  /** Puts a durable copy into the archive, unless it is there. Returns its location, relative to the data directory. */
  async archive(digest: string): Promise<string> {
    const target = this.#path(ARCHIVE, digest);
    if (!(await exists(target))) {
      const draft = join(this.#incoming, randomUUID());
      try {
        await copyFile(await this.localFile(digest), draft);
        await settle(draft, target);
      } finally {
        await rm(draft, { force: true });
      }
    }
    return relative(ARCHIVE, digest);
  }

  /** Takes the bytes out of what is in use. They MUST be in the archive. */
  async release(digest: string): Promise<void> {
    if (!(await exists(this.#path(ARCHIVE, digest)))) throw new Error(`${digest} is not in the archive, so its bytes stay in use`);
    await rm(this.#path(IN_USE, digest), { force: true });
  }

  /** Removes the bytes, in use and archived. MUST only be asked for when nothing needs them; what is not here is gone already. */
  async remove(digest: string): Promise<void> {
    for (const tier of [IN_USE, ARCHIVE]) await rm(this.#path(tier, digest), { force: true });
  }

  get #incoming(): string {
    return join(this.#root, IN_USE, 'incoming');
  }

  #path(tier: string, digest: string): string {
    return join(this.#root, relative(tier, digest));
  }

  async #locate(digest: string): Promise<string | undefined> {
    for (const tier of [IN_USE, ARCHIVE]) {
      const path = this.#path(tier, digest);
      if (await exists(path)) return path;
    }
    return undefined;
  }

  async #mustLocate(digest: string): Promise<string> {
    const path = await this.#locate(digest);
    if (path === undefined) throw artefactNotFound(digest);
    return path;
  }

  #tooLarge(): Problem {
    return new Problem(413, 'artefact-too-large', 'The artefact is too large', `An artefact may have at most ${this.#limit} bytes, and this one has more. Nothing was kept. Split it, or ask the operator to raise VITAE_MAX_ARTEFACT_BYTES.`);
  }
}

const IN_USE = 'artefacts';
const ARCHIVE = 'archive';

function relative(tier: string, digest: string): string {
  const hex = digest.slice('sha256:'.length);
  return `${tier}/sha256/${hex.slice(0, 2)}/${hex.slice(2)}`;
}

const exists = (path: string): Promise<boolean> => stat(path).then((found) => found.isFile(), () => false);

/** Gives a finished file its name, and makes both the bytes and the name survive a crash. */
async function settle(draft: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await synced(draft);
  await rename(draft, target);
  await synced(dirname(target));
}

async function synced(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function* proven(source: Readable, digest: string): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let held: Buffer | undefined;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    if (held) yield held;
    hash.update(chunk);
    held = chunk;
  }
  const actual = `sha256:${hash.digest('hex')}`;
  if (actual !== digest) throw new ArtefactCorrupted(`the bytes kept as ${digest} have digest ${actual}; restore them from a backup`);
  if (held) yield held;
}
