import { errors, interactionPolicy, Provider, type Account, type Configuration, type KoaContextWithOIDC } from 'oidc-provider';
import { apiResource, audience, clients, consoleClient } from './clients.ts';
import type { IdentityKeys } from './keys.ts';
import { codePage, confirmCodePage, errorPage, logoutPage, plainPage } from './pages.ts';
import { emailOf, groupOf, personaOf, type Persona } from './personas.ts';
import type { State } from './state.ts';

const MINUTE = 60;
const DAY = 24 * 60 * MINUTE;

/** How long an access token is good for. Short, because nobody asks the provider about it again. */
const ACCESS_TOKEN_SECONDS = 10 * MINUTE;

export interface ProviderSettings {
  readonly issuer: string;
  /** Where the console sends people from and gets them back, e.g. http://127.0.0.1:7400. */
  readonly frontDoor: string;
  readonly keys: IdentityKeys;
  readonly state: State;
}

/**
 * A certified OpenID provider with our personas: authorization code with PKCE, always; refresh tokens that are used once;
 * device flow (RFC 8628); client credentials for services. Access tokens are JWTs (RFC 9068) for the audience `vitae`.
 */
export function makeProvider({ issuer, frontDoor, keys, state }: ProviderSettings): Provider {
  const cookie = (what: string): string => `vitae_provider_${new URL(issuer).port}_${what}`; // cookies know no ports
  return new Provider(issuer, {
    clients: clients(keys.secrets, frontDoor),
    jwks: keys.jwks,
    adapter: state.Adapter,
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    cookies: { keys: [keys.cookieKey], names: { session: cookie('session'), interaction: cookie('interaction'), resume: cookie('resume') } },
    scopes: ['openid', 'offline_access'],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], groups: ['groups'], auth_time: null, amr: null },
    conformIdTokenClaims: false, // the console shows who is logged in, and need not ask once more
    responseTypes: ['code'],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: (_, source) => source.clientId === consoleClient, // who logs out in the browser stays logged in at the command line
    clientBasedCORS: () => false,
    ttl: { AccessToken: ACCESS_TOKEN_SECONDS, ClientCredentials: ACCESS_TOKEN_SECONDS, AuthorizationCode: MINUTE, IdToken: ACCESS_TOKEN_SECONDS, DeviceCode: 10 * MINUTE, Interaction: 60 * MINUTE, Session: DAY, Grant: 14 * DAY, RefreshToken: 14 * DAY },
    interactions: { policy: alwaysAsking() },
    features: features(),
    findAccount: (_, id) => accountOf(id),
    extraTokenClaims: (ctx, token) => (token.kind === 'AccessToken' ? claimsOf(token.accountId, ctx) : {}),
    renderError: (ctx, { error, error_description: description }) => {
      ctx.type = 'html';
      ctx.body = errorPage(error, description);
    },
  });
}

/** Who logs in chooses each time, also where the browser remembers somebody: being somebody else is what personas are for. */
function alwaysAsking(): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  const asked = ({ oidc }: KoaContextWithOIDC): boolean => oidc.result?.login === undefined && oidc.result?.consent === undefined;
  policy.get('login')?.checks.add(new interactionPolicy.Check('choice', 'somebody has to be chosen', 'login_required', (ctx) => asked(ctx) && !ctx.oidc.prompts.has('none')));
  return policy;
}

function features(): NonNullable<Configuration['features']> {
  return {
    devInteractions: { enabled: false },
    userinfo: { enabled: false },
    dPoP: { enabled: false },
    pushedAuthorizationRequests: { enabled: false },
    clientCredentials: { enabled: true },
    revocation: { enabled: true },
    deviceFlow: {
      enabled: true,
      userCodeInputSource: (ctx, form, _out, error) => {
        ctx.type = 'html';
        ctx.body = codePage(form, error && (error.name === 'AbortedError' ? 'Cancelled. The other device is told so.' : 'This code is not known, used already, or too old. Look at the other device and type it again.'));
      },
      userCodeConfirmSource: (ctx, form, client, _device, code) => {
        ctx.type = 'html';
        ctx.body = confirmCodePage(form, client.clientName ?? client.clientId, code);
      },
      successSource: (ctx) => {
        ctx.type = 'html';
        ctx.body = plainPage('You are logged in', 'The other device goes on by itself. You can close this page.');
      },
    },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => {
        ctx.body = logoutPage(form);
      },
      postLogoutSuccessSource: (ctx) => {
        ctx.type = 'html';
        ctx.body = plainPage('You are logged out', 'You can close this page.');
      },
    },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => apiResource,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, resource) => {
        if (resource !== apiResource) throw new errors.InvalidTarget(`tokens of this provider are for ${apiResource}`);
        return { scope: '', audience, accessTokenFormat: 'jwt', accessTokenTTL: ACCESS_TOKEN_SECONDS, jwt: { sign: { alg: 'ES256' } } };
      },
    },
  };
}

function accountOf(id: string): Account | undefined {
  const persona = personaOf(id);
  return persona && { accountId: id, claims: () => ({ sub: id, ...claims(persona) }) };
}

const claims = (persona: Persona) => ({ name: persona.name, email: emailOf(persona), email_verified: true, groups: [groupOf(persona)] });

/** What a service has to know of a person, so that it need not ask us: who, in which groups, logged in when and how. */
function claimsOf(accountId: string, { oidc }: KoaContextWithOIDC) {
  const persona = personaOf(accountId);
  const { AuthorizationCode, RefreshToken, DeviceCode } = oidc.entities;
  const login = AuthorizationCode ?? RefreshToken ?? DeviceCode;
  return { ...(persona ? claims(persona) : {}), auth_time: login?.authTime, amr: login?.amr };
}
