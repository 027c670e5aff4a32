import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { readRaw, replay, type RawEntry } from '@vitae/event-store';
import { CONFIG } from '@vitae/service-kit';
import { Pool } from 'pg';
import type { LedgerConfig } from './config.ts';

/** Entries that are kept after they were read: about half a second of the heaviest load, some 10 MB. */
const KEPT = 10_000;
/** Entries that are fetched in advance when there is a backlog. */
const AHEAD = 5_000;

export interface LedgerPage {
  /** Dense, in ledger order, from the index that was asked for. */
  readonly entries: readonly RawEntry[];
  /** As far as is known here, the ledger has no more. */
  readonly end: boolean;
}

/**
 * The ledger as it is stored, page by page. Publisher and integrator both read all of it, a moment after it was sequenced:
 * what is newest is kept, so that it is read once. On connections of its own, so that no request waits for a page.
 */
@Injectable()
export class LedgerPages implements OnApplicationShutdown {
  readonly #pool: Pool;
  /** The newest entries that were read, dense. */
  #recent: RawEntry[] = [];
  /** What is on its way, when there is a backlog. */
  #coming: { readonly from: number; readonly to: number; readonly arrived: Promise<void> } | undefined;

  constructor(@Inject(CONFIG) config: LedgerConfig) {
    this.#pool = new Pool({
      connectionString: config.DATABASE_URL, application_name: 'vitae-ledger-pages', max: 2, idleTimeoutMillis: 30_000, connectionTimeoutMillis: 10_000,
      // Else each page is planned anew, which costs more than reading a small one. And of every project: the log is one, and
      // whoever shows a page to somebody leaves out what is not his.
      options: '-c plan_cache_mode=force_generic_plan -c vitae.projects=*',
    });
    this.#pool.on('error', () => undefined); // a connection that breaks while it is idle; the next statement opens another
  }

  /** Some entries from there on, for who goes on by himself: what is at hand, and only else what the ledger has. */
  async page(from: number, limit: number): Promise<LedgerPage> {
    if (this.#coming && from >= this.#coming.from && from < this.#coming.to) await this.#coming.arrived;
    const kept = this.#kept(from, limit);
    if (kept.length > 0) return { entries: kept, end: kept.length < limit };
    const entries = await this.all(from, limit);
    const end = entries.length < limit;
    if (!end) this.#fetchFrom(from + limit);
    return { entries, end };
  }

  /** All entries from there on that the ledger has, up to the limit. */
  async all(from: number, limit: number): Promise<readonly RawEntry[]> {
    const kept = this.#kept(from, limit);
    if (kept.length === limit) return kept;
    const rest = await readRaw(this.#pool, { from: from + kept.length, limit: limit - kept.length });
    this.keep(rest);
    return [...kept, ...rest];
  }

  #kept(from: number, limit: number): readonly RawEntry[] {
    const first = this.#recent[0]?.index ?? Infinity;
    return from >= first ? this.#recent.slice(from - first, from - first + limit) : [];
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#pool.end();
  }

  /** A backlog: after a lost JetStream store, at the first start of the log, under heavy load. */
  #fetchFrom(from: number): void {
    // What is older than the newest pages would not be kept: whoever is that far behind reads for himself.
    if (this.#coming || from <= (this.#recent.at(-1)?.index ?? -1)) return;
    const fetch = async (): Promise<void> => {
      const client = await this.#pool.connect();
      try {
        for await (const entries of replay(client, { from, to: from + AHEAD })) this.keep(entries.map(decoded));
        client.release();
      } catch (error) {
        client.release(error as Error);
      }
    };
    const arrived = fetch()
      .catch(() => undefined) // whoever wants these entries asks for them himself
      .finally(() => (this.#coming = undefined));
    this.#coming = { from, to: from + AHEAD, arrived };
  }

  /** Dense and committed: what was read, or has just got its index. */
  keep(entries: readonly RawEntry[]): void {
    const [first] = entries;
    if (!first) return;
    const next = this.#recent.at(-1)?.index ?? -Infinity;
    if (first.index <= next) return; // an older part of the ledger, or what somebody else has just read
    if (first.index !== next + 1) this.#recent = [];
    this.#recent.push(...entries);
    if (this.#recent.length > KEPT) this.#recent.splice(0, this.#recent.length - KEPT);
  }
}

/** Every field, once: the entry is read by several, and what it was cut from may go. */
const decoded = ({ index, id, stream, revision, type, projectId, subjects, payload, metadata, recordedAt }: RawEntry): RawEntry => ({
  index, id, stream, revision, type, projectId, subjects, payload, metadata, recordedAt,
});
