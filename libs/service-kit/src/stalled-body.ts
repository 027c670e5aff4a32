import type { NextFunction, Request, Response } from 'express';

/**
 * Gives up requests whose body stands still: of every span at least a byte has to arrive. An upload may take hours, but not hold a
 * connection with nothing. Bytes that have arrived and that nobody has taken yet are not the sender's fault.
 */
export function giveUpStalledBodies(spanMs: number) {
  return (request: Request, response: Response, next: NextFunction): void => {
    if (request.headers['transfer-encoding'] === undefined && !(Number(request.headers['content-length'] ?? 0) > 0)) return next();
    let before = request.socket.bytesRead;
    const timer = setInterval(() => {
      if (request.complete || request.destroyed) return clearInterval(timer);
      const now = request.socket.bytesRead;
      if (now === before && request.readableLength === 0) {
        clearInterval(timer);
        // In Node's own words for headers that do not come: whatever handles the request sees that its sender is gone.
        if (!response.headersSent) request.socket.write('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
        request.destroy();
      }
      before = now;
    }, spanMs);
    timer.unref();
    response.once('close', () => clearInterval(timer));
    next();
  };
}
