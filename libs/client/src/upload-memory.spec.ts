import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { uploadMemory } from './upload-memory.ts';

let directory: string;
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), 'vitae-memory-'))));
afterAll(() => rm(directory, { recursive: true }));
const begun = (uploadUrl: string) => ({ size: 1, metadata: {}, creationTime: '', urlStorageKey: '', uploadUrl, parallelUploadUrls: null });

describe('uploads that were begun', () => {
  it('are found by another process, until they are forgotten', async () => {
    const memory = uploadMemory(join(directory, 'new/one'));
    expect(await memory.findUploadsByFingerprint('a')).toEqual([]);
    const key = await memory.addUpload('a', begun('/1'));
    await memory.addUpload('b', begun('/2'));
    const other = uploadMemory(join(directory, 'new/one'));
    expect(await other.findUploadsByFingerprint('a')).toMatchObject([{ uploadUrl: '/1', urlStorageKey: key }]);
    expect(await other.findAllUploads()).toHaveLength(2);
    await other.removeUpload(key);
    await other.removeUpload(key);
    expect(await memory.findUploadsByFingerprint('a')).toEqual([]);
  });

  it('that cannot be read are as good as forgotten', async () => {
    const memory = uploadMemory(join(directory, 'cut'));
    await memory.addUpload('a', begun('/1'));
    const [name = ''] = await readdir(join(directory, 'cut'));
    await writeFile(join(directory, 'cut', name), '{"upl');
    expect(await memory.findUploadsByFingerprint('a')).toEqual([]);
  });
});
