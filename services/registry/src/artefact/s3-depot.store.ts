import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, rm, stat, type FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  UploadPartCommand,
  UploadPartCopyCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3';
import { Problem } from '@vitae/service-kit';
import type { Depot, Tier } from './depot.ts';

const MEGABYTE = 1024 * 1024;
/** Up to this size an object is put at once; above, in parts of it. S3 takes parts from 5 MB, and 10,000 of them. */
const PART_BYTES = 8 * MEGABYTE;
const MOST_PARTS = 10_000;
/** How many parts are in memory and on their way. */
const PARTS_AT_ONCE = 3;
/** What one request may copy. */
const MOST_COPIED = 5 * 1024 * MEGABYTE;

export interface S3Place {
  readonly bucket: string;
  /** Before every key; without a slash at its end. May be empty. */
  readonly prefix: string;
}

/** `s3://bucket/prefix`. */
export function placeOf(address: string): S3Place {
  const { hostname, pathname } = new URL(address);
  return { bucket: hostname, prefix: pathname.replace(/^\/|\/$/g, '') };
}

/**
 * Talks to any S3 API. Region and credentials are the SDK's affair: AWS_REGION, AWS_ACCESS_KEY_ID and so on, a web
 * identity, or an instance's role.
 * @param endpoint of a server that is not AWS; its buckets are addressed by path.
 */
export function s3Client(endpoint: string | undefined, options: ConstructorParameters<typeof S3Client>[0] = {}): S3Client {
  return new S3Client({
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true, region: process.env['AWS_REGION'] ?? 'us-east-1' }),
    // What goes up carries the SHA-256 that we know; what comes down is proven by whoever reads. So no checksums that other servers lack.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...options,
  });
}

/**
 * Bytes in an object store: `s3://<bucket>/<prefix>/artefacts/sha256/ab/cdef…`, archived ones under `archive/`.
 * An object is put with its SHA-256, so that the server refuses what the line changed, and only where there is none.
 */
export class S3Depot implements Depot {
  constructor(
    private readonly client: S3Client,
    private readonly place: S3Place,
  ) {}

  /** Rejects when the bucket cannot be reached. */
  async reachable(): Promise<void> {
    await this.client.send(new HeadBucketCommand({ Bucket: this.place.bucket }));
  }

  async keep(tier: Tier, key: string, draft: string): Promise<void> {
    const { size } = await stat(draft);
    const file = await open(draft, 'r');
    try {
      await asked(() => (size <= PART_BYTES ? this.#put(tier, key, file, size) : this.#putParts(tier, key, file, size)));
    } finally {
      await file.close();
    }
    await rm(draft, { force: true });
  }

  async sizeOf(tier: Tier, key: string): Promise<number | undefined> {
    try {
      return (await asked(() => this.client.send(new HeadObjectCommand(this.#object(tier, key))))).ContentLength;
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  async *read(tier: Tier, key: string, range?: { readonly start: number; readonly end: number }): AsyncGenerator<Uint8Array> {
    const Range = range && `bytes=${range.start}-${range.end}`;
    const { Body } = await asked(() => this.client.send(new GetObjectCommand({ ...this.#object(tier, key), Range })));
    yield* Body as AsyncIterable<Uint8Array>;
  }

  async fetch(tier: Tier, key: string, target: string): Promise<void> {
    await pipeline(this.read(tier, key), createWriteStream(target, { flags: 'wx' }));
  }

  async copy(from: Tier, to: Tier, key: string): Promise<void> {
    const size = (await this.sizeOf(from, key)) ?? 0;
    const CopySource = encodeURI(`${this.place.bucket}/${this.#object(from, key).Key}`);
    if (size <= MOST_COPIED) return void (await asked(() => this.client.send(new CopyObjectCommand({ ...this.#object(to, key), CopySource }))));
    await asked(() =>
      this.#inParts(to, key, size, MOST_COPIED / 5, async (part, start, end) => {
        const { CopyPartResult } = await this.client.send(new UploadPartCopyCommand({ ...part, CopySource, CopySourceRange: `bytes=${start}-${end}` }));
        return { ETag: CopyPartResult?.ETag };
      }),
    );
  }

  async remove(tier: Tier, key: string): Promise<void> {
    await asked(() => this.client.send(new DeleteObjectCommand(this.#object(tier, key))));
  }

  locationOf(tier: Tier, key: string): string {
    return `s3://${this.place.bucket}/${this.#object(tier, key).Key}`;
  }

  async #put(tier: Tier, key: string, file: FileHandle, size: number): Promise<void> {
    const Body = await bytesAt(file, 0, size);
    await this.client.send(new PutObjectCommand({ ...this.#object(tier, key), Body, ContentLength: size, ChecksumSHA256: sha256(Body), IfNoneMatch: '*' })).catch((error: unknown) => {
      if (!isThere(error)) throw error;
    });
  }

  async #putParts(tier: Tier, key: string, file: FileHandle, size: number): Promise<void> {
    await this.#inParts(tier, key, size, Math.max(PART_BYTES, Math.ceil(size / MOST_PARTS)), async (part, start, end) => {
      const Body = await bytesAt(file, start, end + 1 - start);
      const ChecksumSHA256 = sha256(Body);
      const { ETag } = await this.client.send(new UploadPartCommand({ ...part, Body, ContentLength: Body.length, ChecksumSHA256 }));
      return { ETag, ChecksumSHA256 };
    });
  }

  /** An object of parts: all are there, or none. A few are on their way at a time. */
  async #inParts(tier: Tier, key: string, size: number, partBytes: number, send: (part: PartRequest, start: number, end: number) => Promise<CompletedPart>): Promise<void> {
    const object = this.#object(tier, key);
    const { UploadId } = await this.client.send(new CreateMultipartUploadCommand({ ...object, ChecksumAlgorithm: 'SHA256' }));
    const parts: CompletedPart[] = [];
    const count = Math.ceil(size / partBytes);
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < count) {
        const PartNumber = (next += 1);
        const start = (PartNumber - 1) * partBytes;
        parts[PartNumber - 1] = { PartNumber, ...(await send({ ...object, UploadId, PartNumber }, start, Math.min(start + partBytes, size) - 1)) };
      }
    };
    try {
      // Waits for all, so that no part arrives after the rest was taken away.
      const broken = (await Promise.allSettled(Array.from({ length: PARTS_AT_ONCE }, lane))).find(({ status }) => status === 'rejected');
      if (broken) throw (broken as PromiseRejectedResult).reason;
      await this.client.send(new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload: { Parts: parts }, IfNoneMatch: '*' }));
    } catch (error) {
      await this.client.send(new AbortMultipartUploadCommand({ ...object, UploadId })).catch(() => undefined); // the first error is the one to tell
      if (!isThere(error)) throw error;
    }
  }

  #object(tier: Tier, key: string): { readonly Bucket: string; readonly Key: string } {
    const { bucket, prefix } = this.place;
    return { Bucket: bucket, Key: [...(prefix === '' ? [] : [prefix]), tier, key].join('/') };
  }
}

type PartRequest = ConstructorParameters<typeof UploadPartCommand>[0] & { readonly UploadId: string | undefined; readonly PartNumber: number };

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64');

async function bytesAt(file: FileHandle, start: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(bytes, at, length - at, start + at);
    if (bytesRead === 0) throw new Error('a draft became shorter while it was put into the object store');
    at += bytesRead;
  }
  return bytes;
}

const statusOf = (error: unknown): number | undefined => (error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined);

/** The condition was not met: there is an object already. The key is the digest, so it is the same. */
const isThere = (error: unknown): boolean => statusOf(error) === 412;

/** A store that does not answer, or answers that it cannot, is no fault of the caller's. */
async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const status = statusOf(error);
    if (status !== undefined && status < 500) throw error;
    throw new Problem(503, 'artefacts-unavailable', 'The object store cannot be reached', 'The service cannot reach the object store at the moment. Nothing was stored; send the request again.', {
      headers: { 'Retry-After': '2' },
      cause: error,
    });
  }
}
