import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Running } from '@vitae/service-kit';
import { eventually } from '@vitae/testing';
import { entriesPath, eventsPath, parseVerifierKey, tilePath, verifyLog, type LogSource } from '@vitae/transparency';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ExportRefused, exportLog } from './log-export.store.ts';
import { logBench, overHttp, signed, type LogBench } from './log.fixture.ts';

let bench: LogBench;
let service: Running;
let keys: readonly string[];
beforeAll(async () => {
  bench = await logBench();
  service = await bench.start({ VITAE_LOG_EXPORT_DIR: join(bench.directory, 'continuous') });
  await bench.store(300);
  ({ keys } = await signed(service, 300));
});
afterAll(() => bench.drop());

const directory = (name: string): string => join(bench.directory, name);
const inDirectory = (path: string): LogSource => {
  const file = (name: string): Promise<Uint8Array | undefined> => readFile(join(path, name)).catch(() => undefined);
  return {
    checkpoint: () => readFile(join(path, 'checkpoint'), 'utf8'),
    tile: (tile) => file(tilePath(tile)),
    entries: (index, width) => file(entriesPath(index, width)),
    events: (index, width) => file(eventsPath(index, width)),
  };
};
const verified = (path: string) => verifyLog(inDirectory(path), { keys: keys.map(parseVerifierKey) });
const filesIn = async (path: string): Promise<string[]> => (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1)).sort();
const exporting = (name: string, source: LogSource = overHttp(service), signal?: AbortSignal) => exportLog(source, directory(name), keys, signal);

describe('an export of the log', () => {
  it('is verified whole without the service, and holds nothing else', async () => {
    expect(await exporting('once')).toBe(300);
    expect(await verified(directory('once'))).toMatchObject({ size: 300, events: 300, problemCount: 0 });
    expect(await filesIn(directory('once'))).toEqual([
      'checkpoint', 'events/000', 'events/001.p/44', 'log.vkey', 'tile/0/000', 'tile/0/001.p/44', 'tile/1/000.p/1', 'tile/entries/000', 'tile/entries/001.p/44',
    ]);
  });

  it('goes on where it was stopped, and changes no file that is there', async () => {
    const stop = new AbortController();
    const source = overHttp(service);
    const interrupted: LogSource = { ...source, events: (index, width) => (stop.abort(), source.events(index, width)) };
    await expect(exporting('resumed', interrupted, stop.signal)).rejects.toThrow(/abort/i);
    expect(await filesIn(directory('resumed'))).toEqual(['events/000', 'tile/0/000', 'tile/entries/000']);
    const before = await stat(join(directory('resumed'), 'tile/0/000'));
    expect(await exporting('resumed')).toBe(300);
    const after = await stat(join(directory('resumed'), 'tile/0/000'));
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
    expect(await verified(directory('resumed'))).toMatchObject({ size: 300, problemCount: 0 });
  });

  it('follows the service while it runs, and drops what the full tiles replace', async () => {
    await bench.store(300);
    await signed(service, 600);
    const path = directory('continuous');
    await eventually(async () => expect(await readFile(join(path, 'checkpoint'), 'utf8')).toBe(await overHttp(service).checkpoint()));
    expect(await verified(path)).toMatchObject({ size: 600, problemCount: 0 });
    await eventually(async () => expect((await filesIn(path)).filter((file) => /^(events|tile\/0|tile\/entries)\/00[01]\.p/.test(file))).toEqual([]));
    expect(await readFile(join(path, 'log.vkey'), 'utf8')).toBe(`${keys[0]}\n`);
  });

  it('refuses a directory that holds another history', async () => {
    await exporting('mixed');
    const forged = await readFile(join(directory('mixed'), 'checkpoint'), 'utf8');
    const lines = forged.split('\n');
    lines[2] = Buffer.alloc(32, 1).toString('base64');
    await writeFile(join(directory('mixed'), 'checkpoint'), lines.join('\n'));
    await expect(exporting('mixed')).rejects.toThrow(ExportRefused);
    await writeFile(join(directory('mixed'), 'checkpoint'), forged.replace('\n600\n', '\n601\n'));
    await expect(exporting('mixed')).rejects.toThrow(/older than what was exported/);
    await writeFile(join(directory('mixed'), 'checkpoint'), forged.replace(lines[0] as string, 'elsewhere'));
    await expect(exporting('mixed')).rejects.toThrow(/holds the log elsewhere/);
  });

  it('refuses events that do not hash to their tile', async () => {
    const source = overHttp(service);
    const lying: LogSource = { ...source, entries: async (index, width) => source.entries(index + 1, width) };
    await expect(exporting('lie', lying)).rejects.toThrow(/do not hash to it/);
    await expect(readdir(directory('lie'))).rejects.toThrow(/ENOENT/);
  });
});
