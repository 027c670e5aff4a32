import { setTimeout as wait } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { ObservedVariant, RoutedVariant, VariantState } from '../routing/route-document.ts';
import { DownloadFailed } from './artefact.client.ts';
import type { Session, SessionLost } from './onnx-session.client.ts';
import type { ModelMetadata } from './open-inference.ts';
import type { Tensor } from './tensor.ts';

/** Between two tries when the registry is away: from 0.2 s, doubling, to 5 s. When the bytes themselves are bad: 30 s. */
const AGAIN = { first: 200, longest: 5_000, failed: 30_000 } as const;

/**
 * One variant in this process, from loading to release (states: route-document.ts). It goes on trying to load as
 * long as it is routed, so a registry that was away, bytes that were repaired or a thread that died need nobody's hand.
 */
export class ServedVariant {
  readonly #log = new Logger(ServedVariant.name);
  readonly #gone = new AbortController();
  readonly #settled = Promise.withResolvers<void>();
  readonly #life: Promise<void>;
  #state: VariantState = 'loading';
  #reason: string | undefined;
  #session: Session | undefined;
  #inFlight = 0;
  #drained: (() => void) | undefined;

  constructor(
    readonly route: RoutedVariant,
    private readonly load: (route: RoutedVariant, signal: AbortSignal) => Promise<Session>,
  ) {
    this.#life = this.#live();
  }

  get state(): VariantState {
    return this.#state;
  }

  /** Resolves when it is ready, or cannot be loaded from the bytes as they are. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** Undefined until it is ready. */
  get metadata(): ModelMetadata | undefined {
    return this.#session;
  }

  observed(weight: number): ObservedVariant {
    return { variantId: this.route.variantId, state: this.#state, ...(this.#reason === undefined ? {} : { reason: this.#reason }), weight };
  }

  /** MUST only be called while it is ready and routed, in the same turn as that was seen: retire waits for what has begun. */
  async run(tensors: readonly Tensor[], outputs: readonly string[]): Promise<readonly Tensor[]> {
    if (!this.#session) throw new Error(`variant ${this.route.variantId} is not loaded`);
    this.#inFlight += 1;
    try {
      return await this.#session.run(tensors, outputs);
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#drained?.();
    }
  }

  /** Waits for the requests that have begun, then frees the model. New ones MUST no longer be sent here. */
  async retire(): Promise<void> {
    this.#gone.abort();
    await this.#life;
    if (this.#inFlight > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
    await this.#session?.release();
    this.#session = undefined;
  }

  async #live(): Promise<void> {
    const { signal } = this.#gone;
    const gone = new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined)));
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const pause = await this.load(this.route, signal).then(
        async (session) => {
          attempt = 0;
          const lost = await this.#serve(session, gone);
          return lost ? this.#trouble('loading', lost, AGAIN.first) : 0;
        },
        (error: unknown) => {
          if (error instanceof DownloadFailed) return this.#trouble('loading', error, Math.min(AGAIN.first * 2 ** attempt, AGAIN.longest));
          this.#settled.resolve();
          return this.#trouble('failed', error as Error, AGAIN.failed);
        },
      );
      if (!signal.aborted) await wait(pause, undefined, { signal, ref: false }).catch(() => undefined);
    }
    this.#settled.resolve();
  }

  /** Ready until it is taken away, or its session is lost: then that is returned. */
  async #serve(session: Session, gone: Promise<undefined>): Promise<SessionLost | undefined> {
    this.#session = session;
    this.#state = 'ready';
    this.#reason = undefined;
    this.#settled.resolve();
    this.#log.log(`variant ${this.route.variantId} (version ${this.route.version}) is loaded`);
    const lost = await Promise.race([session.lost, gone]);
    if (lost) this.#session = undefined;
    return lost;
  }

  #trouble(state: VariantState, error: Error, pause: number): number {
    this.#state = state;
    this.#reason = error.message;
    if (!this.#gone.signal.aborted) this.#log.warn({ err: error, msg: `variant ${this.route.variantId} is not loaded and is tried again: ${this.#reason}` });
    return pause;
  }
}
