/**
 * What follows a try to deliver an event. Pure: the random number arrives.
 *
 *   2xx ──► delivered
 *   410 ──► dead, and the webhook is suspended: the receiver says that it is gone
 *   other 4xx ──► the receiver does not take this event: REFUSED_TRIES tries, then dead, and on with the next event;
 *                 REFUSALS_IN_A_ROW dead ones without a success between suspend the webhook
 *   5xx, 3xx, 408, 425, 429, no answer ──► the receiver is not able now: TRIES tries over three days, then dead and suspended
 */
export type Attempt =
  /** The receiver answered. `retryAfterMs`: how long it asked to be left alone. */
  | { readonly type: 'answered'; readonly status: number; readonly retryAfterMs?: number }
  /** No answer: no connection, no TLS, too late, or an address that must not be connected to. */
  | { readonly type: 'failed'; readonly error: string };

export type Consequence =
  | { readonly type: 'delivered' }
  | { readonly type: 'retry'; readonly delayMs: number }
  | { readonly type: 'dead'; readonly suspend?: 'gone' | 'unreachable' | 'refusing' };

export interface Tries {
  /** How often this event was sent, the last time included. */
  readonly attempts: number;
  /** Events that the receiver refused for good since its last success. */
  readonly refusedInARow: number;
  /** Wait after the first failure, in milliseconds; doubles from try to try, up to 720 times as long: 5 s to 1 h. */
  readonly firstRetryMs: number;
  /** 0 to 1. */
  readonly random: number;
}

/** 5 s doubled ten times is past the hour; seventy hours more make three days. */
export const TRIES = 80;
export const REFUSED_TRIES = 5;
export const REFUSALS_IN_A_ROW = 10;
const LONGEST = 720;

export function consequence(attempt: Attempt, tries: Tries): Consequence {
  if (attempt.type === 'answered') {
    const { status } = attempt;
    if (status >= 200 && status < 300) return { type: 'delivered' };
    if (status === 410) return { type: 'dead', suspend: 'gone' };
    if (refuses(status) && tries.attempts >= REFUSED_TRIES) {
      return { type: 'dead', ...(tries.refusedInARow + 1 >= REFUSALS_IN_A_ROW ? { suspend: 'refusing' as const } : {}) };
    }
  }
  if (tries.attempts >= TRIES) return { type: 'dead', suspend: 'unreachable' };
  return { type: 'retry', delayMs: delay(attempt, tries) };
}

const NOT_NOW: readonly number[] = [408, 425, 429];
const refuses = (status: number): boolean => status >= 400 && status < 500 && !NOT_NOW.includes(status);

/** Half of the step is certain, half is chance: receivers that fell over together are not met together again. */
function delay(attempt: Attempt, { attempts, firstRetryMs, random }: Tries): number {
  const step = firstRetryMs * Math.min(2 ** (attempts - 1), LONGEST);
  const asked = attempt.type === 'answered' ? (attempt.retryAfterMs ?? 0) : 0;
  return Math.round(Math.max(step * (0.5 + random / 2), Math.min(asked, firstRetryMs * LONGEST)));
}

/** Retry-After in milliseconds: seconds or an HTTP date. Undefined when there is none, or none that can be read. */
export function retryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
