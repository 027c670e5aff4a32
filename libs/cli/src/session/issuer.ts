import * as oidc from 'openid-client';
import { z } from 'zod';
import { CannotRun } from '../outcome.ts';
import { plain } from '../table.ts';
import { doorOf, type Session } from './session-file.ts';

/** Nobody waits longer for an issuer at a terminal. */
const PATIENCE_S = 10;
/** Where nothing else is said: the client that the issuer knows for this command. */
export const CLI_CLIENT_ID = 'vitae-cli';

/** Who lets people into a Vitae, as its front door says. */
export interface Door {
  readonly issuer: string;
  readonly audience: string;
  readonly clientId: string;
}
const doorSays = z.object({ issuer: z.url(), audience: z.string().min(1), cliClientId: z.string().min(1).optional() });

/** Asks the front door, which tells everybody. @throws CannotRun */
export async function askDoor(url: string): Promise<Door> {
  const where = `${doorOf(url)}/auth/configuration`;
  const response = await fetch(where, { headers: { accept: 'application/json' }, redirect: 'error', signal: AbortSignal.timeout(PATIENCE_S * 1_000) }).catch((cause: unknown) => {
    throw new CannotRun(`${where} does not answer (${reasonOf(cause)}). Start Vitae with \`npm start\`, or name its front door with --url or VITAE_URL.`, { cause });
  });
  if (!response.ok) throw new CannotRun(`${where} answers ${response.status}, and not who lets people in. Look at --url or VITAE_URL: it is the front door's address, such as http://127.0.0.1:7400/api.`);
  const said = doorSays.safeParse(await response.json().catch(() => undefined));
  if (!said.success) throw new CannotRun(`${where} does not say who lets people in: ${z.prettifyError(said.error).replaceAll(/\s+/g, ' ')}`);
  const { issuer, audience, cliClientId } = said.data;
  return { issuer, audience, clientId: cliClientId ?? CLI_CLIENT_ID };
}

/** Secrets travel by TLS, or not off this machine. @throws CannotRun */
export function requirePrivate(url: string, what: string): void {
  const { protocol, hostname } = new URL(url);
  if (protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname))) return;
  throw new CannotRun(`${what} is ${url}: what one logs in with would travel readable for all on the way. Use its https address.`);
}
const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** What the issuer says of itself. @throws CannotRun */
export async function discover({ issuer, clientId }: Pick<Session, 'issuer' | 'clientId'>): Promise<oidc.Configuration> {
  requirePrivate(issuer, 'The issuer');
  const insecure = issuer.startsWith('http:') ? { execute: [oidc.allowInsecureRequests] } : {};
  return asking(issuer, () => oidc.discovery(new URL(issuer), clientId, {}, oidc.None(), { timeout: PATIENCE_S, ...insecure }));
}

/** The scopes that matter, of those the issuer knows: some refuse a request for one that they do not. */
export function scopesOf(config: oidc.Configuration): string {
  const known = config.serverMetadata().scopes_supported;
  return ['openid', 'profile', 'email', 'groups', 'offline_access'].filter((scope) => scope === 'openid' || known === undefined || known.includes(scope)).join(' ');
}

/** Names what the token is for (RFC 8707), which takes a URI; other audiences are the issuer's own configuration. */
export const resourceOf = ({ audience }: { readonly audience: string }): Record<string, string> => (URL.canParse(audience) ? { resource: audience } : {});

/** Does it, and says of a failure whether the issuer refused or did not answer. @throws CannotRun */
export async function asking<Answer>(issuer: string, work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CannotRun) throw error;
    if (error instanceof oidc.ResponseBodyError || error instanceof oidc.AuthorizationResponseError) throw new CannotRun(`${issuer} refused: ${plain(error.error)}${error.error_description ? ` (${plain(error.error_description)})` : ''}.`, { cause: error });
    throw new CannotRun(`${issuer} does not answer as an issuer does (${reasonOf(error)}).`, { cause: error });
  }
}

/** What lies under it all: libraries wrap what the line said. */
export function reasonOf(error: unknown): string {
  type Said = { readonly code?: string; readonly message?: string; readonly cause?: unknown };
  let last = error as Said;
  while ((last.cause as Said | undefined)?.message !== undefined) last = last.cause as Said;
  return [last.code, last.message].find((said) => said !== undefined && said !== '') ?? String(error);
}

/** A session, from what the issuer gave just now. */
export function sessionFrom(door: Door, tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers, now: number, before?: Session): Session {
  const lifetime = tokens.expires_in ?? 300; // where the issuer does not say
  const claims = tokens.claims();
  const name = [claims?.['name'], claims?.['email'], claims?.sub].find((one) => typeof one === 'string' && one !== '') as string | undefined;
  return {
    issuer: door.issuer,
    clientId: door.clientId,
    audience: door.audience,
    accessToken: tokens.access_token,
    // Without a new one the old one stays good.
    ...(tokens.refresh_token ?? before?.refreshToken ? { refreshToken: tokens.refresh_token ?? before?.refreshToken } : {}),
    expiresAt: new Date(now + lifetime * 1_000).toISOString(),
    renewAt: new Date(now + (lifetime - Math.min(60, lifetime / 5)) * 1_000).toISOString(),
    name: name ?? before?.name ?? 'somebody',
  };
}
