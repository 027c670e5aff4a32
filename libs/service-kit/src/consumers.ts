import { Injectable, Logger, SetMetadata, applyDecorators, Inject } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { readHead, readLedger, type RecordedEvent } from '@vitae/event-store';
import { startConsumer, type Consumer } from '@vitae/messaging';
import { Broker } from './broker.ts';
import type { ViewTransaction } from './database.ts';
import { DEFINITION, type ServiceDefinition } from './definition.ts';
import { Ledger } from './ledger.ts';
import { consumed, gauge, type Reading } from './measures.ts';
import { Readiness } from './readiness.ts';

/** A provider that takes every event of the ledger, in order, each exactly once. */
export interface LedgerHandler {
  /** MUST act only through `tx`; passes over events it has no use for. An error is tried again, then the event is parked. */
  handle(event: RecordedEvent, tx: ViewTransaction): Promise<void>;
}

const MARK = Symbol('vitae.ledger-consumer');

/**
 * Makes a provider a consumer of the ledger; its class implements `LedgerHandler`.
 * @param options.name unique over the installation, `<service>.<purpose>`. It names the bookmark: MUST NOT change.
 */
export const LedgerConsumer = (options: { readonly name: string }) => applyDecorators(Injectable(), SetMetadata(MARK, options));

/** How far one consumer is. */
export interface ConsumerPosition {
  readonly name: string;
  /** The index it takes next. */
  readonly bookmark: number;
  /** The index the ledger gives next. */
  readonly head: number;
  readonly behind: number;
  /** Events set aside because they could not be taken. */
  readonly parked: number;
  /** Whether it has been, once since the start, where the ledger was at the start. */
  readonly caughtUp: boolean;
  readonly trouble?: string;
}

/** The service's consumers: found by their decorator, started after listen, stopped first. */
@Injectable()
export class Consumers {
  readonly #log = new Logger('Consumer');
  #found: readonly { readonly name: string; readonly handler: LedgerHandler }[] = [];
  #running: readonly Consumer[] = [];
  /** Doors open before the consumers run: whoever asks in between has to wait for them. */
  readonly #started = Promise.withResolvers<void>();
  #startHead = 0;
  #stopGauges: readonly (() => void)[] = [];

  constructor(
    @Inject(DEFINITION) private readonly definition: ServiceDefinition,
    private readonly discovery: DiscoveryService,
    private readonly ledger: Ledger,
    private readonly broker: Broker,
    private readonly readiness: Readiness,
  ) {}

  /** Called by boot before the doors open: a service whose consumers have not even started is not ready. */
  announce(): void {
    this.#found = this.#discover();
    if (this.#found.length === 0) return;
    this.readiness.register('consumers', async () => {
      if (this.#running.length === 0) throw new Error('they have not started yet');
      const late = (await this.positions()).filter(({ caughtUp }) => !caughtUp);
      if (late.length > 0) throw new Error(`not caught up since the start: ${late.map(({ name, behind }) => `${name} is ${behind} events behind`).join(', ')}`);
    });
  }

  /** Called by boot once the doors are open, after `announce`. */
  async start(): Promise<void> {
    const found = this.#found;
    if (found.length === 0) return this.#started.resolve();
    const head = await readHead(this.ledger.sql);
    this.#startHead = head.nextIndex + head.unsequenced;
    const log = {
      warn: (detail: object, message: string) => this.#log.warn({ ...detail, msg: message }),
      error: (detail: object, message: string) => this.#log.error({ ...detail, msg: message }),
    };
    const { transact, sql } = this.ledger;
    this.#running = await Promise.all(
      found.map(({ name, handler }) =>
        startConsumer<ViewTransaction>({ name, nats: this.broker.nats, transact, sql, log, handle: counted(name, handler) }),
      ),
    );
    this.#observe();
    this.#started.resolve();
  }

  /** Stops taking events, finishes those at hand. */
  async stop(): Promise<void> {
    for (const stop of this.#stopGauges) stop();
    await Promise.all(this.#running.map((consumer) => consumer.stop()));
  }

  /**
   * Waits until all consumers of this service have handled everything committed anywhere before the call:
   * read-your-writes across services. Waits at most `timeoutMs`, then answers false: go on with what is known.
   */
  async catchUp(timeoutMs = 2_000): Promise<boolean> {
    const end = performance.now() + timeoutMs;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), timeoutMs)));
    const started = await Promise.race([this.#started.promise.then(() => true), late]);
    clearTimeout(timer);
    if (!started) return false;
    const reached = await Promise.all(this.#running.map((consumer) => consumer.catchUp(Math.max(0, end - performance.now()))));
    return reached.every(Boolean);
  }

  async positions(): Promise<readonly ConsumerPosition[]> {
    if (this.#running.length === 0) return [];
    const { nextIndex: head } = await readHead(this.ledger.sql);
    return this.#running.map((consumer) => {
      const status = consumer.status();
      return { ...status, head, behind: Math.max(0, head - status.bookmark), caughtUp: status.bookmark >= this.#startHead };
    });
  }

  #discover(): { name: string; handler: LedgerHandler }[] {
    const found = new Map<string, LedgerHandler>();
    for (const { instance, metatype } of this.discovery.getProviders() as { instance: unknown; metatype: unknown }[]) {
      const mark = typeof metatype === 'function' ? (Reflect.getMetadata(MARK, metatype) as { name: string } | undefined) : undefined;
      if (mark === undefined || !(instance instanceof (metatype as new () => object))) continue;
      if (typeof (instance as Partial<LedgerHandler>).handle !== 'function') throw new Error(`the consumer ${mark.name} has no method handle(event, tx)`);
      const other = found.get(mark.name);
      if (other !== undefined && other !== instance) throw new Error(`two consumers are named ${mark.name}; they would share one bookmark`);
      found.set(mark.name, instance as LedgerHandler);
    }
    return [...found].map(([name, handler]) => ({ name, handler }));
  }

  #observe(): void {
    const service = this.definition.name;
    const readings = (value: (position: ConsumerPosition) => number | Promise<number>) => async (): Promise<Reading[]> => {
      // A scrape while the database is away shows nothing rather than something old.
      const positions = await this.positions().catch(() => []);
      return Promise.all(positions.map(async (position) => ({ value: await value(position), attributes: { service, consumer: position.name } })));
    };
    this.#stopGauges = [
      gauge('vitae.consumer.lag', '{event}', 'Events committed and sequenced that a consumer has not handled', readings(({ behind }) => behind)),
      gauge('vitae.consumer.parked', '{event}', 'Events that a consumer has set aside', readings(({ parked }) => parked)),
      gauge('vitae.consumer.age', 's', 'Age of the oldest event that a consumer has not handled', readings((position) => this.#age(position))),
    ];
  }

  async #age({ bookmark, behind }: ConsumerPosition): Promise<number> {
    if (behind === 0) return 0;
    const [oldest] = await readLedger(this.ledger.sql, { from: bookmark, limit: 1 }).catch(() => []);
    return oldest ? Math.max(0, (Date.now() - Date.parse(oldest.recordedAt)) / 1000) : 0;
  }
}

function counted(name: string, handler: LedgerHandler): LedgerHandler['handle'] {
  return async (event, tx) => {
    try {
      await handler.handle(event, tx);
      consumed().add(1, { consumer: name, outcome: 'handled' });
    } catch (error) {
      consumed().add(1, { consumer: name, outcome: 'failed' });
      throw error;
    }
  };
}
