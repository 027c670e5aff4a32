import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { DetailedError, HttpResponse, UploadOptions as TusOptions } from 'tus-js-client';
import { digestOf, type OnProgress } from './digest.ts';
import { isOfToken, type Identity } from './connection.ts';
import { DigestMismatch, problemOf, VitaeProblem, VitaeUnreachable } from './problem.ts';
import type { Project } from './project.ts';
import { USUAL_RETRIES } from './retry.ts';
import { uploadMemory } from './upload-memory.ts';

export interface UploadOptions {
  /** What the bytes MUST be: `sha256:<hex>`. Without, the file is read once more beforehand. */
  readonly digest?: string | undefined;
  /** A directory that remembers where uploads were begun, so that another process goes on with one that was cut off. */
  readonly memory?: string | undefined;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Uploaded {
  readonly digest: string;
  readonly sizeBytes: number;
  /** How it came: sent now, gone on with from a byte, or there before. */
  readonly how: 'sent' | 'resumed' | 'known';
  /** How many bytes were on the server when it began. */
  readonly from: number;
}

/**
 * Brings a file into the registry, by tus 1.0.0: what the line swallows is sent again, and nothing twice. Bytes that are
 * there already are not sent.
 * @throws VitaeProblem, VitaeUnreachable, DigestMismatch when the file is not what `digest` says or changed meanwhile.
 */
export async function upload(project: Project, path: string, options: UploadOptions = {}): Promise<Uploaded> {
  const { size: sizeBytes } = await stat(path);
  const digest = await digestOf(path);
  if (options.digest !== undefined && options.digest !== digest) throw new DigestMismatch(path, options.digest, digest);
  if (await isThere(project, digest)) return { digest, sizeBytes, how: 'known', from: sizeBytes };

  // Only now: whoever uploads nothing need not wait for it to be read.
  const { DetailedError: Failed, Upload } = await import('tus-js-client');
  const { connection, id } = project;
  const endpoint = `${connection.addressOf('registry')}/v1/projects/${id}/artefact-uploads`;
  const memory = options.memory === undefined ? undefined : uploadMemory(options.memory);
  // Where it was begun, and what bytes: not the file's name, which may be another one the next time.
  const fingerprint = `${endpoint} ${digest}`;
  let from: number | undefined;
  let [resolve, reject]: [(last: HttpResponse) => void, (error: Error) => void] = [() => undefined, () => undefined];
  const promise = new Promise<HttpResponse>((kept, failed) => ([resolve, reject] = [kept, failed]));
  let who: Identity = {};
  let [renewed, refused, fault]: [boolean, Identity | undefined, { readonly of: unknown } | undefined] = [false, undefined, undefined];
  const sending = new Upload(createReadStream(path), {
    endpoint,
    headers: { 'Vitae-Digest': digest },
    // Each request says who asks: a token may end before an upload does.
    async onBeforeRequest(request) {
      who = await connection.identity(refused).catch((error: unknown) => {
        fault = { of: error };
        throw error;
      });
      refused = undefined;
      for (const [name, value] of Object.entries(who)) request.setHeader(name, value);
    },
    onShouldRetry({ originalResponse }) {
      if (fault) return false;
      const status = originalResponse?.getStatus() ?? 0;
      if (!renewed && isOfToken(status, originalResponse?.getHeader('www-authenticate'))) {
        [renewed, refused] = [true, who];
        return true;
      }
      return status < 400 || status >= 500 || status === 409 || status === 423; // as tus has it
    },
    uploadSize: sizeBytes,
    retryDelays: retryDelaysOf(connection.options.retry ?? USUAL_RETRIES),
    fingerprint: () => Promise.resolve(fingerprint),
    ...(memory === undefined ? { storeFingerprintForResuming: false } : { urlStorage: memory }),
    onProgress(done, total) {
      from ??= done;
      options.onProgress?.(done, total);
    },
    onSuccess: ({ lastResponse }) => resolve(lastResponse),
    onError: (error) => reject(error),
  } satisfies TusOptions);
  const stop = (): void => void sending.abort().then(() => reject(options.signal?.reason as Error));
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    const [before] = memory === undefined ? [] : await sending.findPreviousUploads();
    if (before) sending.resumeFromPreviousUpload(before);
    options.signal?.throwIfAborted();
    sending.start();
    const kept = (await promise.catch((error: unknown) => {
      if (fault) throw fault.of;
      throw error instanceof Failed ? retold(error, endpoint) : error;
    })).getHeader('Vitae-Digest');
    if (kept !== digest) throw new DigestMismatch('what the registry kept', digest, kept ?? 'none');
    for (const { urlStorageKey } of (await memory?.findUploadsByFingerprint(fingerprint)) ?? []) await memory?.removeUpload(urlStorageKey);
    return { digest, sizeBytes, how: from === undefined || from === 0 ? 'sent' : 'resumed', from: from ?? 0 };
  } finally {
    options.signal?.removeEventListener('abort', stop);
  }
}

async function isThere(project: Project, digest: string): Promise<boolean> {
  const url = `${project.connection.addressOf('registry')}/v1/projects/${project.id}/artefacts/${digest}`;
  try {
    await project.connection.send(new Request(url, { method: 'HEAD' }));
    return true;
  } catch (error) {
    if (error instanceof VitaeProblem && error.status === 404) return false;
    throw error;
  }
}

const retryDelaysOf = ({ retries, first, longest }: typeof USUAL_RETRIES): number[] => Array.from({ length: retries }, (_, n) => Math.min(first * 2 ** n, longest));

/** What tus says of a refusal, as everybody else says it. */
function retold({ originalResponse, causingError, message }: DetailedError, url: string): Error {
  if (originalResponse) return problemOf(originalResponse.getStatus(), '', url, originalResponse.getBody(), originalResponse.getHeader('www-authenticate'));
  return new VitaeUnreachable(url, { cause: causingError ?? message });
}
