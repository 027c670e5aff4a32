import { link, mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { CONFIG, ConfigError, Problem } from '@vitae/service-kit';
import { KeyInvalid, newSigner, parseVerifierKey, privateText, signerFrom, type Signer } from '@vitae/transparency';
import { v7 as uuidv7 } from 'uuid';
import type { LedgerConfig } from '../config.ts';
import { LogTables } from '../transparency/log-tables.store.ts';
import { keyNotKept } from './log-key.ts';

/**
 * The private keys of the log: one in a file, as `PRIVATE+KEY+…`. The first file holds the key that the log began with;
 * beside it, its name with something behind a dot, lie those it was rotated to. Which of them signs is said by the ledger.
 * A key that signs no more may be taken away, when the one that does takes its place under the first name.
 *
 *   VITAE_LOG_KEY_FILE                  given: must be there, except that local mode makes it
 *   <data>/ledger/<ledger id>.key       not given, in local mode: made at the first start, readable by its owner only
 */
@Injectable()
export class LogKeyFiles implements OnModuleInit {
  readonly #log = new Logger(LogKeyFiles.name);
  #path = '';
  #looking: Promise<void> = Promise.resolve();
  #first: Signer | undefined;
  #signers: ReadonlyMap<string, Signer> = new Map();

  constructor(
    private readonly tables: LogTables,
    @Inject(CONFIG) private readonly config: LedgerConfig,
  ) {}

  /** The name of the log, which is that of its keys. */
  get origin(): string {
    return this.#begun.name;
  }

  /** The verifier key that the log began with. */
  get first(): string {
    return this.#begun.verifierKey;
  }

  /** Where the keys lie, for messages. */
  get files(): string {
    return `${this.#path}.*`;
  }

  async onModuleInit(): Promise<void> {
    const { VITAE_LOG_KEY_FILE, VITAE_LOG_ORIGIN, VITAE_DATA_DIR, VITAE_MODE } = this.config;
    const ledgerId = await this.tables.ledgerId();
    if (VITAE_LOG_KEY_FILE === undefined && VITAE_MODE !== 'local') {
      throw new ConfigError('ledger cannot start: 1 setting is wrong.\n  VITAE_LOG_KEY_FILE is missing; expected the file of the private key that signs the log (the README says how to make one)');
    }
    this.#path = VITAE_LOG_KEY_FILE ?? join(VITAE_DATA_DIR, 'ledger', `${ledgerId}.key`);
    await this.#load();
    if (!this.#first && VITAE_MODE === 'local') {
      // A second first key would be a second log of the same name.
      if (await this.tables.newestCheckpoint()) return;
      await this.#write(this.#path, newSigner(VITAE_LOG_ORIGIN ?? `vitae.local/ledger/${ledgerId}`));
      await this.#load();
    }
    if (!this.#first) throw new ConfigError(`ledger cannot start: VITAE_LOG_KEY_FILE names ${this.#path}, where no file is; mount the secret with the log's private key there (the README says how to make one)`);
    if (VITAE_LOG_ORIGIN !== undefined && VITAE_LOG_ORIGIN !== this.origin) {
      throw new ConfigError(`ledger cannot start: VITAE_LOG_ORIGIN is ${VITAE_LOG_ORIGIN}, but the key in ${this.#path} is named ${this.origin}; a log keeps its name, so correct one of them`);
    }
    this.#log.log(`the log is ${this.origin}, the key in ${this.#path} is ${this.first}`);
  }

  /** The private key behind a verifier key; undefined when no file holds it. Looks at the files again when it is new. */
  async signer(verifierKey: string): Promise<Signer | undefined> {
    if (!this.#signers.has(verifierKey)) await this.#load();
    return this.#signers.get(verifierKey);
  }

  /** Keeps a new key beside the others. @throws Refused LOG_KEY_NOT_KEPT where that cannot be, as in a mounted secret. */
  async keep(signer: Signer): Promise<void> {
    await this.#write(this.#pathOf(signer), signer).catch((error: NodeJS.ErrnoException) => {
      throw keyNotKept(`${dirname(this.#path)} takes no file (${error.code ?? error.message})`);
    });
    await this.#load();
  }

  /** Takes a key away that was kept and never came into force. */
  async forget(signer: Signer): Promise<void> {
    await rm(this.#pathOf(signer), { force: true });
    await this.#load();
  }

  get #begun(): Signer {
    if (this.#first) return this.#first;
    throw new Problem(503, 'log-key-missing', 'The key of the log is missing', `The log was signed before, and its key is not in ${this.#path} any more. Put the file back and start the service again; until then nothing is signed.`);
  }

  #pathOf({ verifierKey }: Signer): string {
    return `${this.#path}.${parseVerifierKey(verifierKey).id.toString(16).padStart(8, '0')}`;
  }

  /** One look at a time, so that an earlier one never has the last word. */
  #load(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look(), () => this.#look());
    return this.#looking;
  }

  async #look(): Promise<void> {
    const names = await readdir(dirname(this.#path)).catch(() => []);
    const found = names.filter((name) => name === basename(this.#path) || name.startsWith(`${basename(this.#path)}.`)).sort();
    const read = await Promise.all(found.map(async (name) => ({ name, signer: await this.#read(join(dirname(this.#path), name)) })));
    const signers = read.flatMap(({ signer }) => (signer ? [signer] : []));
    this.#first = read.find(({ name }) => name === basename(this.#path))?.signer;
    this.#signers = new Map(signers.map((signer) => [signer.verifierKey, signer]));
  }

  /** Undefined when it is gone again: a key that lost a race is taken away. */
  async #read(path: string): Promise<Signer | undefined> {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    try {
      return text === undefined ? undefined : signerFrom(text.trim());
    } catch (cause) {
      if (!(cause instanceof KeyInvalid)) throw cause;
      throw new ConfigError(`ledger cannot start: ${path} holds no private key of a log: ${cause.message}`, { cause });
    }
  }

  /** Whole or not at all, and never over another: the link fails when the name is taken. */
  async #write(path: string, signer: Signer): Promise<void> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const draft = join(dirname(path), `.${uuidv7()}`);
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(`${privateText(signer)}\n`);
      await file.sync();
      await link(draft, path).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error; // another replica was first
      });
    } finally {
      await file.close();
      await rm(draft, { force: true });
    }
  }
}
