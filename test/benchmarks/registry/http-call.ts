import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import type { Session } from '@vitae/local';
import type { Call } from './registry-under-test.ts';

/** A connection for each request, or one kept for all of them. */
export type Mode = 'new' | 'kept';

/** Sends calls to one registry. @throws unless it answers 2xx. */
export interface Caller {
  call(call: Call): Promise<string>;
  close(): void;
}

/** @param as who asks; nobody, for a server that asks nobody who he is. */
export function callerOf(url: string, mode: Mode, as: Session | undefined): Caller {
  const agent = new Agent(mode === 'kept' ? { keepAlive: true } : { keepAlive: false });
  return {
    call: async ({ method, path, body }) => {
      const text = body === undefined ? '' : JSON.stringify(body);
      const headers = { ...(as ? { authorization: `Bearer ${await as.accessToken()}` } : {}), ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }) };
      const asking = request(`${url}${path}`, { method, agent, headers });
      const answered = once(asking, 'response') as Promise<[IncomingMessage]>;
      asking.end(text);
      const [answer] = await answered;
      const parts: Buffer[] = [];
      for await (const part of answer as AsyncIterable<Buffer>) parts.push(part);
      const said = Buffer.concat(parts).toString();
      if ((answer.statusCode ?? 500) >= 300) throw new Error(`${method} ${path} was answered ${answer.statusCode}: ${said.slice(0, 300)}`);
      return said;
    },
    close: () => agent.destroy(),
  };
}
