import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { LogKeyRotatedSchema } from '@vitae/contracts';
import { transactOn } from '@vitae/event-store';
import { freshDatabase, type FreshDatabase } from '@vitae/testing';
import { logFiles, newSigner, rotationStatement, type Signer } from '@vitae/transparency';
import { Pool } from 'pg';
import { fsck } from '../fsck.ts';
import type { Fault } from './fault.ts';
import { appendEvents, integrate, newStream, prepareLedger, signer, storedEvents, submissions } from '../spec-ledger.fixture.ts';

let directory: string;
let database: FreshDatabase;
let pool: Pool;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vitae-fsck-'));
  const honest = await open();
  // Kept elsewhere, before anybody cheats: the newest checkpoint, and an export of the whole log.
  const { rows } = await honest.query<{ note: string }>('select note from ledger.checkpoint where size = 600');
  await writeFile(join(directory, 'known'), rows[0]?.note ?? '');
  for (const [path, bytes] of logFiles(await storedEvents(honest), [signer])) {
    await mkdir(dirname(join(directory, 'export', path)), { recursive: true });
    await writeFile(join(directory, 'export', path), bytes);
  }
  await close();
});
afterEach(() => close());
afterAll(() => rm(directory, { recursive: true, force: true }));

/** A copy of the ledger that nobody has touched yet. */
async function open(): Promise<Pool> {
  database = await freshDatabase({ name: 'vitae_fsck', prepare: prepareLedger });
  pool = new Pool({ connectionString: database.url });
  pool.on('error', () => undefined); // the database is dropped under the idle connections
  return pool;
}

async function close(): Promise<void> {
  if (pool.ended) return;
  await pool.end();
  await database.drop();
}

/** What the owner of the database does when nobody looks: off with the triggers, on again afterwards. */
async function cheat(...statements: readonly string[]): Promise<void> {
  const { rows } = await pool.query<{ name: string; trigger: string; how: string }>(
    `select tgrelid::regclass::text as name, tgname as trigger, case tgenabled when 'A' then 'enable always' else 'enable' end as how
     from pg_trigger where not tgisinternal and tgrelid::regclass::text like 'ledger.%'`,
  );
  for (const { name, trigger } of rows) await pool.query(`alter table ${name} disable trigger ${trigger}`);
  for (const statement of statements) await pool.query(statement);
  for (const { name, trigger, how } of rows) await pool.query(`alter table ${name} ${how} trigger ${trigger}`);
}

interface Found {
  readonly ok: boolean;
  readonly faults: readonly Fault[];
  readonly faultCount: number;
  readonly hints: readonly string[];
}

async function check(options: { readonly known?: boolean; readonly log?: boolean } = {}): Promise<Found> {
  const { ok, json } = await fsck(database.url, {
    json: true,
    key: [signer.verifierKey],
    most: '100',
    ...(options.known ? { known: join(directory, 'known') } : {}),
    ...(options.log ? { log: join(directory, 'export') } : {}),
  });
  return { ok, ...json } as unknown as Found;
}

/** Kind and index of each fault, e.g. `event-changed 17`. */
const named = ({ faults }: Found): string[] => faults.map(({ kind, index }) => (index === undefined ? kind : `${kind} ${index}`));

const seqAt = (index: number): string => `(select seq from ledger.entry where index = ${index})`;
const eventAt = async (index: number): Promise<{ id: string; stream: string; revision: number }> => {
  const { rows } = await pool.query<{ id: string; stream: string; revision: number }>(`select id, stream, revision from ledger.event where seq = ${seqAt(index)}`);
  return rows[0] as { id: string; stream: string; revision: number };
};

/** The numbers of the events that have no index yet. */
const WAITING = 'select w.seq from ledger.unsequenced u cross join lateral unnest(u.seq || u.more) as w (seq)';

describe('fsck of an honest ledger', () => {
  it('finds no fault, also with a known checkpoint and an export, and says what it checked', async () => {
    await open();
    expect(await check({ known: true, log: true })).toMatchObject({ ok: true, faults: [], events: 603, entries: 600, waiting: 3, streams: 12, tiles: 2, checkpoints: 4, size: 600, signedSize: 600, hints: [] });
  });

  it('runs beside writers, on one moment of the ledger', async () => {
    await open();
    let writing = true;
    const stream = newStream();
    const writers = [1, 2].map(async () => {
      while (writing) {
        await appendEvents(pool, stream, submissions(stream, 3));
        await transactOn(pool)((tx) => tx.sql.query('select ledger.sequence(100)'));
      }
    });
    const found = [await check(), await check(), await check()];
    writing = false;
    await Promise.all(writers);
    for (const each of found) expect(each).toMatchObject({ ok: true, faults: [] });
  });

  it('goes on when newer events have no checkpoint yet, and says which they are', async () => {
    await open();
    await pool.query('select ledger.sequence(1000)');
    expect(await check({ known: true })).toMatchObject({ ok: true, size: 603, signedSize: 600, hints: ['No checkpoint covers the last 3 events yet: a change of them cannot be found.'] });
  });

  it('says that the tables of the log are not there when they are not', async () => {
    await open();
    await pool.query('drop table ledger.cosignature, ledger.checkpoint, ledger.tile');
    const { ok, hints } = await check();
    expect(ok).toBe(true);
    expect(hints.slice(0, 2)).toEqual(['ledger.tile is not there: this database was migrated by an older version.', 'ledger.checkpoint is not there: this database was migrated by an older version.']);
  });
});

describe('fsck of a ledger whose key was rotated', () => {
  const next = newSigner(signer.name);
  async function rotate(statementBy: Signer): Promise<void> {
    const event = create(LogKeyRotatedSchema, {
      oldVerifierKey: signer.verifierKey,
      newVerifierKey: next.verifierKey,
      statement: rotationStatement(signer.name, statementBy, next.verifierKey),
    });
    await appendEvents(pool, 'ledger.LogKey-1', [event]);
    await pool.query('select ledger.sequence(1000)');
    await integrate(pool, [604], next);
  }

  it('follows the old key to the new one', async () => {
    await open();
    await rotate(signer);
    expect(await check({ known: true })).toMatchObject({ ok: true, faults: [], signedSize: 604, hints: [] });
  });

  it('says which earlier key is missing when only the new one is named', async () => {
    await open();
    await rotate(signer);
    const { json } = await fsck(database.url, { json: true, key: [next.verifierKey], most: '100' });
    expect(json['faults']).toEqual([100, 256, 512, 600].map((index) => expect.objectContaining({ kind: 'checkpoint-changed', index })));
    expect(json['hints']).toContainEqual(expect.stringContaining(`The log signed with ${signer.verifierKey} before, which you did not name`));
  });

  it('does not follow it without the word of the old key', async () => {
    await open();
    await rotate(next);
    expect(named(await check())).toEqual(['rotation-invalid 603', 'checkpoint-changed 604']);
  });
});

describe('fsck when the owner of the database cheats', () => {
  it.each([
    ['the payload', `payload = '{"useCaseId":"0199aaaa-0000-7000-8000-000000000001"}'`],
    ['who did it', `metadata = replace(metadata::text, 'dana', 'eve')::json`],
    ['when it was recorded', `recorded_at = recorded_at - interval '1 microsecond'`],
    ['its type', `type = 'vitae.governance.v1.UseCaseApproved'`],
    ['its project', `project_id = 'other'`],
    ['its id', `id = '0199aaaa-0000-7000-8000-000000000001'`],
    ['one space in its payload', `payload = replace(payload::text, ':', ': ')::json`],
  ])('names the event of which %s was edited', async (_, change) => {
    await open();
    await cheat(`update ledger.event set ${change} where seq = ${seqAt(17)}`);
    const found = await check();
    // What the history finds events by follows the edited event, too, when it names the type, project or actor.
    expect(named(found).filter((fault) => fault !== 'block-missing 0')).toEqual(['event-changed 17']);
    expect(found.faults[0]).toMatchObject(await eventAt(17));
  });

  it('names an event whose subjects were edited, and the index of subjects that no longer fits', async () => {
    await open();
    await cheat(`update ledger.event set subjects = '{"model:m-1","model:m-2"}' where seq = ${seqAt(17)}`);
    expect(named(await check())).toEqual(['event-changed 17', 'subject-missing 17', 'subject-surplus 17']);
  });

  it('sees through subjects that are joined into one', async () => {
    await open();
    await cheat(`update ledger.event set subjects = array[array_to_string(subjects, ' ')] where seq = ${seqAt(17)}`);
    expect(named(await check())).toEqual(['event-unreadable 17', 'subject-missing 17', 'subject-surplus 17', 'subject-surplus 17']);
  });

  it('says between which checkpoints an event behind the last full tile was edited; an export tells which one', async () => {
    await open();
    await cheat(`update ledger.event set recorded_at = recorded_at + interval '1 second' where seq = ${seqAt(590)}`);
    const found = await check();
    expect(named(found)).toEqual(['history-changed 512']);
    expect(found.faults[0]?.message).toContain('the change lies in indices 512 to 599');
    expect(named(await check({ log: true }))).toEqual(['event-changed 590']);
  });

  it('is not fooled when the tile was rewritten to fit the edited event', async () => {
    await open();
    await cheat(`update ledger.event set recorded_at = recorded_at + interval '1 second' where seq = ${seqAt(300)}`);
    await pool.query('create table kept as select * from ledger.checkpoint');
    await cheat('truncate ledger.tile', 'truncate ledger.checkpoint cascade');
    await integrate(pool, []);
    await cheat('insert into ledger.checkpoint select * from kept');
    expect(named(await check())).toEqual(['history-changed 256']);
    expect(named(await check({ log: true }))).toEqual(['event-changed 300', 'tile-changed 300']);
  });

  it('is not fooled by a whole new history that is signed with the right key, when a checkpoint was kept elsewhere', async () => {
    await open();
    await cheat(`update ledger.event set recorded_at = recorded_at + interval '1 second' where seq = ${seqAt(300)}`, 'truncate ledger.tile', 'truncate ledger.checkpoint cascade');
    await integrate(pool, [100, 256, 512, 600]);
    expect(named(await check())).toEqual([]);
    const found = await check({ known: true });
    expect(named(found)).toEqual(['history-changed 512']);
    expect(found.faults[0]?.message).toContain('the known checkpoint');
  });

  it('finds a tail that was deleted, while its checkpoint is there', async () => {
    await open();
    await cheat(
      `delete from ledger.event where seq in (select seq from ledger.entry where index >= 580) or seq in (${WAITING})`,
      'delete from ledger.entry where index >= 580',
      'delete from ledger.unsequenced',
      'update ledger.head set next_index = 580',
    );
    const found = await check();
    expect(named(found)).toEqual(['tail-cut 580']);
    expect(found.faults[0]?.message).toContain('indices 580 to 599 were cut off');
  });

  it('finds a tail that was deleted with all its traces, against a checkpoint kept elsewhere', async () => {
    await open();
    await cheat(
      `delete from ledger.event where seq in (select seq from ledger.entry where index >= 580) or seq in (${WAITING})`,
      'delete from ledger.entry where index >= 580',
      'delete from ledger.unsequenced',
      'update ledger.head set next_index = 580',
      'delete from ledger.checkpoint where size > 580',
    );
    expect(named(await check())).toEqual([]);
    expect(named(await check({ known: true }))).toEqual(['tail-cut 580', 'checkpoint-missing 600']);
  });

  it('tells a rewritten tile from an edited event', async () => {
    await open();
    await cheat(`update ledger.tile set hashes = set_byte(hashes, 32 * 5, get_byte(hashes, 32 * 5) # 1) where level = 0 and n = 1`);
    expect(named(await check())).toEqual(['tile-changed 261']);
  });

  it('finds tiles that were deleted, cut, or made up', async () => {
    await open();
    await cheat('delete from ledger.tile where n = 0', 'insert into ledger.tile select level, 2, hashes from ledger.tile where n = 1');
    expect(named(await check())).toEqual(['tile-missing 0', 'tile-surplus 512']);
    await cheat('alter table ledger.tile drop constraint tile_hashes_check', 'delete from ledger.tile where n = 2', 'update ledger.tile set hashes = substr(hashes, 1, 100) where n = 1');
    expect(named(await check())).toEqual(['tile-missing 0', 'tile-changed 256']);
  });

  it('finds entries that were exchanged, and says with which', async () => {
    await open();
    await cheat(
      'alter table ledger.entry drop constraint entry_seq_key',
      `update ledger.entry n set seq = o.seq from ledger.entry o where (n.index, o.index) in ((40, 41), (41, 40))`,
    );
    const found = await check();
    expect(named(found)).toEqual(['event-changed 40', 'event-changed 41', 'subject-missing 40', 'subject-missing 41', 'subject-surplus 40', 'subject-surplus 41']);
    expect(found.faults[0]?.message).toContain('in the wrong place, the event that belongs there has index 41');
  });

  it('finds the events of one stream in another order than their revisions', async () => {
    await open();
    await cheat(
      'alter table ledger.entry drop constraint entry_seq_key',
      `update ledger.entry n set seq = o.seq from ledger.entry o where (n.index, o.index) in ((24, 36), (36, 24))`,
    );
    expect(named(await check())).toEqual(['event-changed 24', 'event-changed 36', 'revision-out-of-order 24']);
  });

  it('finds a head that was moved', async () => {
    await open();
    await cheat('update ledger.head set next_index = 601');
    expect(named(await check())).toEqual(['head-moved 601']);
    await cheat('delete from ledger.head');
    expect(named(await check())).toEqual(['head-moved']);
  });

  it('finds what was taken from or put into the index of subjects', async () => {
    await open();
    await cheat(`delete from ledger.entry_subject where subject = 'model:m-1' and index = 7`, `insert into ledger.entry_subject values ('model:m-9', 8)`);
    expect(named(await check())).toEqual(['subject-missing 7', 'subject-surplus 8']);
  });

  it('finds what was taken from or put into the index by which the history finds events', async () => {
    await open();
    await cheat(`delete from ledger.entry_block where facet = 'credit @dana' and block = 1`, `insert into ledger.entry_block values ('credit @eve', 3)`);
    expect(named(await check())).toEqual(['block-missing 256', 'block-surplus 768']);
  });

  it('finds a mark of how far the history is noted that was moved', async () => {
    await open();
    await cheat('update ledger.noted set next_index = 768'); // the history would not look through the rest, and find nothing of it
    expect(named(await check())).toContain('subject-missing 512');
    await cheat('update ledger.noted set next_index = 256'); // it would find some twice
    expect(named(await check())).toContain('subject-surplus 256');
    await cheat('delete from ledger.noted');
    expect((await check()).ok).toBe(false);
  });

  it('finds an event that no sequencer will ever see', async () => {
    await open();
    const { rows } = await pool.query<{ id: string }>('select e.id from ledger.event e join ledger.unsequenced u on u.seq = e.seq order by e.seq limit 1');
    await cheat('update ledger.unsequenced set seq = more[1], more = more[2:] where seq = (select min(seq) from ledger.unsequenced)');
    const found = await check();
    expect(found.faults).toEqual([expect.objectContaining({ kind: 'event-unlisted', id: rows[0]?.id, revision: 51 })]);
  });

  it('finds an event that has an index and waits for another, and one that waits but is not there', async () => {
    await open();
    await cheat(`insert into ledger.unsequenced select seq from ledger.entry where index = 3`, 'insert into ledger.unsequenced values (999999)');
    expect(named(await check())).toEqual(['event-waiting-and-listed 3', 'waiting-without-event']);
  });

  it('finds a hole in a stream', async () => {
    await open();
    const { rows } = await pool.query<{ stream: string }>('select e.stream from ledger.event e join ledger.unsequenced u on u.seq = e.seq limit 1');
    await cheat('delete from ledger.event where seq = (select min(seq) + 1 from ledger.unsequenced)', 'update ledger.unsequenced set more = array_remove(more, seq + 1)');
    expect((await check()).faults).toEqual([expect.objectContaining({ kind: 'revision-hole', stream: rows[0]?.stream, revision: 52 })]);
  });

  it('finds duplicates: of an id, of a revision, of a whole row, of an entry', async () => {
    await open();
    await cheat(
      'alter table ledger.event drop constraint event_id_key, drop constraint event_stream_revision_key',
      `insert into ledger.event select 100000, id, stream, revision, type, project_id, subjects, payload, metadata, recorded_at from ledger.event where seq = ${seqAt(9)}`,
      'insert into ledger.unsequenced values (100000)',
    );
    const id = (await eventAt(9)).id;
    expect(await check()).toMatchObject({ faults: [{ kind: 'event-doubled', id, revision: 1 }, { kind: 'event-doubled', id }] });
    await cheat(
      'delete from ledger.event where seq = 100000',
      'delete from ledger.unsequenced where seq = 100000',
      'alter table ledger.event drop constraint event_pkey cascade',
      `insert into ledger.event select * from ledger.event where seq = ${seqAt(9)}`,
    );
    expect(named(await check())).toEqual(['entry-doubled 9', 'entry-doubled 9', 'event-doubled', 'event-doubled']);
  });

  it('finds one index with two entries, wherever a page ends', async () => {
    await open();
    await cheat('alter table ledger.entry drop constraint entry_pkey, drop constraint entry_seq_key', 'insert into ledger.entry select * from ledger.entry where index in (9, 599)');
    const found = named(await check());
    expect(found).toContain('entry-doubled 9');
    expect(found).toContain('entry-doubled 599');
  });

  it('finds an entry that was deleted, and goes on behind the hole', async () => {
    await open();
    await cheat('delete from ledger.entry where index = 40', `update ledger.tile set hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1) where n = 1`);
    expect(named(await check())).toEqual(['entry-missing 40', 'tile-changed 256', 'event-unlisted', 'revision-out-of-order 52', 'subject-surplus 40', 'subject-surplus 40']);
  });

  it('finds an event that was deleted', async () => {
    await open();
    await cheat(`delete from ledger.event where seq = ${seqAt(40)}`);
    expect(named(await check())).toEqual(['entry-without-event 40', 'revision-hole 52', 'subject-surplus 40', 'subject-surplus 40']);
  });

  it('finds an entry whose time was moved', async () => {
    await open();
    await cheat(`update ledger.entry set sequenced_at = sequenced_at - interval '1 day' where index = 77`);
    expect(named(await check())).toEqual(['entry-out-of-order 77']);
  });

  it('finds a checkpoint row that was rewritten', async () => {
    await open();
    await cheat(`update ledger.checkpoint set root = set_byte(root, 0, get_byte(root, 0) # 1) where size = 256`);
    expect(named(await check())).toEqual(['checkpoint-changed 256']);
    await cheat('delete from ledger.checkpoint where size >= 256');
    await integrate(pool, [256], newSigner(signer.name));
    expect(named(await check())).toEqual(['checkpoint-changed 256']);
    await cheat('update ledger.checkpoint c set note = o.note, root = o.root from ledger.checkpoint o where c.size = 256 and o.size = 100');
    expect(named(await check())).toEqual(['checkpoint-changed 256']);
  });

  it('finds checkpoint rows that were deleted', async () => {
    await open();
    await cheat('delete from ledger.checkpoint where size = 600');
    expect(named(await check({ known: true }))).toEqual(['checkpoint-missing 600']);
    await pool.query(`insert into ledger.cosignature (size, witness, line) values (256, 'witness.example/w1', '')`);
    await cheat('alter table ledger.cosignature drop constraint cosignature_size_fkey', 'delete from ledger.checkpoint where size = 256');
    expect(named(await check())).toEqual(['checkpoint-missing 256']);
    await cheat('delete from ledger.checkpoint', 'delete from ledger.cosignature');
    expect(named(await check())).toEqual(['checkpoint-missing']);
  });

  it('finds that nothing refuses changes any more', async () => {
    await open();
    const off = [expect.objectContaining({ kind: 'guard-off', message: expect.stringContaining('ledger.event') })];
    await pool.query('alter table ledger.event disable trigger all');
    expect((await check()).faults).toEqual(off);
    await pool.query('alter table ledger.event enable trigger all'); // but not for a replication role any more
    expect((await check()).faults).toEqual(off);
    await pool.query(`create or replace function ledger.refuse_change() returns trigger language plpgsql as 'begin return null; end'`);
    expect((await check()).faults.every(({ kind }) => kind === 'guard-off')).toBe(true);
    expect((await check()).faultCount).toBeGreaterThan(3);
  });

  it('finds a view in the place of a table', async () => {
    await open();
    await pool.query('alter table ledger.batch rename to batch_of_old');
    await pool.query('create view ledger.batch as select * from ledger.batch_of_old');
    expect((await check()).faults).toEqual([expect.objectContaining({ kind: 'guard-off', message: expect.stringContaining('not a table') })]);
  });

  it('takes no checkpoint for known that another key signed', async () => {
    await open();
    const [event] = await storedEvents(pool);
    const forged = logFiles(event ? [event] : [], [newSigner(signer.name)]).get('checkpoint') ?? '';
    await writeFile(join(directory, 'forged'), forged);
    const options = { json: true, key: [signer.verifierKey], known: join(directory, 'forged'), most: '100' };
    await expect(fsck(database.url, options)).rejects.toThrow('the known checkpoint cannot be used: none of the 1 signatures is by a trusted key');
  });

  it('does not let a policy hide rows from it', async () => {
    await open();
    const url = new URL(database.url);
    const role = `auditor_${url.pathname.slice(1)}`;
    await pool.query(`create role ${role} login password 'x'; grant usage on schema ledger to ${role}; grant select on all tables in schema ledger to ${role}`);
    await pool.query('alter table ledger.event enable row level security');
    url.username = role;
    url.password = 'x';
    try {
      await expect(fsck(url.href, { json: true, key: [signer.verifierKey], most: '100' })).rejects.toThrow(/row-level security/);
    } finally {
      await pool.query(`drop owned by ${role}; drop role ${role}`);
    }
  });

  it('lists as many faults as it is asked for, and counts them all', async () => {
    await open();
    await cheat(`update ledger.event set recorded_at = recorded_at + interval '1 second' where seq in (select seq from ledger.entry where index < 90)`);
    const { json, lines } = await fsck(database.url, { json: true, key: [signer.verifierKey], most: '3' });
    expect(json).toMatchObject({ faultCount: 90, faults: [{ index: 0 }, { index: 1 }, { index: 2 }] });
    expect(lines).toContain('... and 87 more (--most 90 lists them all)');
  });
});
