import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ActorKind, ActorSchema, InvalidEvent, UseCaseSubmittedSchema, type UseCaseSubmitted } from '@vitae/contracts';
import { freshDatabase, type FreshDatabase } from '@vitae/testing';
import { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { groupCommit, ledgerMigrations, migrate, pooledSql, readLedger, readRaw, readStream, RevisionConflict, type AppendRequest, type Attribution } from './index.ts';

const attribution: Attribution = {
  projectId: 'credit',
  actor: create(ActorSchema, { id: 'dana', kind: ActorKind.HUMAN }),
  reason: 'a "spec" with ü and \\',
  occurredAt: '2026-11-20T09:00:00.000Z',
  correlationId: 'c-1',
  causationId: '',
  traceparent: '',
};
const submitted = (useCaseId: string = uuidv7()): UseCaseSubmitted => create(UseCaseSubmittedSchema, { useCaseId });
const newStream = (): string => `governance.UseCase-${uuidv7()}`;
const request = (stream: string, more: Partial<AppendRequest> = {}): AppendRequest => ({
  stream,
  expected: 'any',
  events: [submitted()],
  attribution,
  subjects: ['model:m-1', 'model:m-2'],
  ...more,
});

let database: FreshDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await freshDatabase();
  await migrate(database.url, ledgerMigrations);
  pool = new Pool({ connectionString: database.url, max: 8 });
  pool.on('error', () => undefined);
  await pool.query('create table public.shown (stream text primary key, revision integer not null)');
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

describe('a group commit', () => {
  it('stores many appends of one and of several events, each as append would have', async () => {
    const group = groupCommit(pool);
    const requests = Array.from({ length: 300 }, (_, i) => request(newStream(), { expected: 'noStream', events: Array.from({ length: 1 + (i % 4) }, () => submitted()) }));
    const stored = await Promise.all(requests.map((one) => group.append(one)));
    for (const [i, recorded] of stored.entries()) {
      const { stream } = requests[i] as AppendRequest;
      expect(recorded.map(({ revision }) => revision)).toEqual(recorded.map((_, n) => n + 1));
      expect(await readStream(pooledSql(pool), stream)).toEqual(recorded);
    }
  });

  it('numbers the events of each stream in their order', async () => {
    const { rows } = await pool.query(
      `select 1 from (select revision, lag(revision) over (partition by stream order by seq) as before from ledger.event) e where revision <> coalesce(before, 0) + 1`,
    );
    expect(rows).toEqual([]);
  });

  it('tells each loser of a race where the stream is, and stores its neighbours', async () => {
    const group = groupCommit(pool, { maxBatch: 16 });
    const hot = Array.from({ length: 5 }, newStream);
    let won = 0;
    let lost = 0;
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const stream = hot[i % hot.length] as string;
        try {
          const [recorded] = await group.append(request(stream, { expected: Math.floor(i / 50) }));
          expect(recorded?.revision).toBe(Math.floor(i / 50) + 1);
          won += 1;
        } catch (error) {
          expect(error).toBeInstanceOf(RevisionConflict);
          lost += 1;
        }
        await expect(group.append(request(newStream(), { expected: 'noStream' }))).resolves.toHaveLength(1);
      }),
    );
    const { rows } = await pool.query<{ n: string }>('select count(*) as n from ledger.event where stream = any($1)', [hot]);
    expect({ won, lost }).toEqual({ won: Number(rows[0]?.n), lost: 200 - Number(rows[0]?.n) });
  });

  it('loses none that expects any revision, with two groups and single writers on the same streams', async () => {
    const groups = [groupCommit(pool, { maxBatch: 8 }), groupCommit(pool, { maxBatch: 8 })];
    const streams = Array.from({ length: 3 }, newStream);
    await Promise.all(Array.from({ length: 240 }, (_, i) => groups[i % 2]?.append(request(streams[i % 3] as string, { events: [submitted(), submitted()] }))));
    for (const stream of streams) {
      expect((await readStream(pooledSql(pool), stream)).map(({ revision }) => revision)).toEqual(Array.from({ length: 160 }, (_, i) => i + 1));
    }
  });

  it('refuses what expects a stream that is not there, also when it comes alone', async () => {
    const group = groupCommit(pool);
    await expect(group.append(request(newStream(), { expected: 'exists' }))).rejects.toMatchObject({ name: 'RevisionConflict', actual: 0 });
    await expect(group.append(request(newStream(), { expected: 3 }))).rejects.toMatchObject({ name: 'RevisionConflict', actual: 0 });
    await expect(group.append(request(newStream(), { events: [submitted('no uuid')] }))).rejects.toBeInstanceOf(InvalidEvent);
    await expect(group.append(request(newStream(), { subjects: ['model: two words'] }))).rejects.toBeInstanceOf(InvalidEvent);
  });

  it('applies a batch with the same idempotency key once and answers the same', async () => {
    const group = groupCommit(pool);
    const stream = newStream();
    const idempotency = { key: uuidv7(), fingerprint: 'f' };
    const twice = [submitted(), submitted()];
    const [first, same] = await Promise.all([1, 2].map(() => group.append(request(stream, { events: twice, idempotency }))));
    const later = await group.append(request(stream, { events: twice, idempotency }));
    expect([same, later]).toEqual([first, first]);
    expect(await readStream(pooledSql(pool), stream)).toEqual(first);
  });

  it.each(['noStream', 0] as const)('answers the same to two that come together under one key and expect %p', async (expected) => {
    const group = groupCommit(pool);
    for (let round = 0; round < 20; round += 1) {
      const one = request(newStream(), { expected, idempotency: { key: uuidv7(), fingerprint: 'f' } });
      const answers = await Promise.all([1, 2, 3].map(() => group.append(one)));
      expect(answers).toEqual([answers[0], answers[0], answers[0]]);
    }
    const elsewhere = newStream();
    await group.append(request(elsewhere));
    await expect(group.append(request(elsewhere, { expected, idempotency: { key: uuidv7(), fingerprint: 'f' } }))).rejects.toBeInstanceOf(RevisionConflict);
  });

  it('survives a connection that is cut in the middle of a transaction, and stores nothing of it', async () => {
    const cut = groupCommit(pool, { project: async (sql) => void (await sql.query('select pg_terminate_backend(pg_backend_pid())')) });
    const stream = newStream();
    await expect(cut.append(request(stream))).rejects.toThrow(/terminat/);
    expect(await readStream(pooledSql(pool), stream)).toEqual([]);
    expect(await groupCommit(pool).append(request(stream))).toHaveLength(1);
  });

  it('commits a view with its events, and when the view fails for one, only that one is not stored', async () => {
    const poison = newStream();
    const group = groupCommit(pool, {
      project: async (sql, accepted) => {
        if (accepted.some(([recorded]) => recorded?.stream === poison)) throw new Error('no row for this one');
        await sql.query(
          'insert into public.shown (stream, revision) select * from unnest($1::text[], $2::int[]) on conflict (stream) do update set revision = excluded.revision',
          [accepted.map(([recorded]) => recorded?.stream), accepted.map((recorded) => recorded.at(-1)?.revision)],
        );
      },
    });
    const streams = [...Array.from({ length: 40 }, newStream), poison];
    const results = await Promise.allSettled(streams.map((stream) => group.append(request(stream))));
    expect(results.filter(({ status }) => status === 'rejected')).toEqual([{ status: 'rejected', reason: new Error('no row for this one') }]);
    const shown = await pool.query<{ stream: string }>('select stream from public.shown order by stream');
    expect(shown.rows.map(({ stream }) => stream)).toEqual(streams.filter((stream) => stream !== poison).sort());
    expect(await readStream(pooledSql(pool), poison)).toEqual([]);
  });

  it('waits for what is under way when it is closed', async () => {
    const group = groupCommit(pool);
    const streams = Array.from({ length: 200 }, newStream);
    const appended = Promise.all(streams.map((stream) => group.append(request(stream))));
    await group.close();
    await expect(group.append(request(newStream()))).rejects.toThrow('closed');
    expect(await appended).toHaveLength(200);
  });
});

describe('readRaw', () => {
  it('reads the same entries as readLedger, in the very bytes that are stored', async () => {
    for (let n = 1; n > 0; ) ({ n } = (await pool.query<{ n: number }>('select ledger.sequence(1000) as n')).rows[0] as { n: number });
    const events = await readLedger(pooledSql(pool), { from: 5, limit: 300 });
    const raw = await readRaw(pool, { from: 5, limit: 300 });
    expect(raw.map(({ metadata, ...entry }) => ({ ...entry, reason: JSON.parse(metadata).reason }))).toEqual(
      events.map(({ index, id, stream, revision, type, projectId, subjects, payload, recordedAt, reason }) => ({
        index, id, stream, revision, type, projectId, subjects: subjects.join(' '), payload, recordedAt, reason,
      })),
    );
  });
});

describe('ledger.index_at', () => {
  it('names the last entry of a prefix: all recorded until then, nothing recorded later', async () => {
    const { rows } = await pool.query<{ index: string; recorded_at: string }>(
      `select n.index, e.recorded_at::text as recorded_at from ledger.entry n join ledger.event e on e.seq = n.seq order by n.index`,
    );
    const at = async (time: string) => Number((await pool.query<{ i: string }>('select ledger.index_at($1) as i', [time])).rows[0]?.i);
    expect(await at('2020-01-01')).toBe(-1);
    expect(await at('infinity')).toBe(rows.length - 1);
    for (const i of [0, 17, 300, rows.length - 1]) expect(await at(rows[i]?.recorded_at as string)).toBeGreaterThanOrEqual(i);
  });
});
