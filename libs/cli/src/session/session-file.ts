import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { lock } from 'proper-lockfile';
import { z } from 'zod';
import { CannotRun } from '../outcome.ts';

// Who is logged in where: one file, a session for each front door. It holds secrets, so it is only the owner's, is replaced
// whole, and is changed by one process at a time.

const session = z.object({
  issuer: z.url(),
  clientId: z.string().min(1),
  /** What the access token is for. */
  audience: z.string().min(1),
  accessToken: z.string().min(1),
  /** None where the issuer gave none: the session then ends with the access token. */
  refreshToken: z.string().min(1).optional(),
  expiresAt: z.iso.datetime(),
  /** From here on a new access token is asked for. */
  renewAt: z.iso.datetime(),
  /** As the issuer calls them; shown, and nothing else. */
  name: z.string(),
});
export type Session = z.infer<typeof session>;
export type Sessions = Readonly<Record<string, Session>>;
const stored = z.object({ sessions: z.record(z.string(), session) });

/** Longer than an issuer may take to answer: whoever waits for the lock waits for that. */
const LOCK_PATIENCE_MS = 30_000;

/** `$XDG_CONFIG_HOME/vitae/sessions.json`, `~/.config/…`, on Windows `%APPDATA%\…`. */
export function sessionFile(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): string {
  const home = (): string => env['HOME'] || homedir();
  const base = env['XDG_CONFIG_HOME'] || (platform === 'win32' && env['APPDATA']) || join(home(), '.config');
  return join(base, 'vitae', 'sessions.json');
}

/** One spelling for one front door. */
export const doorOf = (url: string): string => (URL.canParse(url) ? new URL(url).href : url).replace(/\/+$/, '');

/** @throws CannotRun when others can read the file, or it is none of ours. */
export async function readSessions(path = sessionFile()): Promise<Sessions> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw new CannotRun(`${path} cannot be read (${error.code}), so nobody knows where you are logged in.`, { cause: error });
  });
  if (!file) return {};
  try {
    // The rights of what was opened, and not of what lies there a moment later.
    const { mode, uid } = await file.stat();
    if (process.platform !== 'win32') {
      if (uid !== process.getuid?.()) throw new CannotRun(`${path} belongs to somebody else, so it is not used. Remove it, and log in with your own: vitae login.`);
      if ((mode & 0o077) !== 0) throw new CannotRun(`Others can read ${path} (its mode is ${(mode & 0o777).toString(8)}), so it is not used. Run chmod 600 on it; if somebody may have looked, end what is in it: vitae logout, then vitae login.`);
    }
    return parsed(await file.readFile('utf8'), path);
  } finally {
    await file.close();
  }
}

function parsed(text: string, path: string): Sessions {
  try {
    return stored.parse(JSON.parse(text)).sessions;
  } catch (cause) {
    throw new CannotRun(`${path} is not what \`vitae login\` writes. Remove it and log in again.`, { cause });
  }
}

export interface OpenSessions {
  readonly sessions: Sessions;
  /** Replaces the file, at once. */
  write(sessions: Sessions): Promise<void>;
}

/** Runs work that reads and changes the sessions, while nobody else does. */
export async function withSessions<Answer>(work: (open: OpenSessions) => Promise<Answer>, path = sessionFile()): Promise<Answer> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700); // also one that was there
  let lost: Error | undefined;
  const release = await lock(path, {
    realpath: false, // the file need not be there yet
    stale: 10_000, // of a process that was killed
    retries: { retries: LOCK_PATIENCE_MS / 100, factor: 1, minTimeout: 100, maxTimeout: 100 },
    onCompromised: (error) => (lost = error),
  }).catch((cause: unknown) => {
    throw new CannotRun(`Another command has held ${path} for ${LOCK_PATIENCE_MS / 1_000} s. Try again; if none runs, remove ${path}.lock.`, { cause });
  });
  try {
    return await work({ sessions: await readSessions(path), write: (sessions) => replace(path, sessions) });
  } finally {
    if (!lost) await release().catch(() => undefined); // taken over as stale meanwhile
  }
}

/** Whole or not at all: a reader never finds half of it. */
async function replace(path: string, sessions: Sessions): Promise<void> {
  const written = `${path}.${randomUUID()}`;
  const file = await open(written, 'wx', 0o600);
  try {
    try {
      await file.writeFile(`${JSON.stringify({ sessions }, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(written, path);
  } catch (error) {
    await rm(written, { force: true });
    throw error;
  }
}

export function without(sessions: Sessions, door: string): Sessions {
  const { [door]: _, ...rest } = sessions;
  return rest;
}
