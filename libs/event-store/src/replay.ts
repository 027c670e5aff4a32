import type { ClientBase } from 'pg';
import { COPIED, CopiedEntry, int64, seqOf } from './copied-entry.ts';
import { copyOut, type CopyStatement } from './copy-out.ts';
import type { RawEntry } from './read.ts';

/** Entries of a page: enough to forget what a statement costs, few enough to hold. */
const PAGE = 10_000;

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
  const first = places(from, to);
  await copyOut(client, [first]);
  const ask = (seqs: readonly number[], start: number): Promise<Page> | undefined => {
    const asked = seqs.length > 0 ? page(client, seqs, start, to) : undefined;
    asked?.catch(() => undefined); // told to whoever takes it
    return asked;
  };
  let coming = ask(first.seqs(), from);
  try {
    for (let start = from; coming; ) {
      const { entries, next }: Page = await coming;
      start += entries.length;
      coming = ask(next, start); // is on its way while this one is worked on
      yield entries;
    }
  } finally {
    await coming?.catch(() => undefined); // whoever stops early gets a connection that is free
  }
}

interface Page {
  readonly entries: readonly RawEntry[];
  /** The numbers of the events after these; none when this is the last page. */
  readonly next: readonly number[];
}

/** Asks for where the next page lies along with it: the answer is there when the next page is to be asked for. */
async function page(client: ClientBase, seqs: readonly number[], from: number, to: number): Promise<Page> {
  const after = from + seqs.length;
  const here = events(seqs, from);
  const next = seqs.length === PAGE && after < to ? places(after, to) : undefined;
  await copyOut(client, next ? [here, next] : [here]);
  return { entries: here.entries(), next: next?.seqs() ?? [] };
}

// COPY takes no parameters; what stands in these statements are whole numbers.

/** Which events have the indices from `from` on: their numbers, in the order of the indices. */
function places(from: number, to: number): CopyStatement & { seqs(): readonly number[] } {
  let last = -1;
  let seqs: readonly number[] = [];
  return {
    text: `copy (select coalesce(max(n.index), -1), coalesce(array_agg(n.seq order by n.index), '{}')
      from ledger.entry n where n.index >= ${BigInt(from)} and n.index < ${BigInt(Math.min(to, from + PAGE))}) to stdout (format binary)`,
    take: (bytes, row) => {
      last = int64(bytes, row + 6);
      const array = row + 6 + 8 + 4; // number of dimensions, whether there are nulls, type; length and lower bound of the only dimension
      const length = bytes.readInt32BE(array) === 0 ? 0 : bytes.readInt32BE(array + 12);
      seqs = Array.from({ length }, (_, i) => int64(bytes, array + 24 + 12 * i));
    },
    seqs: () => {
      if (seqs.length > 0 && last !== from + seqs.length - 1) throw new Error(`between the indices ${from} and ${last} the ledger has only ${seqs.length} entries`);
      return seqs;
    },
  };
}

/**
 * The events with these numbers, which have the indices from `from` on. Rows come in the order of the numbers, which is
 * mostly that of the indices; and with them what else lies in their spans.
 */
function events(seqs: readonly number[], from: number): CopyStatement & { entries(): readonly RawEntry[] } {
  const entries = new Array<RawEntry>(seqs.length);
  let places: ReadonlyMap<number, number> | undefined;
  let found = 0;
  let place = 0;
  return {
    text: `copy (select ${COPIED} from unnest(${spans(seqs)}) s (first, last)
      cross join lateral (select * from ledger.event e where e.seq between s.first and s.last order by e.seq offset 0) e) to stdout (format binary)`,
    take: (bytes, row) => {
      const seq = seqOf(bytes, row);
      if (seqs[place] !== seq) {
        places ??= new Map(seqs.map((one, i) => [one, i]));
        const other = places.get(seq);
        if (other === undefined) return;
        place = other;
      }
      entries[place] = new CopiedEntry(from + place, bytes, row);
      found += 1;
      place += 1;
    },
    entries: () => {
      if (found < seqs.length) throw new Error(`of the entries from index ${from} to ${from + seqs.length - 1} the ledger has only ${found} events`);
      return entries;
    },
  };
}

/** Numbers between two that are looked for, at most, for them to be of one span. One that nobody has costs nothing, one of another page as much as looking for the next span. */
const GAP = 32;

/**
 * Events of neighbouring indices have neighbouring numbers, but for a commit that came late. To read along a span of
 * numbers costs half of looking for each. Lateral with an offset: span by span along the index, where the planner, which
 * knows nothing of the spans, would rather read the whole table.
 */
function spans(seqs: readonly number[]): string {
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
  return `'{${starts.join()}}'::bigint[], '{${ends.join()}}'::bigint[]`;
}
