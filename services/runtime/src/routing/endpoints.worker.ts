import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CONFIG, Readiness } from '@vitae/service-kit';
import type { RuntimeConfig } from '../config.ts';
import { ArtefactCache } from '../model-server/artefact-cache.store.ts';
import { openSession } from '../model-server/onnx-session.client.ts';
import { ServedVariant } from '../model-server/served-variant.worker.ts';
import { sameVariant, type ObservedEndpoint, type Route, type RoutedVariant } from './route-document.ts';
import { RoutesStore } from './routes.store.ts';
import { armFor } from './traffic-split.ts';

/** An arm of an endpoint's traffic. */
export interface Arm {
  readonly weight: number;
  readonly variant: ServedVariant;
}

/** An endpoint as it is served now. Never changed: another route makes another one. */
export interface ServedEndpoint {
  readonly name: string;
  readonly route: Route;
  readonly arms: readonly Arm[];
}

/**
 * What this process serves, and how it comes to serve something else. A change is on disk before it is in
 * force, and in force at once: a request sees the old split or the new one, and a variant that was taken away
 * answers what it had begun.
 */
@Injectable()
export class Endpoints implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #log = new Logger(Endpoints.name);
  readonly #served = new Map<string, ServedEndpoint>();
  readonly #retiring = new Set<Promise<void>>();
  #changes: Promise<unknown> = Promise.resolve();
  #restored = false;

  constructor(
    private readonly store: RoutesStore,
    private readonly cache: ArtefactCache,
    readiness: Readiness,
    @Inject(CONFIG) private readonly config: RuntimeConfig,
  ) {
    readiness.register('models', async () => {
      if (!this.#restored) throw new Error(this.#waitingFor());
      return { endpoints: this.#served.size };
    });
  }

  /** Whether everything that was served before the last stop is loaded again, or known to be unloadable. */
  get restored(): boolean {
    return this.#restored;
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.cache.open();
    for (const [name, route] of Object.entries(await this.store.load())) this.#serve(name, route);
    const variants = [...this.#served.values()].flatMap(({ arms }) => arms.map(({ variant }) => variant));
    // Not awaited: the process answers /healthz while models load.
    void Promise.all(variants.map(({ settled }) => settled)).then(() => {
      this.#restored = true;
      if (variants.length > 0) this.#log.log(`endpoints are served as before the last stop: ${this.names().join(', ')}`);
    });
  }

  async onModuleDestroy(): Promise<void> {
    await this.#changes;
    const variants = [...this.#served.values()].flatMap(({ arms }) => arms.map(({ variant }) => variant));
    this.#served.clear();
    await Promise.all([...this.#retiring, ...variants.map((variant) => variant.retire())]);
  }

  /** Makes this the endpoint's route: loads what is new, keeps what is the same, lets go what is gone. */
  put(name: string, route: Route): Promise<ObservedEndpoint> {
    return this.#change(async () => {
      const before = this.#served.get(name);
      if (!before || JSON.stringify(before.route) !== JSON.stringify(route)) {
        await this.store.save({ ...this.#document(), [name]: route });
        this.#serve(name, route);
        await this.#forget();
      }
      return observedOf(this.#served.get(name) as ServedEndpoint);
    });
  }

  /** Stops serving the endpoint. False when there is none. */
  remove(name: string): Promise<boolean> {
    return this.#change(async () => {
      const before = this.#served.get(name);
      if (!before) return false;
      const { [name]: _gone, ...others } = this.#document();
      await this.store.save(others);
      this.#served.delete(name);
      for (const { variant } of before.arms) this.#retire(variant);
      await this.#forget();
      return true;
    });
  }

  observed(): ObservedEndpoint[] {
    return [...this.#served.values()].map(observedOf);
  }

  get(name: string): ServedEndpoint | undefined {
    return this.#served.get(name);
  }

  names(): string[] {
    return [...this.#served.keys()];
  }

  /** Changes one after the other, each seeing the whole of the one before. */
  #change<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#changes.then(work);
    this.#changes = done.catch(() => undefined);
    return done;
  }

  /** In force from here on. Synchronous: no request sees half of it. */
  #serve(name: string, route: Route): void {
    const before = this.#served.get(name)?.arms.map(({ variant }) => variant) ?? [];
    const arms = route.variants.map((wanted) => ({
      weight: wanted.weight,
      variant: before.find((variant) => canStay(variant, wanted)) ?? new ServedVariant(wanted, this.#load),
    }));
    this.#served.set(name, { name, route, arms });
    const kept = new Set(arms.map(({ variant }) => variant));
    for (const variant of before) if (!kept.has(variant)) this.#retire(variant);
  }

  readonly #load = async ({ digest, artefactUrl }: RoutedVariant, signal: AbortSignal) =>
    openSession(await this.cache.bytes(digest, artefactUrl, signal), { threads: this.config.RUNTIME_THREADS });

  #retire(variant: ServedVariant): void {
    const retired = variant
      .retire()
      .catch((error: unknown) => this.#log.error({ err: error, msg: `variant ${variant.route.variantId} could not be unloaded` }))
      .finally(() => this.#retiring.delete(retired));
    this.#retiring.add(retired);
  }

  async #forget(): Promise<void> {
    const digests = new Set([...this.#served.values()].flatMap(({ route }) => route.variants.map(({ digest }) => digest)));
    await this.cache.keepOnly(digests).catch((error: unknown) => this.#log.warn({ err: error, msg: 'files of models that are no longer served could not be deleted' }));
  }

  #document(): Record<string, Route> {
    return Object.fromEntries([...this.#served.values()].map(({ name, route }) => [name, route]));
  }

  #waitingFor(): string {
    const waiting = this.observed().flatMap(({ endpointName, variants }) =>
      variants.filter(({ state }) => state === 'loading').map(({ variantId, reason }) => `${endpointName}/${variantId}${reason ? ` (${reason})` : ''}`),
    );
    return `loading what was served before the last stop: ${waiting.join(', ')}`;
  }
}

/** What is in memory needs no address; what is not must be loaded from the one that is said now. */
const canStay = ({ route, state }: ServedVariant, wanted: RoutedVariant): boolean =>
  sameVariant(route, wanted) && (state === 'ready' || route.artefactUrl === wanted.artefactUrl);

/** The arm that serves a request: by weight among those that are ready. Undefined: none has both. */
export function armOf({ arms, route }: ServedEndpoint, requestId: string): Arm | undefined {
  return armFor(arms.filter(({ variant }) => variant.state === 'ready'), requestId, route.endpointId);
}

const observedOf = ({ name, route, arms }: ServedEndpoint): ObservedEndpoint => ({
  endpointName: name,
  endpointId: route.endpointId,
  projectId: route.projectId,
  variants: arms.map(({ variant, weight }) => variant.observed(weight)),
});
