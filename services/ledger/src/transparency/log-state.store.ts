import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '@vitae/service-kit';
import type { LedgerConfig } from '../config.ts';
import { LogKeyFiles } from '../log-key/log-key-files.store.ts';
import { logKeyStream } from '../log-key/log-key.handler.ts';
import { IntegratorWorker } from './integrator.worker.ts';
import { LogFiles } from './log-files.store.ts';
import { LogTables } from './log-tables.store.ts';
import { keyChain } from './signing-keys.ts';
import { WitnessWorker } from './witness.worker.ts';

/** How the log stands. */
export interface LogStanding {
  /** The name of the log. */
  readonly origin: string;
  /** Of the published checkpoint; absent as long as there is none. */
  readonly size?: number;
  /** Base64, as in the checkpoint. */
  readonly root?: string;
  readonly signedAt?: string;
  /** Verifier keys, oldest first; the last one signs. */
  readonly keys: readonly string[];
  /** Events in the tree of this replica; those beyond `size` are signed within a second or so. */
  readonly integrated: number;
  readonly witnesses: readonly WitnessStanding[];
}

export interface WitnessStanding {
  readonly name: string;
  readonly url: string;
  /** The largest size that it cosigned, and when; absent when it never did. */
  readonly size?: number;
  readonly at?: string;
  /** What it answered to this replica last, when that was no cosignature. */
  readonly trouble?: string;
}

@Injectable()
export class LogState {
  constructor(
    private readonly tables: LogTables,
    private readonly files: LogFiles,
    private readonly keyFiles: LogKeyFiles,
    private readonly integrator: IntegratorWorker,
    private readonly witness: WitnessWorker,
    @Inject(CONFIG) private readonly config: LedgerConfig,
  ) {}

  async read(): Promise<LogStanding> {
    const published = await this.files.published();
    return {
      origin: this.keyFiles.origin,
      ...(published ? { size: published.size, root: published.root.toString('base64'), signedAt: published.signedAt.toISOString() } : {}),
      keys: await this.keys(),
      integrated: this.integrator.integrated,
      witnesses: await this.#witnesses(),
    };
  }

  /** Verifier keys of the log, oldest first. */
  async keys(): Promise<readonly string[]> {
    const rotations = await this.tables.rotations(logKeyStream(await this.tables.ledgerId()));
    return keyChain(this.keyFiles.first, rotations, this.keyFiles.origin);
  }

  async #witnesses(): Promise<readonly WitnessStanding[]> {
    const seen = new Map((await this.tables.witnessed(this.config.VITAE_WITNESSES.map(({ key }) => key.text))).map((row) => [row.witness, row]));
    return this.config.VITAE_WITNESSES.map(({ key, url }) => {
      const last = seen.get(key.text);
      const trouble = this.witness.troubleWith(key.text);
      return { name: key.name, url, ...(last ? { size: last.size, at: last.at.toISOString() } : {}), ...(trouble === undefined ? {} : { trouble }) };
    });
  }
}
