import { Inject, Injectable } from '@nestjs/common';
import type { RawEntry } from '@vitae/event-store';
import { CONFIG } from '@vitae/service-kit';
import { encodeEntries, eventLine, formatTlogProof, inclusionProof, TILE_WIDTH, type LogSource, type Tile } from '@vitae/transparency';
import type { LedgerConfig } from '../config.ts';
import { IntegratorWorker } from './integrator.worker.ts';
import { LogTables, type StoredCheckpoint } from './log-tables.store.ts';
import { dense, entryOf, tileHashes } from './log-tree.store.ts';
import { openTile } from './open-tiles.ts';

/**
 * The log as the world sees it: the files of C2SP tlog-tiles for the published checkpoint, and our events behind them. What
 * lies beyond that checkpoint is not there. A file never changes once it was there.
 */
@Injectable()
export class LogFiles {
  /** The largest size that was published, as far as this replica knows: it never decreases, so it spares a question. */
  #published = 0;

  constructor(
    private readonly tables: LogTables,
    private readonly integrator: IntegratorWorker,
    @Inject(CONFIG) private readonly config: LedgerConfig,
  ) {}

  /** Undefined as long as nothing was signed. */
  async published(): Promise<StoredCheckpoint | undefined> {
    const witnesses = this.config.VITAE_WITNESSES.map(({ key }) => key.text);
    const found = await this.tables.publishedCheckpoint(witnesses, witnesses.length === 0 ? 0 : this.config.VITAE_WITNESS_PATIENCE_MS);
    this.#published = Math.max(this.#published, found?.size ?? 0);
    return found;
  }

  /** The signed note, with what witnesses added. */
  async checkpoint(): Promise<string | undefined> {
    const found = await this.published();
    return found && this.#cosigned(found);
  }

  async tile(tile: Tile): Promise<Uint8Array | undefined> {
    const covers = TILE_WIDTH ** tile.level;
    return (await this.#reaches((tile.index * TILE_WIDTH + tile.width) * covers)) ? this.#hashes(tile) : undefined;
  }

  async entries(index: number, width: number): Promise<Uint8Array | undefined> {
    const events = await this.#events(index, width);
    return events && encodeEntries(events.map(entryOf));
  }

  /** The stored bytes behind the entries. Of all projects: see the README for who may read them. */
  async events(index: number, width: number): Promise<Uint8Array | undefined> {
    const events = await this.#events(index, width);
    return events && Buffer.from(events.map((event) => eventLine({ ...event, subjects: [event.subjects] })).join(''));
  }

  /** For whoever reads a whole log. */
  readonly source: Omit<LogSource, 'checkpoint'> = {
    tile: (tile) => this.tile(tile),
    entries: (index, width) => this.entries(index, width),
    events: (index, width) => this.events(index, width),
  };

  /** A `.tlog-proof` file for one event against the published checkpoint; undefined when the event lies beyond it. */
  async proof(index: number): Promise<string | undefined> {
    const found = await this.published();
    if (!found || index >= found.size) return undefined;
    return formatTlogProof({ index, proof: await inclusionProof(index, found.size, (tile) => this.#hashes(tile)), checkpoint: await this.#cosigned(found) });
  }

  async #cosigned({ size, note }: StoredCheckpoint): Promise<string> {
    return note + (await this.tables.cosignatures(size)).map(({ line }) => line).join('');
  }

  async #events(index: number, width: number): Promise<readonly RawEntry[] | undefined> {
    const from = index * TILE_WIDTH;
    return (await this.#reaches(from + width)) ? dense(await this.tables.events(from, width), from, width) : undefined;
  }

  async #hashes(tile: Tile): Promise<Uint8Array> {
    return (this.integrator.tree && openTile(this.integrator.tree, tile)) ?? tileHashes(this.tables, tile);
  }

  async #reaches(size: number): Promise<boolean> {
    return size <= this.#published || size <= ((await this.published())?.size ?? 0);
  }
}
