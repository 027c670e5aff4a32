import { pipeline } from 'node:stream/promises';
import { Logger } from '@nestjs/common';
import type { Response } from 'express';
import { giveBack } from './digests.store.ts';

const log = new Logger('Artefact');

/** Sends an artefact's bytes as the body of an answer whose head is set. Does not throw: the answer is under way. */
export async function streamOut(bytes: AsyncIterable<Uint8Array>, res: Response, digest: string): Promise<void> {
  try {
    await pipeline(givenBack(bytes, res), res);
  } catch (error) {
    // All that can be done is to cut it short, so that its length tells.
    if (!res.destroyed || (error as { code?: unknown }).code !== 'ERR_STREAM_PREMATURE_CLOSE') log.error({ err: error, digest, msg: 'a download was cut off' });
    res.destroy();
  }
}

/** What has left for good needs its memory no longer. */
async function* givenBack(bytes: AsyncIterable<Uint8Array>, res: Response): AsyncGenerator<Uint8Array> {
  for await (const part of bytes) {
    yield part;
    if (res.writableLength === 0) giveBack(part); // nothing waits to be sent: the operating system has all of it
  }
}
