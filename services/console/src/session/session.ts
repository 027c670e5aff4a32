/** Somebody's session with the front door. It is kept by the browser alone, sealed; no server remembers it. Times are seconds since 1970. */
export interface Session {
  readonly id: string;
  readonly subject: string;
  readonly name?: string | undefined;
  readonly accessToken: string;
  readonly accessUntil: number;
  /** Absent where the issuer gives none: the session then ends with the access token. */
  readonly refreshToken?: string | undefined;
  /** What the CSRF token is made of. */
  readonly secret: string;
  readonly since: number;
  /** When it was last used, give or take `seenAgain`. */
  readonly seen: number;
  /** Grows with each refresh: of two cookies of one session the one with the higher number has the tokens that still work. */
  readonly generation: number;
}

export interface Limits {
  /** Longest without a request, in seconds. */
  readonly idle: number;
  /** Longest since the login, in seconds. */
  readonly absolute: number;
}

export interface Tokens {
  readonly accessToken: string;
  readonly accessUntil: number;
  readonly refreshToken?: string | undefined;
}

/** An access token with less than this left is renewed first, so that it does not end on the way to a service. */
const REFRESH_BEFORE = 60;

export type Standing = 'good' | 'idle' | 'over';

export function standing(session: Session, now: number, limits: Limits): Standing {
  if (now >= session.since + limits.absolute) return 'over';
  if (now >= session.seen + limits.idle) return 'idle';
  return session.refreshToken === undefined && now >= session.accessUntil ? 'over' : 'good';
}

export const refreshDue = (session: Session, now: number): boolean => session.refreshToken !== undefined && session.accessUntil - now < REFRESH_BEFORE;

/** Whether the access token is still good for a request. */
export const stillGood = (session: Session, now: number): boolean => session.accessUntil > now;

/** An issuer that gives no new refresh token lets the old one be used again. */
export const refreshed = (session: Session, tokens: Tokens): Session => ({
  ...session,
  ...tokens,
  refreshToken: tokens.refreshToken ?? session.refreshToken,
  generation: session.generation + 1,
});

/** Whether the cookie is to be written again, so that the idle time begins anew. Not with each request: a cookie is large. */
export const seenAgain = (session: Session, now: number, limits: Limits): boolean => now - session.seen >= limits.idle / 20;

export const endsAt = (session: Session, limits: Limits): number =>
  Math.min(session.seen + limits.idle, session.since + limits.absolute, session.refreshToken === undefined ? session.accessUntil : Infinity);
