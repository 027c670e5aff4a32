import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider, type JWK } from 'oidc-provider';

/** A real OpenID provider on a port of its own. Whoever comes is logged in as `person` without being asked. */
export interface Issuer {
  readonly url: string;
  readonly clientSecret: string;
  person: { readonly sub: string; readonly name: string; /** Goes into the access token. */ readonly groups: readonly string[] };
  /** Of access tokens given from now on. */
  accessTokenSeconds: number;
  /** What the token endpoint did since the last look: `refresh_token ok`, `authorization_code invalid_grant`. */
  asked(): readonly string[];
  /** Answers requests to the token endpoint with 500 from now on. */
  broken: boolean;
  /** Begins its work, when the door's address is known. */
  open(door: string): void;
  close(): Promise<void>;
}

export async function startIssuer(): Promise<Issuer> {
  let handler: RequestListener = (_request, response) => void response.writeHead(503).end();
  const server = createServer((request, response) => {
    if (issuer.broken && request.url?.startsWith('/token')) return void response.writeHead(500).end('<html>a stack</html>');
    return void handler(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const asked: string[] = [];

  const issuer: Issuer = {
    url,
    clientSecret: 'a-secret-of-the-spec-with-enough-characters',
    person: { sub: 'dana', name: 'Dana Okafor', groups: ['data-scientists'] },
    accessTokenSeconds: 600,
    broken: false,
    asked: () => asked.splice(0),
    open(door) {
      const provider = providerFor(issuer, door);
      provider.on('grant.success', (ctx) => void asked.push(`${String(ctx.oidc.params?.['grant_type'])} ok`));
      provider.on('grant.error', (ctx, error) => void asked.push(`${String(ctx.oidc.params?.['grant_type'])} ${error.error}`));
      const callback = provider.callback();
      handler = (request, response) => void (/^\/interaction\//.test(request.url ?? '') ? login(provider, issuer, request, response) : callback(request, response));
    },
    async close() {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return issuer;
}

const login = (provider: Provider, { person }: Issuer, request: IncomingMessage, response: ServerResponse): Promise<void> =>
  provider.interactionFinished(request, response, { login: { accountId: person.sub } });

/** Refresh tokens are for once: a second use ends everything that came of the login. */
function providerFor(issuer: Issuer, door: string): Provider {
  return new Provider(issuer.url, {
    clients: [
      {
        client_id: 'vitae-console',
        client_secret: issuer.clientSecret,
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [`${door}/auth/callback`],
        post_logout_redirect_uris: [`${door}/`],
      },
    ],
    jwks: { keys: [{ ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256' } as JWK] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    ttl: { AccessToken: () => issuer.accessTokenSeconds, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Grant: 86_400, Session: 86_400, RefreshToken: 86_400 },
    claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: () => true,
    cookies: { keys: ['cookies of the spec'] },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = `Log out? ${form}`;
        },
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:vitae:api',
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope: '', audience: 'vitae', accessTokenFormat: 'jwt', accessTokenTTL: issuer.accessTokenSeconds }),
      },
    },
    extraTokenClaims: () => ({ groups: [...issuer.person.groups] }),
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, name: issuer.person.name }) }),
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ accountId: ctx.oidc.session?.accountId, clientId: ctx.oidc.client?.clientId });
      grant.addOIDCScope('openid profile email');
      await grant.save();
      return grant;
    },
  });
}
