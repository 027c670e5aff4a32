import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, Problem, ServiceToken, traceHeaders } from '@vitae/service-kit';
import type { MonitoringConfig } from '../config.ts';

/** Fetches bytes from the registry by their digest. What it gives is what the digest says, whoever answered. */
@Injectable()
export class RegistryClient {
  constructor(
    @Inject(CONFIG) private readonly config: MonitoringConfig,
    private readonly serviceToken: ServiceToken,
  ) {}

  /**
   * Puts the bytes into a file for as long as `use` runs.
   * @throws Problem 422 dataset-bytes-missing; 503 registry-unavailable when it does not answer, or answers other bytes.
   */
  async withBytes<T>(projectId: string, digest: string, use: (path: string) => Promise<T>): Promise<T> {
    const directory = await mkdtemp(join(tmpdir(), 'vitae-baseline-'));
    try {
      const path = join(directory, 'bytes');
      const found = await this.#download(projectId, digest, path);
      if (found !== digest) throw unavailable(`the registry answered bytes whose digest is ${found}, not ${digest}`);
      return await use(path);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  async #download(projectId: string, digest: string, path: string): Promise<string> {
    const url = `${this.config.REGISTRY_URL}/v1/projects/${projectId}/artefacts/${encodeURIComponent(digest)}`;
    const hash = createHash('sha256');
    const hashing = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    try {
      const response = await fetch(url, { headers: { ...traceHeaders(), ...(await this.serviceToken.authorizationHeader()) }, redirect: 'error', signal: AbortSignal.timeout(60_000) });
      if (response.status === 404) {
        throw new Problem(422, 'dataset-bytes-missing', 'The bytes of the dataset version are missing', `The registry has no bytes ${digest}. Upload the file again, then activate the baseline.`);
      }
      if (!response.ok || !response.body) throw unavailable(`the registry answered ${response.status}`);
      await pipeline(Readable.fromWeb(response.body), hashing, createWriteStream(path));
    } catch (error) {
      throw error instanceof Problem ? error : unavailable((error as Error).message, error);
    }
    return `sha256:${hash.digest('hex')}`;
  }
}

function unavailable(why: string, cause?: unknown): Problem {
  return new Problem(503, 'registry-unavailable', 'The registry cannot be read', `The bytes of the dataset version could not be fetched: ${why}. Nothing was stored; send the request again.`, {
    headers: { 'Retry-After': '2' },
    cause,
  });
}
