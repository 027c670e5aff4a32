import { once } from 'node:events';
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A door in front of a service, as the console's: `/api/registry/…` leads there. And a line that breaks when it is told to. */
export interface FrontDoor {
  /** As VITAE_URL takes it. */
  readonly url: string;
  /** Each request that came through: `GET /v1/…`. */
  readonly seen: string[];
  /** The next request of that method breaks off after so many bytes of its body, or of the answer's for a GET. */
  breakOff(method: 'PATCH' | 'GET', bytes: number): void;
  /** The next request with a body of that method comes to a stand after so many bytes. Resolves when it does. */
  hold(method: 'PATCH', bytes: number): Promise<void>;
  /** The next requests are answered with this status, and reach nobody. */
  answerWith(status: number, times: number): void;
  close(): Promise<void>;
}

const PREFIX = '/api/registry';

export async function openFrontDoor(service: string): Promise<FrontDoor> {
  const target = new URL(service);
  const seen: string[] = [];
  let breaking: { readonly method: string; readonly bytes: number } | undefined;
  let holding: { readonly method: string; readonly bytes: number; readonly held: () => void } | undefined;
  let refusing = { status: 0, times: 0 };

  function pass(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '').slice(PREFIX.length);
    seen.push(`${request.method} ${path}`);
    if (refusing.times > 0) {
      refusing = { ...refusing, times: refusing.times - 1 };
      response.writeHead(refusing.status).end('not now');
      return;
    }
    const breaks = breaking?.method === request.method ? breaking : undefined;
    if (breaks) breaking = undefined;
    const headers = { ...request.headers, 'x-forwarded-prefix': PREFIX };
    const further = ask({ hostname: target.hostname, port: target.port, path, method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      if (breaks && request.method === 'GET') cut(answer, response, breaks.bytes, () => response.destroy());
      else answer.pipe(response);
    });
    further.on('error', () => response.destroy());
    if (holding && holding.method === request.method) {
      const { bytes, held } = holding;
      holding = undefined;
      response.on('close', () => further.destroy()); // when its sender is gone
      cut(request, further, bytes, held); // what comes behind is swallowed, and answered never
    } else if (breaks && request.method !== 'GET') {
      cut(request, further, breaks.bytes, () => {
        further.destroy();
        request.destroy();
      });
    } else request.pipe(further);
  }

  const server = createServer(pass).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`,
    seen,
    breakOff: (method, bytes) => void (breaking = { method, bytes }),
    hold: (method, bytes) => new Promise((resolve) => (holding = { method, bytes, held: resolve })),
    answerWith: (status, times) => void (refusing = { status, times }),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Lets so many bytes through, sees them off, and then breaks. */
function cut(from: IncomingMessage, to: NodeJS.WritableStream, bytes: number, broken: () => void): void {
  let left = bytes;
  from.on('data', (chunk: Buffer) => {
    if (left <= 0) return;
    const part = chunk.subarray(0, left);
    left -= part.length;
    to.write(part, () => left <= 0 && broken());
  });
}
