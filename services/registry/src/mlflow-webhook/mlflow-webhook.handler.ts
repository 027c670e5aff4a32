import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled } from '@vitae/event-store';
import { because, type CommandContext, Ledger } from '@vitae/service-kit';
import { MlflowWebhookSecrets } from './mlflow-webhook-secrets.store.ts';
import { mlflowWebhook, webhookNotFound, type CreateMlflowWebhook, type MlflowWebhookChange, type MlflowWebhookEvent } from './mlflow-webhook.ts';
import { lockMlflowWebhook, projectMlflowWebhook } from './mlflow-webhooks.view.ts';

export class ForMlflowWebhook extends Command<Handled<MlflowWebhookEvent>> {
  constructor(
    readonly webhookId: string,
    readonly order: CreateMlflowWebhook | MlflowWebhookChange,
    readonly context: CommandContext,
    /** What signs from here on. Beside the order, for a command is told in spans and measures. */
    readonly secret?: string,
  ) {
    super();
  }
}

@CommandHandler(ForMlflowWebhook)
export class MlflowWebhookHandler implements ICommandHandler<ForMlflowWebhook> {
  constructor(
    private readonly ledger: Ledger,
    private readonly secrets: MlflowWebhookSecrets,
  ) {}

  async execute({ webhookId, order, context, secret }: ForMlflowWebhook): Promise<Handled<MlflowWebhookEvent>> {
    const sealed = secret === undefined ? undefined : await this.secrets.seal(secret, webhookId);
    return this.ledger.together(context, async (tx) => {
      const locked = order.type === 'CreateMlflowWebhook' ? undefined : await lockMlflowWebhook(tx.sql, webhookId);
      if (order.type !== 'CreateMlflowWebhook' && locked?.projectId !== context.projectId) throw webhookNotFound(webhookId);
      const handled = await this.ledger.handleWithin(
        tx,
        mlflowWebhook,
        { stream: locked?.stream ?? streamName(mlflowWebhook.category, webhookId), command: order, context: because(context, reasonOf(order)), subjects: [`mlflow-webhook:${webhookId}`], snapshot: locked?.snapshot },
        projectMlflowWebhook,
      );
      if (sealed && handled.events.length > 0 && !handled.replayed) await tx.sql.query('update registry.mlflow_webhook set secret = $2 where id = $1', [webhookId, sealed]);
      return handled;
    });
  }
}

function reasonOf(order: CreateMlflowWebhook | MlflowWebhookChange): string {
  switch (order.type) {
    case 'CreateMlflowWebhook':
      return `${order.url} is to be told of models in the form of MLflow.`;
    case 'ChangeMlflowWebhook':
      return 'Changes where, of what or how this webhook tells.';
    case 'GiveUpMlflowWebhook':
      return `The receiver does not take what it is told: it is ${order.failure}.`;
    case 'DeleteMlflowWebhook':
      return 'Nobody is to be told by this webhook any more.';
  }
}
