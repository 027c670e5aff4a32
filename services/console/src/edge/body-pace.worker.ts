import type { Request } from 'express';

/**
 * Watches that a body goes on arriving. An upload may take hours, but not hold a connection with nothing: of every span at least one byte in
 * 1,000 milliseconds each. Time in which the service takes nothing is not the sender's fault and does not count.
 * @returns how to stop watching.
 */
export function bodyPace(request: Request, spanMs: number, stalled: () => void): () => void {
  const least = Math.max(1, Math.floor(spanMs / 1_000));
  let before = request.socket.bytesRead;
  let held = false;
  const note = (): void => void (held = true);
  request.on('pause', note);
  const timer = setInterval(() => {
    if (request.complete) return stop();
    const now = request.socket.bytesRead;
    // Not flowing: the service has not taken it up yet, or takes nothing at the moment.
    if (!held && request.readableFlowing === true && now - before < least) {
      stop();
      return stalled();
    }
    before = now;
    held = false;
  }, spanMs);
  timer.unref();
  const stop = (): void => {
    clearInterval(timer);
    request.off('pause', note);
  };
  return stop;
}
