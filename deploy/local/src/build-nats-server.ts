import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { NatsFetch } from './nats-source.ts';

/** Builds the release with the Go toolchain of this machine; Go checks the sources against its checksum database. */
export async function buildNatsServer({ target, version, env, report, signal }: NatsFetch): Promise<void> {
  await promisify(execFile)('go', ['version'], { env, signal }).catch((error: NodeJS.ErrnoException) => {
    throw new Error(error.code === 'ENOENT' ? 'no Go toolchain on PATH' : error.message, { cause: error });
  });
  await mkdir(dirname(target), { recursive: true });
  const work = await mkdtemp(join(dirname(target), 'build-'));
  report(`NATS: building ${version} with go install (a minute or two, once)`);
  const started = Date.now();
  const seconds = (): number => Math.round((Date.now() - started) / 1000);
  const sign = setInterval(() => report(`NATS: still building (${seconds()} s)`), 15_000);
  try {
    await promisify(execFile)('go', ['install', `github.com/nats-io/nats-server/v2@${version}`], {
      env: { ...env, GOBIN: work, GOFLAGS: '', CGO_ENABLED: '0' },
      signal,
      timeout: 15 * 60_000,
      maxBuffer: 16 * 1024 * 1024,
    });
    await rename(join(work, 'nats-server'), target);
    report(`NATS: built ${version} in ${seconds()} s`);
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new Error((stderr?.trim().split('\n').at(-1) || message).slice(0, 400), { cause: error });
  } finally {
    clearInterval(sign);
    await rm(work, { recursive: true, force: true });
  }
}
