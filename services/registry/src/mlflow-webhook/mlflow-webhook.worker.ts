import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { create } from '@bufbuild/protobuf';
import { ActorKind, ActorSchema } from '@vitae/contracts';
import { CONFIG, gauge, inSpan, Ledger, traceHeaders, traceparent, type CommandContext } from '@vitae/service-kit';
import { addressRule, claimWebhook, consequence, countWaiting, leave, nextDelivery, noteAttempt, openLanes, openPoster, postpone, release, type Claim, type Due, type Lanes, type Posted, type Poster, type QueueTables } from '@vitae/webhooks';
import type { RegistryConfig } from '../config.ts';
import { ForMlflowWebhook } from './mlflow-webhook.handler.ts';
import { mlflowHeaders, MlflowWebhookSecrets } from './mlflow-webhook-secrets.store.ts';

const TABLES: QueueTables = { webhook: 'registry.mlflow_webhook', delivery: 'registry.mlflow_webhook_delivery' };
/** Webhooks that are served at the same time, messages of one in a row, longest that a stop waits for receivers. */
const LANES = 8;
const TURN = 50;
const PATIENCE_MS = 3_000;
const PRUNE_EVERY_MS = 3_600_000;

/** Sends what waits, as the ledger's webhooks do: for each in the order of the ledger, one at a time, by any of the replicas. */
@Injectable()
export class MlflowWebhookWorker implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #log = new Logger(MlflowWebhookWorker.name);
  readonly #poster: Poster;
  #lanes: Lanes | undefined;
  #prunedAt = 0;
  #stopGauges: () => void = () => undefined;

  constructor(
    private readonly ledger: Ledger,
    private readonly commands: CommandBus,
    private readonly secrets: MlflowWebhookSecrets,
    @Inject(CONFIG) private readonly config: RegistryConfig,
  ) {
    const rule = addressRule({ privateAllowed: config.VITAE_WEBHOOK_ALLOW_PRIVATE, local: config.VITAE_MODE === 'local', service: 'registry' });
    this.#poster = openPoster({ timeoutMs: config.VITAE_WEBHOOK_TIMEOUT_MS, forbidden: rule });
  }

  onApplicationBootstrap(): void {
    this.#stopGauges = gauge('vitae.mlflow.webhook.deliveries', '{event}', 'Messages that wait for a webhook of MLflow, or were given up', async () =>
      (await countWaiting(this.ledger.sql, TABLES).catch(() => [])).map(({ state, n }) => ({ value: n, attributes: { state } })),
    );
    this.#lanes = openLanes({ lanes: LANES, patienceMs: PATIENCE_MS, claim: (room) => this.#look(room), turn: (claim) => this.#turn(claim) });
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopGauges();
    await this.#lanes?.stop(() => this.#poster.close());
  }

  /** Signs and sends one message now. */
  async send(webhookId: string, url: string, id: string, body: string): Promise<Posted> {
    const headers = mlflowHeaders(await this.secrets.of(this.ledger.sql, webhookId), { id, at: new Date(), body });
    return this.#poster.post(url, { ...headers, ...traceHeaders() }, body);
  }

  async #look(room: boolean): Promise<Claim | undefined> {
    try {
      if (Date.now() - this.#prunedAt > PRUNE_EVERY_MS) {
        await this.ledger.sql.query(`delete from registry.mlflow_webhook_delivery where state in ('delivered', 'dropped') and tried_at < now() - interval '30 days'`);
        this.#prunedAt = Date.now();
      }
      // Twice what one try may take: whoever holds it longer is not there any more.
      return room ? await claimWebhook(this.ledger.sql, TABLES, randomUUID(), 2 * this.config.VITAE_WEBHOOK_TIMEOUT_MS) : undefined;
    } catch (error) {
      this.#log.warn({ err: error, msg: 'the queue of webhooks cannot be read; trying again' });
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
      // Ours to mend, not the receiver's: it costs the message no try.
      this.#log.error({ err: error, webhook: claim.webhookId, msg: 'a message could not be sent or noted; it is tried again later' });
      await postpone(this.ledger.sql, TABLES, claim, this.config.VITAE_WEBHOOK_FIRST_RETRY_MS).catch(() => undefined);
    }
  }

  /** False when somebody else has the webhook by now. */
  async #deliver(claim: Claim, due: Due): Promise<boolean> {
    const { webhookId } = claim;
    const [message] = await this.ledger.sql.query<{ eventId: string; body: string; type: string }>('select event_id as "eventId", body, type from registry.mlflow_webhook_delivery where webhook_id = $1 and index = $2', [webhookId, due.index]);
    if (!message) return true;
    return inSpan(`deliver ${message.type}`, { attributes: { 'vitae.webhook': webhookId, 'vitae.index': due.index } }, async (span) => {
      const posted = await this.send(webhookId, due.url, message.eventId, message.body);
      const after = consequence(posted.attempt, { attempts: due.attempts + 1, refusedInARow: due.refusedInARow, firstRetryMs: this.config.VITAE_WEBHOOK_FIRST_RETRY_MS, random: Math.random() });
      span.setAttribute('vitae.outcome', after.type);
      const projectId = await this.ledger.transact(async ({ sql }) => {
        const held = await leave(sql, TABLES, claim, after);
        if (held !== undefined) await noteAttempt(sql, TABLES, claim, due, posted, after);
        return held;
      });
      if (projectId !== undefined && after.type === 'dead' && after.suspend) await this.commands.execute(new ForMlflowWebhook(webhookId, { type: 'GiveUpMlflowWebhook', failure: after.suspend }, own(projectId, message.eventId)));
      return projectId !== undefined;
    });
  }
}

/** The registry itself acts, because of the event that could not be told. */
const own = (projectId: string, eventId: string): CommandContext => ({
  projectId,
  actor: create(ActorSchema, { id: 'registry', kind: ActorKind.SYSTEM }),
  reason: '',
  occurredAt: new Date().toISOString(),
  correlationId: eventId,
  causationId: eventId,
  traceparent: traceparent(),
});
