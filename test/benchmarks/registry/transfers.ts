import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { open, rm } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';

export const MEGABYTE = 1024 * 1024;

/** What is sent: one random block again and again, begun with a number so that no two bodies are the same. */
export function bodyOf(number: number): Buffer {
  const block = randomBytes(MEGABYTE);
  block.writeDoubleBE(number);
  return block;
}

/** Sends so many megabytes. @throws unless it is answered 2xx. */
export async function send(method: string, url: string, headers: Readonly<Record<string, string>>, block: Buffer, megabytes: number): Promise<IncomingMessage> {
  const sending = request(url, { method, headers: { ...headers, 'content-length': String(megabytes * MEGABYTE) } });
  const answered = once(sending, 'response') as Promise<[IncomingMessage]>;
  for (let i = 0; i < megabytes; i += 1) if (!sending.write(block)) await once(sending, 'drain');
  sending.end();
  const [answer] = await answered;
  for await (const _ of answer); // to the end, so that the connection is free
  if ((answer.statusCode ?? 500) >= 300) throw new Error(`${method} ${url} was answered ${answer.statusCode}`);
  return answer;
}

/** Reads to the end. @returns how many bytes came. */
export async function receive(url: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const asking = request(url, { headers });
  asking.end();
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  let bytes = 0;
  for await (const part of answer as AsyncIterable<Buffer>) bytes += part.length;
  if ((answer.statusCode ?? 500) >= 300) throw new Error(`GET ${url} was answered ${answer.statusCode}`);
  return bytes;
}

/** Writes so many megabytes to the disk, and waits until they are on it. */
export async function writeDown(file: string, block: Buffer, megabytes: number): Promise<void> {
  const handle = await open(file, 'w');
  try {
    for (let i = 0; i < megabytes; i += 1) await handle.write(block);
    await handle.sync();
  } finally {
    await handle.close();
    await rm(file);
  }
}
