import type { ClientBase } from 'pg';
import { copyOut } from './copy-out.ts';
import type { RawEntry } from './read.ts';
import { eventsOf, placesFrom } from './replay-statements.ts';

/** Entries of a page: few enough to hold, and to lie in the network's buffers while the page before is worked on. */
const PAGE = 2_500;
/** Pages that are asked for together, so that the server goes on to the next one without being asked. */
const PAGES = 4;

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
  const places = placesFrom(from, Math.min(to, from + PAGES * PAGE));
  await copyOut(client, [places]);
  let coming = flight(client, places.seqs(), from, to);
  try {
    while (coming) {
      const { pages, whole, next }: Flight = coming;
      for (const [i, page] of pages.entries()) {
        await Promise.race([page.arrived, whole]);
        if (i === pages.length - 1) {
          await whole;
          coming = next(); // is on its way while this page is worked on
        }
        yield page.entries();
      }
    }
  } finally {
    await coming?.whole.catch(() => undefined); // whoever stops early gets a connection that is free
  }
}

interface Flight {
  /** Each can be read when it has arrived. */
  readonly pages: readonly ReturnType<typeof eventsOf>[];
  /** All is over, or something failed. */
  readonly whole: Promise<void>;
  /** Asks for what follows; only after this is over. Undefined: nothing follows. */
  next(): Flight | undefined;
}

/** Asks for the places of what follows, too: they are there when its events are to be asked for, and the server never waits. */
function flight(client: ClientBase, seqs: readonly number[], from: number, to: number): Flight | undefined {
  if (seqs.length === 0) return undefined;
  const pages = [];
  for (let at = 0; at < seqs.length; at += PAGE) pages.push(eventsOf(seqs.slice(at, at + PAGE), from + at));
  const after = from + seqs.length;
  const following = seqs.length === PAGES * PAGE && after < to ? placesFrom(after, Math.min(to, after + PAGES * PAGE)) : undefined;
  const whole = copyOut(client, following ? [...pages, following] : pages);
  whole.catch(() => undefined); // told to whoever takes a page
  return { pages, whole, next: () => following && flight(client, following.seqs(), after, to) };
}
