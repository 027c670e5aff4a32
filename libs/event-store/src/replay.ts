import type { ClientBase } from 'pg';
import { COPIED, CopiedEntry, int64, seqOf } from './copied-entry.ts';
import { copyOut } from './copy-out.ts';
import type { RawEntry } from './read.ts';

/** Entries of a page: enough to forget what a statement costs, few enough to hold. */
const PAGE = Number(process.env.LAB_PAGE ?? 10_000);

/**
 * The ledger from an index on, up to `to` (not included), in order and dense, a page at a time: for rebuilding views,
 * exporting and checking. What is not asked of an entry is not decoded: its fields are getters, so do not spread it.
 *
 * The connection belongs to it until it ends. Going on later from the last index + 1 is the same as never having stopped.
 *
 * @throws Error when an entry or its event is missing, which no append and no sequencer can bring about.
 */
export async function* replay(client: ClientBase, { from, to }: { readonly from: number; readonly to: number }): AsyncGenerator<readonly RawEntry[], void, undefined> {
  if (from >= to) return;
  const [[first] = []] = await copyOut(client, [placesFrom(from, to)]);
  const ask = (places: Places | undefined): Promise<Page> | undefined => {
    const asked = places && places.seqs.length > 0 ? page(client, places, to) : undefined;
    asked?.catch(() => undefined); // told to whoever takes it
    return asked;
  };
  let coming = ask(first && placesIn(first, from));
  try {
    while (coming) {
      const { entries, next } = await coming;
      coming = ask(next); // is on its way while this one is worked on
      yield entries;
    }
  } finally {
    await coming?.catch(() => undefined); // whoever stops early gets a connection that is free
  }
}

interface Page {
  readonly entries: readonly RawEntry[];
  /** Of the page after it, unless this one is the last. */
  readonly next: Places | undefined;
}

/** The events with the indices from `from` on. */
interface Places {
  readonly from: number;
  readonly seqs: readonly number[];
}

/** Asks for where the next page lies along with it: the answer is there when the next page is to be asked for. */
async function page(client: ClientBase, places: Places, to: number): Promise<Page> {
  const after = places.from + places.seqs.length;
  const more = places.seqs.length === PAGE && after < to;
  const [rows = [], [next] = []] = await copyOut(client, more ? [eventsAt(places), placesFrom(after, to)] : [eventsAt(places)]);
  return { entries: inPlace(rows, places), next: next && placesIn(next, after) };
}

// COPY takes no parameters; what stands in these statements are whole numbers.

function placesFrom(from: number, to: number): string {
  return `copy (select coalesce(max(n.index), -1), coalesce(array_agg(n.seq order by n.index), '{}')
    from ledger.entry n where n.index >= ${BigInt(from)} and n.index < ${BigInt(Math.min(to, from + PAGE))}) to stdout (format binary)`;
}

function placesIn(row: Buffer, from: number): Places {
  const last = int64(row, 6);
  const array = 6 + 8 + 4; // number of dimensions, whether there are nulls, type; length and lower bound of the only dimension
  const seqs = row.readInt32BE(array) === 0 ? [] : Array.from({ length: row.readInt32BE(array + 12) }, (_, i) => int64(row, array + 24 + 12 * i));
  if (seqs.length > 0 && last !== from + seqs.length - 1) throw new Error(`between the indices ${from} and ${last} the ledger has only ${seqs.length} entries`);
  return { from, seqs };
}

/** Numbers that a span may hold beside those that are looked for. A number that nobody has costs nothing, one of another page as much as looking for the next span. */
const GAP = 32;

/**
 * Events of neighbouring indices have neighbouring numbers, but for a commit that came late. To read along a span of
 * numbers costs half of looking for each. Lateral with an offset: span by span along the index, where the planner, which
 * knows nothing of the spans, would rather read the whole table.
 */
function eventsAt({ seqs }: Places): string {
  const sorted = Float64Array.from(seqs).sort();
  const starts: number[] = [];
  const ends: number[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const seq of sorted) {
    if (seq - last > GAP) {
      if (starts.length > 0) ends.push(last);
      starts.push(seq);
    }
    last = seq;
  }
  ends.push(last);
  return `copy (select ${COPIED} from unnest('{${starts.join()}}'::bigint[], '{${ends.join()}}'::bigint[]) s (first, last)
    cross join lateral (select * from ledger.event e where e.seq between s.first and s.last order by e.seq offset 0) e) to stdout (format binary)`;
}

/** Rows come in the order of their numbers, mostly that of their indices, too; and with what else lies in their spans. */
function inPlace(rows: readonly Buffer[], { from, seqs }: Places): readonly RawEntry[] {
  const entries = new Array<RawEntry>(seqs.length);
  let places: ReadonlyMap<number, number> | undefined;
  let found = 0;
  let place = 0;
  for (const row of rows) {
    const seq = seqOf(row);
    if (seqs[place] !== seq) {
      places ??= new Map(seqs.map((one, i) => [one, i]));
      const other = places.get(seq);
      if (other === undefined) continue;
      place = other;
    }
    entries[place] = new CopiedEntry(from + place, row);
    found += 1;
    place += 1;
  }
  if (found < seqs.length) throw new Error(`of the entries from index ${from} to ${from + seqs.length - 1} the ledger has the events of only ${found}`);
  return entries;
}
