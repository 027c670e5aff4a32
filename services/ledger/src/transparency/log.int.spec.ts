import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Running } from '@vitae/service-kit';
import { as, eventually } from '@vitae/testing';
import { decodeEntries, openCheckpoint, parseVerifierKey, verifyLog, verifyTlogProof, type Checkpoint } from '@vitae/transparency';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { logBench, overHttp, READER, signed, standing, type LogBench } from './log.fixture.ts';

let bench: LogBench;
let replicas: Running[];
let stored = 0;

beforeAll(async () => {
  bench = await logBench();
  // Two replicas from the start: everything below must hold with both at work.
  replicas = await Promise.all([bench.start(), bench.start()]);
});
afterAll(() => bench.drop());

const [one, other] = [() => replicas[0] as Running, () => replicas[1] as Running];
const get = (path: string) => fetch(`${one().url}/log/${path}`, READER);
const keysOf = async () => (await standing(one())).keys.map(parseVerifierKey);
const growTo = async (size: number): Promise<void> => {
  await bench.store(size - stored);
  stored = size;
  await Promise.all(replicas.map((replica) => signed(replica, size)));
};

describe('the log', () => {
  it('has no checkpoint while the ledger is empty', async () => {
    const response = await get('checkpoint');
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ type: 'https://vitae.dev/problems/log-file-not-found' });
  });

  it('made one key for both replicas, which only its owner may read', async () => {
    expect((await standing(one())).keys).toEqual((await standing(other())).keys);
    const { rows } = await bench.pool.query<{ id: string }>('select id from ledger.origin');
    const file = await stat(join(bench.directory, 'ledger', `${rows[0]?.id}.key`));
    expect(file.mode & 0o777).toBe(0o600);
    expect((await standing(one())).origin).toBe(`vitae.local/ledger/${rows[0]?.id}`);
  });

  // Around the first full tile, and far enough that a tile of level 1 grows.
  it.each([1, 255, 256, 257, 300, 600])('is verified whole by a stranger over HTTP at %i events, and grew out of what was signed before', async (size) => {
    const keys = await keysOf();
    const before = size === 1 ? undefined : await (await get('checkpoint')).text();
    const known: Checkpoint | undefined = before === undefined ? undefined : openCheckpoint(before, { keys });
    await growTo(size);
    for (const replica of replicas) {
      const report = await verifyLog(overHttp(replica), { keys, known });
      expect(report).toMatchObject({ size, events: size, problemCount: 0 });
    }
  });

  it('keeps the full tiles and nothing else, and never two roots', async () => {
    const { rows } = await bench.pool.query('select level, n from ledger.tile order by level, n');
    expect(rows).toEqual([{ level: 0, n: '0' }, { level: 0, n: '1' }]);
  });

  it('serves what never changes for ever, and the checkpoint for a second', async () => {
    const caching = async (path: string) => {
      const { status, headers } = await get(path);
      return { status, type: headers.get('content-type'), cache: headers.get('cache-control') };
    };
    const forEver = { status: 200, type: 'application/octet-stream' };
    expect(await caching('checkpoint')).toEqual({ status: 200, type: 'text/plain; charset=utf-8', cache: 'public, max-age=1' });
    for (const path of ['tile/0/000', 'tile/0/002.p/88', 'tile/0/002.p/3', 'tile/0/001.p/4', 'tile/1/000.p/2', 'tile/entries/001', 'tile/entries/002.p/88', 'events/000', 'events/002.p/1']) {
      const whose = /entries|events/.test(path) ? 'private' : 'public'; // no cache gives to others what one reader may read
      expect({ path, ...(await caching(path)) }).toEqual({ path, ...forEver, cache: `${whose}, max-age=31536000, immutable` });
    }
  });

  it.each(['tile/0/002', 'tile/0/002.p/89', 'tile/1/000', 'tile/2/000.p/1', 'tile/entries/002.p/89', 'events/003.p/1', 'tile/0/0', 'tile/0/000.p/256', 'tile/00/000', 'elsewhere'])(
    'has no %s',
    async (path) => expect((await get(path)).status).toBe(404),
  );

  it.each(['checkpoint', 'log.vkey', 'tile/0/000', 'tile/1/000.p/2'])('gives %s to anybody', async (path) => expect((await fetch(`${one().url}/log/${path}`)).status).toBe(200));

  it('shows that an event is in it by a file of its own', async () => {
    const [log] = await keysOf();
    const proof = await (await fetch(`${one().url}/v1/log/proof/300`, READER)).text();
    const bundle = decodeEntries(new Uint8Array(await (await get('tile/entries/001')).arrayBuffer()));
    const policy = { logs: log ? [log] : [], witnesses: new Map(), groups: new Map(), quorum: 'none' };
    expect(verifyTlogProof(proof, bundle[300 - 256] as Buffer, policy)).toMatchObject({ index: 300, checkpoint: { size: 600 } });
    expect(() => verifyTlogProof(proof, bundle[301 - 256] as Buffer, policy)).toThrow('does not lead');
    expect((await fetch(`${one().url}/v1/log/proof/600`, READER)).status).toBe(404);
  });

  it('goes on in the middle of a tile after all replicas were away', async () => {
    await Promise.all(replicas.map((replica) => replica.stop()));
    await bench.store(7);
    stored += 7;
    replicas = await Promise.all([bench.start(), bench.start()]);
    await Promise.all(replicas.map((replica) => signed(replica, stored)));
    await growTo(800);
    expect(await verifyLog(overHttp(other()), { keys: await keysOf() })).toMatchObject({ size: 800, problemCount: 0 });
  });

  it('refuses a checkpoint over fewer events than one before, whoever signs it', async () => {
    await expect(bench.pool.query("insert into ledger.checkpoint (size, root, note) values (5, decode(repeat('00', 32), 'hex'), '')")).rejects.toMatchObject({ code: 'VT004' });
    for (const statement of ['delete from ledger.tile', 'update ledger.checkpoint set note = note', 'truncate ledger.cosignature']) {
      await expect(bench.pool.query(statement)).rejects.toMatchObject({ code: 'VT002' });
    }
  });

  it('says where it is when asked', async () => {
    await eventually(async () => expect(await (await fetch(`${one().url}/readyz`)).json()).toMatchObject({ checks: expect.arrayContaining([{ name: 'log', ok: true, integrated: 800 }, { name: 'log signer', ok: true, signed: 800 }]) }));
    expect(await (await get('log.vkey')).text()).toBe(`${(await standing(one())).keys[0]}\n`);
  });

  // Last, for the log grows by it: whoever is turned away is told in the ledger.
  it.each(['tile/entries/001', 'events/000', 'TILE/ENTRIES/001', 'tile//entries/001', 'tile/%65ntries/001', 'tile/entries%2F001', 'Events/000', 'tile/0/../entries/001'])(
    'gives %s to nobody without a right on all projects',
    async (path) => {
      const ofCredit = { headers: { authorization: as('human/audrey', { roles: ['auditor'], projects: ['credit'] }) } };
      for (const who of [{}, ofCredit]) expect([401, 403, 404]).toContain((await fetch(`${one().url}/log/${path}`, who)).status);
    },
  );
});
