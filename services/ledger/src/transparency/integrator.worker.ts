import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { RawEntry } from '@vitae/event-store';
import { gauge, Readiness } from '@vitae/service-kit';
import type { TiledTree } from '@vitae/transparency';
import { LedgerPages } from '../ledger-pages.store.ts';
import { signal } from '../signal.worker.ts';
import { LogTables, type FullTile } from './log-tables.store.ts';
import { dense, HistoryChanged, leafOf, signedTree } from './log-tree.store.ts';

/** Events taken at once: their tiles are stored by one statement. */
const PAGE = 2_048;
/** Events hashed in one turn, two milliseconds of work: fewer, and it falls behind while the others take theirs. */
const TURN = 512;
/** How often it looks for new events, in milliseconds. A signature comes each second, so nobody needs it sooner. */
const POLL_MS = 100;

/**
 * Lets the log's tree follow the ledger, and stores the tiles that get full.
 *
 *   rebuild the tree of the newest checkpoint ──► read events behind it ──► hash ──► store full tiles ──► again
 *                                                                                    │ stored ones differ
 *                                                                                    ▼
 *                                                                                  halted, until somebody looked and restarted it
 *
 * It keeps no position: the tree is the position, and the newest checkpoint is where it starts. Any number of replicas may do
 * this at once: all of them store the same tiles.
 */
@Injectable()
export class IntegratorWorker implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #log = new Logger(IntegratorWorker.name);
  readonly #more = signal();
  /** Never grown in place: a fork takes its place, so that whoever looks at it sees one size. */
  #tree: TiledTree | undefined;
  #halted: string | undefined;
  #trouble: string | undefined;
  #stopping = false;
  #running: Promise<void> = Promise.resolve();
  #stopGauge: () => void = () => undefined;

  constructor(
    private readonly tables: LogTables,
    private readonly pages: LedgerPages,
    private readonly readiness: Readiness,
  ) {}

  /** The tree as far as it is; undefined before it was rebuilt, and after a halt. */
  get tree(): TiledTree | undefined {
    return this.#halted === undefined ? this.#tree : undefined;
  }

  /** How many events are in it. */
  get integrated(): number {
    return this.#tree?.size ?? 0;
  }

  /** Something is not as it was before: from now on nothing is integrated, nor signed. Only a restart ends it. */
  halt(why: string): void {
    if (this.#halted !== undefined) return;
    this.#halted = `the log is halted: ${why}`;
    this.#log.error(this.#halted);
  }

  onApplicationBootstrap(): void {
    this.readiness.register('log', () => {
      const trouble = this.#halted ?? this.#trouble;
      return trouble === undefined ? Promise.resolve({ integrated: this.integrated }) : Promise.reject(new Error(trouble));
    });
    this.#stopGauge = gauge('vitae.log.integrated', '{event}', 'Events in the tree of the transparency log', () => [{ value: this.integrated, attributes: {} }]);
    this.#running = this.#run();
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopping = true;
    this.#stopGauge();
    this.#more.raise();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping && this.#halted === undefined) {
      try {
        this.#tree ??= await signedTree(this.tables);
        const { entries, end } = await this.pages.page(this.#tree.size, PAGE);
        if (entries.length > 0) await this.#integrate(this.#tree, entries);
        this.#trouble = undefined;
        if (!end) continue;
      } catch (error) {
        if (error instanceof HistoryChanged) return this.halt(error.message);
        this.#trouble = (error as Error).message;
        this.#log.warn({ err: error }, 'the integrator met an obstacle and tries again');
      }
      if (!this.#stopping) await this.#more.wait(POLL_MS);
    }
  }

  async #integrate(tree: TiledTree, events: readonly RawEntry[]): Promise<void> {
    const full: FullTile[] = [];
    const next = tree.fork((tile, hashes) => full.push({ tile, hashes }));
    for (const [n, event] of dense(events, tree.size).entries()) {
      next.append(leafOf(event));
      if (n % TURN === TURN - 1) await nextTurn();
    }
    const different = full.length > 0 ? await this.tables.putTiles(full) : [];
    if (different.length > 0) throw new HistoryChanged(`${different.join(', ')} is stored with other bytes than the events give; run vitae fsck to find which of them was changed`);
    this.#tree = next;
  }
}
