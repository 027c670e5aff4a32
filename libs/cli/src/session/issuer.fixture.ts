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
  /** Keeps back what it answers to refresh tokens, which are spent by then; until what it returns is called. */
  hold(): () => void;
  /** Ends a session, as who is logged in could from elsewhere. */
  revoke(refreshToken: string): Promise<void>;
  /** A request to the token endpoint, past the command. */
  refresh(refreshToken: string): Promise<number>;
  stop(): Promise<void>;
}

interface Wish {
  readonly device?: boolean;
  /** Whether it says when somebody logged in. */
  readonly authTime?: boolean;
}

export async function startIssuer({ device = true, authTime = true }: Wish = {}): Promise<SpecIssuer> {
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
      require_auth_time: authTime,
    }],
    claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['of a spec'] },
    features: {
      devInteractions: { enabled: true },
      deviceFlow: { enabled: device },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: '', audience: AUDIENCE, accessTokenTTL: 3_600, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }),
      },
    },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, name: `${id} of the spec` }) }),
    ttl: { Session: 3_600, Grant: 3_600, Interaction: 600, RefreshToken: 3_600, DeviceCode: 600, AuthorizationCode: 60, IdToken: 3_600 },
  };
  const provider = new Provider(url, configuration);
  let refreshes = 0;
  let held = Promise.resolve();
  provider.on('grant.success', (ctx) => {
    if (ctx.oidc.params?.['grant_type'] === 'refresh_token') refreshes += 1;
  });
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.path === '/device/auth') (ctx.body as { interval?: number }).interval = 1; // seconds; the specs need not wait for five
    if (ctx.oidc?.params?.['grant_type'] === 'refresh_token') await held;
  });
  server.on('request', provider.callback());
  const post = (path: string, parameters: Record<string, string>): Promise<Response> => fetch(`${url}${path}`, { method: 'POST', body: new URLSearchParams({ client_id: CLIENT, ...parameters }) });
  return {
    url,
    audience: AUDIENCE,
    refreshed: () => refreshes,
    hold() {
      let release = (): void => undefined;
      held = new Promise((resolve) => (release = resolve));
      return release;
    },
    async revoke(token) {
      const { ok, status } = await post('/token/revocation', { token });
      if (!ok) throw new Error(`not revoked: ${status}`);
    },
    refresh: async (refresh_token) => (await post('/token', { grant_type: 'refresh_token', refresh_token, resource: AUDIENCE })).status,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
