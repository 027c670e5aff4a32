import { Problem, type Consumers } from '@vitae/service-kit';

/** Longest that a request waits for governance to have read what the other services have written, in ms. */
const PATIENCE = 10_000;

/**
 * Waits until governance knows everything that was committed anywhere before now. A gate is not decided, and nothing
 * is approved or retired, on less: it would be an answer to an older question.
 * @throws Problem 503 views-behind.
 */
export async function caughtUp(consumers: Pick<Consumers, 'catchUp'>): Promise<void> {
  if (await consumers.catchUp(PATIENCE)) return;
  throw new Problem(503, 'views-behind', 'Governance has not read everything yet', `Governance did not catch up with the ledger within ${PATIENCE / 1_000} s, so it cannot decide on what is true now. See /readyz for how far behind it is, and send the request again.`, {
    headers: { 'Retry-After': '2' },
  });
}
