import type { IncomingMessage } from 'node:http';

/** The body is larger than allowed. What was sent of it beyond that is not kept. */
export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';
}

/** A request's body as it came: the inference log needs the caller's own bytes. Throws BodyTooLarge. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limit) throw new BodyTooLarge(`the body has more than ${limit} bytes`);
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.byteLength;
    if (size > limit) throw new BodyTooLarge(`the body has more than ${limit} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
