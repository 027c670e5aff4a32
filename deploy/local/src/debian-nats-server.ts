import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { NatsFetch } from './nats-source.ts';

/** Unpacks the nats-server of the Debian or Ubuntu release at hand. Installs nothing, and needs no root. */
export async function unpackDebianNatsServer({ target, report, signal }: NatsFetch): Promise<void> {
  await access('/usr/bin/apt-get').catch((cause) => {
    throw new Error('no apt-get on this machine', { cause });
  });
  await mkdir(dirname(target), { recursive: true });
  const work = await mkdtemp(join(dirname(target), 'debian-'));
  const run = (command: string, ...args: string[]) => promisify(execFile)(command, args, { cwd: work, signal, timeout: 120_000 });
  const hurry = ['-o', 'Acquire::Retries=0', '-o', 'Acquire::http::Timeout=10', '-o', 'APT::Sandbox::User=root'];
  const ownLists = [...hurry, '-o', `Dir::State::lists=${work}/lists`, '-o', `Dir::Cache=${work}`];
  try {
    report("NATS: taking Debian's package");
    await run('apt-get', ...hurry, 'download', 'nats-server').catch(async () => {
      // No package lists here, or lists that are out of date: fetch our own, beside the system's.
      await mkdir(join(work, 'lists', 'partial'), { recursive: true });
      await mkdir(join(work, 'archives', 'partial'), { recursive: true });
      await run('apt-get', ...ownLists, 'update');
      await run('apt-get', ...ownLists, 'download', 'nats-server');
    });
    const archive = (await readdir(work)).find((file) => file.endsWith('.deb'));
    if (!archive) throw new Error('apt-get downloaded no package');
    await run('dpkg-deb', '-x', archive, 'unpacked');
    const unpacked = (directory: string): string => join(work, 'unpacked', 'usr', directory, 'nats-server');
    await rename(unpacked('sbin'), target).catch(() => rename(unpacked('bin'), target)); // it has stood in both
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new Error((stderr?.trim().split('\n').at(-1) || message).slice(0, 400), { cause: error });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
