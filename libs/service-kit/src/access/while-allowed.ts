import { setMaxListeners } from 'node:events';
import type { Request, Response } from 'express';
import type { Readiness } from '../readiness.ts';
import type { KnownRequest } from './authenticate.ts';

/** How often an answer without an end asks again, in ms. It costs next to nothing: authentication remembers for some seconds. */
const ASK_EVERY_MS = 5_000;

/**
 * Whether who sent the request may still have what the guard let them have: their credential is looked at again, and what
 * they may. No too, when that cannot be found out. From then on the request is of whom was found now.
 */
export async function mayStill(request: KnownRequest): Promise<boolean> {
  const again = await request.lookAgain?.().catch(() => undefined);
  if (again === undefined || again.id !== request.principal?.id || request.permits?.(again) !== true) return false;
  request.principal = again;
  return true;
}

/**
 * For an answer without an end: aborted when the reader has gone, when the service stops, and within seconds when the token has
 * expired, was revoked, or its holder may not have this any more. End the answer then. Whoever comes again is told why.
 */
export function whileAllowed(request: Request & KnownRequest, response: Response, { drained }: Pick<Readiness, 'drained'>): AbortSignal {
  const over = new AbortController();
  const end = (): void => {
    clearInterval(timer);
    over.abort();
  };
  const timer = setInterval(() => void mayStill(request).then((still) => (still ? undefined : end())), ASK_EVERY_MS);
  timer.unref();
  if (response.closed) end();
  else response.once('close', end);
  const signal = AbortSignal.any([over.signal, drained]);
  setMaxListeners(0, signal);
  return signal;
}
