import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Running } from '@vitae/service-kit';
import { appendLeaves, decodeEntries, emptyFrontier, leafHash, openCheckpoint, parseVerifierKey, rootOf, verifyLog } from '@vitae/transparency';
import { eventually } from '@vitae/testing';
import { logBench, overHttp, signed, standing, type LogBench } from './log.fixture.ts';

// Three replicas integrate and sign at once, and PostgreSQL breaks their connections wherever they are: between a tile and
// its neighbour, between a signature and its storing. A killed process looks no different to the database.
const EVENTS = 3_000;

let bench: LogBench;
let replicas: Running[];
beforeAll(async () => {
  bench = await logBench();
  replicas = await Promise.all([1, 2, 3].map(() => bench.start({ VITAE_CHECKPOINT_MS: '10' })));
});
afterAll(() => bench.drop());

const breakConnections = () => bench.pool.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name in ('vitae-ledger-log', 'vitae-ledger-pages')");
const checkpoints = async (): Promise<{ readonly size: number; readonly root: Buffer; readonly note: string }[]> => {
  const { rows } = await bench.pool.query<{ size: string; root: Buffer; note: string }>('select size, root, note from ledger.checkpoint order by signed_at');
  return rows.map((row) => ({ ...row, size: Number(row.size) }));
};

describe('the log with three signers whose connections break', () => {
  it('never signs two histories, nor a smaller one after a larger, and misses no event', async () => {
    for (let stored = 0; stored < EVENTS; stored += 100) {
      const before = (await checkpoints()).length;
      await bench.store(100);
      await breakConnections();
      // Broken while they work, not while they rest: each round waits for a signature of the round.
      await eventually(async () => expect((await checkpoints()).length).toBeGreaterThan(before));
    }
    await Promise.all(replicas.map((replica) => signed(replica, EVENTS)));

    const log = overHttp(replicas[2] as Running);
    const keys = (await standing(replicas[0] as Running)).keys.map(parseVerifierKey);
    expect(await verifyLog(log, { keys })).toMatchObject({ size: EVENTS, events: EVENTS, problemCount: 0 });

    // Every checkpoint that was ever signed is a beginning of this one history.
    const leaves: Buffer[] = [];
    for (let index = 0; index * 256 < EVENTS; index += 1) {
      leaves.push(...decodeEntries((await log.entries(index, Math.min(256, EVENTS - index * 256))) ?? new Uint8Array()).map(leafHash));
    }
    const all = await checkpoints();
    expect(all.length).toBeGreaterThanOrEqual(EVENTS / 100);
    let frontier = emptyFrontier;
    for (const { size, root, note } of all) {
      frontier = appendLeaves(frontier, leaves.slice(frontier.size, size));
      expect({ size, root: root.toString('hex') }).toEqual({ size: frontier.size, root: rootOf(frontier).toString('hex') });
      expect(openCheckpoint(note, { keys })).toMatchObject({ size });
    }
  });
});
