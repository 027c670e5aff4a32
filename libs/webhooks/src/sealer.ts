import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { access, link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Secrets of webhooks as they are kept: AES-256-GCM, each sealed for one webhook. */
export interface Sealer {
  seal(secret: string, webhookId: string): Buffer;
  /** @throws when it was sealed with another key, or for another webhook. */
  open(sealed: Buffer, webhookId: string): string;
}

export interface SealerOptions {
  /** Who asks, for messages. */
  readonly service: string;
  /** Whether the key is made at the first start where no file is named. */
  readonly local: boolean;
  readonly dataDir: string;
  readonly keyFile: string | undefined;
}

/** @throws when the key file is missing (unless local), or holds no key. */
export async function openSealer(options: SealerOptions): Promise<Sealer> {
  const key = await sealingKey(options);
  return {
    /** The webhook's id is sealed along: a row copied to another webhook does not open. */
    seal(secret, webhookId) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(webhookId));
      return Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed, webhookId) {
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(Buffer.from(webhookId)).setAuthTag(sealed.subarray(-16));
      try {
        return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]).toString('utf8');
      } catch (cause) {
        throw new Error(`a secret of webhook ${webhookId} was sealed with another key; give the key file it was made with as VITAE_WEBHOOK_KEY_FILE, or rotate the secret`, { cause });
      }
    },
  };
}

/** 32 bytes in base64, of a file that in local mode is made at the first start. */
async function sealingKey({ service, local, dataDir, keyFile }: SealerOptions): Promise<Buffer> {
  const path = keyFile ?? (local ? join(dataDir, 'webhook.key') : undefined);
  if (path === undefined) {
    throw new Error(`${service} cannot start: VITAE_WEBHOOK_KEY_FILE is missing; outside of local mode it names a file with 32 random bytes in base64, the same for all replicas`);
  }
  if (local) await makeKey(path);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new Error(`${service} cannot start: VITAE_WEBHOOK_KEY_FILE names ${path}, which cannot be read`, { cause });
  });
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== 32) throw new Error(`${service} cannot start: ${path} holds no key; it has to hold 32 random bytes in base64`);
  return key;
}

/** Makes the file unless it is there: written aside, then given its name, so that nobody ever reads half a key. The first one stays. */
async function makeKey(path: string): Promise<void> {
  if (await access(path).then(() => true, () => false)) return;
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${randomBytes(8).toString('hex')}`;
  await writeFile(draft, `${randomBytes(32).toString('base64')}\n`, { flag: 'wx', mode: 0o600, flush: true });
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
}
