import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ActorKind, ActorSchema, InvalidEvent, UseCaseSubmittedSchema, type UseCaseSubmitted } from '@vitae/contracts';
import { eventually, freshDatabase, type FreshDatabase } from '@vitae/testing';
import { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { appendBatch } from './append-batch.ts';
import {
  append,
  handle,
  IdempotencyKeyReused,
  ledgerMigrations,
  migrate,
  pooledSql,
  prepareAppend,
  readHead,
  readLedger,
  readRaw,
  readStream,
  RevisionConflict,
  sequenceEntries,
  transactOn,
  type AppendRequest,
  type Attribution,
  type Decider,
} from './index.ts';
import { preparedSql } from './sql.ts';

const attribution: Attribution = {
  projectId: 'credit',
  actor: create(ActorSchema, { id: 'dana', kind: ActorKind.HUMAN }),
  reason: 'a spec',
  occurredAt: '2026-11-20T09:00:00.000Z',
  correlationId: 'c-1',
  causationId: '',
  traceparent: '',
};

const submitted = (useCaseId: string = uuidv7()): UseCaseSubmitted => create(UseCaseSubmittedSchema, { useCaseId });
const request = (stream: string, more: Partial<AppendRequest> = {}): AppendRequest => ({
  stream,
  expected: 'any',
  events: [submitted()],
  attribution,
  subjects: ['model:m-1'],
  ...more,
});
const newStream = (): string => `governance.UseCase-${uuidv7()}`;

let database: FreshDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await freshDatabase();
  await migrate(database.url, ledgerMigrations);
  pool = new Pool({ connectionString: database.url, max: 12 });
  pool.on('error', () => undefined); // the database is dropped under the idle connections
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

const store = (more: AppendRequest) => transactOn(pool)((tx) => append(tx.sql, more));

describe('append', () => {
  it('stores the canonical bytes of an event and gives back what a reader will see', async () => {
    const stream = newStream();
    const [written] = await store(request(stream));
    const [read] = await readStream(pooledSql(pool), stream);
    expect(read).toEqual(written);
    expect(written).toMatchObject({ stream, revision: 1, type: 'vitae.governance.v1.UseCaseSubmitted', subjects: ['model:m-1'] });
    expect(written?.payload).toBe(`{"useCaseId":"${(written?.event as UseCaseSubmitted).useCaseId}"}`);
  });

  it.each([
    { expected: 0 as const, on: 'empty', accepted: true },
    { expected: 1 as const, on: 'empty', accepted: false },
    { expected: 'noStream' as const, on: 'empty', accepted: true },
    { expected: 'exists' as const, on: 'empty', accepted: false },
    { expected: 'any' as const, on: 'empty', accepted: true },
    { expected: 0 as const, on: 'filled', accepted: false },
    { expected: 1 as const, on: 'filled', accepted: true },
    { expected: 'noStream' as const, on: 'filled', accepted: false },
    { expected: 'exists' as const, on: 'filled', accepted: true },
    { expected: 'any' as const, on: 'filled', accepted: true },
  ])('expecting $expected of a stream that is $on: accepted = $accepted', async ({ expected, on, accepted }) => {
    const stream = newStream();
    if (on === 'filled') await store(request(stream));
    const before = on === 'filled' ? 1 : 0;
    const attempt = store(request(stream, { expected }));
    if (accepted) await expect(attempt).resolves.toHaveLength(1);
    else await expect(attempt).rejects.toMatchObject({ name: 'RevisionConflict', expected, actual: before });
    expect(await readStream(pooledSql(pool), stream)).toHaveLength(before + (accepted ? 1 : 0));
  });

  it('lets one of many writers with the same expectation win, and tells the others where the stream is', async () => {
    const stream = newStream();
    const results = await Promise.allSettled(Array.from({ length: 12 }, () => store(request(stream, { expected: 'noStream' }))));
    expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toEqual(expect.objectContaining({ name: 'RevisionConflict', actual: 1 }));
    }
  });

  it('stores nothing of a batch when one event breaks its contract', async () => {
    const stream = newStream();
    await expect(store(request(stream, { events: [submitted(), submitted('not a uuid')] }))).rejects.toBeInstanceOf(InvalidEvent);
    expect(await readStream(pooledSql(pool), stream)).toEqual([]);
  });

  it.each<[string, { stream?: string; project?: string; subjects?: (string | null)[]; payload?: string; metadata?: string }]>([
    ['a subject that is null', { subjects: [null] }],
    ['a subject without a kind', { subjects: ['m-1'] }],
    ['an empty subject', { subjects: ['model:m-1', ''] }],
    ['an endless subject', { subjects: [`model:${'x'.repeat(9_000)}`] }],
    ['a raw line break in its payload', { payload: '{\n}' }],
    ['a raw tab in its metadata', { metadata: '{\t}' }],
    ['an endless stream name', { stream: `governance.UseCase-${'x'.repeat(300)}` }],
    ['an endless project', { project: 'x'.repeat(300) }],
  ])('refuses at every door an event with %s, which could never be an entry of the log', async (_, more) => {
    const { stream = newStream(), project = 'credit', subjects = [], payload = '{}', metadata = '{}' } = more;
    const single = 'select * from ledger.append($1, 0, $2, $3, $4, $5, $6, $7, null, null, null, null, null)';
    await expect(pool.query(single, [stream, project, subjects, metadata, uuidv7(), 'vitae.x.v1.Y', payload])).rejects.toMatchObject({ code: 'VT005' });

    const joined = subjects.includes(null) ? null : subjects.join(' ');
    const next = 'select ledger.append_next($1, 0, $2, $3, $4, $5, $6, $7) as at';
    expect((await pool.query(next, [stream, project, joined, metadata, uuidv7(), 'vitae.x.v1.Y', payload])).rows).toEqual([{ at: null }]);

    // A neighbour without any subject, and one with two, hide nothing.
    const batch = `select * from ledger.append_batch($1, '{0,0,0}', $2, $3, $4, '{1,2,3}', $5, '{vitae.x.v1.Y,vitae.x.v1.Y,vitae.x.v1.Y}', $6)`;
    const three = [newStream(), stream, newStream()];
    const values = [three, ['credit', project, 'credit'], ['', joined, 'model:m-1 use-case:u-1'], ['{}', metadata, '{}'], three.map(() => uuidv7()), ['{}', payload, '{}']];
    await expect(pool.query(batch, values)).rejects.toMatchObject({ code: 'VT005' });
    for (const name of three) expect(await readStream(pooledSql(pool), name)).toEqual([]);
  });

  it('goes on after metadata that names no actor, or one without end', async () => {
    const single = `select * from ledger.append($1, 0, 'credit', '{}', $2, $3, 'vitae.x.v1.Y', '{}', null, null, null, null, null)`;
    for (const metadata of ['{}', '[]', JSON.stringify({ actor: { id: 'x'.repeat(9_000) } })]) await pool.query(single, [newStream(), metadata, uuidv7()]);
    expect((await pool.query<{ n: number }>('select ledger.sequence(1000) as n')).rows[0]?.n).toBeGreaterThanOrEqual(3);
  });

  it('refuses a change of what is stored, whoever asks', async () => {
    await store(request(newStream()));
    for (const statement of [
      `update ledger.event set type = 'x'`,
      'delete from ledger.event',
      'truncate ledger.event cascade',
      'delete from ledger.entry',
      `update ledger.batch set stream = 'x'`,
      'delete from ledger.entry_subject',
    ]) {
      await expect(pool.query(statement)).rejects.toMatchObject({ code: 'VT002' });
    }
  });
});

describe('handle', () => {
  /** Counts submissions; refuses none. */
  const counting: Decider<number, 'submit', UseCaseSubmitted> = {
    category: 'governance.UseCase',
    initial: 0,
    decide: () => [submitted()],
    evolve: (n) => n + 1,
  };
  const command = (stream: string) => ({ stream, command: 'submit' as const, attribution, subjects: [] });

  it('looks again and decides anew when it lost a race, so that no command is lost', async () => {
    const stream = newStream();
    await Promise.all(Array.from({ length: 8 }, () => handle(transactOn(pool), counting, command(stream))));
    expect((await readStream(pooledSql(pool), stream)).map((e) => e.revision)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('leaves the conflict to a caller who named an exact revision', async () => {
    const stream = newStream();
    await handle(transactOn(pool), counting, command(stream));
    await expect(handle(transactOn(pool), counting, { ...command(stream), expected: 0 })).rejects.toBeInstanceOf(RevisionConflict);
  });

  it('decides on a snapshot and on the events after it, and appends behind both', async () => {
    const stream = newStream();
    for (let i = 0; i < 3; i += 1) await handle(transactOn(pool), counting, command(stream));
    const seen: number[] = [];
    const watching: typeof counting = { ...counting, decide: (order, state) => (seen.push(state), counting.decide(order, state)) };
    const snapshot = { state: 100, revision: 2 }; // a state that no events lead to, so that it shows which were read
    expect(await handle(transactOn(pool), watching, { ...command(stream), snapshot })).toMatchObject({ revision: 4 });
    expect(seen).toEqual([101]);
    await expect(handle(transactOn(pool), watching, { ...command(stream), snapshot, expected: 3 })).rejects.toBeInstanceOf(RevisionConflict);
  });

  it('does not read behind a snapshot that is the latest, and meets who appended all the same as a conflict', async () => {
    const stream = newStream();
    for (let i = 0; i < 2; i += 1) await handle(transactOn(pool), counting, command(stream));
    expect(await handle(transactOn(pool), counting, { ...command(stream), snapshot: { state: 2, revision: 2, latest: true } })).toMatchObject({ revision: 3 });
    const late = handle(transactOn(pool), counting, { ...command(stream), snapshot: { state: 2, revision: 2, latest: true } });
    await expect(late).rejects.toMatchObject({ name: 'RevisionConflict', actual: 3 });
  });

  it('applies a request with the same idempotency key once, also when both arrive together', async () => {
    const stream = newStream();
    const idempotency = { key: uuidv7(), fingerprint: 'f' };
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => handle(transactOn(pool), counting, { ...command(stream), idempotency })),
    );
    expect(await readStream(pooledSql(pool), stream)).toHaveLength(1);
    expect(new Set(answers.map((a) => a.events[0]?.id)).size).toBe(1);
    expect(answers.filter((a) => !a.replayed)).toHaveLength(1);
    await expect(
      handle(transactOn(pool), counting, { ...command(stream), idempotency: { ...idempotency, fingerprint: 'other' } }),
    ).rejects.toBeInstanceOf(IdempotencyKeyReused);
  });

  it('answers the same to requests that come together under one key, also when they name the revision', async () => {
    const stream = newStream();
    const once = { ...command(stream), expected: 0, idempotency: { key: uuidv7(), fingerprint: 'f' } };
    const answers = await Promise.all(Array.from({ length: 6 }, () => handle(transactOn(pool), counting, once)));
    expect(new Set(answers.map((a) => a.events[0]?.id)).size).toBe(1);
    await expect(handle(transactOn(pool), counting, { ...once, idempotency: { key: uuidv7(), fingerprint: 'f' } })).rejects.toBeInstanceOf(RevisionConflict);
  });

  it('rolls the append back when the view fails', async () => {
    const stream = newStream();
    const failing = handle(transactOn(pool), counting, command(stream), () => Promise.reject(new Error('the view is broken')));
    await expect(failing).rejects.toThrow('the view is broken');
    expect(await readStream(pooledSql(pool), stream)).toEqual([]);
  });
});

describe('a plan that was made while the ledger was empty', () => {
  it('looks at no more than the streams at hand when the ledger has grown', async () => {
    const grown = await freshDatabase();
    await migrate(grown.url, ledgerMigrations);
    const one = new Pool({ connectionString: grown.url, max: 1 }); // one connection keeps its plans
    const names = (n: number): string[] => Array.from({ length: n }, () => newStream());
    const put = (streams: readonly string[], expected: number) =>
      appendBatch(one, streams.map((stream) => prepareAppend(request(stream, { expected }))));
    const single = (stream: string, expected: number | 'any') => append(preparedSql(one), request(stream, { expected }));
    try {
      await put(names(2), 0); // and now each way has its plan
      await single(newStream(), 0);
      await single(newStream(), 'any');
      await one.query('select ledger.sequence(1)');
      for (let i = 0; i < 20; i += 1) await put(names(100), 0);
      const old = names(10);
      await put(old, 0);
      await one.query('select ledger.sequence(2000)');

      const rowsRead = async (): Promise<number> => {
        const { rows } = await one.query<{ n: string }>(`select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) as n from pg_stat_xact_user_tables where schemaname = 'ledger'`);
        return Number(rows[0]?.n);
      };
      const looked = async (work: () => Promise<unknown>): Promise<number> => {
        await one.query('begin');
        const before = await rowsRead();
        await work();
        const after = await rowsRead();
        await one.query('commit');
        return after - before;
      };
      expect(await looked(() => put(old, 1))).toBeLessThan(50);
      expect(await looked(() => put(names(10), 0))).toBeLessThan(50);
      expect(await looked(() => single(old[0] as string, 2))).toBeLessThan(10);
      expect(await looked(() => single(old[1] as string, 'any'))).toBeLessThan(10);
      expect(await looked(() => one.query('select ledger.sequence(1)'))).toBeLessThan(100);
    } finally {
      await one.end();
      await grown.drop();
    }
  });
});

describe('sequence', () => {
  const sequence = (limit = 1000) => pool.query<{ sequence: number }>('select ledger.sequence($1)', [limit]).then((r) => r.rows[0]?.sequence ?? 0);

  it('gives every event one index, dense, in each stream in order, with writers, rollbacks and two sequencers at once', async () => {
    const { nextIndex } = await (async () => {
      while ((await sequence()) > 0);
      return readHead(pooledSql(pool));
    })();
    const streams = Array.from({ length: 6 }, newStream);
    let writing = true;
    const sequencers = [1, 2].map(async () => {
      while (writing) await sequence(7);
    });
    const writers = streams.flatMap((stream) =>
      [1, 2].map(async () => {
        for (let i = 0; i < 15; i += 1) {
          await transactOn(pool)(async (tx) => {
            await append(tx.sql, request(stream, { events: [submitted(), submitted()] }));
            if (i % 5 === 4) throw new Error('given up');
          }).catch(() => undefined);
        }
      }),
    );
    await Promise.all(writers);
    writing = false;
    await Promise.all(sequencers);
    while ((await sequence()) > 0);

    const events = await readLedger(pooledSql(pool), { from: nextIndex, limit: 10_000 });
    expect(events.map((e) => e.index)).toEqual(events.map((_, i) => nextIndex + i));
    expect(events).toHaveLength(streams.length * 2 * 12 * 2);
    for (const stream of streams) {
      const revisions = events.filter((e) => e.stream === stream).map((e) => e.revision);
      expect(revisions).toEqual(revisions.map((_, i) => i + 1));
    }
    expect((await readHead(pooledSql(pool))).unsequenced).toBe(0);
  });

  it('gives an event that commits late a later index, and makes nobody wait for it', async () => {
    while ((await sequence()) > 0);
    const { nextIndex } = await readHead(pooledSql(pool));
    const late = newStream();
    let commit: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (commit = resolve));
    let appended: () => void = () => undefined;
    const inFlight = new Promise<void>((resolve) => (appended = resolve));
    const slow = transactOn(pool)(async (tx) => {
      await append(tx.sql, request(late));
      appended();
      await held;
    });
    await inFlight;
    const quick = newStream();
    await store(request(quick));
    expect(await sequence()).toBe(1);
    commit();
    await slow;
    expect(await sequence()).toBe(1);
    const events = await readLedger(pooledSql(pool), { from: nextIndex, limit: 10 });
    expect(events.map((e) => [e.index, e.stream])).toEqual([
      [nextIndex, quick],
      [nextIndex + 1, late],
    ]);
  });

  it('takes together what was stored together, 200 events at most', async () => {
    while ((await sequence()) > 0);
    const stream = newStream();
    await store(request(stream, { expected: 'noStream', events: Array.from({ length: 450 }, () => submitted()) }));
    expect((await readHead(pooledSql(pool))).unsequenced).toBe(450);
    expect([await sequence(100), await sequence(100), await sequence(100), await sequence(100)]).toEqual([200, 200, 50, 0]);
    const events = await readStream(pooledSql(pool), stream);
    expect(events.map(({ index }) => index)).toEqual(events.map((_, i) => (events[0]?.index ?? NaN) + i));
  });

  it('answers what it ordered as a reader finds it, whatever holes its numbers have', async () => {
    while ((await sequence()) > 0);
    const { nextIndex } = await readHead(pooledSql(pool));
    let commit: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (commit = resolve));
    const three = (): AppendRequest => request(newStream(), { events: [submitted(), submitted(), submitted()] });
    const late = transactOn(pool)(async (tx) => {
      await append(tx.sql, three());
      await store(three()); // whose numbers lie between
      await append(tx.sql, three());
      await held;
    });
    await eventually(async () => expect((await readHead(pooledSql(pool))).unsequenced).toBe(3));
    await appendBatch(pool, [three(), request(newStream()), three()].map(prepareAppend));
    const first = await sequenceEntries(pool, 1000);
    commit();
    await late;
    await store(three());
    const second = await sequenceEntries(pool, 1000);
    expect([first.length, second.length]).toEqual([10, 9]);
    expect([...first, ...second]).toEqual(await readRaw(pool, { from: nextIndex, limit: 100 }));
  });

  it('finds all that concerns a subject, in ledger order', async () => {
    const subject = `model:${uuidv7()}`;
    await store(request(newStream(), { subjects: [subject, 'endpoint:e'] }));
    await store(request(newStream(), { subjects: ['endpoint:e'] }));
    await store(request(newStream(), { subjects: [subject] }));
    while ((await sequence()) > 0);
    const events = await readLedger(pooledSql(pool), { from: 0, limit: 100, subject });
    expect(events.map((e) => e.subjects.includes(subject))).toEqual([true, true]);
    expect(events[0]?.index).toBeLessThan(events[1]?.index ?? 0);
  });
});
