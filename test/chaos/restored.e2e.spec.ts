import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { append, groupCommit, RevisionConflict, transactOn } from '@vitae/event-store';
import { Pool } from 'pg';
import { checkMessages } from './check-fan-out.ts';
import { fsck } from './fsck.ts';
import { dump, restore } from './logical-dump.fixture.ts';
import { fetchKeys, verifyOverHttp } from './log-over-http.ts';
import { readEntries, readMessages } from './observe.ts';
import { startServers, type Servers } from './servers.ts';
import { smallLedger, type SmallLedger } from './small-ledger.ts';
import { keyedRequest, newEvents, newStream, request, targets } from './writing.ts';

const MINUTES = 60_000;
let directory: string;
const servers: Servers[] = [];
const ledgers: SmallLedger[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vitae-restored-'));
});
afterAll(async () => {
  await Promise.all(ledgers.map((ledger) => ledger.stop()));
  await Promise.all(servers.map((one) => one.stop()));
  await rm(directory, { recursive: true, force: true });
}, MINUTES);

async function started(name: string, prepare?: (databaseUrl: string) => Promise<void>): Promise<Servers> {
  const one = await startServers({ directory: join(directory, name), durable: false, ...(prepare ? { prepare } : {}) });
  servers.push(one);
  return one;
}
async function serving(one: Servers, name: string): Promise<SmallLedger> {
  const ledger = await smallLedger(one, directory, { keys: join(directory, `${name}-keys`) });
  ledgers.push(ledger);
  return ledger;
}

/** Three events that nobody gives an index: no ledger service runs. Their ids. */
async function unsequenced({ databaseUrl }: Servers): Promise<readonly string[]> {
  const pool = new Pool({ connectionString: databaseUrl });
  try {
    const events = await transactOn(pool)(({ sql }) => append(sql, request('late', newStream(), 'noStream', newEvents(3))));
    return events.map(({ id }) => id);
  } finally {
    await pool.end();
  }
}

describe('a ledger that was dumped and restored into a fresh cluster', () => {
  it('goes on: same indices, same root, same messages, and the checkpoints from before still hold', async () => {
    // Given a ledger with full and partial tiles, an idempotency key, and events that had no index yet.
    const before = await started('before');
    const old = await serving(before, 'before');
    const keyed = keyedRequest(targets('restored').keys[1] as string, targets('restored'));
    const group = groupCommit(old.pool);
    const told = await group.append(keyed);
    const known = await old.grow(600 - told.length);
    const entries = await readEntries(old.pool);
    const messages = await readMessages(before.natsUrl);
    await old.stop();
    ledgers.splice(0);
    const late = await unsequenced(before);

    // When it is dumped, and restored where nothing was, with an empty JetStream store and the key of the log.
    await dump(before.databaseUrl, join(directory, 'dump'));
    await before.stop();
    servers.splice(0);
    const after = await started('after', (url) => restore(url, join(directory, 'dump')));
    await cp(join(directory, 'before-keys'), join(directory, 'after-keys'), { recursive: true });
    const restored = await serving(after, 'after');

    // Then what was there is there, at the same places.
    await restored.signed(603);
    const again = await readEntries(restored.pool);
    expect(again.slice(0, 600)).toEqual(entries);
    expect(again.slice(600).map(({ id }) => id)).toEqual(late);
    expect((await readMessages(after.natsUrl)).slice(0, 600)).toEqual(messages);

    // And life goes on: appends, conflicts, keys, triggers, signatures.
    const more = groupCommit(restored.pool);
    expect((await more.append(keyed)).map(({ id }) => id)).toEqual(told.map(({ id }) => id));
    await expect(transactOn(restored.pool)(({ sql }) => append(sql, request('x', keyed.stream, 'noStream', newEvents(1))))).rejects.toThrow(RevisionConflict);
    await expect(restored.pool.query('delete from ledger.event')).rejects.toMatchObject({ code: 'VT002' });
    await restored.grow(400);
    const ledger = await readEntries(restored.pool);
    expect(ledger.map(({ index }) => index)).toEqual(Array.from({ length: 1003 }, (_, i) => i));
    expect(checkMessages(await readMessages(after.natsUrl), ledger)).toEqual([]);
    const keys = await fetchKeys(after.reader, restored.port);
    expect(await verifyOverHttp(after.reader, restored.port, keys, known)).toEqual([]); // the old checkpoint, root and all, is a prefix
    expect(await fsck(after.databaseUrl, keys, known)).toEqual([]);
  }, 10 * MINUTES);
});
