import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { registryConfig } from '../config.ts';
import { ArtefactStore, incomingOf } from './artefact.store.ts';
import { CHUNK_BYTES } from './chunk-digests.ts';
import { chunkListOf, keyOf, type Depot, type Tier } from './depot.ts';

/** A depot to be tried, and a way to change what it keeps behind its back. */
export interface TriedDepot {
  readonly depot: Depot;
  /** A file that holds an object's bytes. */
  fileOf(tier: Tier, key: string): string;
}

/** The store uses up the buffers that it is given. */
const copied = (...parts: Uint8Array[]): Readable => Readable.from(parts.map((part) => Buffer.from(part)));

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

async function gathered(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}

/** What every depot promises, and the store over it: run by a spec for each kind. */
export function depotContract(name: string, open: (dataDir: string) => Promise<TriedDepot>): void {
  describe(name, () => {
    let dataDir: string;
    let tried: TriedDepot;
    let depot: Depot;
    let store: ArtefactStore;

    beforeAll(async () => {
      dataDir = await mkdtemp(join(tmpdir(), 'vitae-depot-'));
      tried = await open(dataDir);
      depot = tried.depot;
      const config = registryConfig.parse({ VITAE_DATA_DIR: dataDir, VITAE_MAX_ARTEFACT_BYTES: String(64 * CHUNK_BYTES) });
      store = new ArtefactStore(config, depot);
      await mkdir(incomingOf(dataDir), { recursive: true });
      await store.onModuleInit();
    });
    afterAll(() => rm(dataDir, { recursive: true, force: true }));

    const drafted = async (bytes: Uint8Array): Promise<string> => {
      const draft = join(incomingOf(dataDir), randomUUID());
      await writeFile(draft, bytes);
      return draft;
    };
    const received = async (bytes: Uint8Array): Promise<string> => (await store.receive(copied(bytes))).digest;

    it.each([
      ['one byte', 1],
      ['a few', 1000],
      ['what is put at once', 8 * 1024 * 1024],
      ['what is put in parts', 20 * 1024 * 1024 + 17],
    ])('gives back what it was given: %s', async (_what, size) => {
      const bytes = randomBytes(size);
      const key = keyOf(digestOf(bytes));
      expect(await depot.sizeOf('artefacts', key)).toBeUndefined();
      const draft = await drafted(bytes);
      await depot.keep('artefacts', key, draft);
      await expect(stat(draft)).rejects.toThrow('ENOENT');
      expect(await depot.sizeOf('artefacts', key)).toBe(size);
      expect((await gathered(depot.read('artefacts', key))).equals(bytes)).toBe(true);
      const range = { start: Math.floor(size / 3), end: Math.floor(size / 2) };
      expect((await gathered(depot.read('artefacts', key, range))).equals(bytes.subarray(range.start, range.end + 1))).toBe(true);
    });

    it('keeps the same bytes twice without harm, also when both come at once', async () => {
      for (const size of [1000, 9 * 1024 * 1024]) {
        const bytes = randomBytes(size);
        const key = keyOf(digestOf(bytes));
        const drafts = await Promise.all([drafted(bytes), drafted(bytes), drafted(bytes)]);
        await Promise.all(drafts.map((draft) => depot.keep('artefacts', key, draft)));
        expect((await gathered(depot.read('artefacts', key))).equals(bytes)).toBe(true);
      }
    });

    it('fetches to a local path, copies to the archive, and takes away', async () => {
      const bytes = randomBytes(100_000);
      const key = keyOf(digestOf(bytes));
      await depot.keep('artefacts', key, await drafted(bytes));
      const target = join(dataDir, randomUUID());
      await depot.fetch('artefacts', key, target);
      expect((await readFile(target)).equals(bytes)).toBe(true);
      await expect(depot.fetch('artefacts', key, target)).rejects.toThrow('EEXIST');
      await rm(target);
      await depot.copy('artefacts', 'archive', key);
      await depot.remove('artefacts', key);
      await depot.remove('artefacts', key);
      expect(await depot.sizeOf('artefacts', key)).toBeUndefined();
      expect((await gathered(depot.read('archive', key))).equals(bytes)).toBe(true);
      expect(depot.locationOf('archive', key)).toMatch(new RegExp(`archive/${key}$`));
    });

    it('has nothing to give where nothing is', async () => {
      const key = keyOf(`sha256:${'0'.repeat(64)}`);
      expect(await depot.sizeOf('archive', key)).toBeUndefined();
      await expect(gathered(depot.read('artefacts', key))).rejects.toThrow();
      await expect(depot.fetch('artefacts', key, join(dataDir, 'none'))).rejects.toThrow();
    });

    describe('with the store over it', () => {
      it('keeps what arrives once, and gives it as a whole and in ranges', async () => {
        const bytes = randomBytes(9 * CHUNK_BYTES + 5);
        const first = await store.receive(copied(bytes.subarray(0, 77), bytes.subarray(77)), { declared: digestOf(bytes) });
        expect(first).toEqual({ digest: digestOf(bytes), sizeBytes: bytes.length, added: true });
        expect((await store.receive(copied(bytes))).added).toBe(false);
        expect((await gathered(await store.read(first.digest))).equals(bytes)).toBe(true);
        const range = { start: 3 * CHUNK_BYTES - 2, end: 5 * CHUNK_BYTES };
        expect((await gathered(await store.read(first.digest, range))).equals(bytes.subarray(range.start, range.end + 1))).toBe(true);
        expect(await readdir(incomingOf(dataDir))).toEqual([]);
      });

      it('gives nothing that is not what arrived: as a whole, in a range, as a file, to the archive', async () => {
        const bytes = randomBytes(3 * CHUNK_BYTES);
        const digest = await received(bytes);
        const changed = Buffer.from(bytes);
        changed[CHUNK_BYTES + 1] = (changed[CHUNK_BYTES + 1] ?? 0) ^ 1;
        await writeFile(tried.fileOf('artefacts', keyOf(digest)), changed);
        const corrupted = { name: 'ArtefactCorrupted' };
        await expect(gathered(await store.read(digest))).rejects.toMatchObject(corrupted);
        await expect(gathered(await store.read(digest, { start: CHUNK_BYTES, end: CHUNK_BYTES }))).rejects.toMatchObject(corrupted);
        expect(await gathered(await store.read(digest, { start: 0, end: 9 }))).toEqual(bytes.subarray(0, 10));
        await expect(store.checkOut([{ path: 'model.bin', digest }])).rejects.toMatchObject(corrupted);
        await expect(store.archive(digest)).rejects.toMatchObject(corrupted);
        expect(await depot.sizeOf('archive', keyOf(digest))).toBeUndefined();
        expect(await readdir(store.scratch)).toEqual([]);
      });

      it('makes a list of chunks anew that is missing or torn', async () => {
        const bytes = randomBytes(2 * CHUNK_BYTES);
        const digest = await received(bytes);
        const list = chunkListOf(keyOf(digest));
        const whole = await gathered(depot.read('artefacts', list));
        await depot.remove('artefacts', list);
        await depot.keep('artefacts', list, await drafted(whole.subarray(0, 40)));
        expect(await gathered(await store.read(digest, { start: 5, end: 6 }))).toEqual(bytes.subarray(5, 7));
        expect(await gathered(depot.read('artefacts', list))).toEqual(whole);
      });

      it('archives, releases, and still gives', async () => {
        const bytes = randomBytes(2 * CHUNK_BYTES);
        const digest = await received(bytes);
        await expect(store.release(digest)).rejects.toThrow('is not in the archive');
        expect(await store.archive(digest)).toBe(depot.locationOf('archive', keyOf(digest)));
        await store.release(digest);
        expect(await depot.sizeOf('artefacts', keyOf(digest))).toBeUndefined();
        expect(await store.find(digest)).toEqual({ digest, sizeBytes: bytes.length });
        expect((await gathered(await store.read(digest))).equals(bytes)).toBe(true);
        expect(await gathered(await store.read(digest, { start: 1, end: 3 }))).toEqual(bytes.subarray(1, 4));
      });

      it('lays files out under their paths, and takes them away again', async () => {
        const [one, two] = [randomBytes(1000), randomBytes(2000)];
        const files = [{ path: 'model.onnx', digest: await received(one) }, { path: 'a/b/weights.bin', digest: await received(two) }];
        {
          await using checkedOut = await store.checkOut(files);
          expect(await readFile(checkedOut.pathOf('a/b/weights.bin'))).toEqual(two);
          expect(await readFile(join(checkedOut.directory, 'model.onnx'))).toEqual(one);
        }
        expect(await readdir(store.scratch)).toEqual([]);
        await expect(store.checkOut([{ path: '../out', digest: files[0]?.digest ?? '' }])).rejects.toThrow('leads out of the artefact');
      });

      it('keeps nothing of what is refused', async () => {
        const bytes = randomBytes(1000);
        await expect(store.receive(copied(bytes), { declared: digestOf(randomBytes(4)) })).rejects.toMatchObject({ reason: 'DIGEST_MISMATCH' });
        await expect(store.receive(copied(randomBytes(40 * CHUNK_BYTES), randomBytes(40 * CHUNK_BYTES)))).rejects.toMatchObject({ status: 413 });
        await expect(store.receive(copied())).rejects.toMatchObject({ reason: 'ARTEFACT_EMPTY' });
        expect(await store.find(digestOf(bytes))).toBeUndefined();
        expect(await readdir(incomingOf(dataDir))).toEqual([]);
      });
    });
  });
}
