import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JWKS } from 'oidc-provider';
import { serviceNames } from '../ports.ts';
import { clientIdOf } from './clients.ts';

/** What the provider keeps secret, and what it shares with one service each. */
export interface IdentityKeys {
  /** Signs the tokens. The same from start to start, so that a token outlives the provider that made it. */
  readonly jwks: JWKS;
  readonly cookieKey: string;
  /** By client id. */
  readonly secrets: Readonly<Record<string, string>>;
}

export const secretFileOf = (directory: string, clientId: string): string => join(directory, `${clientId}.secret`);

/** Makes what is missing in the directory (each file mode 0600) and reads the rest. */
export async function prepareKeys(directory: string): Promise<IdentityKeys> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const signingKey = await kept(join(directory, 'signing-key.json'), newSigningKey);
  const cookieKey = await kept(join(directory, 'cookie.secret'), newSecret);
  const clientIds = serviceNames.map(clientIdOf);
  const secrets = await Promise.all(clientIds.map(async (id) => [id, await kept(secretFileOf(directory, id), newSecret)] as const));
  return { jwks: { keys: [parsed(signingKey, directory)] }, cookieKey, secrets: Object.fromEntries(secrets) };
}

const newSecret = (): string => randomBytes(32).toString('base64url');

function newSigningKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return JSON.stringify({ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256' });
}

/** What the file holds; when there is none it is made, by one of two that come at the same time. */
export async function kept(file: string, make: () => string): Promise<string> {
  await writeFile(file, `${make()}\n`, { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const text = (await readFile(file, 'utf8')).trim();
  if (text === '') throw new Error(`${file} is empty. Delete it; the next start makes another one.`);
  return text;
}

function parsed(signingKey: string, directory: string): JWKS['keys'][number] {
  try {
    return JSON.parse(signingKey) as JWKS['keys'][number];
  } catch (cause) {
    throw new Error(`${join(directory, 'signing-key.json')} holds no key. Delete it; the next start makes another one, and everybody logs in again.`, { cause });
  }
}
