import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { downloadNatsServer } from './download-nats-server.ts';
import { findNatsServer, isSafe, pinnedNatsVersion } from './find-nats-server.ts';
import type { NatsSource } from './nats-source.ts';

let directory: string;
let lines: string[];
const report = (line: string): void => void lines.push(line);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vitae-find-nats-'));
  lines = [];
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Something that says of itself that it is that version of nats-server. */
function serverAt(path: string, version: string): string {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  chmodSync(path, 0o755);
  return path;
}

const working = (name: string, version: string): NatsSource => ({
  name,
  cachedAs: name.replaceAll(' ', '-'),
  fetch: async ({ target }) => void serverAt(target, version),
});
const broken = (name: string, why: string): NatsSource => ({
  name,
  cachedAs: name,
  fetch: async () => {
    throw new Error(why);
  },
});

describe('isSafe', () => {
  it.each([
    ['2.9.10', false], ['2.11.30', false], ['2.12.11', false], ['2.12.12', true], ['2.13.9', false],
    ['2.14.2', false], ['2.14.3', true], ['2.15.0', true], ['3.0.0', true],
  ])('of %s is %s', (version, safe) => expect(isSafe(version)).toBe(safe));
});

describe('findNatsServer', () => {
  const find = (env: NodeJS.ProcessEnv, sources: readonly NatsSource[] = []) =>
    findNatsServer({ env: { PATH: '', ...env }, cacheDir: join(directory, 'cache'), report, sources });

  it('takes NATS_SERVER_BIN before all else, even an old one, with a warning', async () => {
    const named = serverAt(join(directory, 'mine/nats-server'), '2.9.10');
    serverAt(join(directory, 'bin/nats-server'), '2.14.9');
    expect(await find({ NATS_SERVER_BIN: named, PATH: join(directory, 'bin') })).toBe(named);
    expect(lines).toEqual([expect.stringContaining('warning: NATS_SERVER_BIN is 2.9.10')]);
  });

  it('does not search on when NATS_SERVER_BIN is wrong', async () => {
    await expect(find({ NATS_SERVER_BIN: join(directory, 'absent') }, [working('download', '2.14.9')])).rejects.toThrow('Correct it or unset it');
  });

  it('passes over an old one on PATH, with a warning, and takes the next', async () => {
    serverAt(join(directory, 'old/nats-server'), '2.12.11');
    const good = serverAt(join(directory, 'new/nats-server'), '2.12.12');
    expect(await find({ PATH: `${join(directory, 'old')}:${join(directory, 'new')}` })).toBe(good);
    expect(lines).toEqual([expect.stringMatching(/warning: passing over .*old\/nats-server: it is 2\.12\.11/)]);
  });

  it('takes the cache before it asks a source', async () => {
    const source = working('download', '2.14.9');
    const first = await find({}, [source]);
    expect(await find({}, [{ ...source, fetch: broken('download', 'asked again').fetch }])).toBe(first);
  });

  it('asks the sources in order, tells why one failed, and warns of an old one', async () => {
    const found = await find({}, [broken('download', 'no internet'), broken('go install', 'no Go toolchain on PATH'), working('Debian package', '2.9.10')]);
    expect(readFileSync(found, 'utf8')).toContain('2.9.10');
    expect(lines).toEqual([
      'NATS: download: no internet',
      'NATS: go install: no Go toolchain on PATH',
      expect.stringContaining('warning: the nats-server from the Debian package is 2.9.10'),
    ]);
  });

  it('says what it tried and what to do when nothing works', async () => {
    serverAt(join(directory, 'old/nats-server'), '2.9.10');
    const search = find({ PATH: join(directory, 'old') }, [broken('download', 'no internet'), broken('go install', 'no Go toolchain on PATH')]);
    const message = await search.catch((error: Error) => error.message);
    expect(message).toContain('NATS_SERVER_BIN: not set');
    expect(message).toContain('old/nats-server is 2.9.10, too old');
    expect(message).toContain('download: no internet');
    expect(message).toContain('go install: no Go toolchain on PATH');
    expect(message).toContain('set NATS_URL');
  });
});

describe('downloadNatsServer', () => {
  const name = `nats-server-${pinnedNatsVersion}-${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  let files: Map<string, Buffer>;
  let releases: Server;

  beforeEach(async () => {
    serverAt(join(directory, 'release', name, 'nats-server'), '2.14.9');
    execFileSync('tar', ['-czf', `${name}.tar.gz`, name], { cwd: join(directory, 'release') });
    const archive = readFileSync(join(directory, 'release', `${name}.tar.gz`));
    const sums = `${'0'.repeat(64)}  another.zip\n${createHash('sha256').update(archive).digest('hex')}  ${name}.tar.gz\n`;
    files = new Map([[`/${pinnedNatsVersion}/SHA256SUMS`, Buffer.from(sums)], [`/${pinnedNatsVersion}/${name}.tar.gz`, archive]]);
    releases = createServer((request, response) => {
      const body = files.get(request.url ?? '');
      response.writeHead(body ? 200 : 404, { 'content-length': body?.length ?? 0 }).end(body);
    });
    await new Promise<void>((resolve) => releases.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    releases.closeAllConnections();
    return new Promise((resolve) => releases.close(resolve));
  });

  const target = (): string => join(directory, 'cache/nats-server');
  const download = (base = `http://127.0.0.1:${(releases.address() as AddressInfo).port}`) =>
    downloadNatsServer({ target: target(), version: pinnedNatsVersion, env: { NATS_DOWNLOAD_BASE: base }, report });

  it('puts a release whose checksum is right in its place', async () => {
    await download();
    expect(execFileSync(target(), ['--version'], { encoding: 'utf8' })).toBe('nats-server: v2.14.9\n');
    expect(lines[0]).toMatch(/^NATS: downloading http/);
  });

  it('refuses an archive whose checksum is wrong, and keeps nothing of it', async () => {
    const path = `/${pinnedNatsVersion}/${name}.tar.gz`;
    files.set(path, Buffer.concat([files.get(path)!, Buffer.from('x')]));
    await expect(download()).rejects.toThrow(`refused ${name}.tar.gz`);
    expect(existsSync(target())).toBe(false);
  });

  it('refuses a release that has no sum for this archive', async () => {
    files.set(`/${pinnedNatsVersion}/SHA256SUMS`, Buffer.from('nothing'));
    await expect(download()).rejects.toThrow('has no sum for');
  });

  it('says what cannot be reached', async () => {
    await expect(download('http://127.0.0.1:1')).rejects.toThrow(/127\.0\.0\.1:1.*cannot be reached/);
    files.clear();
    await expect(download()).rejects.toThrow('answered 404');
  });
});
