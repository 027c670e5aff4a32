import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { ensureLedgerStream, LedgerBehindStream, publishFrom } from '@vitae/messaging';
import { Broker, Ledger, Readiness } from '@vitae/service-kit';
import { LedgerPages } from '../ledger-pages.store.ts';
import { signal } from '../signal.worker.ts';

/** Messages in flight at most. */
const PAGE = 1_000;
/** How often JetStream is compared with the ledger when nothing happens, in milliseconds. */
const PATROL_MS = 1_000;

/**
 * Carries the ledger into JetStream, message by message at sequence = index + 1.
 *
 *   ask the stream for its last sequence n ──► publish the events from index n on ──► again
 *
 * It keeps no position of its own: what the stream holds is the position. So a store that was deleted,
 * a lost tail and a crash between append and publish are the same case, and all mend themselves.
 */
@Injectable()
export class PublisherWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #log = new Logger(PublisherWorker.name);
  readonly #sequenced = signal();
  #stopping = false;
  #running: Promise<void> = Promise.resolve();
  #trouble: string | undefined = 'has not seen the stream in JetStream yet';
  #published = 0;
  /** How many at once: one after a refusal, which then says its reason. */
  #page = PAGE;

  constructor(
    private readonly ledger: Ledger,
    private readonly pages: LedgerPages,
    private readonly broker: Broker,
    private readonly readiness: Readiness,
  ) {}

  /** How many events JetStream holds. */
  get published(): number {
    return this.#published;
  }

  /** There are newly sequenced events. */
  wake(): void {
    this.#sequenced.raise();
  }

  onApplicationBootstrap(): void {
    this.readiness.register('publisher', () => {
      if (this.#trouble) return Promise.reject(new Error(this.#trouble));
      return Promise.resolve({ published: this.#published });
    });
    this.#running = this.#run();
  }

  async onApplicationShutdown(): Promise<void> {
    this.#stopping = true;
    this.#sequenced.raise();
    await this.#running;
  }

  async #run(): Promise<void> {
    let known: number | undefined; // the stream's last sequence, as far as we know
    let idle = 0;
    while (!this.#stopping) {
      try {
        // Ask the stream itself at the start, after trouble, and every now and then: somebody may have emptied it.
        if (known === undefined || idle >= PATROL_MS) {
          known = await this.#lastSequence();
          idle = 0;
        }
        const sent = await this.#publish(known);
        known = sent.complete ? sent.last : undefined;
        this.#page = sent.complete ? PAGE : 1;
        this.#trouble = undefined;
        if (sent.more) continue;
      } catch (error) {
        known = undefined;
        this.#trouble = (error as Error).message;
        this.#log.warn({ err: error }, 'the publisher met an obstacle and tries again');
      }
      const before = performance.now();
      if (!this.#stopping) await this.#sequenced.wait(PATROL_MS);
      idle += performance.now() - before;
    }
  }

  async #lastSequence(): Promise<number> {
    const last = await ensureLedgerStream(this.broker.nats, await this.#origin());
    const [head] = await this.ledger.sql.query<{ next: string }>('select next_index as next from ledger.head');
    if (last > Number(head?.next ?? 0)) {
      throw new LedgerBehindStream(
        `JetStream holds ${last} events, the ledger ${head?.next}: this database is older than what was published; ` +
          'restore the newer database, or delete the stream (subscribers must then start again)',
      );
    }
    this.#published = last;
    return last;
  }

  async #publish(from: number): Promise<{ last: number; complete: boolean; more: boolean }> {
    const { entries, end } = await this.pages.page(from, this.#page);
    const acknowledged = await publishFrom(this.broker.nats, entries);
    this.#published = from + acknowledged;
    const complete = acknowledged === entries.length;
    return { last: this.#published, complete, more: !complete || !end };
  }

  #originOnce: string | undefined;

  async #origin(): Promise<string> {
    if (this.#originOnce === undefined) {
      const [row] = await this.ledger.sql.query<{ id: string }>('select id from ledger.origin');
      this.#originOnce = row?.id;
    }
    return this.#originOnce ?? '';
  }
}
