import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createUser, fromSeed } from '@nats-io/nkeys';
import { repositoryRoot } from './repository.ts';

/** Of libs/messaging/src/nats-server-config.ts. */
interface ServerConfig {
  readonly suiteLogins: readonly string[];
  rightsOf(login: string): unknown;
  accountsConfig(logins: readonly { readonly name: string; readonly publicKey: string; readonly rights: unknown }[]): string;
}

/** How the services get into a NATS server that asks who they are. */
export interface BrokerLogins {
  /** The server's configuration, with the public half of every key. */
  readonly configFile: string;
  /** The file with a login's seed; undefined for who has none. */
  keyFileOf(login: string): string | undefined;
}

/**
 * Makes an nkey for each login that has none yet (`<directory>/<login>.nk`, mode 0600), and the configuration of the server,
 * anew at each start: the rights are those of this code.
 */
export async function prepareBroker(directory: string): Promise<BrokerLogins> {
  const { suiteLogins, rightsOf, accountsConfig } = await serverConfig();
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const fileOf = (name: string): string => join(directory, `${name}.nk`);
  const logins = await Promise.all(suiteLogins.map(async (name) => ({ name, publicKey: await publicKeyIn(fileOf(name)), rights: rightsOf(name) })));
  const configFile = join(directory, 'nats-server.conf');
  await writeFile(configFile, accountsConfig(logins), { mode: 0o600 });
  return { configFile, keyFileOf: (login) => (suiteLogins.includes(login) ? fileOf(login) : undefined) };
}

async function publicKeyIn(file: string): Promise<string> {
  const made = new TextDecoder().decode(createUser().getSeed());
  await writeFile(file, `${made}\n`, { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const seed = (await readFile(file, 'utf8')).trim();
  try {
    return fromSeed(new TextEncoder().encode(seed)).getPublicKey();
  } catch (cause) {
    throw new Error(`${file} holds no nkey of a user. Delete it; the next start makes another one.`, { cause });
  }
}

/** The launcher must not depend on what it launches, so it is loaded by its place. */
async function serverConfig(): Promise<ServerConfig> {
  const form = import.meta.url.endsWith('.ts') ? { folder: 'src', type: 'ts' } : { folder: 'dist', type: 'js' };
  const place = join(repositoryRoot, 'libs', 'messaging', form.folder, `nats-server-config.${form.type}`);
  return (await import(pathToFileURL(place).href)) as ServerConfig;
}
