// Logs a persona in at the local provider as a browser would, and a service as services do: for whoever drives a suite from outside.
import { readFile } from 'node:fs/promises';
import * as oidc from 'openid-client';
import { browser, wordsOf } from './identity/browser.ts';
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
  /** Once more from the beginning, as a service asks for where a login is too long ago (RFC 9470). A refreshed token says when the login was. */
  logInAgain(): Promise<void>;
}

/** Who can be somebody at one issuer. Each session is opened when its first token is asked for, and kept. */
export interface Sessions {
  /** Somebody of the local provider. @throws with an issuer of one's own. */
  as(persona: PersonaId): Session;
  /** A service by its own client, where no person acts. @throws with an issuer of one's own. */
  machine(service: ServiceName): Session;
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
  const renew = async ({ refresh_token: refreshToken = '' }: Tokens): Promise<Tokens> => oidc.refreshTokenGrant(config, refreshToken).catch(byBrowser); // forgotten: once more from the beginning
  return session(persona, byBrowser, renew);
}

/** Client credentials, with the secret in that file. */
export async function machineToken(issuer: string, clientId: string, secretFile: string): Promise<Session> {
  const secret = (await readFile(secretFile, 'utf8')).trim();
  const config = await oidc.discovery(new URL(issuer), clientId, undefined, oidc.ClientSecretBasic(secret), { execute: [oidc.allowInsecureRequests] });
  const ask = (): Promise<Tokens> => oidc.clientCredentialsGrant(config, { resource: apiResource });
  return session(clientId, ask, ask);
}

export function sessionsAt({ issuer, keyDir }: Identity): Sessions {
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
  const opened = (): Promise<Session> => {
    opening ??= open();
    opening.catch(() => (opening = undefined)); // the next one tries again
    return opening;
  };
  return { who, accessToken: async () => (await opened()).accessToken(), logInAgain: async () => (await opened()).logInAgain() };
}

/** Logs in at once. @param renew makes new tokens out of the last ones. */
async function session(who: string, begin: () => Promise<Tokens>, renew: (last: Tokens) => Promise<Tokens>): Promise<Session> {
  let tokens = await begin();
  let end = endOf(tokens);
  let pending: Promise<void> | undefined; // a refresh token is good for one use, so that all wait for the same
  const change = (ask: () => Promise<Tokens>): Promise<void> =>
    (pending ??= (async () => {
      tokens = { ...tokens, ...(await ask()) };
      end = endOf(tokens);
    })().finally(() => (pending = undefined)));
  return {
    who,
    accessToken: async () => {
      if (performance.now() > end) await change(() => renew(tokens));
      return tokens.access_token;
    },
    logInAgain: () => change(begin),
  };
}

const endOf = ({ expires_in: seconds = 0 }: Tokens): number => performance.now() + (seconds - MARGIN_SECONDS) * 1_000;

/** Opens the page where people say who they are, and says it. Resolves with the address that the client is called back at. */
async function choose(start: URL, persona: string): Promise<URL> {
  const { open } = browser();
  const asked = await open(start);
  const answered = asked.left ? asked : await open(asked.url, { persona });
  if (answered.left) return answered.url;
  throw new Error(`The OpenID provider at ${start.origin} did not log ${persona} in (${answered.status}): ${wordsOf(answered)}`);
}
