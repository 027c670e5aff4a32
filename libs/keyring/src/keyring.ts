import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { migrate, pendingMigrations, pooledSql, type Attribution, type Seal, type Sql } from '@vitae/event-store';
import { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { countKeys, destroyKeys, findLiveKey, findNewestKey, keysById, keysOfPerson, keysWrappedBefore, storeKey, storeWrapping, sweepKeys, type StoredKey } from './key-store.ts';
import { ERASED, revealIn, UNREADABLE, WITHHELD, type Opening } from './reveal.ts';
import { personOf, sealAppend, type PersonKey } from './seal-append.ts';
import { sealedTextsIn } from './sealed-text.ts';
import { TenantKey } from './tenant-key.ts';

export const keyringMigrations = { schema: 'keyring', directory: new URL('../migrations/', import.meta.url) };

/** Keys cannot be had at the moment. Nothing was stored: personal text is stored sealed or not at all. */
export class KeyringUnavailable extends Error {
  override readonly name = 'KeyringUnavailable';
}

export interface KeyringOptions {
  /** A database of its own, never the ledger's. */
  readonly databaseUrl: string;
  readonly tenantKeyFile: string;
  /** Make the tenant key when there is none and no key depends on one: on a first local start. */
  readonly create?: boolean;
}

export interface Sealer {
  /** What is stored instead of an append: every personal text in it is sealed under its writer's key. */
  readonly seal: Seal;
  /**
   * The fingerprint of a request under a key of the writer. It is kept beside the events, and the bare hash of a short text
   * would tell the text to whoever guesses it. After an erasure the person's old fingerprints fit nothing.
   */
  fingerprint(fingerprint: string): string;
}

/**
 * The keys of people, and what is done with them: seal what is appended, open what is read, destroy what is erased.
 *
 * It keeps no key in memory. Each command of a human and each answer with personal text in it asks the database, so a
 * destroyed key is gone for everybody with the commit that destroys it, and no process has to be told.
 */
export class Keyring {
  private constructor(
    private readonly pool: Pool,
    private readonly tenantKey: TenantKey,
    private readonly sql: Sql = pooledSql(pool),
  ) {}

  /** @throws when the database or the tenant key cannot be used, or keys are there and the tenant key is not. */
  static async open({ databaseUrl, tenantKeyFile, create = false }: KeyringOptions): Promise<Keyring> {
    const pool = new Pool({ connectionString: databaseUrl, max: 2, application_name: 'vitae-keyring', connectionTimeoutMillis: 5_000 });
    pool.on('error', () => undefined); // a lost connection shows at the next query
    try {
      await mustBeAlone(pooledSql(pool));
      const pending = await pendingMigrations(databaseUrl, [keyringMigrations]);
      if (pending.length > 0) await migrate(databaseUrl, keyringMigrations); // which needs the owner's login
      if (create && !existsSync(tenantKeyFile)) {
        const keys = await countKeys(pooledSql(pool));
        if (keys > 0 && !existsSync(tenantKeyFile)) throw new Error(`${tenantKeyFile} is missing, and ${keys} keys in the keyring are wrapped by the tenant key that was in it. Put the file back; without it their texts cannot be read.`);
        await TenantKey.create(tenantKeyFile);
      }
      return new Keyring(pool, await TenantKey.open(tenantKeyFile));
    } catch (error) {
      await pool.end();
      throw error;
    }
  }

  /**
   * What seals the appends of one request, with the writer's key at hand: fetched once, before the transaction.
   * @throws KeyringUnavailable
   */
  async sealerFor({ actor, projectId }: Pick<Attribution, 'actor' | 'projectId'>): Promise<Sealer> {
    const person = personOf(actor);
    const key = person === undefined ? undefined : await this.#liveKey(projectId, person);
    return {
      seal: (prepared) => Promise.resolve(sealAppend(prepared, key)),
      fingerprint: (fingerprint) => (key ? fingerprintUnder(key.key, fingerprint) : fingerprint),
    };
  }

  /**
   * A JSON text with every sealed text in it opened: `[erased]` when its key was destroyed, `[withheld]` when the reader
   * may not, `[unreadable]` when it does not open. A sealed text within a string that is JSON itself is beyond it.
   *
   * @param mayRead whether the reader may have texts of the project. The project is the key's own, wherever the text was shown.
   * @throws KeyringUnavailable
   */
  async reveal(json: string, mayRead: (projectId: string) => boolean): Promise<string> {
    const keyIds = [...new Set(sealedTextsIn(json).map(({ keyId }) => keyId))];
    if (keyIds.length === 0) return json;
    const stored = await this.#asking(() => keysById(this.sql, keyIds));
    const openings = new Map<string, Opening>();
    for (const one of stored) openings.set(one.keyId, await this.#opening(one, mayRead));
    return revealIn(json, openings);
  }

  /** Destroys all keys of a person. Repeating it for the same erasure destroys nothing more. @throws KeyringUnavailable */
  destroy(person: string, erasureId: string): Promise<readonly string[]> {
    return this.#asking(() => destroyKeys(this.sql, person, erasureId));
  }

  /** Takes what is left of destroyed keys out of the table's file. @throws KeyringUnavailable */
  sweep(): Promise<void> {
    return this.#asking(() => sweepKeys(this.sql));
  }

  /** The live keys of a person: what an erasure would destroy. @throws KeyringUnavailable */
  async liveKeys(person: string): Promise<readonly { readonly keyId: string; readonly projectId: string }[]> {
    const keys = await this.#asking(() => keysOfPerson(this.sql, person));
    return keys.filter(({ live }) => live).map(({ keyId, projectId }) => ({ keyId, projectId }));
  }

  /**
   * Wraps everything anew that an older version of the tenant key wraps. When no key is left, the older lines of its file
   * may go. Returns how many were wrapped, and the ids of those that do not open.
   */
  async rewrap(): Promise<{ readonly wrapped: number; readonly left: readonly string[] }> {
    const version = this.tenantKey.currentVersion;
    const left: string[] = [];
    let wrapped = 0;
    for (const { live, ...owner } of await this.#asking(() => keysWrappedBefore(this.sql, version))) {
      const key = live && (await this.tenantKey.unwrap(live, owner).catch(() => undefined));
      if (!key) left.push(owner.keyId);
      else await this.#asking(() => storeWrapping(this.sql, owner.keyId, this.tenantKey.wrap(key, owner)));
      if (key) wrapped += 1;
    }
    return { wrapped, left };
  }

  /** Rejects unless the keys can be reached and the tenant key fits them. */
  async check(): Promise<void> {
    await this.#asking(async () => {
      const newest = await findNewestKey(this.sql);
      if (newest?.live) await this.tenantKey.unwrap(newest.live, newest);
    });
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  async #liveKey(projectId: string, person: string): Promise<PersonKey> {
    return this.#asking(async () => {
      let found = await findLiveKey(this.sql, { projectId, person });
      if (!found) {
        const owner = { keyId: uuidv7(), projectId, person };
        await storeKey(this.sql, owner, this.tenantKey.wrap(randomBytes(32), owner));
        found = await findLiveKey(this.sql, { projectId, person }); // ours, or that of somebody who was quicker
      }
      if (!found?.live) throw new Error(`the key of ${person} in ${projectId} was destroyed at this moment`);
      return { keyId: found.keyId, key: await this.tenantKey.unwrap(found.live, found) };
    });
  }

  async #opening(stored: StoredKey, mayRead: (projectId: string) => boolean): Promise<Opening> {
    if (!mayRead(stored.projectId)) return WITHHELD;
    if (!stored.live) return ERASED;
    return this.tenantKey.unwrap(stored.live, stored).catch(() => UNREADABLE);
  }

  async #asking<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw new KeyringUnavailable(`the keyring cannot be used: ${(cause as Error).message}`, { cause });
    }
  }
}

function fingerprintUnder(key: Uint8Array, fingerprint: string): string {
  const secret = Buffer.from(hkdfSync('sha256', key, '', 'vitae idempotency fingerprint', 32));
  return createHmac('sha256', secret).update(fingerprint).digest('hex');
}

/** Keys beside what they seal would be in every dump of it, and an erasure would end at the last backup. */
async function mustBeAlone(sql: Sql): Promise<void> {
  const [row] = await sql.query<{ ledger: boolean }>(`select to_regnamespace('ledger') is not null as ledger`);
  if (row?.ledger) throw new Error('the keyring needs a database of its own, and the ledger is in this one');
}
