import { checkAnswers } from './check-answers.ts';
import { checkEffects, checkMessages, checkPages } from './check-fan-out.ts';
import { checkSessions } from './check-sessions.ts';
import type { Line } from './journal.ts';

/** An event as the ledger holds it in the end. */
export interface Entry {
  readonly index: number;
  readonly id: string;
  readonly stream: string;
  readonly revision: number;
  /** Its correlation id. */
  readonly op: string;
  readonly payload: string;
}

/** What a subscriber of JetStream would get. */
export type Message = Omit<Entry, 'op'> & { readonly sequence: number };

/** What a consumer did, in the order in which it did it. */
export interface Effect {
  readonly index: number;
  readonly id: string;
}

/** What a reader saw at one moment: ids from an index on, and the next index of the ledger. */
export interface Page {
  readonly from: number;
  readonly ids: readonly string[];
  readonly head: number;
}

/** All that can be known from outside after a run. */
export interface History {
  /** One for each writer, in the order in which it wrote. */
  readonly journals: readonly (readonly Line[])[];
  /** In order of the index. */
  readonly ledger: readonly Entry[];
  readonly messages: readonly Message[];
  readonly effects: readonly Effect[];
  /** In the order in which they were read. */
  readonly pages: readonly Page[];
}

export type LieKind =
  | 'lost' | 'doubled' | 'torn' | 'payload-changed' | 'refused-but-there' | 'nobody-wrote-it' | 'told-otherwise' | 'answers-differ' | 'expectation-broken'
  | 'index-hole' | 'stream-order' | 'session-order'
  | 'message-missing' | 'message-differs' | 'message-unknown'
  | 'effect-missing' | 'effect-doubled' | 'effect-differs' | 'effect-order' | 'effect-unknown'
  | 'read-changed' | 'read-backwards';

/** Something that the ledger promised, or told somebody, and that is not so. */
export interface Lie {
  readonly kind: LieKind;
  readonly what: string;
}

/** Everything that is wrong with a run; empty when all promises were kept. */
export function checkHistory({ journals, ledger, messages, effects, pages }: History): readonly Lie[] {
  return [
    ...checkAnswers(journals, ledger),
    ...checkOrder(ledger),
    ...checkSessions(journals, ledger),
    ...checkMessages(messages, ledger),
    ...checkEffects(effects, ledger),
    ...checkPages(pages, ledger),
  ];
}

/** Indices are 0, 1, 2 …; each stream's revisions are 1, 2, 3 … in that order; no event is there twice. */
function checkOrder(ledger: readonly Entry[]): readonly Lie[] {
  const lies: Lie[] = [];
  const hole = ledger.findIndex(({ index }, i) => index !== i);
  if (hole >= 0) lies.push({ kind: 'index-hole', what: `where index ${hole} belongs stands ${ledger[hole]?.index}` });
  for (const [stream, entries] of Map.groupBy(ledger, (entry) => entry.stream)) {
    const wrong = entries.findIndex(({ revision }, i) => revision !== i + 1);
    if (wrong >= 0) lies.push({ kind: 'stream-order', what: `event ${wrong + 1} of ${stream} has revision ${entries[wrong]?.revision}` });
  }
  for (const [id, entries] of Map.groupBy(ledger, (entry) => entry.id)) {
    if (entries.length > 1) lies.push({ kind: 'doubled', what: `event ${id} has the indices ${entries.map(({ index }) => index).join(' and ')}` });
  }
  return lies;
}
