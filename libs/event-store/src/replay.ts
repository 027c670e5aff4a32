import type { ClientBase } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import type { RawEntry } from './read.ts';

/** Entries that one COPY brings: enough to forget what the statement costs, few enough to hold. */
const PAGE = 10_000;

/**
 * The ledger from an index on, up to `to` (not included), in order and dense, a page at a time: for rebuilding views,
 * exporting and checking. What is not asked of an entry is not decoded: its fields are getters, so do not spread it.
 *
 * The connection belongs to it until it ends. Going on later from the last index + 1 is the same as never having stopped.
 */
export async function* replay(client: ClientBase, { from, to }: { readonly from: number; readonly to: number }): AsyncGenerator<readonly RawEntry[], void, undefined> {
  const ask = (start: number): Promise<readonly RawEntry[]> | undefined => {
    const asked = start < to ? page(client, start, Math.min(to, start + PAGE)) : undefined;
    asked?.catch(() => undefined); // told to whoever takes it
    return asked;
  };
  let coming = ask(from);
  try {
    for (let start = from; coming; start += PAGE) {
      const entries = await coming;
      const more = entries.length === PAGE;
      coming = more ? ask(start + PAGE) : undefined; // is on its way while this one is worked on
      if (entries.length > 0) yield entries;
    }
  } finally {
    await coming?.catch(() => undefined); // whoever stops early gets a connection that is free
  }
}

async function page(client: ClientBase, from: number, to: number): Promise<readonly RawEntry[]> {
  // COPY takes no parameters; these are whole numbers. Lateral with an offset: event by event along the index, where the
  // planner, which knows nothing of the page, would rather hash the whole table.
  const stream = client.query(
    copyTo(`copy (select n.index, e.id, e.stream, e.revision, e.type, e.project_id, e.subjects::text, e.payload, e.metadata, e.recorded_at
      from ledger.entry n cross join lateral (select * from ledger.event e where e.seq = n.seq offset 0) e where n.index >= ${BigInt(from)} and n.index < ${BigInt(to)} order by n.index) to stdout (format binary)`),
  );
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return rowsOf(Buffer.concat(chunks));
}

const SIGNATURE = 11;
const FIELDS = 10;

/** Rows of a binary COPY: a header, then for each row the number of fields and for each field its length and bytes. */
function rowsOf(bytes: Buffer): readonly RawEntry[] {
  const rows: RawEntry[] = [];
  let at = SIGNATURE + 8 + bytes.readInt32BE(SIGNATURE + 4); // flags, length of the header's extension
  while (bytes.readInt16BE(at) !== -1) {
    const ends = new Array<number>(FIELDS + 1);
    at += 2;
    ends[0] = at;
    for (let field = 0; field < FIELDS; field += 1) {
      at += 4 + bytes.readInt32BE(at); // no column of these is null
      ends[field + 1] = at;
    }
    rows.push(new CopiedEntry(bytes, ends));
  }
  return rows;
}

/** Microseconds from 1970 to 2000, where PostgreSQL counts from. */
const EPOCH = 946_684_800_000_000n;

/** One row, decoded where it is looked at. */
class CopiedEntry implements RawEntry {
  readonly #bytes: Buffer;
  /** Where each field ends, and before the first where that one begins. */
  readonly #ends: readonly number[];

  constructor(bytes: Buffer, ends: readonly number[]) {
    this.#bytes = bytes;
    this.#ends = ends;
  }

  get index(): number {
    return Number(this.#bytes.readBigInt64BE(this.#start(0)));
  }
  get id(): string {
    const hex = this.#bytes.toString('hex', this.#start(1), this.#ends[2]);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }
  get stream(): string {
    return this.#text(2);
  }
  get revision(): number {
    return this.#bytes.readInt32BE(this.#start(3));
  }
  get type(): string {
    return this.#text(4);
  }
  get projectId(): string {
    return this.#text(5);
  }
  get subjects(): string {
    return this.#text(6).slice(1, -1).replaceAll(',', ' '); // {a:1,b:2}: their pattern needs no quotes
  }
  get payload(): string {
    return this.#text(7);
  }
  get metadata(): string {
    return this.#text(8);
  }
  get recordedAt(): string {
    const micros = this.#bytes.readBigInt64BE(this.#start(9)) + EPOCH;
    return `${new Date(Number(micros / 1_000_000n) * 1000).toISOString().slice(0, 19)}.${String(micros % 1_000_000n).padStart(6, '0')}Z`;
  }

  #start(field: number): number {
    return (this.#ends[field] as number) + 4;
  }
  #text(field: number): string {
    return this.#bytes.toString('utf8', this.#start(field), this.#ends[field + 1]);
  }
}
