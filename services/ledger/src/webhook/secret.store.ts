import { createHmac, randomBytes } from 'node:crypto';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { Sql } from '@vitae/event-store';
import { CONFIG } from '@vitae/service-kit';
import { openSealer, type Sealer } from '@vitae/webhooks';
import { v7 as uuidv7 } from 'uuid';
import type { LedgerConfig } from '../config.ts';

/** How the Standard Webhooks specification writes a signing secret. */
const PREFIX = 'whsec_';
const newSecret = (): string => `${PREFIX}${randomBytes(32).toString('base64')}`;

/** The headers of one message, signed with every secret that is valid now (https://www.standardwebhooks.com). */
export function signedHeaders(secrets: readonly string[], { id, at, body }: { readonly id: string; readonly at: Date; readonly body: string }): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  const sign = (secret: string): string =>
    `v1,${createHmac('sha256', Buffer.from(secret.slice(PREFIX.length), 'base64')).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': secrets.map(sign).join(' ') };
}

type KeyPlace = Pick<LedgerConfig, 'VITAE_MODE' | 'VITAE_DATA_DIR' | 'VITAE_WEBHOOK_KEY_FILE'>;

/**
 * The secrets that sign webhooks: sealed with AES-256-GCM in PostgreSQL, under a key that lies in a file of its own.
 * A secret leaves this file twice: to the one who made it, once, and into a signature.
 */
@Injectable()
export class WebhookSecrets implements OnModuleInit {
  #sealer: Sealer | undefined;

  constructor(@Inject(CONFIG) private readonly config: KeyPlace) {}

  /** @throws when the key file is missing (cluster mode), or holds no key. */
  async onModuleInit(): Promise<void> {
    const { VITAE_MODE, VITAE_DATA_DIR, VITAE_WEBHOOK_KEY_FILE } = this.config;
    this.#sealer = await openSealer({ service: 'ledger', local: VITAE_MODE === 'local', dataDir: VITAE_DATA_DIR, keyFile: VITAE_WEBHOOK_KEY_FILE });
  }

  /** Makes the first secret of a webhook, or a new one while the old ones stay valid for a while. Shown to the caller once. */
  async make(sql: Sql, webhookId: string, oldValidUntil?: string): Promise<string> {
    const secret = newSecret();
    if (oldValidUntil !== undefined) {
      await sql.query('update webhooks.secret set valid_until = least(valid_until, $2::timestamptz) where webhook_id = $1', [webhookId, oldValidUntil]);
      await sql.query('delete from webhooks.secret where webhook_id = $1 and valid_until <= now()', [webhookId]);
    }
    await sql.query('insert into webhooks.secret (id, webhook_id, sealed) values ($1, $2, $3)', [uuidv7(), webhookId, this.#opened.seal(secret, webhookId)]);
    return secret;
  }

  /** The valid secrets, newest first. Never to be logged or answered. */
  async of(sql: Sql, webhookId: string): Promise<readonly string[]> {
    const rows = await sql.query<{ sealed: Buffer }>('select sealed from webhooks.secret where webhook_id = $1 and valid_until > now() order by id desc', [webhookId]);
    return rows.map(({ sealed }) => this.#opened.open(sealed, webhookId));
  }

  async destroy(sql: Sql, webhookId: string): Promise<void> {
    await sql.query('delete from webhooks.secret where webhook_id = $1', [webhookId]);
  }

  get #opened(): Sealer {
    if (!this.#sealer) throw new Error('the secrets of webhooks are asked for before the service has started');
    return this.#sealer;
  }
}
