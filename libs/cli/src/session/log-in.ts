import * as oidc from 'openid-client';
import { checkLogin, type LoginOptions } from '../login.ts';
import { CannotRun } from '../outcome.ts';
import { plain } from '../table.ts';
import { hasBrowser, openBrowser } from './browser.ts';
import { asking, askDoor, CLI_CLIENT_ID, discover, requirePrivate, resourceOf, scopesOf, sessionFrom, type Door } from './issuer.ts';
import { openLoopback } from './loopback.ts';
import { doorOf, withSessions, type Session } from './session-file.ts';

type Tokens = oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers;
type Say = (line: string) => void;

/** Logs somebody in and keeps the session. `say` tells people what to do meanwhile. @throws CannotRun */
export async function logIn(options: LoginOptions, say: Say): Promise<{ readonly door: string; readonly session: Session }> {
  checkLogin(options);
  const door = doorOf(options.url);
  if (!URL.canParse(door)) throw new CannotRun(`${door} is no address. Name the front door with --url or VITAE_URL, such as http://127.0.0.1:7400/api.`);
  requirePrivate(door, 'The front door');
  const who = await whoLetsIn(options);
  const config = await discover(who);
  const begun = Date.now();
  const tokens = await (byDevice(options, config) ? deviceFlow : codeFlow)(who, config, options, say);
  if (options.again) requireRecent(tokens, begun, who.issuer);
  const session = sessionFrom(who, tokens, Date.now());
  await withSessions(({ sessions, write }) => write({ ...sessions, [door]: session }));
  return { door, session };
}

/** With `--issuer` the front door is not asked, except for what the token is for. */
async function whoLetsIn({ url, issuer, audience, clientId }: LoginOptions): Promise<Door> {
  if (issuer !== undefined && !URL.canParse(issuer)) throw new CannotRun(`--issuer ${issuer} is no address.`);
  if (issuer !== undefined && audience !== undefined) return { issuer, audience, clientId: clientId ?? CLI_CLIENT_ID };
  const said = await askDoor(url);
  return { issuer: issuer ?? said.issuer, audience: said.audience, clientId: clientId ?? said.clientId };
}

function byDevice({ device, browser }: LoginOptions, config: oidc.Configuration): boolean {
  const offered = config.serverMetadata().device_authorization_endpoint !== undefined;
  if (device && !offered) throw new CannotRun(`${config.serverMetadata().issuer} offers no login by code on another device. Leave --device out.`);
  if (device || browser === false) return device === true;
  return offered && !hasBrowser(process.platform, process.env, process.stderr.isTTY === true);
}

/** What both ways ask for. Refresh tokens are given after consent only (OpenID Connect Core, 11). */
function wish(door: Door, config: oidc.Configuration, { again }: LoginOptions): Record<string, string> {
  const scope = scopesOf(config);
  const prompt = [...(again ? ['login'] : []), ...(scope.includes('offline_access') ? ['consent'] : [])].join(' ');
  return { scope, ...resourceOf(door), ...(prompt === '' ? {} : { prompt }), ...(again ? { max_age: '0' } : {}) };
}

/** Authorization code with PKCE, brought by the browser to a port of this machine. */
async function codeFlow(door: Door, config: oidc.Configuration, options: LoginOptions, say: Say): Promise<Tokens> {
  const loopback = await openLoopback();
  try {
    const [pkceCodeVerifier, expectedState, expectedNonce] = [oidc.randomPKCECodeVerifier(), oidc.randomState(), oidc.randomNonce()];
    const address = oidc.buildAuthorizationUrl(config, {
      ...wish(door, config, options),
      redirect_uri: loopback.redirectUri,
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: expectedState,
      nonce: expectedNonce,
    });
    const answer = loopback.answered(expectedState, (url) =>
      asking(door.issuer, () => oidc.authorizationCodeGrant(config, url, { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }, resourceOf(door))),
    );
    say(`Log in at:\n  ${address.href}`);
    if (options.browser !== false && hasBrowser(process.platform, process.env, process.stderr.isTTY === true)) openBrowser(address);
    return await answer;
  } finally {
    loopback.close();
  }
}

/** A code that is entered on another device (RFC 8628). */
async function deviceFlow(door: Door, config: oidc.Configuration, options: LoginOptions, say: Say): Promise<Tokens> {
  return asking(door.issuer, async () => {
    const given = await oidc.initiateDeviceAuthorization(config, wish(door, config, options));
    const { verification_uri: where, verification_uri_complete: complete, user_code: code, expires_in: seconds } = given;
    say(`On any device, open\n  ${plain(where)}\nand enter the code\n  ${plain(code)}${complete === undefined ? '' : `\nor open ${plain(complete)}`}`);
    try {
      return await oidc.pollDeviceAuthorizationGrant(config, given, resourceOf(door));
    } catch (error) {
      const reason = error instanceof oidc.ResponseBodyError ? error.error : '';
      if (reason === 'access_denied') throw new CannotRun('The login was refused on the other device.', { cause: error });
      if (reason === 'expired_token' || (error as { code?: string }).code === 'OAUTH_TIMEOUT') throw new CannotRun(`Nobody entered the code within ${Math.ceil(seconds / 60)} minutes. Run the command again.`, { cause: error });
      throw error;
    }
  });
}

/** What a service will look at, looked at now: an issuer may answer `max_age` with an old login. */
function requireRecent(tokens: Tokens, begun: number, issuer: string): void {
  const at = tokens.claims()?.auth_time;
  const tolerated = 60_000; // between two clocks
  if (at === undefined) throw new CannotRun(`${issuer} does not say when you logged in (auth_time), so nothing can ask for a recent login. Who runs it can have it say so.`);
  if (at * 1_000 < begun - tolerated) throw new CannotRun(`${issuer} did not ask who you are: its login is of ${new Date(at * 1_000).toISOString()}. Log out there, and try again.`);
}
