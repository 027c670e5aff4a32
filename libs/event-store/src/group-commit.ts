import type { Message } from '@bufbuild/protobuf';
import type { Pool, PoolClient, QueryConfig } from 'pg';
import { appendPrepared, RevisionConflict, type AppendRequest } from './append.ts';
import { intArray, textArray, uuidArray } from './binary-array.ts';
import { expectedCode, prepareAppend, recordedOf, type PreparedAppend } from './prepared-append.ts';
import { recallBatch } from './read.ts';
import type { RecordedEvent } from './recorded-event.ts';
import { pooledSql, preparedSql, transactOn, type Sql } from './sql.ts';
import { rfc3339 } from './timestamp.ts';

export interface GroupCommitOptions {
  /** Batches under way at once, each on a connection of its own. Default 3; more gains nothing. */
  readonly connections?: number;
  /** Appends in one batch at most. Default 64. */
  readonly maxBatch?: number;
  /**
   * Writes what follows from the accepted appends of a batch, in their transaction. Set-based: one statement for the
   * batch, not one for each append. When it rejects, the batch is tried again one append at a time.
   */
  readonly project?: (sql: Sql, accepted: readonly (readonly RecordedEvent[])[]) => Promise<void>;
}

export interface GroupCommit {
  /**
   * Appends to one stream: the promises of `append`, with neighbours in one commit. Resolves when it is durable.
   * Throws InvalidEvent, RevisionConflict (the neighbours are stored all the same), IdempotencyKeyReused. When the
   * connection breaks before the answer, whether it was stored is unknown: repeat with an idempotency key or read.
   */
  append<Event extends Message>(request: AppendRequest<Event>): Promise<readonly RecordedEvent<Event>[]>;
  /** The same for what was prepared before. */
  appendPrepared(prepared: PreparedAppend): Promise<readonly RecordedEvent[]>;
  /** Waits for what is under way. Nothing may be appended afterwards. */
  close(): Promise<void>;
}

interface Waiting {
  readonly prepared: PreparedAppend;
  resolve(recorded: readonly RecordedEvent[]): void;
  reject(reason: unknown): void;
}

/**
 * For callers that only append (imports, bulk): many appends share a statement and a commit, which is where the time
 * goes. There is no timer: whatever comes in while batches are under way is the next batch, so that a single
 * writer waits for nobody and many fill their batches by themselves.
 */
export function groupCommit(pool: Pool, { connections = 3, maxBatch = 64, project }: GroupCommitOptions = {}): GroupCommit {
  const queue: Waiting[] = [];
  /** Streams in a batch under way: a second append to one of them waits, instead of waiting inside PostgreSQL. */
  const busy = new Set<string>();
  let underWay = 0;
  let planned = false;
  let drained: (() => void) | undefined;
  let closed = false;

  const plan = (): void => {
    if (planned) return;
    planned = true;
    process.nextTick(pump); // after everybody who was just answered has come again
  };

  function pump(): void {
    planned = false;
    while (underWay < connections && queue.length > 0) {
      const batch = take();
      if (batch.length === 0) break;
      underWay += 1;
      void run(batch).finally(() => {
        underWay -= 1;
        for (const { prepared } of batch) busy.delete(prepared.request.stream);
        if (queue.length > 0) plan();
        else if (underWay === 0) drained?.();
      });
    }
  }

  /** The first waiting appends, one for each stream that is not busy. */
  function take(): Waiting[] {
    const batch: Waiting[] = [];
    const left: Waiting[] = [];
    for (let i = 0; i < queue.length; i += 1) {
      const waiting = queue[i] as Waiting;
      const { stream } = waiting.prepared.request;
      if (batch.length < maxBatch && !busy.has(stream)) {
        busy.add(stream);
        batch.push(waiting);
      } else {
        left.push(waiting);
        if (batch.length === maxBatch) {
          left.push(...queue.slice(i + 1));
          break;
        }
      }
    }
    queue.splice(0, queue.length, ...left);
    return batch;
  }

  async function run(batch: readonly Waiting[]): Promise<void> {
    try {
      await (batch.length === 1 ? alone(pool, batch[0] as Waiting, project) : together(pool, batch, project, again));
    } catch (error) {
      if (batch.length === 1 || connectionBroke(error)) return batch.forEach(({ reject }) => reject(error));
      // One of them spoils it for all: each by itself, so that only that one hears of it.
      for (const one of batch) await alone(pool, one, project).catch((reason: unknown) => one.reject(reason));
    }
  }

  /** Somebody was quicker, which an append that expects no exact revision does not mind. */
  const again = (waiting: Waiting): void => void queue.push(waiting);

  const enqueue = (prepared: PreparedAppend): Promise<readonly RecordedEvent[]> => {
    if (closed) return Promise.reject(new Error('this group commit is closed'));
    return new Promise((resolve, reject) => {
      queue.push({ prepared, resolve, reject });
      plan();
    });
  };

  return {
    append: async <Event extends Message>(request: AppendRequest<Event>) => {
      const { idempotency } = request;
      const prepared = prepareAppend(request);
      if (!idempotency) return (await enqueue(prepared)) as readonly RecordedEvent<Event>[];
      // A key has to be looked up and kept with its events: a transaction of its own.
      const recorded = await transactOn(pool)(async ({ sql }) => {
        const earlier = await recallBatch(sql, idempotency);
        if (earlier) return earlier;
        const stored = await appendPrepared(sql, prepared);
        await project?.(sql, [stored]);
        return stored;
      });
      return recorded as readonly RecordedEvent<Event>[];
    },
    appendPrepared: enqueue,
    close: () => {
      closed = true;
      return queue.length === 0 && underWay === 0 ? Promise.resolve() : new Promise((resolve) => (drained = resolve));
    },
  };
}

interface Row {
  readonly append: number;
  readonly revision: number;
  readonly recorded_at: string | null;
}

/** The usual append of one event by one writer: without the arrays, which cost more than the event. */
async function alone(pool: Pool, { prepared, resolve }: Waiting, project: GroupCommitOptions['project']): Promise<void> {
  const store = async (client: Pool | PoolClient): Promise<readonly RecordedEvent[]> => {
    const recorded = await appendPrepared(preparedSql(client, 'ledger.append'), prepared);
    await project?.(pooledSql(client), [recorded]);
    return recorded;
  };
  resolve(project ? await inTransaction(pool, store) : await store(pool));
}

async function together(pool: Pool, batch: readonly Waiting[], project: GroupCommitOptions['project'], again: (waiting: Waiting) => void): Promise<void> {
  const sorted = [...batch].sort((a, b) => (a.prepared.request.stream < b.prepared.request.stream ? -1 : 1));
  const store = async (client: Pool | PoolClient): Promise<Answer> => {
    const answer = await appendMany(client, sorted);
    if (answer.accepted.length > 0) await project?.(pooledSql(client), answer.accepted.map(([, recorded]) => recorded));
    return answer;
  };
  const { accepted, refused } = project ? await inTransaction(pool, store) : await store(pool);
  for (const [waiting, recorded] of accepted) waiting.resolve(recorded);
  for (const [waiting, revision] of refused) {
    const { request } = waiting.prepared;
    const expected = expectedCode(request.expected);
    const conflict = (actual: number) => waiting.reject(new RevisionConflict(request.stream, request.expected, actual));
    if (expected === -1 || (expected === -2 && revision > 0)) again(waiting);
    else if (expected !== revision) conflict(revision);
    else await revisionOf(pool, request.stream).then(conflict, waiting.reject); // it held when looked at; then somebody was quicker
  }
}

interface Answer {
  readonly accepted: readonly (readonly [Waiting, readonly RecordedEvent[]])[];
  /** With the revision that the stream was at. */
  readonly refused: readonly (readonly [Waiting, number])[];
}

async function appendMany(client: Pool | PoolClient, sorted: readonly Waiting[]): Promise<Answer> {
  const { rows } = await client.query<Row>(statementOf(sorted.map(({ prepared }) => prepared)));
  const accepted: (readonly [Waiting, readonly RecordedEvent[]])[] = [];
  const refused: (readonly [Waiting, number])[] = [];
  for (const { append, revision, recorded_at } of rows) {
    const waiting = sorted[append - 1] as Waiting;
    if (recorded_at === null) refused.push([waiting, revision]);
    else accepted.push([waiting, recordedOf(waiting.prepared, revision + 1, rfc3339(recorded_at))]);
  }
  return { accepted, refused };
}

async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin isolation level read committed');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((cause: Error) => (broken = cause));
    throw error;
  } finally {
    client.release(broken);
  }
}

function statementOf(appends: readonly PreparedAppend[]): QueryConfig {
  const heads = appends.map(({ events }) => events[0] as PreparedAppend['events'][number]);
  const more = appends.flatMap(({ events }, i) => events.slice(1).map((event) => ({ append: i + 1, ...event })));
  return {
    name: 'ledger.append_batch',
    text: 'select append, revision, recorded_at::text as recorded_at from ledger.append_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)',
    values: [
      textArray(appends.map(({ request }) => request.stream)),
      intArray(appends.map(({ request }) => expectedCode(request.expected))),
      textArray(appends.map(({ request }) => request.attribution.projectId)),
      textArray(appends.map(({ subjects }) => subjects.join(' '))),
      textArray(appends.map(({ metadata }) => metadata)),
      uuidArray(heads.map(({ id }) => id)),
      textArray(heads.map(({ event }) => event.$typeName)),
      textArray(heads.map(({ payload }) => payload)),
      ...(more.length === 0
        ? [null, null, null, null]
        : [
            intArray(more.map(({ append }) => append)),
            uuidArray(more.map(({ id }) => id)),
            textArray(more.map(({ event }) => event.$typeName)),
            textArray(more.map(({ payload }) => payload)),
          ]),
    ],
  };
}

async function revisionOf(pool: Pool, stream: string): Promise<number> {
  const { rows } = await pool.query<{ revision: number }>('select coalesce(max(revision), 0)::integer as revision from ledger.event where stream = $1', [stream]);
  return rows[0]?.revision ?? 0;
}

/** No answer came, so nobody knows whether it was stored; it must not be tried again by us. */
function connectionBroke(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === undefined || !/^[0-9A-Z]{5}$/.test(code) || /^(08|57P|E[A-Z])/.test(code);
}
