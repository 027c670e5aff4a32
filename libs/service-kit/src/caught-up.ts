import type { Consumers } from './consumers.ts';
import { Problem } from './problem.ts';

/** Longest that a request waits for its service to have read what the others have written, in milliseconds. */
const PATIENCE = 10_000;

/**
 * Waits until this service knows everything that was committed anywhere before now. Where a decision rests on what
 * other services wrote, it is not taken on less: it would be an answer to an older question.
 * @throws Problem 503 `views-behind`, with the wish to try again.
 */
export async function caughtUp(consumers: Pick<Consumers, 'catchUp'>): Promise<void> {
  if (await consumers.catchUp(PATIENCE)) return;
  throw new Problem(
    503,
    'views-behind',
    'The service has not read everything yet',
    `The service did not catch up with the ledger within ${PATIENCE / 1_000} s, so it cannot decide on what is true now. See /readyz for how far behind it is, and send the request again.`,
    { headers: { 'Retry-After': '2' } },
  );
}
