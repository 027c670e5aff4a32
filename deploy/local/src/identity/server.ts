import { mkdir } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { isIP } from 'node:net';
import { dirname } from 'node:path';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { interactions } from './interaction.ts';
import { prepareKeys } from './keys.ts';
import { contentSecurityPolicy, errorPage } from './pages.ts';
import { makeProvider } from './provider.ts';
import { stateIn } from './state.ts';

export interface IdentitySettings {
  /** Default 127.0.0.1. */
  readonly host?: string;
  readonly port: number;
  readonly frontDoor: string;
  /** Its keys and the services' secrets. */
  readonly keyDir: string;
  /** What it remembers. */
  readonly stateFile: string;
}

/**
 * Serves the local OpenID provider.
 * @throws when `host` is not of this machine alone: whoever reaches this provider can be anybody.
 */
export async function serveIdentity({ host = '127.0.0.1', port, frontDoor, keyDir, stateFile }: IdentitySettings): Promise<{ issuer: string; stop(): Promise<void> }> {
  if (!isLoopback(host)) {
    throw new Error(`The local OpenID provider asks for no password, so it listens on 127.0.0.1 or ::1 only, and not on ${host}. For more than one machine use a provider of your own: OIDC_ISSUER.`);
  }
  const issuer = `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const keys = await prepareKeys(keyDir);
  await mkdir(dirname(stateFile), { recursive: true, mode: 0o700 });
  const state = stateIn(stateFile);
  const provider = makeProvider({ issuer, frontDoor, keys, state });
  provider.on('server_error', (_, error) => console.error(error));
  provider.use(guard(new URL(issuer).host));
  provider.use(interactions(provider));
  const server = createServer(provider.callback());
  await listen(server, port, host);
  return {
    issuer,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      state.save();
    },
  };
}

export const isLoopback = (host: string): boolean => host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/**
 * Turns away who calls this machine by another name. A page out in the world can give its own name our address (DNS
 * rebinding), and would then log in as whom it likes, without anybody seeing it.
 */
function guard(host: string) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    ctx.set({ 'content-security-policy': contentSecurityPolicy, 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' });
    if (ctx.get('host') !== host) {
      ctx.status = 421;
      ctx.type = 'html';
      ctx.body = errorPage('misdirected_request', `This provider is called http://${host} and by no other name.`);
      return;
    }
    try {
      await next();
    } catch (error) {
      const { statusCode = 500, error: code = 'error', error_description: description, expose } = error as { statusCode?: number; error?: string; error_description?: string; expose?: boolean };
      if (statusCode >= 500) console.error(error);
      ctx.status = statusCode;
      ctx.type = 'html';
      ctx.body = errorPage(code, expose ? description : undefined);
    }
  };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}
