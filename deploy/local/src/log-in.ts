// Logs a persona in at the local provider as a browser would, and a service as services do: for whoever drives a suite from outside.
import { readFile } from 'node:fs/promises';
import * as oidc from 'openid-client';
import { apiResource, cliClient, clientIdOf } from './identity/clients.ts';
import { secretFileOf } from './identity/keys.ts';
import type { PersonaId } from './identity/personas.ts';
import type { ServiceName } from './ports.ts';
import type { Identity } from './prepare-identity.ts';

export interface Session {
  /** Who it is: a persona, or the client id of a service. */
  readonly who: string;
  /** A token for the services that is good for a minute at least. */
  accessToken(): Promise<string>;
}

type Tokens = oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers;

/** A token is exchanged for a new one so long before it ends. */
const MARGIN_SECONDS = 60;
/** Nobody listens there: the code is taken out of the address that the browser would be sent to. */
const REDIRECT = 'http://127.0.0.1:1/callback';

/** Authorization code with PKCE, as `vitae-cli`. @throws when the provider does not let that persona in. */
export async function logIn(issuer: string, persona: string): Promise<Session> {
  const config = await oidc.discovery(new URL(issuer), cliClient, undefined, oidc.None(), { execute: [oidc.allowInsecureRequests] });
  const byBrowser = async (): Promise<Tokens> => {
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
    const expectedState = oidc.randomState();
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: REDIRECT,
      scope: 'openid offline_access profile email groups',
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: expectedState,
      resource: apiResource,
    });
    const back = await choose(url, persona);
    return oidc.authorizationCodeGrant(config, back, { pkceCodeVerifier, expectedState });
  };
  const first = await byBrowser();
  const renew = async ({ refresh_token: refreshToken = '' }: Tokens): Promise<Tokens> => oidc.refreshTokenGrant(config, refreshToken).catch(byBrowser); // forgotten: once more from the beginning
  return session(persona, first, renew);
}

/** Client credentials, with the secret in that file. */
export async function machineToken(issuer: string, clientId: string, secretFile: string): Promise<Session> {
  const secret = (await readFile(secretFile, 'utf8')).trim();
  const config = await oidc.discovery(new URL(issuer), clientId, undefined, oidc.ClientSecretBasic(secret), { execute: [oidc.allowInsecureRequests] });
  const ask = (): Promise<Tokens> => oidc.clientCredentialsGrant(config, { resource: apiResource });
  return session(clientId, await ask(), ask);
}

/** The sessions of one suite: each is opened when its first token is asked for, and kept. */
export function sessionsAt({ issuer, keyDir }: Identity): { as(persona: PersonaId): Session; machine(service: ServiceName): Session } {
  const opened = new Map<string, Session>();
  const kept = (who: string, open: (local: string) => Promise<Session>): Session => {
    if (!keyDir) throw new Error(`${who} is known to the local OpenID provider only, and ${issuer} is another one.`);
    const known = opened.get(who) ?? lazily(who, () => open(keyDir));
    opened.set(who, known);
    return known;
  };
  return {
    as: (persona) => kept(persona, () => logIn(issuer, persona)),
    machine: (service) => kept(clientIdOf(service), (local) => machineToken(issuer, clientIdOf(service), secretFileOf(local, clientIdOf(service)))),
  };
}

function lazily(who: string, open: () => Promise<Session>): Session {
  let opening: Promise<Session> | undefined;
  return {
    who,
    accessToken: async () => {
      opening ??= open();
      opening.catch(() => (opening = undefined)); // the next one tries again
      return (await opening).accessToken();
    },
  };
}

function session(who: string, first: Tokens, renew: (last: Tokens) => Promise<Tokens>): Session {
  let tokens = first;
  let end = endOf(first);
  let renewing: Promise<void> | undefined; // a refresh token is good for one use, so that all wait for the same
  const fresh = async (): Promise<void> => {
    tokens = { ...tokens, ...(await renew(tokens)) };
    end = endOf(tokens);
  };
  return {
    who,
    accessToken: async () => {
      if (performance.now() > end) await (renewing ??= fresh().finally(() => (renewing = undefined)));
      return tokens.access_token;
    },
  };
}

const endOf = ({ expires_in: seconds = 0 }: Tokens): number => performance.now() + (seconds - MARGIN_SECONDS) * 1_000;

/** Follows the redirects with cookies as a browser does, and posts the choice where the page asks for it. Resolves with the address of the client. */
async function choose(start: URL, persona: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let url = start;
  let body: URLSearchParams | undefined;
  for (let steps = 0; steps < 10; steps += 1) {
    if (url.href.startsWith(REDIRECT)) return url;
    const response = await fetch(url, {
      method: body ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { accept: 'text/html', cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(body ? { body } : {}),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value) cookies.set(name, value);
      else cookies.delete(name);
    }
    const page = await response.text();
    const next = response.headers.get('location');
    if (next) {
      url = new URL(next, url);
      body = undefined;
    } else if (!body && page.includes(`name="persona" value="${persona}"`)) {
      body = new URLSearchParams({ persona });
    } else {
      throw new Error(`The OpenID provider at ${start.origin} did not log ${persona} in (${response.status}): ${textOf(page)}`);
    }
  }
  throw new Error(`The OpenID provider at ${start.origin} sent ${persona} from page to page and did not log them in.`);
}

const textOf = (page: string): string => page.replace(/<style>.*<\/style>|<[^>]+>/gs, ' ').replace(/\s+/g, ' ').trim().slice(0, 300);
