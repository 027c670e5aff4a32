import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { readHead, streamName, type Handled, type RecordedEvent } from '@vitae/event-store';
import { Ledger, Problem, type CommandContext, type ViewTransaction } from '@vitae/service-kit';
import { sendAgain, sendOneAgain } from './deliveries.view.ts';
import { WebhookSecrets } from './secret.store.ts';
import { noSuchWebhook, webhook, type WebhookCommand, type WebhookEvent } from './webhook.ts';
import { projectWebhooks } from './webhooks.view.ts';

/** What a caller orders; up to where the ledger goes is looked up here. */
export type WebhookOrder =
  | Exclude<WebhookCommand, { readonly type: 'ReplayToWebhook' | 'SuspendWebhook' }>
  /** All events that the filter wants from an index on. */
  | { readonly type: 'ReplayFrom'; readonly fromIndex: number }
  /** One event of the log. */
  | { readonly type: 'ReplayOne'; readonly index: number };

export interface WebhookHandled {
  readonly handled: Handled<WebhookEvent>;
  /** The secret that this command made. Not there when the command was a repetition: it is shown once. */
  readonly secret?: string;
}

export class ForWebhook extends Command<WebhookHandled> {
  constructor(
    readonly id: string,
    readonly order: WebhookOrder,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForWebhook)
export class WebhookHandler implements ICommandHandler<ForWebhook> {
  constructor(
    private readonly ledger: Ledger,
    private readonly secrets: WebhookSecrets,
  ) {}

  async execute({ id, order, context }: ForWebhook): Promise<WebhookHandled> {
    const stream = streamName(webhook.category, id);
    if (order.type !== 'SubscribeWebhook') {
      const [origin] = await this.ledger.readStream(stream);
      if (origin?.projectId !== context.projectId) throw noSuchWebhook(id);
    }
    let secret: string | undefined;
    const handled = await this.ledger.handle(webhook, { stream, command: await this.#command(order), context, subjects: [`webhook:${id}`] }, async (tx, events) => {
      await projectWebhooks(tx, events);
      for (const { event } of events) secret = (await this.#follow(tx, event, order)) ?? secret;
    });
    // A repetition that lost the race for its key has made a secret, too, and rolled it back.
    return { handled, ...(secret === undefined || handled.replayed ? {} : { secret }) };
  }

  async #command(order: WebhookOrder): Promise<WebhookCommand> {
    if (order.type === 'ReplayOne') return { type: 'ReplayToWebhook', fromIndex: order.index, toIndex: order.index };
    if (order.type !== 'ReplayFrom') return order;
    const { nextIndex } = await readHead(this.ledger.sql);
    return { type: 'ReplayToWebhook', fromIndex: order.fromIndex, toIndex: nextIndex - 1 };
  }

  /** What an event sets off in the same transaction: secrets come and go with it, and a replay fills the queue. */
  async #follow({ sql }: ViewTransaction, event: RecordedEvent<WebhookEvent>['event'], order: WebhookOrder): Promise<string | undefined> {
    switch (event.$typeName) {
      case 'vitae.ledger.v1.WebhookSubscribed':
        return this.secrets.make(sql, event.webhookId);
      case 'vitae.ledger.v1.WebhookSecretRotated':
        return this.secrets.make(sql, event.webhookId, order.type === 'RotateWebhookSecret' ? order.oldValidUntil : undefined);
      case 'vitae.ledger.v1.WebhookUnsubscribed':
        await this.secrets.destroy(sql, event.webhookId);
        return undefined;
      case 'vitae.ledger.v1.WebhookReplayed':
        if (order.type === 'ReplayFrom') await sendAgain(sql, event.webhookId, Number(event.fromIndex), Number(event.toIndex));
        else if (!(await sendOneAgain(sql, event.webhookId, Number(event.fromIndex)))) throw noSuchDelivery(event.webhookId, Number(event.fromIndex));
        return undefined;
      default:
        return undefined;
    }
  }
}

const noSuchDelivery = (id: string, index: number): Problem =>
  new Problem(404, 'delivery-not-found', 'Delivery not found', `The log of webhook ${id} has no delivery of event ${index}. GET …/deliveries shows it; POST …/replay?from=${index} sends what the filter wants.`);
