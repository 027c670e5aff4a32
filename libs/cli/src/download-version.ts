import { stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { digestOf, USUAL_RETRIES } from '@vitae/client';
import { clientOf, type ProjectOptions } from './in-project.ts';
import { CannotRun, ProblemFound, type Outcome } from './outcome.ts';
import { newProgress } from './progress.ts';
import { bytes, plain } from './table.ts';

export interface DownloadVersionOptions extends ProjectOptions {
  readonly to?: string;
  readonly file?: readonly string[];
  readonly force?: boolean;
}

/** Fetches the files of a version; each is proven before it gets its name. */
export async function downloadVersion(named: string, options: DownloadVersionOptions): Promise<Outcome> {
  const { versions, artefacts } = clientOf(options, { retry: USUAL_RETRIES });
  const version = await versions.get(named);
  if (version.state === 'purged') throw new ProblemFound(`${plain(version.modelName)}/${version.version} was purged: its bytes are gone.`);
  if (version.files.length === 0) throw new ProblemFound(`${plain(version.modelName)}/${version.version} was registered by reference: its bytes are not here${version.artefactLocation === '' ? '' : ` but at ${plain(version.artefactLocation)}`}.`);
  const missing = (options.file ?? []).filter((path) => !version.files.some((file) => file.path === path));
  if (missing.length > 0) throw new CannotRun(`The version has no ${missing.join(', ')}. It has ${version.files.map(({ path }) => plain(path)).join(', ')}.`);
  const directory = options.to ?? `${version.modelName.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^\.+/, '')}-v${version.version}`;

  const done: { path: string; digest: string; sizeBytes: number; how: 'fetched' | 'resumed' | 'there' }[] = [];
  for (const { path, digest, sizeBytes } of version.files) {
    if (options.file && !options.file.includes(path)) continue;
    const to = join(directory, withinDirectory(path));
    if (await isThere(to, digest, sizeBytes, options.force === true)) {
      done.push({ path: to, digest, sizeBytes, how: 'there' });
      continue;
    }
    const progress = newProgress(`fetching ${plain(path)}`, options, process.stderr, 'bytes');
    try {
      const { from } = await artefacts.download(digest, to, { onProgress: progress.update });
      done.push({ path: to, digest, sizeBytes, how: from > 0 ? 'resumed' : 'fetched' });
    } finally {
      progress.stop();
    }
  }
  const said = { fetched: '', resumed: '  the rest of it', there: '  was there' };
  return { ok: true, lines: done.map(({ path, sizeBytes, how }) => `${plain(path)}  ${bytes(sizeBytes)}${said[how]}`), json: { version: version.id, directory, files: done } };
}

/** The registry refuses paths that lead out; a download does not rest on that. @throws CannotRun */
export function withinDirectory(path: string): string {
  const tidy = posix.normalize(path);
  if (path === '' || tidy !== path || posix.isAbsolute(path) || tidy.split('/').includes('..') || /[\\:\0]/.test(path)) throw new CannotRun(`The version has a file called ${plain(path)}, which leads out of the directory. Nothing more was fetched.`);
  return path;
}

async function isThere(path: string, digest: string, sizeBytes: number, force: boolean): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return false;
  if (found.size === sizeBytes && (await digestOf(path)) === digest) return true;
  if (force) return false;
  throw new CannotRun(`${plain(path)} is there and differs. Name another directory with --to, or replace it with --force.`);
}
