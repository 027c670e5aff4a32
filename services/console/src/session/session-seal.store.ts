import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { CONFIG } from '@vitae/service-kit';
import { base64url, CompactEncrypt, compactDecrypt } from 'jose';
import type { ConsoleConfig } from '../config.ts';

/** What a sealed text is for; one cannot be used as the other. */
export type Purpose = 'vitae-session' | 'vitae-login';

/** How often the file is looked at for other keys, in milliseconds. */
const LOOK_EVERY = 5_000;

/**
 * Seals what the browser keeps for us: JWE, `dir`, A256GCM. The first key of the file seals, all open: a new one is put before the others,
 * and the last one taken away when no session is older. The file is read again when it changes.
 */
@Injectable()
export class SessionSeal implements OnModuleInit {
  readonly #file: string;
  readonly #log = new Logger('SessionSeal');
  #keys: ReadonlyMap<string, Uint8Array> = new Map();
  #age = -1;
  #lookedAt = 0;

  constructor(@Inject(CONFIG) private readonly config: ConsoleConfig) {
    this.#file = config.VITAE_SESSION_KEY_FILE ?? join(config.VITAE_DATA_DIR, 'session.key');
  }

  /** @throws when there are no keys that can be used; in local mode they are made. */
  async onModuleInit(): Promise<void> {
    if (this.config.VITAE_MODE === 'local') await makeKey(this.#file);
    await this.#read();
  }

  async seal(purpose: Purpose, content: object): Promise<string> {
    const [kid, key] = [...(await this.#current())][0] ?? [];
    if (kid === undefined || key === undefined) throw new Error('there is no session key'); // onModuleInit has thrown before
    return new CompactEncrypt(new TextEncoder().encode(JSON.stringify(content))).setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid, typ: purpose }).encrypt(key);
  }

  /** What was sealed; undefined for everything that was not sealed here, by a key that is still there and for this purpose. */
  async open(purpose: Purpose, sealed: string): Promise<unknown> {
    const keys = await this.#current();
    try {
      const { plaintext, protectedHeader } = await compactDecrypt(
        sealed,
        ({ kid }) => {
          const key = keys.get(kid ?? '');
          if (!key) throw new Error('unknown key');
          return key;
        },
        { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] },
      );
      return protectedHeader.typ === purpose ? JSON.parse(new TextDecoder().decode(plaintext)) : undefined;
    } catch {
      return undefined; // forged, cut, of another key: the same to whoever sent it
    }
  }

  async #current(): Promise<ReadonlyMap<string, Uint8Array>> {
    if (Date.now() - this.#lookedAt >= LOOK_EVERY) {
      this.#lookedAt = Date.now();
      await this.#read().catch((error: Error) => this.#log.warn(`${error.message} The keys before stay in use.`));
    }
    return this.#keys;
  }

  async #read(): Promise<void> {
    const { mtimeMs } = await stat(this.#file);
    if (mtimeMs === this.#age) return;
    const keys = parseKeys(await readFile(this.#file, 'utf8'));
    if (!keys) throw new Error(`VITAE_SESSION_KEY_FILE (${this.#file}) holds no session keys: every line is 32 random bytes in base64url (openssl rand 32 | basenc --base64url).`);
    this.#keys = keys;
    this.#age = mtimeMs;
  }
}

/** By key id, in the order of the lines; undefined when a line is no key. */
function parseKeys(text: string): ReadonlyMap<string, Uint8Array> | undefined {
  const lines = text.split(/\r?\n/).map((part) => part.trim()).filter((part) => part !== '');
  if (lines.length === 0 || !lines.every((part) => /^[A-Za-z0-9_-]{43}=?$/.test(part))) return undefined;
  return new Map(lines.map((part) => [keyId(part), base64url.decode(part.replace('=', ''))]));
}

const keyId = (key: string): string => createHash('sha256').update(`vitae session key ${key}`).digest('base64url').slice(0, 8);

async function makeKey(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}
