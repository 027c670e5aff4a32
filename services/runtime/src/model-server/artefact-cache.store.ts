import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { CONFIG, ServiceToken } from '@vitae/service-kit';
import type { RuntimeConfig } from '../config.ts';
import { download, DownloadFailed } from './artefact.client.ts';

/** The bytes are not those of the digest: they are not loaded, and trying again would not help. */
export class DigestMismatch extends Error {
  override readonly name = 'DigestMismatch';
}

/** Model files by digest, under `<VITAE_DATA_DIR>/runtime/artefacts/sha256/ab/cdef…`, so that a restart needs no registry. */
@Injectable()
export class ArtefactCache {
  readonly #log = new Logger(ArtefactCache.name);
  readonly #root: string;
  readonly #drafts: string;

  constructor(
    @Inject(CONFIG) private readonly config: RuntimeConfig,
    private readonly serviceToken: ServiceToken,
  ) {
    this.#root = join(config.VITAE_DATA_DIR, 'runtime', 'artefacts', 'sha256');
    this.#drafts = join(config.VITAE_DATA_DIR, 'runtime', 'artefacts', 'drafts');
  }

  /** Removes what a killed process left half-written. MUST run before the first `bytes`. */
  async open(): Promise<void> {
    await rm(this.#drafts, { recursive: true, force: true });
    await mkdir(this.#drafts, { recursive: true });
  }

  /**
   * The file with this digest: from the disk, else from the address. What is returned has been hashed just now;
   * a file that decayed on disk is fetched again.
   * @throws DigestMismatch, DownloadRefused (for ever), DownloadFailed (try again).
   */
  async bytes(digest: string, url: string, signal: AbortSignal): Promise<Uint8Array> {
    const path = this.#pathOf(digest);
    const kept = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (kept && digestOf(kept) === digest) return kept;
    if (kept) this.#log.warn(`the file ${path} no longer has the digest of its name; it is fetched again`);

    const bytes = await download(url, { signal, maxBytes: this.config.RUNTIME_MAX_ARTEFACT_BYTES, headers: await this.#credentialFor(url) });
    const actual = digestOf(bytes);
    if (actual !== digest) throw new DigestMismatch(`${url} gave bytes with digest ${actual}, not ${digest}`);
    await mkdir(dirname(path), { recursive: true });
    const draft = join(this.#drafts, randomUUID());
    const file = await open(draft, 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
    return bytes;
  }

  /** Deletes every file whose digest is not among these. */
  async keepOnly(digests: ReadonlySet<string>): Promise<void> {
    const keep = new Set([...digests].map((digest) => this.#pathOf(digest)));
    for (const folder of await readdir(this.#root).catch(() => [])) {
      for (const name of await readdir(join(this.#root, folder)).catch(() => [])) {
        const path = join(this.#root, folder, name);
        if (!keep.has(path)) await rm(path, { force: true });
      }
    }
  }

  /** The address comes with the command; only the registry of the configuration gets to see who we are. */
  async #credentialFor(url: string): Promise<{ readonly authorization?: string }> {
    if (new URL(url).origin !== new URL(this.config.REGISTRY_URL).origin) return {};
    return this.serviceToken.authorizationHeader().catch((cause: Error) => {
      throw new DownloadFailed(`${url} cannot be read: ${cause.message}`, { cause });
    });
  }

  #pathOf(digest: string): string {
    const hex = digest.slice('sha256:'.length);
    return join(this.#root, hex.slice(0, 2), hex.slice(2));
  }
}

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
