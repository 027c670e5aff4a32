import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { NatsFetch } from './nats-source.ts';

const releases = 'https://github.com/nats-io/nats-server/releases/download';
const answerWithinMs = 5_000;
const silenceMs = 20_000;

/**
 * Downloads the release for this machine and checks it against the release's SHA256SUMS. NATS_DOWNLOAD_BASE
 * names another place that holds `<version>/<file>`. Gives up soon where there is no internet.
 */
export async function downloadNatsServer({ target, version, env, report, signal }: NatsFetch): Promise<void> {
  const base = `${(env['NATS_DOWNLOAD_BASE'] || releases).replace(/\/$/, '')}/${version}`;
  const cpu = { x64: 'amd64', arm64: 'arm64' }[process.arch as string];
  if (!cpu || !['linux', 'darwin'].includes(process.platform)) throw new Error(`no release for ${process.platform} ${process.arch} is known`);
  const name = `nats-server-${version}-${process.platform}-${cpu}`;
  const archive = `${name}.tar.gz`;

  const sums = (await get(`${base}/SHA256SUMS`, () => undefined, signal)).toString('utf8');
  const wanted = sums.split('\n').map((line) => line.trim().split(/\s+\*?/)).find(([, file]) => file === archive)?.[0];
  if (!wanted || !/^[0-9a-f]{64}$/.test(wanted)) throw new Error(`SHA256SUMS at ${base} has no sum for ${archive}`);

  report(`NATS: downloading ${base}/${archive}`);
  const bytes = await get(`${base}/${archive}`, (percent) => report(`NATS: downloaded ${percent} %`), signal);
  const got = createHash('sha256').update(bytes).digest('hex');
  if (got !== wanted) throw new Error(`refused ${archive}: its SHA-256 is ${got}, SHA256SUMS says ${wanted}`);

  await mkdir(dirname(target), { recursive: true });
  const work = await mkdtemp(join(dirname(target), 'download-'));
  try {
    await writeFile(join(work, archive), bytes);
    await promisify(execFile)('tar', ['-xzf', archive], { cwd: work });
    await chmod(join(work, name, 'nats-server'), 0o755);
    await rename(join(work, name, 'nats-server'), target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The body at `url`. Fails when nothing answers within 5 s, or nothing more comes for 20 s. */
async function get(url: string, progress: (percent: number) => void, signal?: AbortSignal): Promise<Buffer> {
  const patience = new AbortController();
  const giveUp = (): void => patience.abort(new Error(`nothing came from ${url} in time`));
  let timer = setTimeout(giveUp, answerWithinMs);
  try {
    const response = await fetch(url, { signal: AbortSignal.any([patience.signal, ...(signal ? [signal] : [])]) });
    if (!response.ok || !response.body) throw new Error(`${url} answered ${response.status}`);
    const total = Number(response.headers.get('content-length') ?? 0);
    const parts: Uint8Array[] = [];
    let size = 0;
    let told = 0;
    for await (const part of response.body) {
      clearTimeout(timer);
      timer = setTimeout(giveUp, silenceMs);
      parts.push(part);
      size += part.length;
      const percent = total ? Math.floor((100 * size) / total) : 0;
      if (percent >= told + 25) progress((told = percent));
    }
    return Buffer.concat(parts);
  } catch (error) {
    const { cause, message } = error as Error & { cause?: Error };
    if (message !== 'fetch failed') throw error;
    throw new Error(`${url} cannot be reached (${cause?.message ?? message})`, { cause: error }); // fetch hides why in its cause
  } finally {
    clearTimeout(timer);
  }
}
