import { createHmac } from 'node:crypto';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Refused, type Sql } from '@vitae/event-store';
import { CONFIG } from '@vitae/service-kit';
import { openSealer, type Sealer } from '@vitae/webhooks';
import type { RegistryConfig } from '../config.ts';

/** The headers of one message, signed as MLflow does, unless there is no secret. */
export function mlflowHeaders(secret: string | undefined, { id, at, body }: { readonly id: string; readonly at: Date; readonly body: string }): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  return {
    'content-type': 'application/json',
    'x-mlflow-delivery-id': id,
    'x-mlflow-timestamp': timestamp,
    ...(secret === undefined ? {} : { 'x-mlflow-signature': `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}` }),
  };
}

/** What signs: chosen by whoever made the webhook, sealed here, and never told again. */
@Injectable()
export class MlflowWebhookSecrets implements OnModuleInit {
  #sealer: Sealer | undefined;

  constructor(@Inject(CONFIG) private readonly config: RegistryConfig) {}

  /** Outside of local mode it goes without a key file, and takes no secrets then. @throws when the file holds no key. */
  async onModuleInit(): Promise<void> {
    const { VITAE_MODE, VITAE_DATA_DIR, VITAE_WEBHOOK_KEY_FILE } = this.config;
    const local = VITAE_MODE === 'local';
    if (local || VITAE_WEBHOOK_KEY_FILE !== undefined) this.#sealer = await openSealer({ service: 'registry', local, dataDir: VITAE_DATA_DIR, keyFile: VITAE_WEBHOOK_KEY_FILE });
  }

  /** @throws Refused SECRETS_NOT_KEPT. */
  seal(secret: string, webhookId: string): Buffer {
    if (!this.#sealer) throw new Refused('SECRETS_NOT_KEPT', 'This registry has no key to seal secrets with. Leave the secret out, or ask the operator to set VITAE_WEBHOOK_KEY_FILE.', 422);
    return this.#sealer.seal(secret, webhookId);
  }

  /** Never to be logged or answered. Undefined: nothing is signed. */
  async of(sql: Sql, webhookId: string): Promise<string | undefined> {
    const [row] = await sql.query<{ secret: Buffer | null }>('select secret from registry.mlflow_webhook where id = $1', [webhookId]);
    if (!row?.secret) return undefined;
    if (!this.#sealer) throw new Error('VITAE_WEBHOOK_KEY_FILE is missing: the secrets of webhooks cannot be opened without the key that they were sealed with');
    return this.#sealer.open(row.secret, webhookId);
  }
}
