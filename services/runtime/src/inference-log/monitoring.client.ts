import { setTimeout as wait } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { metrics, type Counter } from '@opentelemetry/api';
import { CONFIG, gauge, ServiceToken } from '@vitae/service-kit';
import type { RuntimeConfig } from '../config.ts';
import { cloudEventHeaders, type Half, type LoggedInference } from './cloud-event.ts';

/** An inference on its way to monitoring, with the bytes as they came and went. */
export interface Delivery {
  readonly inference: LoggedInference;
  readonly request: Uint8Array;
  readonly response: Uint8Array;
  /** Headers that carry the trace on. */
  readonly trace: Readonly<Record<string, string>>;
}

/** Deliveries at work at once. */
const LANES = 4;
/** Wait before the second try, and the longest between two, in milliseconds. */
const BACKOFF = { first: 100, longest: 5_000 } as const;
/** Longest that monitoring is waited for. */
const PATIENCE = 10_000;
/** Longest that a stop waits for the queue to empty. */
const LAST_CALL = 5_000;

/**
 * The inference log's way to monitoring: a queue in memory that never holds a request up.
 *
 * Each inference is sent at least once while the process lives (monitoring knows a repetition by variant, Ce-Id and
 * Ce-Type). What is lost is counted by reason: `queue-full`, `refused` (monitoring said it will never take it), `stopped`.
 */
@Injectable()
export class InferenceLog implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #log = new Logger(InferenceLog.name);
  readonly #queue: Delivery[] = [];
  readonly #stop = new AbortController();
  #bytes = 0;
  #closing = false;
  #away = false;
  #wake: (() => void)[] = [];
  #lanes: Promise<void>[] = [];
  #dropped: Counter | undefined;
  #stopGauge = (): void => undefined;

  constructor(
    @Inject(CONFIG) private readonly config: RuntimeConfig,
    private readonly serviceToken: ServiceToken,
  ) {}

  onApplicationBootstrap(): void {
    this.#dropped = metrics.getMeter('@vitae/runtime').createCounter('vitae.inference_log.dropped', { description: 'Inferences that were answered and not logged, by reason' });
    this.#stopGauge = gauge('vitae.inference_log.waiting', '{inference}', 'Inferences waiting to be logged', () => [{ value: this.#queue.length, attributes: {} }]);
    this.#lanes = Array.from({ length: LANES }, () => this.#run());
  }

  /** Called after the last request was answered: sends what waits, for 5 s at most. */
  async onModuleDestroy(): Promise<void> {
    this.#closing = true;
    this.#wakeAll();
    const lastCall = setTimeout(() => this.#stop.abort(), LAST_CALL);
    await Promise.all(this.#lanes);
    clearTimeout(lastCall);
    this.#stopGauge();
    if (this.#queue.length > 0) {
      this.#drop('stopped', this.#queue.length);
      this.#log.warn(`${this.#queue.length} inferences were not logged before the stop: monitoring does not answer at ${this.config.MONITORING_URL}`);
    }
  }

  /** Takes an inference into the queue, or drops it when the queue is full. Never waits, never throws. */
  add(delivery: Delivery): void {
    const size = sizeOf(delivery);
    if (this.#queue.length >= this.config.RUNTIME_LOG_QUEUE || this.#bytes + size > this.config.RUNTIME_LOG_QUEUE_BYTES) {
      this.#drop('queue-full', 1);
      return;
    }
    this.#queue.push(delivery);
    this.#bytes += size;
    this.#wake.shift()?.();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const delivery = this.#queue.shift();
      if (delivery) {
        this.#bytes -= sizeOf(delivery);
        // The request before its response: monitoring then seldom has to wait for the other half.
        if (!(await this.#deliver('request', delivery)) || !(await this.#deliver('response', delivery))) this.#drop(this.#stop.signal.aborted ? 'stopped' : 'refused', 1);
      } else if (this.#closing) return;
      else await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** Sends one half until monitoring has it. False: it never will, or the process stops. */
  async #deliver(half: Half, delivery: Delivery): Promise<boolean> {
    for (let attempt = 0; !this.#stop.signal.aborted; attempt += 1) {
      const trouble = await this.#post(half, delivery);
      if (trouble === undefined) {
        if (this.#away) this.#log.log('monitoring takes the inference log again');
        this.#away = false;
        return true;
      }
      if (trouble.final) {
        this.#log.warn(`monitoring refused a logged ${half} for good and it is dropped: ${trouble.message}`);
        return false;
      }
      if (!this.#away) this.#log.warn(`the inference log waits for monitoring at ${this.config.MONITORING_URL}: ${trouble.message}`);
      this.#away = true;
      await wait(Math.min(BACKOFF.first * 2 ** attempt, BACKOFF.longest), undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
    return false;
  }

  async #post(half: Half, { inference, request, response, trace }: Delivery): Promise<{ message: string; final: boolean } | undefined> {
    try {
      const answer = await fetch(`${this.config.MONITORING_URL}/ingest/cloudevents`, {
        method: 'POST',
        headers: { ...cloudEventHeaders(half, inference, new Date().toISOString()), ...trace, ...(await this.serviceToken.authorizationHeader()) },
        redirect: 'error',
        body: half === 'request' ? request : response,
        signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(PATIENCE)]),
      });
      const text = await answer.text(); // read to the end, so that the connection can be used again
      if (answer.ok) return undefined;
      return { message: `${answer.status} ${text.slice(0, 300)}`, final: answer.status < 500 && ![401, 403, 404, 408, 425, 429].includes(answer.status) };
    } catch (error) {
      const { message, cause } = error as Error & { cause?: Error };
      return { message: cause?.message || message, final: false };
    }
  }

  #drop(reason: string, count: number): void {
    this.#dropped?.add(count, { reason });
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

const sizeOf = ({ request, response }: Delivery): number => request.byteLength + response.byteLength;
