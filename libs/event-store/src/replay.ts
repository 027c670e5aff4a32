import type { ClientBase } from 'pg';
import { copyOut } from './copy-out.ts';
import type { RawEntry } from './read.ts';
import { eventsOf, placesFrom } from './replay-statements.ts';

/** Entries of a page: enough to forget what a statement costs, few enough to hold. */
const PAGE = 10_000;

/**
 * The ledger from an index on, up to `to` (not included), in order and dense, a page at a time: for rebuilding views,
 * exporting and checking. What is not asked of an entry is not decoded: its fields are getters, so do not spread it. It
 * holds on to all that came over the network together with it, some 64 kB: who keeps a few of many takes their fields.
 *
 * The connection belongs to it until it ends. Going on later from the last index + 1 is the same as never having stopped.
 *
 * @throws Error when an entry or its event is missing, which nobody can bring about by appending or ordering.
 */
export async function* replay(client: ClientBase, { from, to }: { readonly from: number; readonly to: number }): AsyncGenerator<readonly RawEntry[], void, undefined> {
  if (from >= to) return;
  const ask = (seqs: readonly number[], start: number): Promise<Page> | undefined => {
    const asked = seqs.length > 0 ? page(client, seqs, start, to) : undefined;
    asked?.catch(() => undefined); // told to whoever takes it
    return asked;
  };
  const first = placesFrom(from, Math.min(to, from + PAGE));
  await copyOut(client, [first]);
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

/** Asks for the places of the next page, too: they are there when its events are to be asked for, and the server never waits. */
async function page(client: ClientBase, seqs: readonly number[], from: number, to: number): Promise<Page> {
  const after = from + seqs.length;
  const here = eventsOf(seqs, from);
  const next = seqs.length === PAGE && after < to ? placesFrom(after, Math.min(to, after + PAGE)) : undefined;
  await copyOut(client, next ? [here, next] : [here]);
  return { entries: here.entries(), next: next?.seqs() ?? [] };
}
