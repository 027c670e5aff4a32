import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** How far something is: bytes done, of all. */
export type OnProgress = (done: number, total: number) => void;

/** `sha256:<hex>` of a file, which is how Vitae names bytes. */
export async function digestOf(path: string, onBytes: (more: number) => void = () => undefined): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(chunk as Buffer);
    onBytes((chunk as Buffer).length);
  }
  return `sha256:${hash.digest('hex')}`;
}
