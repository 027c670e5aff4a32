/** What can be wrong with a ledger, in one word each; programs may rely on these. */
export type FaultKind =
  | 'entry-missing' // an index that no entry has
  | 'entry-doubled' // one index, or one event, with two entries
  | 'entry-out-of-order' // ordered before the entry in front of it
  | 'entry-without-event'
  | 'event-changed' // not what the log holds at this index: edited, or its entry exchanged
  | 'event-unreadable' // no entry can be made of the row
  | 'event-doubled'
  | 'event-unlisted' // neither in the ledger nor waiting for its index
  | 'event-waiting-and-listed'
  | 'waiting-without-event'
  | 'revision-hole'
  | 'revision-out-of-order'
  | 'head-moved'
  | 'subject-missing'
  | 'subject-surplus'
  | 'block-missing' // the history's coarse index does not lead to an event
  | 'block-surplus'
  | 'tile-changed'
  | 'tile-missing'
  | 'tile-surplus'
  | 'checkpoint-changed' // the row is not what the log signed
  | 'checkpoint-missing'
  | 'rotation-invalid' // an event says that the log's key changed, and the old key did not say so
  | 'history-changed' // the events do not have the root that was signed
  | 'tail-cut' // fewer events than were signed
  | 'guard-off'; // what refuses changes is gone or disabled

export interface Fault {
  readonly kind: FaultKind;
  /** What is wrong, with what, as a sentence. */
  readonly message: string;
  readonly index?: number;
  readonly stream?: string;
  readonly revision?: number;
  /** The event's id. */
  readonly id?: string;
}

/** Which event a fault is about. */
export interface EventName {
  readonly id: string;
  readonly stream: string;
  readonly revision: number;
}

export type Report = (fault: Fault) => void;

/** Keeps the first faults and counts them all: a ledger with a million faults is told on one page. */
export interface FaultList {
  readonly report: Report;
  readonly kept: readonly Fault[];
  total(): number;
}

export function newFaultList(most: number): FaultList {
  const kept: Fault[] = [];
  let total = 0;
  return {
    kept,
    total: () => total,
    report(fault) {
      total += 1;
      if (kept.length < most) kept.push(fault);
    },
  };
}

/** E.g. `event 0199… (registry.Model-7, revision 3)`. */
export function called({ id, stream, revision }: EventName): string {
  return `event ${id} (${stream}, revision ${revision})`;
}
