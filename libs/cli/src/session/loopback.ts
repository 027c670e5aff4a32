import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CannotRun } from '../outcome.ts';

/** Where a browser brings the issuer's answer (RFC 8252): this machine alone, on a port that was free. */
export interface Loopback {
  readonly redirectUri: string;
  /**
   * Waits for the answer that carries our state, and lets `work` make a session of it; the browser is told how that went.
   * An answer with another state belongs to another login, or to somebody who would like to be logged in here: it is
   * refused, and the wait goes on.
   */
  answered<Session>(state: string, work: (answer: URL) => Promise<Session>): Promise<Session>;
  close(): void;
}

/** How long somebody may take to log in. */
const PATIENCE_MS = 10 * 60_000;

export async function openLoopback(): Promise<Loopback> {
  const server = createServer({ requestTimeout: 10_000 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const redirectUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`;
  return {
    redirectUri,
    answered: (state, work) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new CannotRun(`Nobody logged in within ${PATIENCE_MS / 60_000} minutes. Run the command again.`)), PATIENCE_MS);
        let taken = false;
        server.on('request', (request, response) => {
          const answer = new URL(request.url ?? '/', redirectUri);
          if (request.method !== 'GET' || answer.pathname !== '/callback') return page(response, 404, 'There is nothing here.');
          if (answer.searchParams.get('state') !== state || taken) return page(response, 400, 'This answer belongs to another login. Nothing was done with it.');
          taken = true;
          clearTimeout(late);
          work(answer).then(
            (session) => page(response, 200, 'You are logged in. You may close this page.', () => resolve(session)),
            (error: unknown) => page(response, 400, 'The login failed; the terminal says why. You may close this page.', () => reject(error as Error)),
          );
        });
      }),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function page(response: ServerResponse, status: number, text: string, then?: () => void): void {
  const headers = { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', 'content-security-policy': `default-src 'none'`, 'referrer-policy': 'no-referrer', 'x-content-type-options': 'nosniff', connection: 'close' };
  // The answer's address carries the code, so the page shows nothing of it. Gone or not, the login goes on.
  if (then) response.once('close', then);
  response.writeHead(status, headers).end(`<!doctype html><html lang="en"><title>Vitae</title><p>${text}</p></html>`);
}
