import type { NatsConnection } from '@nats-io/nats-core';
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { readHead, readLedger, type RecordedEvent, type Sql, type Transact, type Transaction } from '@vitae/event-store';
import { advanceBookmark, countParked, openBookmark, park } from './bookmark.ts';
import type { ConsumerLog } from './consumer-log.ts';
import { listen } from './delivery.ts';
import { durableName } from './nats-rights.ts';
import { contextOf } from './trace-context.ts';

/**
 * One reader of the whole ledger, in order, with an effect that happens exactly once.
 *
 *   JetStream messages ──► in order? ──► handle + bookmark in one transaction ──► ack
 *                            │ no: redelivered → ack only
 *                            └ no: a gap       → the missing events from PostgreSQL first
 *   no message for a while ──► ask PostgreSQL whether there is something after all
 *
 * An event that fails again and again is parked (with its error) in the transaction that moves the
 * bookmark past it; one that fails because PostgreSQL cannot be reached is tried until it can.
 */
export interface ConsumerOptions<Tx extends Transaction> {
  /** Unique over the installation, e.g. `registry.retirements`. Names bookmark and JetStream durable. */
  readonly name: string;
  readonly nats: NatsConnection;
  readonly transact: Transact<Tx>;
  /** Outside any transaction: for looking only. */
  readonly sql: Sql;
  /** The effect. MUST only act through tx; events it has no use for it passes over. */
  readonly handle: (event: RecordedEvent, tx: Tx) => Promise<void>;
  readonly log: ConsumerLog;
  /** Tries before an event is parked. */
  readonly attempts?: number;
  /** Wait before the second try, in milliseconds; doubles from try to try. */
  readonly backoffMs?: number;
  /** Longest silence before PostgreSQL is asked, in milliseconds. */
  readonly pollMs?: number;
}

export interface ConsumerStatus {
  readonly name: string;
  /** The index it takes next. */
  readonly bookmark: number;
  /** Events set aside so far, by this and earlier runs. */
  readonly parked: number;
  /** Why it is not getting on at the moment, if it is not. */
  readonly trouble?: string;
}

export interface Consumer {
  status(): ConsumerStatus;
  /**
   * Waits until everything that was committed anywhere before the call has been handled here:
   * read-your-writes across services. Gives up after `timeoutMs` and says so by false.
   */
  catchUp(timeoutMs?: number): Promise<boolean>;
  /** Stops taking, finishes the event at hand, closes; in that order. */
  stop(): Promise<void>;
}

/** Events that one transaction takes at most: a backlog goes quickly, and an effect that fails is not far from its start. */
const BATCH = 50;
const tracer = trace.getTracer('@vitae/messaging');

export async function startConsumer<Tx extends Transaction>(options: ConsumerOptions<Tx>): Promise<Consumer> {
  const { name, transact, sql, log, attempts = 5, backoffMs = 50, pollMs = 1_000 } = options;
  let bookmark = await openBookmark(sql, name);
  let parked = await countParked(sql, name);
  let trouble: string | undefined;
  let stopping = false;
  const waiters = new Set<() => void>();
  const delivery = listen(options.nats, { durable: durableName(name), from: bookmark, log });

  const settled = (): void => {
    for (const check of waiters) check();
  };

  /** Effect and bookmark of consecutive events in one transaction. */
  async function effect(events: readonly RecordedEvent[]): Promise<void> {
    await transact(async (tx) => {
      if (!(await advanceBookmark(tx.sql, name, events))) return; // another replica was here first
      for (const event of events) await spanned(event, () => options.handle(event, tx));
    });
  }

  async function spanned(event: RecordedEvent, work: () => Promise<void>): Promise<void> {
    await tracer.startActiveSpan(
      `consume ${event.type}`,
      { kind: SpanKind.CONSUMER, attributes: { 'messaging.system': 'nats', 'messaging.consumer.group.name': name, 'vitae.index': event.index ?? -1 } },
      contextOf(event.traceparent),
      async (span) => {
        try {
          await work();
        } catch (error) {
          span.recordException(error as Error);
          span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
          throw error;
        } finally {
          span.end();
        }
      },
    );
  }

  /** A backlog is taken in batches, for a commit costs more than most effects. Whatever goes wrong with one, each event is then taken by itself. */
  async function takeAll(events: readonly RecordedEvent[]): Promise<void> {
    const [first] = events;
    if (events.length > 1 && first?.index === bookmark) {
      try {
        await effect(events);
        passed(events);
        return;
      } catch (error) {
        log.warn({ consumer: name, index: first.index, events: events.length, err: error }, 'a batch could not be taken; its events are taken one by one');
      }
    }
    for (const event of events) {
      if (stopping) return;
      await take(event);
    }
  }

  function passed(events: readonly RecordedEvent[]): void {
    trouble = undefined;
    bookmark = (events.at(-1)?.index ?? bookmark) + 1;
    settled();
  }

  async function take(event: RecordedEvent): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await effect([event]);
        break;
      } catch (error) {
        const detail = { consumer: name, index: event.index, type: event.type, attempt, err: error };
        if (unreachable(error)) {
          trouble = `PostgreSQL cannot be reached: ${(error as Error).message}`;
          log.warn(detail, 'the database is away; the event is tried again');
          if (stopping) throw error;
          await delivery.pause(Math.min(backoffMs * 2 ** Math.min(attempt, 6), 2_000));
        } else if (attempt >= attempts) {
          await transact((tx) => park(tx.sql, name, event, error as Error, attempt));
          parked += 1;
          log.error(detail, 'an event could not be taken and is parked; the consumer goes on without it');
          break;
        } else {
          log.warn(detail, 'an event could not be taken and is tried again');
          await delivery.pause(backoffMs * 2 ** (attempt - 1));
        }
      }
    }
    passed([event]);
  }

  /** From PostgreSQL: everything from the bookmark on, up to (not including) `until`. */
  async function fill(until = Number.POSITIVE_INFINITY): Promise<void> {
    while (!stopping && bookmark < until) {
      const page = await readLedger(sql, { from: bookmark, limit: Math.min(BATCH, until - bookmark) });
      if (page.length === 0) return;
      await takeAll(page);
    }
  }

  async function run(): Promise<void> {
    while (!stopping) {
      try {
        const message = await delivery.next(pollMs);
        if (stopping) return;
        if (!message) {
          await fill();
          continue;
        }
        if (message.event.index > bookmark) await fill(message.event.index);
        const batch = [message];
        for (let more; batch.length < BATCH && (more = delivery.nextIf(message.event.index + batch.length)); ) batch.push(more);
        if (message.event.index === bookmark) await takeAll(batch.map(({ event }) => event.recorded()));
        for (const { event, ack } of batch) if (event.index < bookmark) ack();
      } catch (error) {
        trouble = (error as Error).message;
        log.warn({ consumer: name, err: error }, 'the consumer met an obstacle and goes on from its bookmark');
        if (!stopping) await delivery.pause(250);
      }
    }
  }

  const running = run();
  return {
    status: () => ({ name, bookmark, parked, ...(trouble === undefined ? {} : { trouble }) }),
    async catchUp(timeoutMs = 5_000) {
      const head = await readHead(sql);
      const target = head.nextIndex + head.unsequenced;
      if (bookmark >= target) return true;
      return new Promise<boolean>((resolve) => {
        const finish = (reached: boolean): void => {
          clearTimeout(timer);
          waiters.delete(check);
          resolve(reached);
        };
        const check = (): void => {
          if (bookmark >= target) finish(true);
        };
        const timer = setTimeout(() => finish(false), timeoutMs);
        waiters.add(check);
        check();
      });
    },
    async stop() {
      stopping = true;
      delivery.stop();
      await running;
      await delivery.closed();
    },
  };
}



/** PostgreSQL is away or shutting down (classes 08 and 57P), or the socket broke: not the event's fault. */
function unreachable(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return (
    /^(08|57P|53)/.test(code ?? '') ||
    ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'].includes(code ?? '') ||
    /Connection terminated|timeout exceeded when trying to connect/.test(message ?? '')
  );
}
