import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Whose a key is. It is authenticated with the wrapped bytes, so that no key can be put into another one's row. */
export interface KeyOwner {
  readonly keyId: string;
  readonly projectId: string;
  readonly person: string;
}

export interface WrappedKey {
  readonly tenantKeyVersion: number;
  readonly wrapped: Uint8Array;
}

const NONCE = 12;
const TAG = 16;

/**
 * The key that wraps the keys of people. It lives in a file (0600, or a mounted secret), one version a line:
 * `<version> <base64url of 32 bytes>`. The highest version wraps; the others unwrap what they once wrapped. To rotate, add
 * a line: the file is read again whenever a version is met that is not known yet.
 */
export class TenantKey {
  private constructor(
    private readonly file: string,
    private versions: ReadonlyMap<number, Buffer>,
  ) {}

  /** @throws when the file is missing or is no such file. The message never shows what is in it. */
  static async open(file: string): Promise<TenantKey> {
    return new TenantKey(file, await read(file));
  }

  /** Makes the file with a first version, unless there is one. Several processes may do so at once: one of them makes it. */
  static async create(file: string): Promise<void> {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
    await writeFile(draft, `1 ${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx', flush: true });
    try {
      await link(draft, file); // appears whole, or fails when there is one
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      await rm(draft);
    }
  }

  get currentVersion(): number {
    return Math.max(...this.versions.keys());
  }

  wrap(key: Uint8Array, owner: KeyOwner): WrappedKey {
    const tenantKeyVersion = this.currentVersion;
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv('aes-256-gcm', this.versions.get(tenantKeyVersion)!, nonce).setAAD(labelOf(owner)); // the highest of its own keys
    return { tenantKeyVersion, wrapped: Buffer.concat([nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()]) };
  }

  /** @throws when the version is not in the file, or key, owner and bytes do not belong together. */
  async unwrap({ tenantKeyVersion, wrapped }: WrappedKey, owner: KeyOwner): Promise<Buffer> {
    if (!this.versions.has(tenantKeyVersion)) this.versions = await read(this.file);
    const tenantKey = this.versions.get(tenantKeyVersion);
    if (!tenantKey) throw new Error(`the tenant key has no version ${tenantKeyVersion}, under which key ${owner.keyId} is wrapped; put that line back into its file`);
    const bytes = Buffer.from(wrapped);
    const decipher = createDecipheriv('aes-256-gcm', tenantKey, bytes.subarray(0, NONCE), { authTagLength: TAG }).setAAD(labelOf(owner)).setAuthTag(bytes.subarray(-TAG));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()]);
    } catch (cause) {
      throw new Error(`key ${owner.keyId} does not open with the tenant key: the key, or its row, was changed`, { cause });
    }
  }
}

async function read(file: string): Promise<ReadonlyMap<number, Buffer>> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`the tenant key cannot be read from ${file} (${(cause as NodeJS.ErrnoException).code}). Without it no personal text can be read; put the file back.`, { cause });
  });
  const versions = new Map<number, Buffer>();
  for (const line of text.split('\n').filter((one) => one.trim() !== '')) {
    const [, version, key] = /^(\d{1,9}) ([A-Za-z0-9_-]{43})=?\s*$/.exec(line) ?? [];
    if (version === undefined || key === undefined || versions.has(Number(version))) {
      throw new Error(`${file} is no tenant key: each line is a version of its own and 32 bytes in base64url, with a space between`);
    }
    versions.set(Number(version), Buffer.from(key, 'base64url'));
  }
  if (versions.size === 0) throw new Error(`${file} is empty: there is no tenant key in it`);
  return versions;
}

const labelOf = ({ keyId, projectId, person }: KeyOwner): Buffer => Buffer.from(`vitae person key\n${keyId}\n${projectId}\n${person}`);
