import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { access, link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { Sql } from '@vitae/event-store';
import { CONFIG } from '@vitae/service-kit';
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
  #key: Buffer = Buffer.alloc(0);

  constructor(@Inject(CONFIG) private readonly config: KeyPlace) {}

  /** @throws when the key file is missing (cluster mode), or holds no key. */
  async onModuleInit(): Promise<void> {
    this.#key = await sealingKey(this.config);
  }

  /** Makes the first secret of a webhook, or a new one while the old ones stay valid for a while. Shown to the caller once. */
  async make(sql: Sql, webhookId: string, oldValidUntil?: string): Promise<string> {
    const secret = newSecret();
    if (oldValidUntil !== undefined) {
      await sql.query('update webhooks.secret set valid_until = least(valid_until, $2::timestamptz) where webhook_id = $1', [webhookId, oldValidUntil]);
      await sql.query('delete from webhooks.secret where webhook_id = $1 and valid_until <= now()', [webhookId]);
    }
    await sql.query('insert into webhooks.secret (id, webhook_id, sealed) values ($1, $2, $3)', [uuidv7(), webhookId, this.#seal(secret, webhookId)]);
    return secret;
  }

  /** The valid secrets, newest first. Never to be logged or answered. */
  async of(sql: Sql, webhookId: string): Promise<readonly string[]> {
    const rows = await sql.query<{ sealed: Buffer }>('select sealed from webhooks.secret where webhook_id = $1 and valid_until > now() order by id desc', [webhookId]);
    return rows.map(({ sealed }) => this.#open(sealed, webhookId));
  }

  async destroy(sql: Sql, webhookId: string): Promise<void> {
    await sql.query('delete from webhooks.secret where webhook_id = $1', [webhookId]);
  }

  /** The webhook's id is sealed along: a row copied to another webhook does not open. */
  #seal(secret: string, webhookId: string): Buffer {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(webhookId));
    return Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  }

  #open(sealed: Buffer, webhookId: string): string {
    const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(0, 12)).setAAD(Buffer.from(webhookId)).setAuthTag(sealed.subarray(-16));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]).toString('utf8');
    } catch (cause) {
      throw new Error(`a secret of webhook ${webhookId} was sealed with another key; give the key file it was made with as VITAE_WEBHOOK_KEY_FILE, or rotate the secret`, { cause });
    }
  }
}

/** 32 bytes in base64, of a file that in local mode is made at the first start. */
async function sealingKey({ VITAE_MODE, VITAE_DATA_DIR, VITAE_WEBHOOK_KEY_FILE }: KeyPlace): Promise<Buffer> {
  const path = VITAE_WEBHOOK_KEY_FILE ?? (VITAE_MODE === 'local' ? join(VITAE_DATA_DIR, 'webhook.key') : undefined);
  if (path === undefined) {
    throw new Error('ledger cannot start: VITAE_WEBHOOK_KEY_FILE is missing; outside of local mode it names a file with 32 random bytes in base64, the same for all replicas');
  }
  if (VITAE_MODE === 'local') await makeKey(path);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new Error(`ledger cannot start: VITAE_WEBHOOK_KEY_FILE names ${path}, which cannot be read`, { cause });
  });
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== 32) throw new Error(`ledger cannot start: ${path} holds no key; it has to hold 32 random bytes in base64`);
  return key;
}

/** Makes the file unless it is there: written aside, then given its name, so that nobody ever reads half a key. The first one stays. */
async function makeKey(path: string): Promise<void> {
  if (await access(path).then(() => true, () => false)) return;
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${uuidv7()}`;
  await writeFile(draft, `${randomBytes(32).toString('base64')}\n`, { flag: 'wx', mode: 0o600, flush: true });
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
}
