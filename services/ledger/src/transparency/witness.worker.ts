import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CONFIG } from '@vitae/service-kit';
import { consistencyProof } from '@vitae/transparency';
import type { LedgerConfig } from '../config.ts';
import { IntegratorWorker } from './integrator.worker.ts';
import { LogTables, type StoredCheckpoint } from './log-tables.store.ts';
import { tileHashes } from './log-tree.store.ts';
import { openTile } from './open-tiles.ts';
import type { Witness } from './witness-list.ts';
import { askWitness } from './witness.client.ts';

/** A witness that failed is asked again after this long, in milliseconds. */
const AFTER_TROUBLE_MS = 5_000;

/**
 * Shows each new checkpoint to the witnesses, and keeps what they add to it. A witness is believed in what it saw, not
 * obeyed: one that refuses is reported (GET /v1/log, the log of the service) and stops nothing here, but whoever asks for its
 * cosignature sees that it is missing.
 */
@Injectable()
export class WitnessWorker implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #log = new Logger(WitnessWorker.name);
  readonly #stop = new AbortController();
  readonly #known = new Map<string, number>(); // the size each witness was at, as far as we know
  readonly #trouble = new Map<string, string>();
  #running: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly tables: LogTables,
    private readonly integrator: IntegratorWorker,
    @Inject(CONFIG) private readonly config: LedgerConfig,
  ) {}

  troubleWith(verifierKey: string): string | undefined {
    return this.#trouble.get(verifierKey);
  }

  onApplicationBootstrap(): void {
    this.#running = Promise.all(this.config.VITAE_WITNESSES.map((witness) => this.#attend(witness)));
  }

  async onModuleDestroy(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #attend(witness: Witness): Promise<void> {
    const { text, name } = witness.key;
    while (!this.#stop.signal.aborted) {
      try {
        const newest = await this.tables.newestCheckpoint();
        if (newest && !(await this.tables.cosignatures(newest.size)).some((cosignature) => cosignature.witness === text)) await this.#ask(witness, newest);
        this.#trouble.delete(text);
        await this.#pause(this.config.VITAE_CHECKPOINT_MS / 4);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        const why = error instanceof Error && error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : (error as Error).message;
        if (this.#trouble.get(text) !== why) this.#log.warn(`the witness ${name} at ${witness.url} did not cosign: ${why}`);
        this.#trouble.set(text, why);
        await this.#pause(AFTER_TROUBLE_MS);
      }
    }
  }

  async #ask(witness: Witness, { size, note }: StoredCheckpoint): Promise<void> {
    const { text } = witness.key;
    let old = Math.min(this.#known.get(text) ?? 0, size);
    for (let attempt = 1; ; attempt += 1) {
      const proof = await consistencyProof(old, size, async (tile) => (this.integrator.tree && openTile(this.integrator.tree, tile)) ?? tileHashes(this.tables, tile));
      const answer = await askWitness(witness, { old, proof, checkpoint: note }, this.#stop.signal);
      if ('lines' in answer) {
        await this.tables.putCosignature(size, text, answer.lines);
        this.#known.set(text, size);
        return;
      }
      this.#known.set(text, answer.size);
      if (answer.size > size) return this.#mustBeAhead(answer.size);
      if (answer.size === old || attempt === 3) throw new Error(`it holds another root over the first ${answer.size} events than this log: one of them was shown another history`);
      old = answer.size;
    }
  }

  /** Another replica may have asked in the meantime. If not, this database is older than what was signed. */
  async #mustBeAhead(size: number): Promise<void> {
    const newest = await this.tables.newestCheckpoint();
    if ((newest?.size ?? 0) < size) throw new Error(`it cosigned ${size} events, and this database knows of ${newest?.size ?? 0} at most: an older state of it was restored`);
  }

  /** Resolves early when the service stops. */
  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }
}
