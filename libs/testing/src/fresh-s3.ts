import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findS3Server, startS3, type S3Server } from '@vitae/local';

export interface FreshS3 extends S3Server {
  readonly bucket: string;
  /** Ends the server and deletes its objects. For `afterAll`. */
  drop(): Promise<void>;
}

/** The binary of an S3 server, or undefined where none can be had: a spec that needs one is skipped then. */
export { findS3Server };

/** An S3 server of the spec's own, with one empty bucket. */
export async function freshS3(binary: string): Promise<FreshS3> {
  const directory = await mkdtemp(join(tmpdir(), 'vitae-s3-'));
  const bucket = 'models';
  const server = await startS3(binary, directory, bucket);
  return {
    ...server,
    bucket,
    drop: async () => {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
