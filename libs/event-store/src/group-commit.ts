import type { Message } from '@bufbuild/protobuf';
import type { Pool, PoolClient, QueryConfig } from 'pg';
import { appendPrepared, RevisionConflict, type AppendRequest } from './append.ts';
import { intArray, textArray, uuidArray } from './binary-array.ts';
import { expectedCode, isMet, prepareAppend, recordedOf, type PreparedAppend } from './prepared-append.ts';
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
   * Throws InvalidEvent, RevisionConflict (the neighbours are stored all the same), IdempotencyKeyReused,
   * OutcomeUnknown.
   */
  append<Event extends Message>(request: AppendRequest<Event>): Promise<readonly RecordedEvent<Event>[]>;
  /** The same for what was prepared before. */
  appendPrepared(prepared: PreparedAppend): Promise<readonly RecordedEvent[]>;
  /** Waits for what is under way. Nothing may be appended afterwards. */
  close(): Promise<void>;
}

/** The connection broke before the answer to a commit: it was stored, or it was not. */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown';
  constructor(cause: unknown) {
    super(`whether it was stored is unknown: ${(cause as Error).message}; read the stream, or repeat it with an idempotency key`, { cause });
  }
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
      if (batch.length === 1 || error instanceof OutcomeUnknown) return batch.forEach(({ reject }) => reject(error));
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

/** The usual append of one event by one writer: without the arrays, which cost more than the event. */
async function alone(pool: Pool, { prepared, resolve }: Waiting, project: GroupCommitOptions['project']): Promise<void> {
  const store = async (client: Pool | PoolClient): Promise<readonly RecordedEvent[]> => {
    const recorded = await appendPrepared(preparedSql(client, 'ledger.append'), prepared);
    await project?.(pooledSql(client), [recorded]);
    return recorded;
  };
  resolve(project ? await inTransaction(pool, store) : await store(pool).catch(asUnknown));
}

async function together(pool: Pool, batch: readonly Waiting[], project: GroupCommitOptions['project'], again: (waiting: Waiting) => void): Promise<void> {
  const sorted = [...batch].sort((a, b) => (a.prepared.request.stream < b.prepared.request.stream ? -1 : 1));
  const store = async (client: Pool | PoolClient): Promise<Answer> => {
    const answer = await appendMany(client, sorted);
    if (answer.accepted.length > 0) await project?.(pooledSql(client), answer.accepted.map(([, recorded]) => recorded));
    return answer;
  };
  const { accepted, refused } = project ? await inTransaction(pool, store) : await store(pool).catch(asUnknown);
  for (const [waiting, recorded] of accepted) waiting.resolve(recorded);
  if (refused.length === 0) return;
  const revisions = await revisionsOf(pool, refused.map(({ prepared }) => prepared.request.stream)).catch((error: unknown) => {
    for (const { reject } of refused) reject(error);
    return undefined;
  });
  if (!revisions) return;
  for (const waiting of refused) {
    const { stream, expected } = waiting.prepared.request;
    const actual = revisions.get(stream) ?? 0;
    if (isMet(expected, actual)) again(waiting); // somebody was quicker, and it does not matter
    else waiting.reject(new RevisionConflict(stream, expected, actual));
  }
}

interface Answer {
  readonly accepted: readonly (readonly [Waiting, readonly RecordedEvent[]])[];
  readonly refused: readonly Waiting[];
}

async function appendMany(client: Pool | PoolClient, sorted: readonly Waiting[]): Promise<Answer> {
  const { rows } = await client.query<{ append: number; revision: number; recorded_at: string }>(statementOf(sorted.map(({ prepared }) => prepared)));
  const left = new Set(sorted);
  const accepted = rows.map(({ append, revision, recorded_at }) => {
    const waiting = sorted[append - 1] as Waiting;
    left.delete(waiting);
    return [waiting, recordedOf(waiting.prepared, revision + 1, rfc3339(recorded_at))] as const;
  });
  return { accepted, refused: [...left] };
}

async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin isolation level read committed');
    const result = await work(client);
    await client.query('commit').catch(asUnknown);
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

async function revisionsOf(pool: Pool, streams: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const { rows } = await pool.query<{ stream: string; revision: number }>(
    'select stream, max(revision) as revision from ledger.event where stream = any($1) group by stream',
    [streams],
  );
  return new Map(rows.map(({ stream, revision }) => [stream, revision]));
}

/** What came instead of the answer to a commit. When the connection broke, the commit may have happened. */
function asUnknown(error: unknown): never {
  const { code } = error as { code?: string };
  const told = code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !/^(08|57P|E[A-Z])/.test(code); // an SQLSTATE that PostgreSQL lived to tell
  if (told || error instanceof RevisionConflict) throw error;
  throw new OutcomeUnknown(error);
}
