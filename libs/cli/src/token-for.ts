import { readFile } from 'node:fs/promises';
import type { TokenProvider } from '@vitae/client';
import { credentialOf } from './credential.ts';
import { CannotRun } from './outcome.ts';

/**
 * The token for a front door: VITAE_TOKEN, else what VITAE_TOKEN_FILE holds at that moment, else that of who is logged in
 * there. `renew: false` asks no issuer.
 */
export function tokenFor(url: string, { renew = true }: { readonly renew?: boolean } = {}): TokenProvider {
  return async (refused) => {
    const credential = credentialOf();
    if (credential === 'VITAE_TOKEN') return asToken(process.env['VITAE_TOKEN'] ?? '', 'VITAE_TOKEN');
    if (credential === 'VITAE_TOKEN_FILE') return asToken(await tokenIn(process.env['VITAE_TOKEN_FILE'] ?? ''), 'the file that VITAE_TOKEN_FILE names');
    const { sessionToken } = await import('./session/session-token.ts'); // only now: whoever asks nothing loads nothing
    return sessionToken(url, { refused, renew });
  };
}

/**
 * The token for an address behind a front door that one has a credential for: the one VITAE_URL names, or where one is
 * logged in. Undefined for all others, who are to get none.
 */
export async function tokenForAddress(address: string): Promise<string | undefined> {
  const { doorOf, readSessions } = await import('./session/session-file.ts');
  const { USUAL_DOOR } = await import('./session/session-token.ts');
  const behind = (door: string): boolean => doorOf(address).startsWith(`${doorOf(door)}/`);
  const credential = credentialOf();
  const doors = credential === 'session' ? Object.keys(await readSessions()) : [process.env['VITAE_URL'] || USUAL_DOOR];
  const door = doors.find(behind);
  return door === undefined ? undefined : tokenFor(door)();
}

async function tokenIn(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new CannotRun(`VITAE_TOKEN_FILE names ${path}, which cannot be read (${cause.code}).`, { cause });
  });
}

function asToken(text: string, where: string): string {
  const token = text.trim();
  if (/^[\x21-\x7e]{1,16384}$/.test(token)) return token;
  throw new CannotRun(`What stands in ${where} is no token: a token is one line without spaces.`); // and is not shown
}
