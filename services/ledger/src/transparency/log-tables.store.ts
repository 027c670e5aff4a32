import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { RawEntry } from '@vitae/event-store';
import { CONFIG } from '@vitae/service-kit';
import { tilePath, TILE_WIDTH, type Tile } from '@vitae/transparency';
import { Pool } from 'pg';
import type { LedgerConfig } from '../config.ts';
import { LedgerPages } from '../ledger-pages.store.ts';
import type { Rotation } from './signing-keys.ts';

/** A checkpoint as it was signed. */
export interface StoredCheckpoint {
  readonly size: number;
  readonly root: Buffer;
  /** Signed note, the log's own signatures only. */
  readonly note: string;
  readonly signedAt: Date;
}

export interface StoredCosignature {
  /** The witness's verifier key. */
  readonly witness: string;
  readonly line: string;
  readonly receivedAt: Date;
}

/** A tile as wide as tiles get. */
export interface FullTile {
  readonly tile: Tile;
  readonly hashes: Buffer;
}

/** Another replica signed a larger tree in the meantime. */
export class SignedAhead extends Error {
  override readonly name = 'SignedAhead';
}

/** What 0003-transparency.sql keeps, and the events beneath. On connections of its own: pages of the ledger pass here. */
@Injectable()
export class LogTables implements OnApplicationShutdown {
  readonly #pool: Pool;
  #ledgerId: Promise<string> | undefined;

  constructor(
    @Inject(CONFIG) config: LedgerConfig,
    private readonly pages: LedgerPages,
  ) {
    this.#pool = new Pool({ connectionString: config.DATABASE_URL, application_name: 'vitae-ledger-log', max: 3, idleTimeoutMillis: 30_000, connectionTimeoutMillis: 10_000, options: '-c vitae.projects=*' });
    this.#pool.on('error', () => undefined); // a connection that breaks while it is idle; the next statement opens another
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#pool.end();
  }

  /** The id that this ledger has for ever. */
  ledgerId(): Promise<string> {
    this.#ledgerId ??= this.#one<{ id: string }>('select id from ledger.origin').then((row) => row?.id ?? '');
    this.#ledgerId.catch(() => (this.#ledgerId = undefined));
    return this.#ledgerId;
  }

  /** Dense, in ledger order. */
  async events(from: number, limit: number): Promise<readonly RawEntry[]> {
    return this.pages.all(from, limit);
  }

  async tile({ level, index }: Omit<Tile, 'width'>): Promise<Buffer | undefined> {
    return (await this.#one<{ hashes: Buffer }>('select hashes from ledger.tile where level = $1 and n = $2', [level, index]))?.hashes;
  }

  /** Full tiles of one level beside each other; those that are missing are left out. */
  async tiles(level: number, from: number, count: number): Promise<readonly Buffer[]> {
    const { rows } = await this.#pool.query<{ hashes: Buffer }>('select hashes from ledger.tile where level = $1 and n >= $2 and n < $3 order by n', [level, from, from + count]);
    return rows.map(({ hashes }) => hashes);
  }

  /** Stores full tiles, as often as one likes. Answers the paths of those that are stored with other bytes. */
  async putTiles(tiles: readonly FullTile[]): Promise<readonly string[]> {
    const values = [tiles.map(({ tile }) => tile.level), tiles.map(({ tile }) => tile.index), tiles.map(({ hashes }) => hashes)];
    const wanted = 'unnest($1::smallint[], $2::bigint[], $3::bytea[]) as w (level, n, hashes)';
    const { rowCount } = await this.#pool.query(`insert into ledger.tile (level, n, hashes) select * from ${wanted} on conflict do nothing`, values);
    if (rowCount === tiles.length) return [];
    const { rows } = await this.#pool.query<{ level: number; n: string }>(
      `select t.level, t.n from ledger.tile t join ${wanted} on w.level = t.level and w.n = t.n where t.hashes <> w.hashes order by 1, 2`,
      values,
    );
    return rows.map(({ level, n }) => tilePath({ level, index: Number(n), width: TILE_WIDTH }));
  }

  /** The one over the most events. */
  async newestCheckpoint(): Promise<StoredCheckpoint | undefined> {
    return checkpointOf(await this.#one<CheckpointRow>(`select ${CHECKPOINT} from ledger.checkpoint c order by c.size desc limit 1`));
  }

  /**
   * What the world may see: the newest checkpoint that all these witnesses cosigned, or that waited long enough for them.
   * Its size never decreases, whichever replica is asked.
   */
  async publishedCheckpoint(witnesses: readonly string[], patienceMs: number): Promise<StoredCheckpoint | undefined> {
    const text = `select ${CHECKPOINT} from ledger.checkpoint c
      where c.signed_at <= clock_timestamp() - make_interval(secs => $2)
        or (select count(*) from ledger.cosignature s where s.size = c.size and s.witness = any ($1)) = cardinality($1)
      order by c.size desc limit 1`;
    return checkpointOf(await this.#one<CheckpointRow>(text, [witnesses, patienceMs / 1000]));
  }

  /**
   * Stores what was signed. Answers what is stored under that size: another replica may have been first.
   * @throws SignedAhead
   */
  async putCheckpoint({ size, root, note }: Pick<StoredCheckpoint, 'size' | 'root' | 'note'>): Promise<{ readonly root: Buffer; readonly added: boolean }> {
    const { rowCount } = await this.#pool
      .query('insert into ledger.checkpoint (size, root, note) values ($1, $2, $3) on conflict do nothing', [size, root, note])
      .catch((error: unknown) => {
        throw (error as { code?: unknown }).code === 'VT004' ? new SignedAhead((error as Error).message, { cause: error }) : error;
      });
    const stored = await this.#one<{ root: Buffer }>('select root from ledger.checkpoint where size = $1', [size]);
    return { root: stored?.root ?? root, added: rowCount === 1 };
  }

  async cosignatures(size: number): Promise<readonly StoredCosignature[]> {
    const { rows } = await this.#pool.query<StoredCosignature>('select witness, line, received_at as "receivedAt" from ledger.cosignature where size = $1 order by witness', [size]);
    return rows;
  }

  async putCosignature(size: number, witness: string, line: string): Promise<void> {
    await this.#pool.query('insert into ledger.cosignature (size, witness, line) values ($1, $2, $3) on conflict do nothing', [size, witness, line]);
  }

  /** The largest size that each of these witnesses cosigned, of those that did. */
  async witnessed(witnesses: readonly string[]): Promise<readonly { readonly witness: string; readonly size: number; readonly at: Date }[]> {
    const { rows } = await this.#pool.query<{ witness: string; size: string; at: Date }>(
      `select w.witness, last.size, last.at from unnest($1::text[]) as w (witness)
       cross join lateral (select c.size, c.received_at as at from ledger.cosignature c where c.witness = w.witness order by c.size desc limit 1) last`,
      [witnesses],
    );
    return rows.map((row) => ({ ...row, size: Number(row.size) }));
  }

  /** The rotations of the log's key that have an index, in order. */
  async rotations(stream: string): Promise<readonly Rotation[]> {
    const { rows } = await this.#pool.query<{ index: string; payload: string }>(
      `select n.index, e.payload::text as payload from ledger.event e join ledger.entry n on n.seq = e.seq
       where e.stream = $1 and e.type = 'vitae.ledger.v1.LogKeyRotated' order by n.index`,
      [stream],
    );
    return rows.map(({ index, payload }) => ({ index: Number(index), payload }));
  }

  async #one<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row | undefined> {
    return (await this.#pool.query<Row>(text, [...values])).rows[0];
  }
}

interface CheckpointRow {
  readonly size: string;
  readonly root: Buffer;
  readonly note: string;
  readonly signed_at: Date;
}

const CHECKPOINT = 'c.size, c.root, c.note, c.signed_at';

function checkpointOf(row: CheckpointRow | undefined): StoredCheckpoint | undefined {
  return row && { size: Number(row.size), root: row.root, note: row.note, signedAt: row.signed_at };
}
