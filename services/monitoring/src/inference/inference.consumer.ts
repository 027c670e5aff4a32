import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, gauge, Ledger, Readiness } from '@vitae/service-kit';
import type { MonitoringConfig } from '../config.ts';
import { forgetExchanges } from './exchanges.view.ts';
import { InferenceHandler } from './inference.handler.ts';
import { InferenceStream, type Delivered, type Reader } from './inference-stream.client.ts';
import { countParked, openMark } from './mark.view.ts';

/** Tries of a message that fails by itself, before it is parked. */
const ATTEMPTS = 3;
const FORGET_EVERY_MS = 600_000;

/**
 * Reads the inference stream into rows.
 *
 *   open: stream (made if missing) and its mark ──► read after the mark ──► count a batch in one transaction ──► …
 *     ▲                                                     │ a gap: read again; still there: those messages expired
 *     └────────── stream gone, made anew, broker away ──────┘
 *
 * Its position is the mark in PostgreSQL and nothing in the broker, so a restart, a second replica (which waits for the
 * mark, and finds the messages counted) and a store that was deleted are the same case: open, and go on after the mark.
 * A message that cannot be counted is parked, so that the rest goes on.
 */
@Injectable()
export class InferenceConsumer implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #log = new Logger('InferenceConsumer');
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #reader: Reader | undefined;
  #mark = 0;
  #trouble: string | undefined = 'the inference stream is not open yet';
  #stopGauges: readonly (() => void)[] = [];

  constructor(
    private readonly stream: InferenceStream,
    private readonly handler: InferenceHandler,
    private readonly ledger: Ledger,
    private readonly readiness: Readiness,
    @Inject(CONFIG) private readonly config: MonitoringConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.readiness.register('inference stream', async () => {
      if (this.#trouble !== undefined) throw new Error(this.#trouble);
      return { mark: this.#mark, behind: this.#reader?.pending ?? 0, parked: await countParked(this.ledger.sql) };
    });
    this.#stopGauges = [
      gauge('vitae.inference.lag', '{message}', 'Inference messages stored and not counted', () => [{ value: this.#reader?.pending ?? 0, attributes: { service: 'monitoring' } }]),
    ];
    this.#running = this.#run();
  }

  async onApplicationShutdown(): Promise<void> {
    this.#stop.abort();
    for (const stop of this.#stopGauges) stop();
    await this.#reader?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#read();
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#trouble = (error as Error).message;
        this.#log.warn({ err: error, mark: this.#mark, msg: 'the inference stream cannot be read; it is opened anew' });
        await sleep(250, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      } finally {
        await this.#reader?.close().catch(() => undefined);
        this.#reader = undefined;
      }
    }
  }

  /** Reads until the stream is gone, or a gap shows that something was missed. */
  async #read(): Promise<void> {
    const state = await this.stream.ensure();
    this.#mark = await openMark(this.ledger.sql, state);
    const reader = (this.#reader = await this.stream.read(state, this.#mark));
    this.#trouble = undefined;
    let forgetAt = 0;
    let fresh = true;
    while (!this.#stop.signal.aborted) {
      const batch = await reader.next();
      const first = batch[0];
      if (first && first.sequence !== this.#mark + 1 && !fresh) return; // a delivery was lost on the way: read it again
      if (first && first.sequence > this.#mark + 1) {
        this.#log.warn({ from: this.#mark + 1, to: first.sequence - 1, msg: `${first.sequence - 1 - this.#mark} inference messages expired before they were counted` });
      }
      const upTo = unbroken(batch);
      if (upTo.length > 0) this.#mark = await this.#count(state.incarnation, upTo, 1);
      if (upTo.length < batch.length) return;
      if (batch.length > 0) fresh = false;
      if (performance.now() >= forgetAt) {
        await forgetExchanges(this.ledger.sql, new Date(Date.now() - this.config.VITAE_LABEL_WAIT_DAYS * 86_400_000));
        forgetAt = performance.now() + FORGET_EVERY_MS;
      }
    }
  }

  /** A batch that fails is halved until the one message that is to blame is alone, and parked. */
  async #count(incarnation: string, batch: readonly Delivered[], attempt: number): Promise<number> {
    try {
      return await this.handler.count(incarnation, batch);
    } catch (error) {
      const [only] = batch;
      if (this.#stop.signal.aborted || only === undefined || isOutage(error)) throw error;
      if (batch.length === 1 && attempt >= ATTEMPTS) {
        this.#log.error({ err: error, sequence: only.sequence, msg: 'an inference message cannot be counted and is parked' });
        return this.handler.park(incarnation, only.sequence, error as Error);
      }
      this.#log.warn({ err: error, sequence: only.sequence, messages: batch.length, msg: 'inference messages could not be counted and are tried again' });
      if (batch.length === 1) return this.#count(incarnation, batch, attempt + 1);
      const middle = batch.length >> 1;
      await this.#count(incarnation, batch.slice(0, middle), 1);
      return this.#count(incarnation, batch.slice(middle), 1);
    }
  }
}

/** The part of a batch before its first gap. */
function unbroken(batch: readonly Delivered[]): readonly Delivered[] {
  const gap = batch.findIndex(({ sequence }, i) => i > 0 && sequence !== (batch[i - 1]?.sequence ?? 0) + 1);
  return gap === -1 ? batch : batch.slice(0, gap);
}

/** The database is away: no message is to blame. */
function isOutage(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string' && /^(ECONN|EPIPE|ETIMEDOUT|08|57P|53|40)/.test(code)) return true;
    if (/Connection terminated|timeout exceeded when trying to connect/.test(at.message)) return true;
  }
  return false;
}
