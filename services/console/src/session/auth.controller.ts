import { Controller, Get, Inject, Post, Query, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { CONFIG, Problem, Public } from '@vitae/service-kit';
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { ConsoleConfig } from '../config.ts';
import { HttpServer } from '../front-door/http-server.worker.ts';
import { csrfFault } from './csrf.ts';
import { IssuerClient, newAttempt } from './issuer.client.ts';
import { ownPath } from './return-to.ts';
import { clearing, cookiesOf, line, loginCookie, loginCookiePrefix } from './session-cookie.ts';
import { SessionSeal } from './session-seal.store.ts';
import { Sessions } from './sessions.store.ts';

/** How long a login may take, in seconds. */
const LOGIN_WITHIN = 600;
/** Logins at once in one browser; older ones are given up, lest their cookies fill its requests. */
const MOST_LOGINS = 4;
/** Longest form of a logout. */
const MOST_BYTES = 4_096;

const attempted = z.object({ state: z.string(), nonce: z.string(), verifier: z.string(), maxAge: z.number().optional(), returnTo: z.string(), until: z.number() });

/** Logging in and out at the issuer, and who is logged in. */
@ApiExcludeController()
@Public('who logs in is not known yet; the rest looks at the session cookie itself')
@Controller('auth')
export class AuthController {
  constructor(
    @Inject(CONFIG) private readonly config: ConsoleConfig,
    private readonly server: HttpServer,
    private readonly issuer: IssuerClient,
    private readonly seal: SessionSeal,
    private readonly sessions: Sessions,
  ) {}

  /**
   * To the issuer, with a cookie that binds the answer to this browser: nobody else's login can be slipped in. `maxAge` asks for a login that
   * is not older (in seconds), as who decides may have to show.
   */
  @Get('login')
  async login(@Query('returnTo') wish: unknown, @Query('maxAge') age: unknown, @Req() request: Request, @Res() response: Response): Promise<void> {
    const returnTo = ownPath(wish);
    if (returnTo === undefined) {
      throw new Problem(400, 'return-to-refused', 'That is no place to go back to', 'returnTo takes a path of this address that begins with one slash, such as /; it was something else, and nobody is sent elsewhere from here.', here('/auth/login'));
    }
    const maxAge = typeof age === 'string' && /^\d{1,6}$/.test(age) ? Number(age) : undefined;
    if (age !== undefined && maxAge === undefined) throw new Problem(400, 'max-age-malformed', 'The age cannot be read', 'maxAge takes seconds, as a whole number of at most six digits.', here('/auth/login'));
    const attempt = { ...newAttempt(), maxAge };
    const url = await this.issuer.loginUrl(attempt, this.#callback);
    const sealed = await this.seal.seal('vitae-login', { ...attempt, returnTo, until: seconds() + LOGIN_WITHIN });
    const { kind } = this.sessions;
    const others = [...cookiesOf(request.headers.cookie).keys()].filter((name) => name.startsWith(loginCookiePrefix(kind)));
    const stale = others.length >= MOST_LOGINS ? others.map((name) => clearing(name, kind)) : [];
    response.append('Set-Cookie', [...stale, line(loginCookie(kind, attempt.state), sealed, kind, LOGIN_WITHIN)]);
    response.redirect(303, url);
  }

  /** Back from the issuer. */
  @Get('callback')
  async callback(@Req() request: Request, @Res() response: Response): Promise<void> {
    const answer = new URL(request.originalUrl, this.server.origin);
    const { kind } = this.sessions;
    const name = loginCookie(kind, answer.searchParams.get('state') ?? '');
    const sealed = cookiesOf(request.headers.cookie).get(name);
    const attempt = attempted.safeParse(sealed === undefined ? undefined : await this.seal.open('vitae-login', sealed)).data;
    if (!attempt || attempt.state !== answer.searchParams.get('state') || attempt.until <= seconds()) {
      throw new Problem(400, 'login-not-begun', 'This login was not begun here', `It was not begun in this browser, took longer than ${LOGIN_WITHIN / 60} minutes, or was finished already. Begin again at /auth/login.`, here('/auth/callback'));
    }
    response.append('Set-Cookie', clearing(name, kind)); // whatever comes of it: an attempt is for once
    const session = this.sessions.begin(await this.issuer.loggedIn(answer, attempt));
    const before = await this.sessions.find(request);
    if (before.kind === 'session') await this.sessions.end(before.session);
    response.append('Set-Cookie', [...(await this.sessions.lines(session, request))]);
    response.redirect(303, attempt.returnTo);
  }

  /** Ends the session here and, where the issuer has a place for it, sends the browser on to end it there. A form sends the token as `csrf`. */
  @Post('logout')
  async logout(@Req() request: Request, @Res() response: Response): Promise<void> {
    const found = await this.sessions.find(request);
    if (found.kind === 'session') {
      const token = request.get('x-csrf-token') ?? new URLSearchParams(await bodyOf(request)).get('csrf');
      const sender = { method: 'POST', site: request.get('sec-fetch-site'), origin: request.get('origin'), hasToken: this.sessions.hasCsrfToken(found.session, token) };
      const fault = csrfFault(sender, this.server.origin);
      if (fault !== undefined) throw csrfRefused(fault);
      await this.sessions.end(found.session);
    }
    response.append('Set-Cookie', [...this.sessions.clearing(request)]);
    const onwards = found.kind === 'session' ? await this.issuer.logoutUrl(`${this.server.origin}/`) : undefined;
    response.redirect(303, onwards ?? '/');
  }

  /** Who is logged in. Asking is no use of the session: a page that asks every minute does not keep it alive. */
  @Get('session')
  async session(@Req() request: Request, @Res() response: Response): Promise<void> {
    const found = await this.sessions.find(request);
    if (found.kind === 'bad') response.append('Set-Cookie', [...this.sessions.clearing(request)]);
    if (found.kind !== 'session') {
      response.json({ loggedIn: false, ...(found.kind === 'bad' ? { why: found.why } : {}) }); // an answer, and no refusal: it was asked who one is
      return;
    }
    const { subject, name, since } = found.session;
    response.json({
      loggedIn: true,
      issuer: this.config.OIDC_ISSUER,
      subject,
      ...(name === undefined ? {} : { name }),
      since: time(since),
      until: time(this.sessions.endsAt(found.sent)),
      csrfToken: this.sessions.csrfToken(found.session),
    });
  }

  get #callback(): string {
    return `${this.server.origin}/auth/callback`;
  }
}

export const csrfRefused = (fault: string): Problem =>
  new Problem(403, 'csrf-refused', 'The request may have been sent by another page', `A request with the session cookie that changes something has to come from a page of ours, and ${fault}. Programs use a bearer token instead of the cookie.`);

/** A query here can hold a code or an address of somebody else: a problem tells the path alone. */
const here = (instance: string) => ({ members: { instance } });

async function bodyOf(request: Request): Promise<string> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > MOST_BYTES) throw new Problem(413, 'body-too-large', 'The body is too large', `A logout may have at most ${MOST_BYTES} bytes.`);
  }
  return text;
}

const time = (at: number): string => new Date(at * 1_000).toISOString();
const seconds = (): number => Math.floor(Date.now() / 1_000);
