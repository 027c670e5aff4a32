import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PreviousUpload, UrlStorage } from 'tus-js-client';

/**
 * Remembers in a directory where uploads were begun, so that another process goes on with them: a file for each, named
 * by what is uploaded where. Two processes with the same upload find each other there.
 */
export function uploadMemory(directory: string): UrlStorage {
  const begin = (fingerprint: string): string => createHash('sha256').update(fingerprint).digest('hex').slice(0, 32);
  const files = async (): Promise<string[]> => (await readdir(directory).catch(() => [])).filter((name) => name.endsWith('.json')).sort();
  const read = async (names: readonly string[]): Promise<PreviousUpload[]> => {
    const found = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8').then((text) => ({ ...(JSON.parse(text) as PreviousUpload), urlStorageKey: name })).catch(() => undefined)));
    return found.filter((one) => one !== undefined); // gone meanwhile, or no longer readable: then it is sent anew
  };
  return {
    findAllUploads: async () => read(await files()),
    findUploadsByFingerprint: async (fingerprint) => read((await files()).filter((name) => name.startsWith(begin(fingerprint)))),
    removeUpload: (key) => rm(join(directory, key), { force: true }),
    async addUpload(fingerprint, upload) {
      const key = `${begin(fingerprint)}-${randomUUID()}.json`;
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await writeFile(join(directory, `${key}.draft`), JSON.stringify(upload), { mode: 0o600 });
      await rename(join(directory, `${key}.draft`), join(directory, key));
      return key;
    },
  };
}
