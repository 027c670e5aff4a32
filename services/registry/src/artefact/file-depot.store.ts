import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Depot, Tier } from './depot.ts';

/**
 * Bytes on the file system: `<root>/artefacts/sha256/ab/cdef…` and `<root>/archive/sha256/ab/cdef…`.
 * Nothing is changed in place; a symbolic link where a file should be is no file.
 */
export class FileDepot implements Depot {
  constructor(
    private readonly root: string,
    /** A directory for half-made copies, on the same file system. */
    private readonly drafts: string,
  ) {}

  /** Gives a finished file its name, and makes both the bytes and the name survive a crash. */
  async keep(tier: Tier, key: string, draft: string): Promise<void> {
    const target = this.#path(tier, key);
    await mkdir(dirname(target), { recursive: true });
    await synced(draft);
    await rename(draft, target);
    await synced(dirname(target));
  }

  async sizeOf(tier: Tier, key: string): Promise<number | undefined> {
    const found = await lstat(this.#path(tier, key)).catch(() => undefined);
    return found?.isFile() ? found.size : undefined;
  }

  read(tier: Tier, key: string, range?: { readonly start: number; readonly end: number }): AsyncIterable<Uint8Array> {
    return bytesOf(this.#path(tier, key), range);
  }

  /** A second name for the same file where the file system can, a copy where it cannot. */
  async fetch(tier: Tier, key: string, target: string): Promise<void> {
    const path = this.#path(tier, key);
    await link(path, target).catch(async (error: NodeJS.ErrnoException) => {
      if (!CANNOT_LINK.has(error.code ?? '')) throw error;
      await copyFile(path, target, constants.COPYFILE_EXCL);
    });
  }

  async copy(from: Tier, to: Tier, key: string): Promise<void> {
    const draft = join(this.drafts, randomUUID());
    try {
      await copyFile(this.#path(from, key), draft, constants.COPYFILE_EXCL);
      await this.keep(to, key, draft);
    } finally {
      await rm(draft, { force: true });
    }
  }

  async remove(tier: Tier, key: string): Promise<void> {
    await rm(this.#path(tier, key), { force: true });
  }

  locationOf(tier: Tier, key: string): string {
    return `${tier}/${key}`;
  }

  #path(tier: Tier, key: string): string {
    return join(this.root, tier, key);
  }
}

/** The bytes of a file that is no symbolic link. */
export async function* bytesOf(path: string, range?: { readonly start: number; readonly end: number }): AsyncGenerator<Uint8Array> {
  const handle = await open(path, NO_LINK);
  yield* handle.createReadStream({ highWaterMark: READ_BYTES, ...range }) as AsyncIterable<Uint8Array>;
}

const NO_LINK = constants.O_RDONLY | constants.O_NOFOLLOW;
/** Larger than Node's 64 KB: fewer turns for the same bytes. */
const READ_BYTES = 512 * 1024;
/** Another file system, one without hard links, or too many links. */
const CANNOT_LINK: ReadonlySet<string> = new Set(['EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK']);

async function synced(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
