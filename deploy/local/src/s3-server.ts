import { execFile } from 'node:child_process';
import { access, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ended, spawnTied, stopChild } from './child.ts';
import { defaultCacheDir } from './find-nats-server.ts';
import { lastLines, startLog, withLog } from './log-file.ts';
import { freePort } from './ports.ts';

/** Versity's gateway: S3 over a directory, in one binary. Only tests and benchmarks use it. */
const VERSION = 'v1.8.0';

/**
 * The path of a versitygw: VERSITYGW_BIN, the cache, or built by `go install` (two minutes, once). Undefined where there
 * is no Go toolchain, or it cannot reach the sources: nothing of Vitae needs it.
 */
export async function findS3Server(report: (line: string) => void = console.log): Promise<string | undefined> {
  const given = process.env['VERSITYGW_BIN'];
  if (given) return given;
  const cache = await defaultCacheDir(process.env);
  const target = join(cache, `versitygw-${VERSION}`);
  if (await access(target, constants.X_OK).then(() => true, () => false)) return target;
  const work = await mkdtemp(join(cache, 'build-'));
  try {
    report(`S3: building versitygw ${VERSION} with go install (two minutes or so, once)`);
    await promisify(execFile)('go', ['install', `github.com/versity/versitygw/cmd/versitygw@${VERSION}`], {
      env: { ...process.env, GOBIN: work, GOFLAGS: '', CGO_ENABLED: '0' },
      timeout: 15 * 60_000,
      maxBuffer: 16 * 1024 * 1024,
    });
    await rename(join(work, 'versitygw'), target);
    return target;
  } catch (error) {
    const { code, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string };
    report(`S3: no server here: ${code === 'ENOENT' ? 'no Go toolchain on PATH' : (stderr?.trim().split('\n').at(-1) ?? message)}`);
    return undefined;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

export interface S3Server {
  readonly url: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** `<root>/<bucket>/<key>` are the objects, as files. */
  readonly root: string;
  stop(): Promise<void>;
}

/** Starts it on 127.0.0.1 over a directory, as a child that ends with us. Each bucket is a directory below. */
export async function startS3(binary: string, directory: string, bucket: string): Promise<S3Server> {
  const [root, sidecar, logFile] = [join(directory, 'objects'), join(directory, 'metadata'), join(directory, 's3.log')];
  await mkdir(join(root, bucket), { recursive: true });
  await mkdir(sidecar, { recursive: true });
  const port = await freePort();
  const credentials = { accessKeyId: 'vitae', secretAccessKey: 'vitae-tests' };
  const args = ['--quiet', '--port', `127.0.0.1:${port}`, '--access', credentials.accessKeyId, '--secret', credentials.secretAccessKey, '--health', '/health', 'posix', '--sidecar', sidecar, root];
  const child = withLog(startLog(logFile), (log) => spawnTied(binary, args, { deathSignal: 'TERM', log, cwd: directory }));
  const url = `http://127.0.0.1:${port}`;
  const gone = new AbortController();
  void ended(child).then(() => gone.abort());
  while (!(await fetch(`${url}/health`).then(({ ok }) => ok, () => false))) {
    if (gone.signal.aborted) throw new Error(`versitygw did not start on port ${port}. Its log, ${logFile}, ends:\n${lastLines(logFile)}`);
    await sleep(20);
  }
  return { url, ...credentials, root, stop: () => stopChild(child, 'SIGTERM', 15_000) };
}
