import { Problem, type Consumers } from '@vitae/service-kit';

/** Longest that a request waits for deployment to have read what the other services have written, in milliseconds. */
const PATIENCE = 10_000;

/**
 * Waits until deployment knows everything that was committed anywhere before now: a permit that governance has just
 * given is then known here.
 * @throws Problem 503 views-behind.
 */
export async function caughtUp(consumers: Consumers): Promise<void> {
  if (await consumers.catchUp(PATIENCE)) return;
  throw new Problem(503, 'views-behind', 'Deployment has not read everything yet', `Deployment did not catch up with the ledger within ${PATIENCE / 1_000} s, so it cannot tell what is allowed now. See /readyz for how far behind it is, and send the request again.`, {
    headers: { 'Retry-After': '2' },
  });
}
