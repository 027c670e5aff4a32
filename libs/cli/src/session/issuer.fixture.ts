import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider, type Configuration } from 'oidc-provider';

// An issuer as one finds it: discovery, PKCE, devices, consent, refresh tokens that are good once. It keeps all in memory.

export const AUDIENCE = 'https://vitae.test/api';
const CLIENT = 'vitae-cli';

export interface SpecIssuer {
  readonly url: string;
  readonly audience: string;
  /** How often refresh tokens were spent. */
  refreshed(): number;
  /** A request of the token endpoint waits until this many are there. */
  stop(): Promise<void>;
}

export async function startIssuer({ accessTokenSeconds = 3_600, device = true, metadata = {} }: { readonly accessTokenSeconds?: number; readonly device?: boolean; readonly metadata?: object } = {}): Promise<SpecIssuer> {
  const server: Server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const configuration: Configuration = {
    clients: [{
      client_id: CLIENT,
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token', ...(device ? ['urn:ietf:params:oauth:grant-type:device_code'] : [])],
      redirect_uris: ['http://127.0.0.1/callback'],
    }],
    claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['of a spec'] },
    discovery: metadata,
    features: {
      devInteractions: { enabled: true },
      deviceFlow: { enabled: device },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: '', audience: AUDIENCE, accessTokenTTL: accessTokenSeconds, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }),
      },
    },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, name: `${id} of the spec` }) }),
    ttl: { Session: 3_600, Grant: 3_600, Interaction: 600, RefreshToken: 3_600, DeviceCode: 600, AuthorizationCode: 60, IdToken: 3_600 },
  };
  const provider = new Provider(url, configuration);
  let refreshes = 0;
  provider.on('grant.success', (ctx) => {
    if (ctx.oidc.params?.['grant_type'] === 'refresh_token') refreshes += 1;
  });
  server.on('request', provider.callback());
  return {
    url,
    audience: AUDIENCE,
    refreshed: () => refreshes,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
