import { create } from '@bufbuild/protobuf';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { context as otel, propagation, ROOT_CONTEXT } from '@opentelemetry/api';
import { ActorKind, ActorSchema } from '@vitae/contracts';
import { RevisionConflict, streamName } from '@vitae/event-store';
import { CONFIG, gauge, Ledger, type CommandContext } from '@vitae/service-kit';
import { v7 as uuid } from 'uuid';
import type { Cause } from '../cause.ts';
import type { DeploymentConfig } from '../config.ts';
import { endpoint, endpointSubjects, type EndpointCommand } from './endpoint.ts';
import { projectEndpoints, wishes, type EndpointWish } from './endpoints.view.ts';
import { isMoving, reconcile, type Action } from './reconcile.ts';
import { Runtime, type Observed } from './runtime.client.ts';

/** Between two looks while something is under way, in milliseconds. */
const SOON = 100;

/**
 * Brings wish, ledger and runtime together, for as long as the service runs: look at both, do what reconcile.ts
 * says, look again. It remembers nothing that matters, so it may be killed anywhere.
 *
 * One replica works at a time (an advisory lock held while it looks). What it records, it records on the revision
 * that it looked at: had somebody been quicker, the append is refused, and it looks again.
 */
@Injectable()
export class Reconciler implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #log = new Logger(Reconciler.name);
  readonly #seen = new Map<string, Observed>();
  #running: Promise<void> = Promise.resolve();
  #stopping = false;
  #woken = false;
  #wake = (): void => undefined;
  #trouble: string | undefined;
  #lookedAt = Date.now();
  #stopGauge = (): void => undefined;

  constructor(
    private readonly ledger: Ledger,
    private readonly runtime: Runtime,
    @Inject(CONFIG) private readonly config: DeploymentConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.#stopGauge = gauge('vitae.reconcile.age', 's', 'Time since wish and runtime were last compared', () => [{ value: (Date.now() - this.#lookedAt) / 1000, attributes: {} }]);
    this.#running = this.#run();
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopping = true;
    this.#wake();
    await this.#running;
    this.#stopGauge();
  }

  /** Look at once: something was committed. */
  wake(): void {
    this.#woken = true;
    this.#wake();
  }

  /** What the runtime said of an endpoint when it was last asked; undefined: nothing yet, or it does not know it. */
  lastSeen(name: string): Observed['variants'] | undefined {
    return this.#seen.get(name)?.variants;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      this.#woken = false;
      let moving = false;
      try {
        moving = await this.#look();
        if (this.#trouble !== undefined) this.#log.log('the runtime is driven again');
        this.#trouble = undefined;
      } catch (error) {
        const { message } = error as Error;
        // Once for each trouble: it is met again at every look.
        if (this.#trouble !== message) this.#log.warn({ err: error, msg: `endpoints stay as they are for now: ${message}` });
        this.#trouble = message;
      }
      if (!this.#stopping && !this.#woken) await this.#pause(moving ? SOON : this.config.VITAE_RECONCILE_MS);
    }
  }

  /** One look at everything. True when something is still under way. */
  async #look(): Promise<boolean> {
    return this.ledger.transact(async ({ sql }) => {
      const [lock] = await sql.query<{ mine: boolean }>(`select pg_try_advisory_xact_lock(hashtextextended('vitae deployment.reconcile', 0)) as mine`);
      if (!lock?.mine) return false;
      const wished = await wishes(this.ledger.sql);
      if (wished.length === 0) return false;
      // Asked after the wish was read: what is seen is never older than the revision it is recorded on.
      const observed = await this.runtime.observe();
      this.#seen.clear();
      for (const [name, endpoint] of observed) this.#seen.set(name, endpoint);
      this.#lookedAt = Date.now();
      let moving = false;
      let trouble: unknown;
      for (const wish of wished) {
        const seen = observed.get(wish.name)?.variants;
        moving ||= isMoving(wish, seen);
        await this.#act(wish, reconcile(wish, seen)).catch((error: unknown) => {
          if (!(error instanceof RevisionConflict)) trouble = error; // the other endpoints are not held up by it
        });
      }
      if (trouble) throw trouble;
      return moving;
    });
  }

  async #act(wish: EndpointWish, actions: readonly Action[]): Promise<void> {
    let { revision } = wish;
    for (const action of actions) {
      if (action.type === 'apply') {
        await this.runtime.apply(wish.name, this.#route(wish, action.shares));
        continue;
      }
      const { command, cause, reason, variants } = this.#recorded(wish, action);
      const handled = await otel.with(propagation.extract(ROOT_CONTEXT, { traceparent: cause.traceparent }), () =>
        this.ledger.handle(
          endpoint,
          {
            stream: streamName(endpoint.category, wish.endpointId),
            command,
            context: systemContext(wish.projectId, cause, reason, revision),
            subjects: endpointSubjects(wish.endpointId, wish.modelId, variants, command.type === 'RecordTraffic' && command.rolloutId ? [`rollout:${command.rolloutId}`] : []),
          },
          projectEndpoints,
        ),
      );
      revision = handled.revision;
    }
  }

  /** An observation as a command, with what caused it and whom it concerns. */
  #recorded(wish: EndpointWish, action: Exclude<Action, { type: 'apply' }>): { command: EndpointCommand; cause: Cause; reason: string; variants: EndpointWish['variants'] } {
    const none: Cause = { eventId: '', correlationId: uuid(), traceparent: '' };
    if (action.type === 'record-traffic') {
      const { shares, rolloutId } = action;
      const variants = wish.variants.filter(({ variantId, weight }) => weight > 0 || shares.some((share) => share.variantId === variantId));
      const split = shares.map(({ variantId, weight }) => `${weight} % to version ${wish.variants.find((one) => one.variantId === variantId)?.version}`).join(', ');
      const cause = wish.rollout?.cause ?? variants.at(-1)?.cause ?? none;
      return { command: { type: 'RecordTraffic', shares, rolloutId }, cause, variants, reason: `The runtime serves ${wish.name} so: ${split}.` };
    }
    const variant = wish.variants.find(({ variantId }) => variantId === action.variantId);
    const variants = variant ? [variant] : [];
    const cause = variant?.cause ?? none;
    const version = `version ${variant?.version} at ${wish.name}`;
    const { variantId } = action;
    switch (action.type) {
      case 'record-ready':
        return { command: { type: 'RecordReady', variantId }, cause, variants, reason: `The runtime has loaded ${version}; it answers.` };
      case 'record-failure':
        return { command: { type: 'RecordFailure', variantId, reason: action.reason }, cause, variants, reason: `The runtime cannot load ${version}: ${action.reason}`.slice(0, 2_000) };
      case 'record-removal':
        return { command: { type: 'RecordRemoval', variantId }, cause: wish.rollout?.cause ?? cause, variants, reason: `The rollout is over and the runtime no longer holds ${version}.` };
    }
  }

  #route(wish: EndpointWish, shares: readonly { readonly variantId: string; readonly weight: number }[]) {
    return {
      projectId: wish.projectId,
      endpointId: wish.endpointId,
      variants: shares.flatMap(({ variantId, weight }) => {
        const variant = wish.variants.find((one) => one.variantId === variantId);
        const file = variant?.files.find(({ path }) => path.endsWith('.onnx')) ?? variant?.files[0];
        if (!variant || !file) return [];
        const { modelVersionId, version } = variant;
        const artefactUrl = `${this.config.REGISTRY_URL}/v1/projects/${wish.projectId}/artefacts/${file.digest}`;
        return [{ variantId, modelVersionId, version, weight, artefactUrl, digest: file.digest }];
      }),
    };
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function systemContext(projectId: string, cause: Cause, reason: string, expected: number): CommandContext {
  return {
    projectId,
    actor: create(ActorSchema, { id: 'deployment', kind: ActorKind.SYSTEM }),
    reason,
    occurredAt: new Date().toISOString(),
    correlationId: cause.correlationId,
    causationId: cause.eventId,
    traceparent: cause.traceparent,
    expected,
  };
}
