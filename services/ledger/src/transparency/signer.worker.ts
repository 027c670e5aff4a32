import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CONFIG, gauge, Readiness } from '@vitae/service-kit';
import { consistencyProof, formatCheckpoint, openCheckpoint, parseVerifierKey, ProofInvalid, signNote, verifyConsistency, type Checkpoint, type Signer, type TiledTree } from '@vitae/transparency';
import type { LedgerConfig } from '../config.ts';
import { LogKeyFiles } from '../log-key/log-key-files.store.ts';
import { logKeyStream } from '../log-key/log-key.handler.ts';
import { signal } from '../signal.worker.ts';
import { IntegratorWorker } from './integrator.worker.ts';
import { LogTables, SignedAhead, type StoredCheckpoint } from './log-tables.store.ts';
import { HistoryChanged, tileHashes } from './log-tree.store.ts';
import { openTile } from './open-tiles.ts';
import { signingKeys } from './signing-keys.ts';

/**
 * Signs what the log promises, every second while there is something new. Before each signature, as a stranger would:
 *
 *   1  the newest checkpoint is signed by the key that was in force for it
 *   2  the tree begins with the tree of that checkpoint (a consistency proof made from the stored tiles)
 *   3  the keys that have to sign are the ones the ledger says
 *
 * and the note is stored before anybody gets to see it. Two replicas at once are harmless: the table takes no smaller size.
 */
@Injectable()
export class SignerWorker implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #log = new Logger(SignerWorker.name);
  readonly #stop = signal();
  #newest: StoredCheckpoint | undefined;
  #trouble: string | undefined;
  #stopping = false;
  #running: Promise<void> = Promise.resolve();
  #stopGauges: (() => void)[] = [];

  constructor(
    private readonly tables: LogTables,
    private readonly keys: LogKeyFiles,
    private readonly integrator: IntegratorWorker,
    private readonly readiness: Readiness,
    @Inject(CONFIG) private readonly config: LedgerConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.readiness.register('log signer', () => (this.#trouble === undefined ? Promise.resolve({ signed: this.#newest?.size ?? 0 }) : Promise.reject(new Error(this.#trouble))));
    this.#stopGauges = [
      gauge('vitae.log.size', '{event}', 'Events under the newest signed checkpoint', () => [{ value: this.#newest?.size ?? 0, attributes: {} }]),
      gauge('vitae.log.checkpoint.age', 's', 'Time since the newest checkpoint was signed', () => (this.#newest ? [{ value: (Date.now() - this.#newest.signedAt.getTime()) / 1000, attributes: {} }] : [])),
    ];
    this.#running = this.#run();
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopping = true;
    for (const stop of this.#stopGauges) stop();
    this.#stop.raise();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      try {
        const { tree } = this.integrator;
        this.#newest = await this.tables.newestCheckpoint();
        if (tree && tree.size > (this.#newest?.size ?? 0)) await this.#sign(tree, this.#newest);
        this.#trouble = undefined;
      } catch (error) {
        this.#trouble = (error as Error).message;
        if (error instanceof ProofInvalid || error instanceof HistoryChanged) this.integrator.halt(error.message);
        else this.#log.warn({ err: error }, 'the signer met an obstacle and tries again');
      }
      if (!this.#stopping) await this.#stop.wait(this.config.VITAE_CHECKPOINT_MS);
    }
  }

  async #sign(tree: TiledTree, newest: StoredCheckpoint | undefined): Promise<void> {
    const { origin } = this.keys;
    const next: Checkpoint = { origin, size: tree.size, root: tree.root() };
    const rotations = await this.tables.rotations(logKeyStream(await this.tables.ledgerId()));
    if (newest) {
      mustBeOurs(newest, origin, signingKeys(this.keys.first, rotations, { origin, from: newest.size, to: newest.size }));
      await this.#mustFollow(newest, next, tree);
    }
    const signers = await this.#signers(signingKeys(this.keys.first, rotations, { origin, from: newest?.size ?? 0, to: next.size }));
    try {
      const stored = await this.tables.putCheckpoint({ ...next, note: signNote(formatCheckpoint(next), signers) });
      if (!stored.root.equals(next.root)) throw new ProofInvalid(`two replicas see two histories: the checkpoint over ${next.size} events is stored with another root`);
    } catch (error) {
      if (!(error instanceof SignedAhead)) throw error;
    }
    this.#newest = await this.tables.newestCheckpoint();
  }

  /** @throws ProofInvalid */
  async #mustFollow(newest: StoredCheckpoint, next: Checkpoint, tree: TiledTree): Promise<void> {
    const proof = await consistencyProof(newest.size, next.size, async (tile) => openTile(tree, tile) ?? tileHashes(this.tables, tile));
    verifyConsistency({ from: newest.size, to: next.size, fromRoot: newest.root, toRoot: next.root, proof });
  }

  async #signers(verifierKeys: readonly string[]): Promise<readonly Signer[]> {
    return Promise.all(
      verifierKeys.map(async (key) => {
        const signer = await this.keys.signer(key);
        if (!signer) throw new Error(`the log signs with ${key}, and none of the files ${this.keys.files} holds its private key: put it there`);
        return signer;
      }),
    );
  }
}

/** A key that was exchanged without a rotation must not go on: nobody who trusts the log would believe it. */
function mustBeOurs({ note, size }: StoredCheckpoint, origin: string, keys: readonly string[]): void {
  try {
    openCheckpoint(note, { origin, keys: keys.map(parseVerifierKey) });
  } catch (cause) {
    throw new Error(`the checkpoint over ${size} events is not signed by ${keys.join(', ')}, the key at hand: put the old key back, then rotate (POST /v1/log/keys)`, { cause });
  }
}
