import { SEAL } from '@vitae/keyring';
import type { NextFunction, Request, Response } from 'express';
import { Problem } from './problem.ts';

/**
 * After the JSON parser: refuses a request in which sealed text is sent. Whoever has ciphertext (a subscriber) could
 * otherwise put it into a text of their own and read it opened; and a decider could not tell it from what it cites.
 */
export function refuseSealedText(request: Request & { rawBody?: Buffer }, _response: Response, next: NextFunction): void {
  const reason = request.headers['vitae-reason'];
  const sent = (typeof reason === 'string' && decoded(reason).includes(SEAL)) || (mayHold(request.rawBody) && JSON.stringify(request.body ?? '').includes(SEAL));
  if (!sent) return next();
  next(
    new Problem(400, 'sealed-text-sent', 'The request holds sealed text', `Text that holds ${JSON.stringify(SEAL)} is what Vitae makes of a person's words when it stores them. Send the words themselves.`),
  );
}

/** Looks at the bytes first, for most bodies hold neither the word nor an escape that could hide it. */
const mayHold = (raw: Buffer | undefined): boolean => raw !== undefined && (raw.includes(SEAL) || raw.includes('\\u00'));

function decoded(header: string): string {
  try {
    return decodeURIComponent(header);
  } catch {
    return header; // the route says what is wrong with it
  }
}
