import { execFile } from 'node:child_process';
import { access, constants, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { downloadNatsServer } from './download-nats-server.ts';
import { buildNatsServer } from './build-nats-server.ts';
import { unpackDebianNatsServer } from './debian-nats-server.ts';
import type { NatsSource } from './nats-source.ts';
import { dataDirectory } from './repository.ts';

/** The release that is downloaded or built. */
export const pinnedNatsVersion = 'v2.14.9';

export interface NatsSearch {
  readonly env?: NodeJS.ProcessEnv;
  /** Default: `vitae` in the user's cache directory, or `.data/cache` where that cannot be written. */
  readonly cacheDir?: string;
  readonly report?: (line: string) => void;
  readonly signal?: AbortSignal;
  /** The ways to get a server that is not on this machine yet, best first. */
  readonly sources?: readonly NatsSource[];
}

const pinnedBinary = `nats-server-${pinnedNatsVersion}-${process.platform}-${process.arch}`;
const sourcesInOrder: readonly NatsSource[] = [
  { name: 'download', cachedAs: pinnedBinary, fetch: downloadNatsServer },
  { name: 'go install', cachedAs: pinnedBinary, fetch: buildNatsServer },
  { name: 'Debian package', cachedAs: 'nats-server-debian', fetch: unpackDebianNatsServer },
];

/**
 * The path of a nats-server that runs: NATS_SERVER_BIN, PATH, the cache, then each source in turn.
 * One on PATH with the flaws made public in 2026 is passed over; one named by NATS_SERVER_BIN is not, with a warning.
 * @throws when there is none; the message lists what was tried and what to do.
 */
export async function findNatsServer(search: NatsSearch = {}): Promise<string> {
  const env = search.env ?? process.env;
  const report = search.report ?? (() => undefined);
  const sources = search.sources ?? sourcesInOrder;
  const tried: string[] = [];

  const named = env['NATS_SERVER_BIN'];
  if (named) {
    const version = await versionOf(named);
    if (!version) throw new Error(`NATS_SERVER_BIN is ${named}, which does not run as nats-server. Correct it or unset it.`);
    if (!isSafe(version)) report(`warning: NATS_SERVER_BIN is ${version}, ${flawed}`);
    return named;
  }
  tried.push('NATS_SERVER_BIN: not set');

  for (const path of (env['PATH'] ?? '').split(delimiter).filter(Boolean).map((directory) => join(directory, 'nats-server'))) {
    const version = await versionOf(path);
    if (version && isSafe(version)) return path;
    if (!version) continue;
    report(`warning: passing over ${path}: it is ${version}, ${flawed}`);
    tried.push(`PATH: ${path} is ${version}, too old`);
  }
  if (tried.length === 1) tried.push('PATH: no nats-server');

  const cacheDir = search.cacheDir ?? (await defaultCacheDir(env));
  for (const source of sources) {
    const target = join(cacheDir, source.cachedAs);
    let version = await versionOf(target);
    if (!version) {
      try {
        await source.fetch({ target, version: pinnedNatsVersion, env, report, signal: search.signal });
        version = await versionOf(target);
        if (!version) throw new Error(`what it made, ${target}, does not run here`);
      } catch (error) {
        search.signal?.throwIfAborted();
        report(`NATS: ${source.name}: ${(error as Error).message}`);
        tried.push(`${source.name}: ${(error as Error).message}`);
        continue;
      }
    }
    if (!isSafe(version)) report(`warning: the nats-server from the ${source.name} is ${version}, ${flawed}`);
    return target;
  }
  throw new Error(
    [
      'Vitae needs nats-server and could not get one. Tried:',
      ...tried.map((line) => `  - ${line}`),
      'Put nats-server 2.14.3 or later on PATH (https://github.com/nats-io/nats-server/releases), or name it in NATS_SERVER_BIN,',
      'or set NATS_URL to a server with JetStream that runs already.',
    ].join('\n'),
  );
}

const flawed = 'older than 2.12.12 and 2.14.3, which mend the flaws made public in 2026.';

/** The version that a binary says it has, such as `2.14.9`; undefined when it is not there or does not run. */
export async function versionOf(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.X_OK);
    const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: 20_000 });
    return /\bv(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  } catch {
    return undefined; // not there, not for this machine, or no nats-server: for the caller all the same
  }
}

/** Free of the advisories of 2026: 2.12.12 and later in 2.12, and 2.14.3 and later. */
export function isSafe(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  if (major !== 2) return major > 2;
  if (minor === 12) return patch >= 12;
  if (minor === 14) return patch >= 3;
  return minor > 14;
}

/** `vitae` in the cache directory of whoever runs this, or in the clone. */
export async function defaultCacheDir(env: NodeJS.ProcessEnv): Promise<string> {
  const base = env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache');
  for (const directory of [join(base, 'vitae'), join(dataDirectory, 'cache')]) {
    try {
      await mkdir(directory, { recursive: true });
      await access(directory, constants.W_OK);
      return directory;
    } catch {
      continue; // a home that cannot be written, as some service users have: the clone can
    }
  }
  throw new Error(`Neither ${base} nor ${dataDirectory} can be written; set XDG_CACHE_HOME to a directory that can.`);
}
