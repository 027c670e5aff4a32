import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { prepareBroker } from './prepare-broker.ts';

let directory: string;
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'vitae-keys-')), 'nats');
});
afterEach(() => rm(join(directory, '..'), { recursive: true, force: true }));

describe('the logins at NATS', () => {
  it('are made once, for nobody else to read, and stay over a second start', async () => {
    const { configFile, keyFileOf } = await prepareBroker(directory);
    const file = keyFileOf('registry') ?? '';
    const seed = await readFile(file, 'utf8');
    expect(seed).toMatch(/^SU[A-Z2-7]{56}\n$/);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const config = await readFile(configFile, 'utf8');
    expect(config).not.toMatch(/SU[A-Z2-7]{56}/); // the server gets no seed

    await prepareBroker(directory);
    expect(await readFile(file, 'utf8')).toBe(seed);
    expect(await readFile(configFile, 'utf8')).toBe(config);
  });

  it('are for who connects', async () => {
    const { keyFileOf } = await prepareBroker(directory);
    expect([keyFileOf('console'), keyFileOf('runtime'), keyFileOf('auditor')]).toEqual([undefined, undefined, join(directory, 'auditor.nk')]);
  });

  it('say which file is spoilt', async () => {
    const { keyFileOf } = await prepareBroker(directory);
    const file = keyFileOf('ledger') ?? '';
    await writeFile(file, 'SUNOKEY');
    await expect(prepareBroker(directory)).rejects.toThrow(`${file} holds no nkey of a user. Delete it; the next start makes another one.`);
  });
});
