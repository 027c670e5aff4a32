import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { readLedger } from '@vitae/event-store';
import { CONFIG, gauge, inSpan, Ledger, traceHeaders } from '@vitae/service-kit';
import { addressRule, claimWebhook, consequence, countWaiting, nextDelivery, openLanes, openPoster, postpone, release, type Claim, type Due, type Lanes, type Posted, type Poster } from '@vitae/webhooks';
import type { LedgerConfig } from '../config.ts';
import { CLOUD_EVENTS_JSON, cloudEvent } from './cloud-event.ts';
import { pruneDeliveries } from './deliveries.view.ts';
import { settle, TABLES } from './delivery-queue.store.ts';
import { signedHeaders, WebhookSecrets } from './secret.store.ts';

/** Webhooks that are served at the same time: a slow receiver takes one lane and no more. */
const LANES = 16;
/** Deliveries of one webhook in a row, before another one gets the lane. */
const TURN = 50;
const LOG_DAYS = 30;
const PRUNE_EVERY_MS = 3_600_000;
/** Longest that a stop waits for receivers, in milliseconds. What they took without saying so comes again. */
const PATIENCE = 3_000;

/**
 * Sends what waits: for each webhook in the order of the ledger, one at a time; for several webhooks side by side.
 *
 *   claim a webhook (lease) ──► its lowest waiting event ──► POST ──► settle: delivered, tried later, or dead ──► next
 *
 * Any number of replicas may do this: a webhook is leased to one of them. One that dies between sending and settling
 * leaves the event waiting; it is sent again, with the same webhook-id, when the lease has ended.
 */
@Injectable()
export class DeliveryWorker implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #log = new Logger(DeliveryWorker.name);
  readonly #poster: Poster;
  #lanes: Lanes | undefined;
  #prunedAt = 0;
  #stopGauges: () => void = () => undefined;

  constructor(
    private readonly ledger: Ledger,
    private readonly secrets: WebhookSecrets,
    @Inject(CONFIG) private readonly config: LedgerConfig,
  ) {
    const rule = addressRule({ privateAllowed: config.VITAE_WEBHOOK_ALLOW_PRIVATE, local: config.VITAE_MODE === 'local' });
    this.#poster = openPoster({ timeoutMs: config.VITAE_WEBHOOK_TIMEOUT_MS, forbidden: rule });
  }

  onApplicationBootstrap(): void {
    this.#stopGauges = gauge('vitae.webhook.deliveries', '{event}', 'Events that wait for a webhook, or were given up', async () =>
      (await countWaiting(this.ledger.sql, TABLES).catch(() => [])).map(({ state, n }) => ({ value: n, attributes: { state } })),
    );
    this.#lanes = openLanes({ lanes: LANES, patienceMs: PATIENCE, claim: (room) => this.#look(room), turn: (claim) => this.#turn(claim) });
  }

  /** Takes nothing new, waits a little for what is under way, breaks off what is not done, notes it, closes. */
  async onModuleDestroy(): Promise<void> {
    this.#stopGauges();
    await this.#lanes?.stop(() => this.#poster.close());
  }

  /** There may be something to send soon. */
  wake(): void {
    this.#lanes?.wake();
  }

  /** Signs and sends one message now, past the queue: for trying a receiver out. */
  async send(webhookId: string, url: string, id: string, body: string): Promise<Posted> {
    const headers = signedHeaders(await this.secrets.of(this.ledger.sql, webhookId), { id, at: new Date(), body });
    return this.#poster.post(url, { ...headers, ...traceHeaders(), 'content-type': CLOUD_EVENTS_JSON }, body);
  }

  async #look(room: boolean): Promise<Claim | undefined> {
    try {
      if (Date.now() - this.#prunedAt > PRUNE_EVERY_MS) {
        while ((await pruneDeliveries(this.ledger.sql, { days: LOG_DAYS, most: 5_000 })) === 5_000 && this.#lanes?.stopping !== true);
        this.#prunedAt = Date.now();
      }
      if (!room) return undefined;
      // Twice what one try may take: whoever holds it longer is not there any more.
      return await claimWebhook(this.ledger.sql, TABLES, randomUUID(), 2 * this.config.VITAE_WEBHOOK_TIMEOUT_MS);
    } catch (error) {
      this.#log.warn({ err: error }, 'the queue of webhooks cannot be read; trying again');
      return undefined;
    }
  }

  async #turn(claim: Claim): Promise<void> {
    try {
      for (let n = 0; n < TURN && this.#lanes?.stopping !== true; n += 1) {
        const due = await nextDelivery(this.ledger.sql, TABLES, claim);
        if (!due || !(await this.#deliver(claim, due))) break;
      }
      await release(this.ledger.sql, TABLES, claim);
    } catch (error) {
      // Ours to mend, not the receiver's: it costs the event no try.
      this.#log.error({ err: error, webhook: claim.webhookId }, 'a delivery could not be made or noted; it is tried again later');
      await postpone(this.ledger.sql, TABLES, claim, this.config.VITAE_WEBHOOK_FIRST_RETRY_MS).catch(() => undefined);
    }
  }

  /** False when somebody else has the webhook by now. */
  async #deliver(claim: Claim, due: Due): Promise<boolean> {
    const [event] = await readLedger(this.ledger.sql, { from: due.index, limit: 1 });
    if (event?.index !== due.index) throw new Error(`the ledger has no event with index ${due.index}, which webhook ${claim.webhookId} is to be told of`);
    return inSpan(`deliver ${event.type}`, { attributes: { 'vitae.webhook': claim.webhookId, 'vitae.index': due.index } }, async (span) => {
      const posted = await this.send(claim.webhookId, due.url, event.id, cloudEvent(event));
      const after = consequence(posted.attempt, {
        attempts: due.attempts + 1,
        refusedInARow: due.refusedInARow,
        firstRetryMs: this.config.VITAE_WEBHOOK_FIRST_RETRY_MS,
        random: Math.random(),
      });
      span.setAttribute('vitae.outcome', after.type);
      return settle(this.ledger, claim, { due, event, posted, after });
    });
  }
}
