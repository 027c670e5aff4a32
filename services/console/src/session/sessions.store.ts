import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, Problem } from '@vitae/service-kit';
import type { Request } from 'express';
import { z } from 'zod';
import type { ConsoleConfig } from '../config.ts';
import { HttpServer } from '../front-door/http-server.worker.ts';
import { IssuerClient, type LoggedIn } from './issuer.client.ts';
import { endsAt, refreshDue, refreshed, seenAgain, standing, stillGood, type Limits, type Session } from './session.ts';
import { clearingLines, cookiesOf, sealedIn, sessionCookie, sessionLines, type CookieKind } from './session-cookie.ts';
import { SessionMemory } from './session-memory.store.ts';
import { SessionSeal } from './session-seal.store.ts';

/** What a request says of a session: it has none, one that is no good any more, or one to act in. */
export type Found =
  | { readonly kind: 'none' }
  | { readonly kind: 'bad'; readonly why: string }
  | { readonly kind: 'session'; readonly session: Session; /** As the browser has it. */ readonly sent: Session };

const sealedSession = z.object({
  id: z.string(),
  subject: z.string(),
  name: z.string().optional(),
  accessToken: z.string(),
  accessUntil: z.number(),
  refreshToken: z.string().optional(),
  secret: z.string(),
  since: z.number(),
  seen: z.number(),
  generation: z.number(),
});

/** Sessions of browsers: begun, found in requests, renewed, ended. */
@Injectable()
export class Sessions {
  readonly limits: Limits;
  /** One refresh at a time for each session: a refresh token that is used twice ends the session at many issuers. */
  readonly #refreshing = new Map<string, Promise<Session>>();

  constructor(
    @Inject(CONFIG) config: ConsoleConfig,
    private readonly server: HttpServer,
    private readonly seal: SessionSeal,
    private readonly issuer: IssuerClient,
    private readonly memory: SessionMemory,
  ) {
    this.limits = { idle: config.VITAE_SESSION_IDLE_MINUTES * 60, absolute: config.VITAE_SESSION_HOURS * 3_600 };
  }

  get kind(): CookieKind {
    return { secure: this.server.origin.startsWith('https:') };
  }

  /** A new session, with a new id and secret: nothing of what the browser had before goes on. */
  begin({ subject, name, ...tokens }: LoggedIn): Session {
    const now = seconds();
    return { id: random(), subject, name, ...tokens, secret: random(), since: now, seen: now, generation: 0 };
  }

  /** What the request brings, as it is: nothing is renewed. */
  async find(request: Request): Promise<Found> {
    const sealed = sealedIn(cookiesOf(request.headers.cookie), sessionCookie(this.kind));
    if (sealed === undefined) return { kind: 'none' };
    const parsed = sealedSession.safeParse(await this.seal.open('vitae-session', sealed));
    if (!parsed.success) return { kind: 'bad', why: 'The session cookie cannot be read.' };
    const sent = parsed.data;
    if (this.memory.hasEnded(sent.id)) return { kind: 'bad', why: 'The session was logged out.' };
    const stands = standing(sent, seconds(), this.limits);
    if (stands === 'idle') return { kind: 'bad', why: `The session was not used for ${this.limits.idle / 60} minutes.` };
    if (stands === 'over') return { kind: 'bad', why: 'The session has come to its end.' };
    return { kind: 'session', session: this.memory.newest(sent), sent };
  }

  /**
   * The session with an access token that a service will take: renewed at the issuer when it is time to.
   * @throws Problem session-expired, or issuer-unavailable; neither takes the cookie away, for another tab may have a better one.
   */
  async usable(session: Session): Promise<Session> {
    const now = seconds();
    if (!refreshDue(session, now)) return session;
    if (!this.memory.wasRefused(session, now)) {
      const renewed = await this.#refresh(session).catch((error: unknown) => {
        if (stillGood(session, now)) return session; // the issuer is away, and the token is good for a while
        throw error;
      });
      if (stillGood(renewed, now)) return renewed;
    }
    if (stillGood(session, now)) return session;
    throw expired('The issuer renews this session no more.');
  }

  /** The Set-Cookie lines after a request in this session; none when the browser has what it needs. Ask `mayStill` before they go out. */
  async renewal({ session, sent }: Extract<Found, { kind: 'session' }>, request: Request): Promise<readonly string[]> {
    const now = seconds();
    if (session.generation === sent.generation && !seenAgain(sent, now, this.limits)) return [];
    return this.lines({ ...session, seen: now }, request);
  }

  /** Whether a cookie that was made when a request came in may go out with its answer: a later one may have been given out since. */
  mayStill = (session: Session): boolean => !this.memory.hasEnded(session.id) && this.memory.newest(session).generation === session.generation;

  /** @throws Problem session-too-large. */
  async lines(session: Session, request: Request): Promise<readonly string[]> {
    const lines = sessionLines(sessionCookie(this.kind), await this.seal.seal('vitae-session', session), cookiesOf(request.headers.cookie).keys(), this.kind);
    if (lines) return lines;
    throw new Problem(403, 'session-too-large', 'The session does not fit into cookies', 'The tokens of the issuer are larger than cookies can carry. Ask whoever runs the issuer to put less into them, most often fewer groups.');
  }

  clearing = (request: Request): readonly string[] => clearingLines(sessionCookie(this.kind), cookiesOf(request.headers.cookie).keys(), this.kind);

  /** Ends a session here and makes its refresh token worthless at the issuer. */
  async end(session: Session): Promise<void> {
    const { refreshToken } = this.memory.newest(session);
    this.memory.end(session.id);
    if (refreshToken !== undefined) await this.issuer.revoke(refreshToken);
  }

  endsAt = (session: Session): number => endsAt(session, this.limits);

  csrfToken = ({ secret, id }: Session): string => createHmac('sha256', secret).update(`csrf ${id}`).digest('base64url');

  hasCsrfToken(session: Session, token: unknown): boolean {
    const expected = Buffer.from(this.csrfToken(session));
    const given = Buffer.from(typeof token === 'string' ? token : '');
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  #refresh(session: Session): Promise<Session> {
    const running = this.#refreshing.get(session.id);
    if (running) return running;
    const work = this.#renewed(session).finally(() => this.#refreshing.delete(session.id));
    this.#refreshing.set(session.id, work);
    return work;
  }

  async #renewed(session: Session): Promise<Session> {
    const tokens = session.refreshToken === undefined ? undefined : await this.issuer.refresh(session.refreshToken);
    if (!tokens) {
      this.memory.refused(session, seconds());
      return session;
    }
    const renewed = refreshed(session, tokens);
    // Logged out while the issuer was asked: what it gave must not live on.
    if (this.memory.hasEnded(session.id)) {
      if (renewed.refreshToken !== undefined) await this.issuer.revoke(renewed.refreshToken);
      throw expired('The session was logged out.');
    }
    this.memory.remember(renewed);
    return renewed;
  }
}

export const expired = (why: string, headers: Readonly<Record<string, string>> = {}): Problem =>
  new Problem(401, 'session-expired', 'The session is over', `${why} Log in again at /auth/login.`, { headers: { 'WWW-Authenticate': 'Bearer realm="vitae"', ...headers } });

const random = (): string => randomBytes(32).toString('base64url');
const seconds = (): number => Math.floor(Date.now() / 1_000);
