import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { readHead, sequenceEntries } from '@vitae/event-store';
import { onAppended } from '@vitae/messaging';
import { Broker, CONFIG, Ledger, Readiness } from '@vitae/service-kit';
import { Pool } from 'pg';
import type { LedgerConfig } from '../config.ts';
import { LedgerPages } from '../ledger-pages.store.ts';
import { LedgerHead } from '../history/ledger-head.worker.ts';
import { PublisherWorker } from '../publishing/publisher.worker.ts';
import { QueueingWorker } from '../webhook/queueing.worker.ts';
import { signal } from '../signal.worker.ts';

const BATCH = 2_000;
/** Events at once from which on it lets some gather, for each look has its price; below, it looks again at once. */
const BUSY = 50;
/**
 * For how long, in milliseconds, by the events that come in one: with 150 at once an event costs PostgreSQL half as much again
 * as with 1,000, which matters where a core is full and not before. By how many were found it would not let go again.
 */
const GATHER: readonly { readonly perMs: number; readonly ms: number }[] = [{ perMs: 15, ms: 40 }, { perMs: 11, ms: 10 }, { perMs: 0, ms: 4 }];
/** Over how long that is averaged, for appends come in gusts. */
const AVERAGE_MS = 50;
/** Events after which the inbox is swept. */
const SWEEP_EVERY = 2_000;
/** Entries of a block, after which there is one more to be noted for the history. While many come at once, several blocks are. */
const BLOCK = 256;
const BLOCKS = 8;

/**
 * Gives committed events their index, as long as the service runs:
 * wait for a hint (or the poll) → ledger.sequence_entries until nothing is left → wake the publisher and who waits for news.
 * Behind that, and without anybody waiting for it: ledger.note_entries, by which the history finds them.
 *
 * Any number of replicas may do this at once: the head row's lock is the fence (see 0001-ledger.sql).
 */
@Injectable()
export class SequencerWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #log = new Logger(SequencerWorker.name);
  readonly #hint = signal();
  /** A connection of its own, on which the statement stays prepared, and for which no request makes it wait. */
  readonly #pool: Pool;
  #lookedAt = 0;
  /** Events that came in a millisecond, of late. */
  #perMs = 0;
  #sinceSweep = 0;
  #sinceNoting = BLOCKS * BLOCK; // what an earlier process left behind
  #noting: Promise<void> | undefined;
  #stopping = false;
  #running: Promise<void> = Promise.resolve();
  #unsubscribe: () => void = () => undefined;
  #trouble: string | undefined;

  constructor(
    private readonly ledger: Ledger,
    private readonly broker: Broker,
    private readonly pages: LedgerPages,
    private readonly publisher: PublisherWorker,
    private readonly head: LedgerHead,
    private readonly webhooks: QueueingWorker,
    private readonly readiness: Readiness,
    @Inject(CONFIG) private readonly config: LedgerConfig,
  ) {
    this.#pool = new Pool({ connectionString: config.DATABASE_URL, application_name: 'vitae-ledger-sequencer', max: 1, connectionTimeoutMillis: 10_000, options: '-c vitae.projects=*' });
    this.#pool.on('error', () => undefined); // it broke while idle; the next look opens another
  }

  onApplicationBootstrap(): void {
    this.readiness.register('sequencer', async () => {
      if (this.#trouble) throw new Error(this.#trouble);
      return { ...(await readHead(this.ledger.sql)) };
    });
    this.#unsubscribe = onAppended(this.broker.nats, () => this.#hint.raise());
    this.#running = this.#run();
  }

  async onApplicationShutdown(): Promise<void> {
    this.#stopping = true;
    this.#unsubscribe();
    this.#hint.raise();
    await this.#running;
    await this.#noting;
    await this.#pool.end();
  }

  async #run(): Promise<void> {
    await this.#retrying(() => this.#checkHead());
    while (!this.#stopping) {
      await this.#retrying(() => this.#sequence());
      if (!this.#stopping) await this.#hint.wait(this.config.VITAE_SEQUENCER_POLL_MS);
    }
  }

  async #sequence(): Promise<void> {
    for (;;) {
      const since = performance.now() - this.#lookedAt;
      this.#lookedAt += since;
      const entries = await sequenceEntries(this.#pool, BATCH);
      const n = entries.length;
      this.#perMs += (n / since - this.#perMs) * Math.min(1, since / AVERAGE_MS);
      if (n > 0) {
        this.pages.keep(entries);
        this.publisher.wake();
        this.head.raise();
        this.webhooks.wake();
        await this.#sweep(n);
      }
      this.#note(n);
      if (n === 0) return;
      if (n >= BUSY && n < BATCH) await sleep(GATHER.find(({ perMs }) => this.#perMs >= perMs)?.ms);
    }
  }

  /** On another connection, so that no event waits for it. What fails is done with the next block: until then the history looks harder. */
  #note(n: number): void {
    this.#sinceNoting += n;
    const due = n < BUSY ? BLOCK : BLOCKS * BLOCK;
    if (this.#sinceNoting < due || this.#noting) return;
    this.#sinceNoting = 0;
    const note = async (): Promise<void> => {
      while (((await this.ledger.sql.query<{ n: number }>('select ledger.note_entries() as n'))[0]?.n ?? 0) > 0);
    };
    this.#noting = note()
      .catch((error: unknown) => this.#log.warn({ err: error }, 'entries could not be noted for the history and are noted later'))
      .finally(() => (this.#noting = undefined));
  }

  /** An emptied inbox is full of dead rows, and the next look would pass through all of them: autovacuum comes too rarely. */
  async #sweep(n: number): Promise<void> {
    this.#sinceSweep += n;
    if (this.#sinceSweep < SWEEP_EVERY) return;
    this.#sinceSweep = 0;
    await this.#pool.query('vacuum (skip_locked, truncate off) ledger.unsequenced');
  }

  /** The head must follow the last entry; anything else means that somebody wrote past the functions. */
  async #checkHead(): Promise<void> {
    const [row] = await this.ledger.sql.query<{ next: string; last: string | null }>(
      'select h.next_index as next, (select max(index) from ledger.entry) as last from ledger.head h',
    );
    const expected = row?.last === null || row?.last === undefined ? 0 : Number(row.last) + 1;
    if (Number(row?.next) !== expected) {
      throw new Error(`ledger.head says ${row?.next}, the last entry says ${expected}: the tables were changed by hand`);
    }
  }

  /** Once, or as often as it takes: a database that is away comes back. */
  async #retrying(work: () => Promise<void>): Promise<void> {
    while (!this.#stopping) {
      try {
        await work();
        this.#trouble = undefined;
        return;
      } catch (error) {
        this.#trouble = (error as Error).message;
        this.#log.warn({ err: error }, 'the sequencer met an obstacle and tries again');
        await this.#hint.wait(500);
      }
    }
  }
}
