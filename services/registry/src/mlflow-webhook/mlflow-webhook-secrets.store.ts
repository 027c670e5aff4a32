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
  #opening: Promise<Sealer> | undefined;

  constructor(@Inject(CONFIG) private readonly config: RegistryConfig) {}

  /** In local mode the key is made with the first secret. @throws when a key file is named that holds no key. */
  async onModuleInit(): Promise<void> {
    if (this.config.VITAE_WEBHOOK_KEY_FILE !== undefined) await this.#sealer();
  }

  /** @throws Refused SECRETS_NOT_KEPT: outside of local mode it goes without a key file, and takes no secrets then. */
  async seal(secret: string, webhookId: string): Promise<Buffer> {
    const sealer = await this.#sealer();
    if (!sealer) throw new Refused('SECRETS_NOT_KEPT', 'This registry has no key to seal secrets with. Leave the secret out, or ask the operator to set VITAE_WEBHOOK_KEY_FILE.', 422);
    return sealer.seal(secret, webhookId);
  }

  /** Never to be logged or answered. Undefined: nothing is signed. */
  async of(sql: Sql, webhookId: string): Promise<string | undefined> {
    const [row] = await sql.query<{ secret: Buffer | null }>('select secret from registry.mlflow_webhook where id = $1', [webhookId]);
    if (!row?.secret) return undefined;
    const sealer = await this.#sealer();
    if (!sealer) throw new Error('VITAE_WEBHOOK_KEY_FILE is missing: the secrets of webhooks cannot be opened without the key that they were sealed with');
    return sealer.open(row.secret, webhookId);
  }

  async #sealer(): Promise<Sealer | undefined> {
    const { VITAE_MODE, VITAE_DATA_DIR, VITAE_WEBHOOK_KEY_FILE } = this.config;
    const local = VITAE_MODE === 'local';
    if (!local && VITAE_WEBHOOK_KEY_FILE === undefined) return undefined;
    this.#opening ??= openSealer({ service: 'registry', local, dataDir: VITAE_DATA_DIR, keyFile: VITAE_WEBHOOK_KEY_FILE });
    return this.#opening;
  }
}
