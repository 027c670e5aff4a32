import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { IdentitySettings } from './identity/server.ts';
import { sessionsAt, type Sessions } from './log-in.ts';
import { freePort, mustBeFree, type ServiceName } from './ports.ts';
import { identityEnvironment, prepareIdentity, type Identity } from './prepare-identity.ts';
import { supervise } from './supervisor.ts';

export interface IdentityOptions {
  /** Keys, secrets and grants file are kept there. */
  readonly dataDir: string;
  /** Default: any free port. */
  readonly port?: number;
  /** Where the console is, which people may log in from. Default: nowhere. */
  readonly frontDoor?: string;
  /** Default `<dataDir>/identity.log`. */
  readonly logFile?: string;
  readonly report?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** A running local provider, and who can be somebody there. */
export interface IdentityServer extends Sessions {
  readonly identity: Identity;
  /** What a service has to know of it. */
  environmentOf(service: ServiceName): NodeJS.ProcessEnv;
  stop(): Promise<void>;
}

/**
 * Starts the local OpenID provider as a program of its own, that is started again when it ends: it remembers who is logged in.
 * It gets nothing of our environment.
 */
export async function startIdentity({ dataDir, port: given, frontDoor = 'http://127.0.0.1:1', logFile = join(dataDir, 'identity.log'), report = () => undefined, signal }: IdentityOptions): Promise<IdentityServer> {
  const port = given ?? (await freePort());
  await mustBeFree('the OpenID provider', port);
  const identity = await prepareIdentity(dataDir, port);
  const settings: IdentitySettings = { port, frontDoor, keyDir: identity.keyDir, stateFile: join(dataDir, 'access', 'logins.json') };
  const form = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const provider = supervise(
    {
      name: 'identity',
      command: process.execPath,
      args: [fileURLToPath(new URL(`./identity/main.${form}`, import.meta.url))],
      env: { NODE_ENV: 'production', NODE_COMPILE_CACHE: join(dataDir, 'cache', 'compile'), VITAE_IDENTITY: JSON.stringify(settings) },
      cwd: dataDir,
      logFile,
      readyUrls: [`${identity.issuer}/.well-known/openid-configuration`],
    },
    report,
  );
  const stop = (): Promise<void> => provider.stop();
  signal?.addEventListener('abort', () => void stop(), { once: true });
  await provider.ready().catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { identity, ...sessionsAt(identity), environmentOf: (service) => identityEnvironment(service, identity), stop };
}
