import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { quantile } from './quantile.ts';

/** The machine in one line: nothing measured means much without it. */
export function machine(): string {
  const [cpu] = cpus();
  return `${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${process.platform} ${release()}, Node ${process.version}`;
}

/** Of the last minute. Much above what the benchmark itself makes, and its times say little. */
export const load = (): string => (loadavg()[0] ?? 0).toFixed(2);

/** File system below a directory, and how long it takes to make 8 kB durable there, in microseconds. */
export async function disk(directory: string): Promise<{ readonly fileSystem: string; readonly fdatasync: number }> {
  const { type } = await statfs(directory);
  return { fileSystem: FILE_SYSTEMS[type] ?? `type 0x${type.toString(16)}`, fdatasync: fdatasyncMicros(directory) };
}

/** Median of 200 writes of one page, one after the other over the same megabyte: what a commit waits for. */
function fdatasyncMicros(directory: string): number {
  const file = join(directory, `fdatasync.${process.pid}`);
  const page = Buffer.alloc(8_192, 1);
  const handle = openSync(file, 'w');
  try {
    for (let at = 0; at < 128; at += 1) writeSync(handle, page, 0, page.length, at * page.length);
    fdatasyncSync(handle);
    const micros = Array.from({ length: 200 }, (_, i) => {
      const begun = performance.now();
      writeSync(handle, page, 0, page.length, (i % 128) * page.length);
      fdatasyncSync(handle);
      return 1_000 * (performance.now() - begun);
    });
    return Math.round(quantile(micros, 0.5));
  } finally {
    closeSync(handle);
    rmSync(file);
  }
}

const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x01021994: 'tmpfs (no disk: nothing here is durable)',
  0x794c7630: 'overlay',
  0x2fc12fc1: 'zfs',
};

/** Version of an installed package, by its package.json. */
export const versionOf = (packageJson: string | URL): string => (JSON.parse(readFileSync(packageJson, 'utf8')) as { version: string }).version;
