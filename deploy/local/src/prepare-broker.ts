import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createUser, fromSeed } from '@nats-io/nkeys';
import { repositoryRoot } from './repository.ts';

/** Of libs/messaging/src/subscribers.ts. */
interface Subscriber {
  readonly name: string;
  readonly projects: readonly string[];
}

/** Of libs/messaging. */
interface Messaging {
  readonly suiteLogins: readonly string[];
  readonly KEEPER: string;
  rightsOf(login: string): unknown;
  rightsOfSubscriber(name: string, projects: readonly string[]): unknown;
  rightsOfKeeper(names: readonly string[]): unknown;
  accountsConfig(logins: readonly { readonly name: string; readonly publicKey: string; readonly rights: unknown }[]): string;
  readSubscribers(text: string): Subscriber[];
  keepDurables(keeping: { readonly url: string; readonly seed: string }, wanted: readonly Subscriber[], unwanted: readonly string[]): Promise<void>;
}

/** How the services get into a NATS server that asks who they are. */
export interface BrokerLogins {
  /** The server's configuration, with the public half of every key. */
  readonly configFile: string;
  /** The file with a login's seed; undefined for who has none. */
  keyFileOf(login: string): string | undefined;
  /** Systems outside, and names that still have a key or a durable and shall have none any more. */
  readonly subscribers: readonly Subscriber[];
  readonly gone: readonly string[];
  /** Gives subscribers their durables at a server, and takes away whose are gone, with their keys. */
  keepDurables(url: string): Promise<void>;
}

/**
 * Makes an nkey for each login that has none yet (`<directory>/<login>.nk`, those of subscribers in `subscribers/`, mode 0600),
 * and the configuration of the server, anew each time: the rights are those of this code. A login whose seed is elsewhere
 * has its public key in `<login>.pub`.
 * @param subscribersFile who reads from outside; a file that is not there names nobody.
 * @throws when a key is spoilt or the list of subscribers is wrong.
 */
export async function prepareBroker(directory: string, subscribersFile?: string): Promise<BrokerLogins> {
  const { suiteLogins, KEEPER, rightsOf, rightsOfSubscriber, rightsOfKeeper, accountsConfig, readSubscribers, keepDurables } = await messaging();
  const outside = join(directory, 'subscribers');
  await mkdir(outside, { recursive: true, mode: 0o700 });
  const subscribers = await listIn(subscribersFile, readSubscribers);
  const named = subscribers.map(({ name }) => name);
  const known = (await readdir(outside)).filter((file) => /\.(nk|pub)$/.test(file)).map((file) => file.replace(/\.\w+$/, ''));
  const gone = [...new Set(known)].filter((name) => !named.includes(name));
  const fileOf = (name: string): string => join(directory, `${name}.nk`);
  const login = async (name: string, file: string, rights: unknown) => ({ name, publicKey: await publicKeyIn(file), rights });
  const logins = await Promise.all([
    ...suiteLogins.map((name) => login(name, fileOf(name), rightsOf(name))),
    login(KEEPER, fileOf(KEEPER), rightsOfKeeper([...named, ...gone])),
    ...subscribers.map(({ name, projects }) => login(name, join(outside, `${name}.nk`), rightsOfSubscriber(name, projects))),
  ]);
  const configFile = join(directory, 'nats-server.conf');
  await writeFile(configFile, accountsConfig(logins), { mode: 0o600 });
  return {
    configFile,
    keyFileOf: (name) => (suiteLogins.includes(name) ? fileOf(name) : named.includes(name) ? join(outside, `${name}.nk`) : undefined),
    subscribers,
    gone,
    keepDurables: async (url) => {
      await keepDurables({ url, seed: (await readFile(fileOf(KEEPER), 'utf8')).trim() }, subscribers, gone);
      await Promise.all(gone.flatMap((name) => ['nk', 'pub'].map((kind) => rm(join(outside, `${name}.${kind}`), { force: true }))));
    },
  };
}

async function listIn(file: string | undefined, read: (text: string) => Subscriber[]): Promise<Subscriber[]> {
  const text = file === undefined ? undefined : await readFile(file, 'utf8').catch(missing);
  if (text === undefined) return [];
  try {
    return read(text);
  } catch (cause) {
    throw new Error(`${file} cannot be used: ${(cause as Error).message}`, { cause });
  }
}

async function publicKeyIn(file: string): Promise<string> {
  const elsewhere = await readFile(file.replace(/\.nk$/, '.pub'), 'utf8').catch(missing);
  if (elsewhere !== undefined) {
    if (/^U[A-Z2-7]{55}$/.test(elsewhere.trim())) return elsewhere.trim();
    throw new Error(`${file.replace(/\.nk$/, '.pub')} holds no public nkey of a user.`);
  }
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

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/** The launcher must not depend on what it launches, so it is loaded by its place. */
async function messaging(): Promise<Messaging> {
  const form = import.meta.url.endsWith('.ts') ? { folder: 'src', type: 'ts' } : { folder: 'dist', type: 'js' };
  const parts = ['nats-rights', 'nats-server-config', 'subscribers', 'subscriber-durables.client'].map((name) => join(repositoryRoot, 'libs', 'messaging', form.folder, `${name}.${form.type}`));
  return Object.assign({}, ...(await Promise.all(parts.map((place) => import(pathToFileURL(place).href)))) as object[]) as Messaging;
}
