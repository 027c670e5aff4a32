import { readFile } from 'node:fs/promises';
import { Logger } from '@nestjs/common';
import { allowInsecureRequests, ClientSecretBasic, clientCredentialsGrant, Configuration, discovery, ResponseBodyError, WWWAuthenticateChallengeError, type ServerMetadata } from 'openid-client';
import type { BaseConfig } from '../config.ts';

export type ServiceTokenSettings = Pick<BaseConfig, 'OIDC_ISSUER' | 'OIDC_AUDIENCE' | 'VITAE_CLIENT_ID' | 'VITAE_CLIENT_SECRET_FILE' | 'VITAE_SERVICE_TOKEN_FILE' | 'VITAE_MODE'>;

/** Longest that the issuer is waited for, in seconds. */
const PATIENCE = 5;
/** A token is renewed when less than this part of its life is left, and a minute before its end at the latest. */
const LAST_PART = 0.2;
/** Life of a token whose issuer does not say how long it lives, in seconds. */
const UNTOLD_LIFE = 60;

interface Held {
  readonly token: string;
  readonly renewAt: number;
  readonly endsAt: number;
}

/**
 * The service's own token, for calls to other services. From a file that somebody else renews (a projected token of
 * Kubernetes), read for each call; or from the issuer, by the service's client id and secret.
 *
 * MUST go to Vitae's own services only, by the addresses in the configuration: never to one that a caller gave, and never
 * along a redirect (`redirect: 'error'`).
 */
export class ServiceToken {
  readonly #log = new Logger(ServiceToken.name);
  #issuer: ServerMetadata | undefined;
  #held: Held | undefined;
  #asking: Promise<string> | undefined;

  /** @param now a clock in milliseconds that only goes forward. */
  constructor(
    private readonly settings: ServiceTokenSettings,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** To be spread into a request's headers. Empty where the service has no token, which only local mode allows. @throws with what to do. */
  async authorizationHeader(): Promise<{ readonly authorization?: string }> {
    const { VITAE_SERVICE_TOKEN_FILE: file, VITAE_CLIENT_ID: client } = this.settings;
    if (file !== undefined) return { authorization: `Bearer ${await tokenIn(file)}` };
    if (client !== undefined) return { authorization: `Bearer ${await this.#ofIssuer()}` };
    return {};
  }

  async #ofIssuer(): Promise<string> {
    const held = this.#held;
    if (held && this.now() < held.renewAt) return held.token;
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    try {
      return await this.#asking;
    } catch (error) {
      if (!held || this.now() >= held.endsAt) throw error;
      this.#log.warn(`the token from before is used on while it is good: ${(error as Error).message}`);
      return held.token;
    }
  }

  async #ask(): Promise<string> {
    const { OIDC_ISSUER: issuer = '', OIDC_AUDIENCE: audience = '', VITAE_CLIENT_ID: id = '', VITAE_CLIENT_SECRET_FILE: file = '' } = this.settings;
    const secret = await tokenIn(file); // read each time: a new secret needs no restart
    const asked = this.now();
    try {
      this.#issuer ??= (await discovery(new URL(issuer), id, undefined, undefined, { timeout: PATIENCE, ...(this.#insecure ? { execute: [allowInsecureRequests] } : {}) })).serverMetadata();
      const client = new Configuration(this.#issuer, id, undefined, ClientSecretBasic(secret));
      client.timeout = PATIENCE;
      if (this.#insecure) allowInsecureRequests(client);
      // Issuers do not agree on the name: `resource` is RFC 8707's and takes addresses only.
      const { access_token: token, expires_in: life = UNTOLD_LIFE } = await clientCredentialsGrant(client, { audience, ...(URL.canParse(audience) ? { resource: audience } : {}) });
      const last = Math.max(Math.min(60, life / 2), life * LAST_PART);
      this.#held = { token, renewAt: asked + (life - last) * 1_000, endsAt: asked + life * 1_000 };
      return token;
    } catch (cause) {
      this.#issuer = undefined; // it may have moved
      throw new Error(`the service's own token could not be had from ${issuer} as client ${id}: ${reasonOf(cause)}. Check OIDC_ISSUER, VITAE_CLIENT_ID and VITAE_CLIENT_SECRET_FILE, and that the issuer allows this client the grant client_credentials.`, { cause });
    }
  }

  /** http:// is for one machine. */
  get #insecure(): boolean {
    return this.settings.VITAE_MODE === 'local' && this.settings.OIDC_ISSUER?.startsWith('http:') === true;
  }
}

/** A secret in a file, without the line's end. */
async function tokenIn(file: string): Promise<string> {
  const text = (await readFile(file, 'utf8').catch((cause: Error) => {
    throw new Error(`${file} cannot be read (${(cause as NodeJS.ErrnoException).code ?? cause.message}), and the service has no other credential for its calls to other services.`, { cause });
  })).trim();
  if (text === '') throw new Error(`${file} is empty; it should hold the service's credential for its calls to other services.`);
  return text;
}

function reasonOf(error: unknown): string {
  if (error instanceof ResponseBodyError) return `${error.error} (${error.error_description ?? ''})`;
  if (error instanceof WWWAuthenticateChallengeError) {
    const told = error.cause[0]?.parameters;
    return `${told?.error ?? error.status} (${told?.error_description ?? ''})`;
  }
  const { message, cause } = error as Error & { readonly cause?: { readonly code?: string; readonly message?: string } };
  return [message, cause?.code ?? cause?.message].filter((part) => part !== undefined && part !== '').join(': ');
}
