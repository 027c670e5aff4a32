import type { Server } from 'node:http';

/** Longest that requests in flight are waited for, in milliseconds. */
const PATIENCE = 10_000;

/** Takes no new connection, finishes the requests in flight, then closes. What is not done after 10 s is cut off. */
export async function closeGently(server: Server): Promise<void> {
  if (!server.listening) return;
  // A connection that is kept alive would hold the server open after its last answer.
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), PATIENCE);
  try {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
  } finally {
    clearInterval(sweep);
    clearTimeout(cut);
  }
}
