import { Injectable } from '@nestjs/common';
import { readHead } from '@vitae/event-store';
import { Ledger } from '@vitae/service-kit';

/** How often the head is looked at while somebody waits for it and no sequencer of this process raises it, in milliseconds. */
const POLL_MS = 100;

/**
 * How far the ledger is, for any number of waiting readers: one question to PostgreSQL serves them all, and none is asked
 * while nobody waits. The sequencer SHOULD raise it after each batch; another replica's batch is found by the poll.
 */
@Injectable()
export class LedgerHead {
  #next = 0;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  readonly #waiting = new Set<() => void>();
  #poll: NodeJS.Timeout | undefined;

  constructor(private readonly ledger: Ledger) {}

  /** There may be newly sequenced entries. */
  raise(): void {
    if (this.#waiting.size > 0) void this.#look();
  }

  /** Waits until the ledger is longer than `index`, at most `ms`. Answers the index that it gives next, as far as is known. */
  async beyond(index: number, ms: number, signal: AbortSignal): Promise<number> {
    if (this.#next > index || signal.aborted) return this.#next;
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        this.#waiting.delete(check);
        if (this.#waiting.size === 0) this.#poll = void clearInterval(this.#poll);
        resolve();
      };
      const check = (): void => {
        if (this.#next > index) finish();
      };
      const timer = setTimeout(finish, ms);
      signal.addEventListener('abort', finish);
      this.#waiting.add(check);
      this.#poll ??= setInterval(() => void this.#look(), POLL_MS);
      void this.#look();
    });
    return this.#next;
  }

  /** One look at a time. One that is asked for meanwhile follows, for what it is about may have come after this one began. */
  async #look(): Promise<void> {
    if (this.#looking) return void (this.#lookAgain = true);
    this.#looking = readHead(this.ledger.sql)
      .then(({ nextIndex }) => void (this.#next = nextIndex))
      .catch(() => undefined) // the database is away: whoever waits goes on waiting, and the poll looks again
      .finally(() => (this.#looking = undefined));
    await this.#looking;
    for (const check of [...this.#waiting]) check();
    if (this.#lookAgain) {
      this.#lookAgain = false;
      await this.#look();
    }
  }
}
