import type { Message } from '@bufbuild/protobuf';
import type { Pool, PoolClient } from 'pg';
import { appendBatch, revisionsOf, type Stored } from './append-batch.ts';
import { AlreadyAppended, appendPrepared, RevisionConflict, type AppendRequest } from './append.ts';
import { isMet, prepareAppend, type PreparedAppend } from './prepared-append.ts';
import { recallBatch } from './read.ts';
import type { RecordedEvent } from './recorded-event.ts';
import { inTransaction, pooledSql, preparedSql, type Sql } from './sql.ts';

export interface GroupCommitOptions {
  /** Batches under way at once, each on a connection of its own. Default 3; more gains nothing. */
  readonly connections?: number;
  /** Appends in one batch at most. Default 128: what a batch costs beside its events, half a millisecond of CPU, is then shared by enough. */
  readonly maxBatch?: number;
  /**
   * Writes what follows from the accepted appends of a batch, in their transaction. Set-based: one statement for the
   * batch, not one for each append, and the same text each time, for it stays prepared. When it rejects, the batch is
   * tried again one append at a time.
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
export function groupCommit(pool: Pool, { connections = 3, maxBatch = 128, project }: GroupCommitOptions = {}): GroupCommit {
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
      const once = (): Promise<readonly RecordedEvent[]> =>
        inTransaction(pool, async (client) => {
          const sql = pooledSql(client);
          const earlier = await recallBatch(sql, idempotency);
          if (earlier) return earlier;
          const stored = await appendPrepared(sql, prepared);
          await project?.(sql, [stored]);
          return stored;
        }, asUnknown);
      const recorded = await once().catch((error: unknown) => {
        // The same request may have come twice at once. Then its answer is there now, and the stream has grown by it.
        if (error instanceof AlreadyAppended || error instanceof RevisionConflict) return once();
        throw error;
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
    const recorded = await appendPrepared(preparedSql(client), prepared);
    await project?.(preparedSql(client), [recorded]);
    return recorded;
  };
  resolve(project ? await inTransaction(pool, store, asUnknown) : await store(pool).catch(asUnknown));
}

async function together(pool: Pool, batch: readonly Waiting[], project: GroupCommitOptions['project'], again: (waiting: Waiting) => void): Promise<void> {
  const prepared = batch.map((waiting) => waiting.prepared);
  const store = async (client: Pool | PoolClient): Promise<readonly Stored[]> => {
    const stored = await appendBatch(client, prepared);
    const accepted = stored.filter((recorded) => recorded !== undefined);
    if (accepted.length > 0) await project?.(preparedSql(client), accepted);
    return stored;
  };
  const stored = project ? await inTransaction(pool, store, asUnknown) : await store(pool).catch(asUnknown);
  const refused: Waiting[] = [];
  batch.forEach((waiting, i) => {
    const recorded = stored[i];
    if (recorded) waiting.resolve(recorded);
    else refused.push(waiting);
  });
  if (refused.length === 0) return;
  try {
    const revisions = await revisionsOf(pool, refused.map((waiting) => waiting.prepared.request.stream));
    for (const waiting of refused) {
      const { stream, expected } = waiting.prepared.request;
      const actual = revisions.get(stream) ?? 0;
      if (isMet(expected, actual)) again(waiting); // somebody was quicker, and it does not matter
      else waiting.reject(new RevisionConflict(stream, expected, actual));
    }
  } catch (error) {
    for (const { reject } of refused) reject(error); // nothing of them is stored
  }
}

/** What came instead of the answer to a commit. When the connection broke, the commit may have happened. */
function asUnknown(error: unknown): never {
  const { code } = error as { code?: string };
  const told = code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !/^(08|57P|E[A-Z])/.test(code); // an SQLSTATE that PostgreSQL lived to tell
  if (told || error instanceof RevisionConflict) throw error;
  throw new OutcomeUnknown(error);
}
