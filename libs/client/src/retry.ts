/** How often a request is sent again, and how long to wait before. */
export interface RetryPolicy {
  /** Attempts after the first. */
  readonly retries: number;
  /** Before the first retry, in milliseconds; each further wait is twice as long, up to `longest`. */
  readonly first: number;
  readonly longest: number;
  /** The longest wait that a service may ask for (Retry-After), in milliseconds; one that asks for more is not asked again. Default: a minute, in which rate limits are counted. */
  readonly longestAsked?: number;
}

export const USUAL_RETRIES: RetryPolicy = { retries: 4, first: 200, longest: 5_000 };

/** What came of an attempt: a status, or nothing at all. */
export type Attempted = { readonly status: number; readonly retryAfter?: string | null } | 'no answer';

/** Whether sending it twice does what sending it once does: reading, or a command with a key under which the ledger does it once. */
export function mayBeRepeated({ method, idempotencyKey }: { readonly method: string; readonly idempotencyKey: string | null }): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || idempotencyKey !== null;
}

/** Milliseconds until the next attempt; undefined when there is none to make. `chance` is from 0 to 1, and spreads those who all failed at once. */
export function waitBefore(attempt: number, attempted: Attempted, policy: RetryPolicy, chance: number): number | undefined {
  if (attempt > policy.retries) return undefined;
  if (attempted !== 'no answer' && !PASSING.has(attempted.status)) return undefined;
  const asked = attempted === 'no answer' ? Number.NaN : Number(attempted.retryAfter ?? Number.NaN) * 1_000;
  if (Number.isFinite(asked)) return asked <= (policy.longestAsked ?? MINUTE) ? asked : undefined;
  return Math.min(policy.first * 2 ** (attempt - 1), policy.longest) * (0.5 + chance / 2);
}

const MINUTE = 60_000;

/** Too many at once; a service that is starting, stopping or without its database; a proxy that found none. */
const PASSING = new Set([429, 502, 503, 504]);
