import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Beside this folder, whether this file runs as written or from dist. */
const FOLDER = join(import.meta.dirname.replace(/(\/dist)?\/benchmarks\/ledger$/, ''), 'benchmarks', 'peers');
const INSTALLED = join(FOLDER, 'node_modules', '.installed');

/**
 * Installs what we compare with, at the pinned versions, into a folder of its own: nobody who only runs Vitae needs
 * it, and one of them changes how its `pg` reads types for the whole process, which must not be our `pg`.
 */
export async function installPeers(say: (line: string) => void): Promise<void> {
  const wanted = createHash('sha256').update(await readFile(join(FOLDER, 'package-lock.json'))).digest('hex');
  if (existsSync(INSTALLED) && (await readFile(INSTALLED, 'utf8')) === wanted) return;
  say('Installing the peers (once) ...');
  const npm = spawn('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: FOLDER, stdio: ['ignore', 'inherit', 'inherit'] });
  const status = await new Promise((resolve, reject) => npm.once('error', reject).once('exit', resolve));
  if (status !== 0) throw new Error('npm could not install the peers; its message is above. The other parts run without them.');
  await writeFile(INSTALLED, wanted);
}

/** A file of an installed peer. */
export const peerFile = (...path: readonly string[]): string => join(FOLDER, 'node_modules', ...path);

/** A peer's main module. Its types are not installed here, so the caller says what it uses of it. */
export async function importPeer<Module>(...path: readonly string[]): Promise<Module> {
  return (await import(pathToFileURL(peerFile(...path)).href)) as Module;
}

export async function peerVersion(name: string): Promise<string> {
  return (JSON.parse(await readFile(peerFile(name, 'package.json'), 'utf8')) as { version: string }).version;
}
