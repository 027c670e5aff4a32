import { readFile } from 'node:fs/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { CONFIG, Problem } from '@vitae/service-kit';
import * as openid from 'openid-client';
import type { ConsoleConfig } from '../config.ts';
import type { Tokens } from './session.ts';

/** A login under way: what the answer of the issuer has to fit. */
export interface Attempt {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** The login at the issuer may not be older, in seconds; 0: it asks again, whoever is logged in there. */
  readonly maxAge?: number | undefined;
}

/** Who came back from the issuer. */
export interface LoggedIn extends Tokens {
  readonly subject: string;
  readonly name?: string | undefined;
}

/** Longest that the issuer may take for one answer, in seconds. */
const PATIENCE = 5;
/** How long what the issuer says of itself is believed without asking again, in milliseconds. */
const KNOWN_FOR = 10 * 60_000;
/** How long an access token is taken to be good for when the issuer does not say, in seconds. */
const UNTOLD_LIFETIME = 300;

export const newAttempt = (): Attempt => ({ state: openid.randomState(), nonce: openid.randomNonce(), verifier: openid.randomPKCECodeVerifier() });

/** The OpenID Connect issuer, asked as the client that logs people in. Its errors never leave this file: they may hold codes and tokens. */
@Injectable()
export class IssuerClient {
  readonly #log = new Logger('Issuer');
  #known: { readonly issuer: openid.Configuration; readonly at: number } | undefined;
  #asking: Promise<openid.Configuration> | undefined;

  constructor(@Inject(CONFIG) private readonly config: ConsoleConfig) {}

  /** Where a browser is sent to log in. */
  async loginUrl({ state, nonce, verifier, maxAge }: Attempt, redirectUri: string): Promise<string> {
    const issuer = await this.#issuer();
    return openid.buildAuthorizationUrl(issuer, {
      redirect_uri: redirectUri,
      scope: this.config.VITAE_OIDC_SCOPE,
      state,
      nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...(maxAge === undefined ? {} : { max_age: String(maxAge) }),
    }).href;
  }

  /** @throws Problem login-refused when the answer does not fit the attempt, or the issuer does not take the code. */
  async loggedIn(answer: URL, { state, nonce, verifier, maxAge }: Attempt): Promise<LoggedIn> {
    const issuer = await this.#issuer();
    try {
      const tokens = await openid.authorizationCodeGrant(issuer, answer, { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true, ...(maxAge === undefined ? {} : { maxAge }) });
      const claims = tokens.claims();
      if (!claims) throw new TypeError('no ID token');
      const name = [claims['name'], claims['preferred_username'], claims['email']].find((claim) => typeof claim === 'string');
      return { ...tokensOf(tokens), subject: claims.sub, name: (name as string | undefined)?.slice(0, 200) };
    } catch (error) {
      if (!isRefusal(error)) throw this.#unavailable(error);
      this.#log.warn(`a login was refused: ${wordOf(error)}`);
      throw new Problem(400, 'login-refused', 'The login did not succeed', `The issuer refused it (${wordOf(error)}), or its answer does not belong to this login. Begin again at /auth/login.`, here);
    }
  }

  /** New tokens; undefined when the issuer takes the refresh token no more. */
  async refresh(refreshToken: string): Promise<Tokens | undefined> {
    const issuer = await this.#issuer();
    try {
      return tokensOf(await openid.refreshTokenGrant(issuer, refreshToken));
    } catch (error) {
      if (error instanceof openid.ResponseBodyError && error.error === 'invalid_grant') return undefined;
      throw this.#unavailable(error);
    }
  }

  /** Makes the refresh token worthless, where the issuer can; a logout does not wait for an issuer that is away. */
  async revoke(refreshToken: string): Promise<void> {
    try {
      const issuer = await this.#issuer();
      if (issuer.serverMetadata().revocation_endpoint) await openid.tokenRevocation(issuer, refreshToken, { token_type_hint: 'refresh_token' });
    } catch (error) {
      this.#log.warn(`a refresh token could not be revoked (${wordOf(error)}); it ends by itself`);
    }
  }

  /** Where the session at the issuer is ended, too; undefined where it has no such place or is away. */
  async logoutUrl(back: string): Promise<string | undefined> {
    const issuer = await this.#issuer().catch(() => undefined);
    if (!issuer?.serverMetadata().end_session_endpoint) return undefined;
    return openid.buildEndSessionUrl(issuer, { post_logout_redirect_uri: back }).href;
  }

  /** Where a logout may lead: the page that offers it has to allow it. Does not ask the issuer. */
  get logoutOrigin(): string | undefined {
    const place = this.#known?.issuer.serverMetadata().end_session_endpoint ?? this.config.OIDC_ISSUER;
    return place === undefined ? undefined : new URL(place).origin;
  }

  async #issuer(): Promise<openid.Configuration> {
    if (this.#known && Date.now() - this.#known.at < KNOWN_FOR) return this.#known.issuer;
    this.#asking ??= this.#discover().finally(() => (this.#asking = undefined));
    try {
      const issuer = await this.#asking;
      this.#known = { issuer, at: Date.now() };
      return issuer;
    } catch (error) {
      throw this.#unavailable(error);
    }
  }

  async #discover(): Promise<openid.Configuration> {
    const { OIDC_ISSUER: address, VITAE_CLIENT_ID: id, VITAE_CLIENT_SECRET_FILE: file, VITAE_MODE: mode } = this.config;
    if (address === undefined) throw new Error('OIDC_ISSUER is not set');
    // Read again with each discovery: a new secret needs no restart.
    const secret = file === undefined ? undefined : (await readFile(file, 'utf8')).trim();
    const plain = mode === 'local' && address.startsWith('http:') ? [openid.allowInsecureRequests] : [];
    return openid.discovery(new URL(address), id, undefined, secret === undefined ? openid.None() : openid.ClientSecretBasic(secret), {
      execute: [...plain, openid.enableNonRepudiationChecks],
      timeout: PATIENCE,
    });
  }

  #unavailable(error: unknown): Problem {
    if (error instanceof Problem) return error;
    this.#log.warn(`the issuer ${this.config.OIDC_ISSUER ?? '(OIDC_ISSUER is not set)'} does not answer as it should: ${wordOf(error)}`);
    this.#known = undefined;
    return new Problem(503, 'issuer-unavailable', 'The issuer cannot be reached', 'Logging in and renewing sessions need the OpenID Connect issuer, and it does not answer as it should at the moment. Try again in a few seconds.', {
      headers: { 'Retry-After': '5' },
      ...here,
      // Not the error itself: the filter logs a cause, and this one may hold what the issuer was sent.
      cause: new Error(`issuer: ${wordOf(error)}`),
    });
  }
}

/** The address of a callback holds the code, so a problem there tells its path alone. */
const here = { members: { instance: '/auth' } };

function tokensOf(tokens: openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers): Tokens {
  const now = Math.floor(Date.now() / 1_000);
  return { accessToken: tokens.access_token, accessUntil: now + (tokens.expiresIn() ?? UNTOLD_LIFETIME), refreshToken: tokens.refresh_token };
}

/** The fault is the answer's or the caller's, and not that the issuer is away or does not know us. */
function isRefusal(error: unknown): boolean {
  if (error instanceof openid.AuthorizationResponseError) return !/^(server_error|temporarily_unavailable)$/.test(error.error);
  if (error instanceof openid.ResponseBodyError) return error.error === 'invalid_grant' || error.error === 'access_denied';
  return error instanceof openid.ClientError && /^OAUTH_(INVALID_RESPONSE|JWT_CLAIM_COMPARISON_FAILED|JWT_TIMESTAMP_CHECK_FAILED)$/.test(error.code ?? '');
}

/** One word for an error, in which nothing secret can be. */
function wordOf(error: unknown): string {
  const told = error as { readonly error?: unknown; readonly code?: unknown; readonly name?: unknown; readonly cause?: { readonly code?: unknown } };
  const word = [told?.error, told?.cause?.code, told?.code, told?.name].find((part) => typeof part === 'string' && /^[\w.-]{1,60}$/.test(part));
  return typeof word === 'string' ? word : 'unknown';
}
