import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LedgerConfig } from '../config.ts';
import { LedgerPages } from '../ledger-pages.store.ts';
import { LogTables } from '../transparency/log-tables.store.ts';
import { logBench, standing, type LogBench } from '../transparency/log.fixture.ts';
import { LogKeyFiles } from './log-key-files.store.ts';

let bench: LogBench;
let key: string;
let verifierKey: string;
beforeAll(async () => {
  bench = await logBench();
  // As the README says it: the program's output is the file, what it says beside it is for the others.
  const made = spawnSync(process.execPath, ['--conditions=@vitae/source', '--disable-warning=ExperimentalWarning', new URL('./main.ts', import.meta.url).pathname, 'vitae.example/ledger'], { encoding: 'utf8' });
  verifierKey = made.stderr.trim();
  key = join(bench.directory, 'made.key');
  await writeFile(key, made.stdout, { mode: 0o600 });
});
afterAll(() => bench.drop());

/** The part of a start in a cluster that looks for the key. */
async function inCluster(more: Partial<LedgerConfig>): Promise<void> {
  const config = { VITAE_MODE: 'cluster', VITAE_DATA_DIR: bench.directory, DATABASE_URL: bench.url, ...more } as LedgerConfig;
  const pages = new LedgerPages(config);
  const tables = new LogTables(config, pages);
  await new LogKeyFiles(tables, config).onModuleInit().finally(() => Promise.all([tables.onApplicationShutdown(), pages.onApplicationShutdown()]));
}

describe('the key file of the log', () => {
  it('gives the log its name', async () => {
    const service = await bench.start({ VITAE_LOG_KEY_FILE: key });
    expect(await standing(service)).toMatchObject({ origin: 'vitae.example/ledger', keys: [verifierKey] });
  });

  it.each([
    ['has to be named in a cluster', {}, /VITAE_LOG_KEY_FILE is missing/],
    ['has to be there in a cluster', { VITAE_LOG_KEY_FILE: 'no/such/file.key' }, /names no\/such\/file\.key, where no file is; mount the secret/],
  ])('%s', (_, config, words) => expect(inCluster(config)).rejects.toThrow(words));
  it('is enough in a cluster', () => inCluster({ VITAE_LOG_KEY_FILE: key }));

  it('has to have the name that the log is to have', () => expect(bench.start({ VITAE_LOG_KEY_FILE: key, VITAE_LOG_ORIGIN: 'vitae.example/other' })).rejects.toThrow(/a log keeps its name/));

  it('has to hold a key, and is never shown when it does not', async () => {
    const broken = join(bench.directory, 'broken.key');
    await writeFile(broken, 'PRIVATE+KEY+hidden+00000000+AAAA\n');
    const failed = await bench.start({ VITAE_LOG_KEY_FILE: broken }).catch((error: Error) => error.message);
    expect(failed).toMatch(/broken\.key holds no private key of a log/);
    expect(failed).not.toMatch(/hidden|AAAA/);
  });
});
