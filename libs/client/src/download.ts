import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { OnProgress } from './digest.ts';
import { DigestMismatch, VitaeUnreachable } from './problem.ts';
import type { Project } from './project.ts';

export interface DownloadOptions {
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Downloaded {
  readonly path: string;
  readonly digest: string;
  readonly sizeBytes: number;
  /** How many bytes were here from an earlier attempt. */
  readonly from: number;
}

/** How often it goes on by itself after the line broke without a byte more. */
const MOST_BREAKS = 4;

/**
 * Fetches bytes by their digest. What came before the line broke lies in `<path>.part`, and the next attempt goes on
 * behind it; `path` itself appears whole and proven, or not at all.
 * @throws VitaeProblem, VitaeUnreachable, DigestMismatch (and what came is thrown away).
 */
export async function download(project: Project, digest: string, path: string, options: DownloadOptions = {}): Promise<Downloaded> {
  const part = `${path}.part`;
  await mkdir(dirname(path), { recursive: true });
  const hash = createHash('sha256');
  const from = await digestInto(hash, part);
  let done = from;
  for (let breaks = 0; ; ) {
    try {
      done = await fetchRest(project, digest, part, hash, done, options);
      break;
    } catch (error) {
      if (!(error instanceof BrokenOff)) throw error;
      breaks = error.done > done ? 0 : breaks + 1;
      done = error.done;
      if (breaks >= MOST_BREAKS) throw new VitaeUnreachable(error.url, { cause: error.cause });
    }
  }
  const actual = `sha256:${hash.digest('hex')}`;
  if (actual !== digest) {
    await rm(part, { force: true });
    throw new DigestMismatch('what arrived', digest, actual);
  }
  await rename(part, path);
  return { path, digest, sizeBytes: done, from };
}

/** The bytes behind the first `done`, to the file's end and into the hash. Returns how many there are then. */
async function fetchRest(project: Project, digest: string, part: string, hash: Hash, done: number, { onProgress, signal }: DownloadOptions): Promise<number> {
  const url = `${project.connection.addressOf('registry')}/v1/projects/${project.id}/artefacts/${digest}`;
  const total = await sizeOf(project, url, signal);
  if (done === total) return done;
  if (done > total) throw new DigestMismatch(part, digest, `none that has only ${total} bytes`);
  const range = done === 0 ? {} : { range: `bytes=${done}-`, 'if-range': `"${digest}"` };
  const response = await project.connection.send(new Request(url, { headers: range, ...(signal ? { signal } : {}) }));
  if (done > 0 && response.status !== 206) throw new Error(`${url} was asked for the bytes from ${done} on and sent all of them`);
  const file = await open(part, 'a');
  try {
    for await (const chunk of response.body ?? []) {
      await file.appendFile(chunk); // and only then counted: the next attempt goes on behind what the file has
      hash.update(chunk);
      done += chunk.length;
      onProgress?.(done, total);
    }
  } catch (cause) {
    signal?.throwIfAborted();
    if (isOfDisk(cause)) throw cause;
    throw new BrokenOff(url, done, cause);
  } finally {
    await file.close();
  }
  return done;
}

/** A full disk is no broken line. */
const isOfDisk = (error: unknown): boolean => ['ENOSPC', 'EIO', 'EDQUOT', 'EFBIG'].includes((error as NodeJS.ErrnoException).code ?? '');

class BrokenOff extends Error {
  readonly url: string;
  readonly done: number;

  constructor(url: string, done: number, cause: unknown) {
    super(`broken off after ${done} bytes`, { cause });
    this.url = url;
    this.done = done;
  }
}

async function sizeOf(project: Project, url: string, signal: AbortSignal | undefined): Promise<number> {
  const response = await project.connection.send(new Request(url, { method: 'HEAD', ...(signal ? { signal } : {}) }));
  return Number(response.headers.get('content-length'));
}

/** What an earlier attempt left. Returns how many bytes. */
async function digestInto(hash: Hash, part: string): Promise<number> {
  const there = await stat(part).then(({ size }) => size, () => 0);
  if (there > 0) for await (const chunk of createReadStream(part, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return there;
}
