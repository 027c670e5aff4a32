import { COPIED, CopiedEntry, int64, seqOf } from './copied-entry.ts';
import type { CopyStatement } from './copy-out.ts';
import type { RawEntry } from './read.ts';

// What a replay asks for a page: where its events lie, then the events. COPY takes no parameters; all that is put into
// these texts are whole numbers.

/** Which events have the indices from `from` on, up to `to` (not included): their numbers, in the order of the indices. */
export function placesFrom(from: number, to: number): CopyStatement & { seqs(): readonly number[] } {
  let last = from - 1; // where they have to end: at the end of the ledger or of the page
  let seqs: readonly number[] = [];
  return {
    text: `copy (
      select greatest(least((select coalesce(max(m.index), -1) from ledger.entry m), ${BigInt(to - 1)}), ${BigInt(from - 1)}),
        coalesce(array_agg(n.seq order by n.index), '{}')
      from ledger.entry n where n.index >= ${BigInt(from)} and n.index < ${BigInt(to)}) to stdout (format binary)`,
    take: (bytes, row) => {
      last = int64(bytes, row + 6);
      const array = row + 6 + 8 + 4; // number of dimensions, whether there are nulls, type; length and lower bound of the only dimension
      const length = bytes.readInt32BE(array) === 0 ? 0 : bytes.readInt32BE(array + 12);
      seqs = Array.from({ length }, (_, i) => int64(bytes, array + 24 + 12 * i));
    },
    seqs: () => {
      if (last !== from + seqs.length - 1) throw new Error(`from index ${from} to ${last} the ledger has only ${seqs.length} entries`);
      return seqs;
    },
  };
}

/**
 * The events with these numbers, which have the indices from `from` on. They come in the order of their numbers, which is
 * mostly that of their indices, and with them whatever else lies in their spans.
 */
export function eventsOf(seqs: readonly number[], from: number): CopyStatement & { readonly arrived: Promise<void>; entries(): readonly RawEntry[] } {
  const entries = new Array<RawEntry>(seqs.length);
  const { promise: arrived, resolve: over } = Promise.withResolvers<void>();
  let placeOf: ReadonlyMap<number, number> | undefined;
  let found = 0;
  let place = 0;
  return {
    // Lateral with an offset: span by span along the index, where the planner, which knows nothing of the spans, would
    // rather read the whole table.
    text: `copy (
      select ${COPIED} from unnest(${spansOf(seqs)}) s (first, last)
      cross join lateral (select * from ledger.event e where e.seq between s.first and s.last order by e.seq offset 0) e) to stdout (format binary)`,
    take: (bytes, row) => {
      const seq = seqOf(bytes, row);
      if (seqs[place] !== seq) {
        placeOf ??= new Map(seqs.map((one, i) => [one, i]));
        const other = placeOf.get(seq);
        if (other === undefined) return;
        place = other;
      }
      entries[place] = new CopiedEntry(from + place, bytes, row);
      found += 1;
      place += 1;
    },
    over,
    arrived,
    entries: () => {
      if (found < seqs.length) throw new Error(`from index ${from} to ${from + seqs.length - 1} the ledger has only ${found} events`);
      return entries;
    },
  };
}

/** How far apart neighbours of one span are at most. A number that nobody has costs nothing, and an event of another page as much as a further span. */
const GAP = 32;

/**
 * Spans of numbers that hold all of these, as two arrays: their first and their last numbers. Neighbours in the ledger have
 * neighbouring numbers, but for commits that came late, and to read along a span costs half of looking for each.
 */
function spansOf(seqs: readonly number[]): string {
  const first: number[] = [];
  const last: number[] = [];
  for (const seq of Float64Array.from(seqs).sort()) {
    if (seq - (last.at(-1) ?? Number.NEGATIVE_INFINITY) > GAP) {
      first.push(seq);
      last.push(seq);
    } else last[last.length - 1] = seq;
  }
  return `'{${first.join()}}'::bigint[], '{${last.join()}}'::bigint[]`;
}
