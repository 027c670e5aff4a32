import { called, type EventName, type Report } from './fault.ts';

/** A row of ledger.event with what else the ledger knows of it. */
export interface StreamRow extends EventName {
  readonly seq: string;
  /** Absent: it has none yet. */
  readonly index: number | undefined;
  /** Whether the sequencer has still to come by. */
  readonly waiting: boolean;
}

/**
 * Checks event rows that come sorted by stream, revision and seq: each stream's revisions are 1, 2, 3 …, their order is the
 * ledger's order, and every event has either an index or a place in the queue for one.
 */
export function newStreamCheck(report: Report): { check(rows: readonly StreamRow[]): void; streams(): number } {
  let before: StreamRow | undefined;
  let streams = 0;
  return {
    streams: () => streams,
    check(rows) {
      for (const row of rows) {
        const previous = before?.stream === row.stream ? before : undefined;
        if (!previous) streams += 1;
        if (previous?.seq === row.seq) {
          report({ kind: 'entry-doubled', ...named(row), message: `${called(row)} is there, waits, or has an index more than once` });
        } else {
          checkRevision(row, previous, report);
          checkPlace(row, report);
        }
        if (row.revision !== previous?.revision) before = row;
      }
    },
  };
}

function checkRevision(row: StreamRow, previous: StreamRow | undefined, report: Report): void {
  const expected = (previous?.revision ?? 0) + 1;
  if (row.revision === previous?.revision) {
    report({ kind: 'event-doubled', ...named(row), message: `${row.stream} has revision ${row.revision} twice: events ${previous.id} and ${row.id}` });
  } else if (row.revision !== expected) {
    const after = previous ? `revision ${previous.revision} is followed by` : 'the first is';
    report({ kind: 'revision-hole', ...named(row), revision: expected, message: `${row.stream} has no revision ${expected}: ${after} revision ${row.revision} (event ${row.id})` });
  } else if (previous && row.index !== undefined && (previous.index === undefined || row.index < previous.index)) {
    const there = previous.index === undefined ? 'has no index yet' : `has index ${previous.index}`;
    report({ kind: 'revision-out-of-order', ...named(row), message: `${called(row)} has index ${row.index}, but revision ${previous.revision} in front of it ${there}` });
  }
}

function checkPlace(row: StreamRow, report: Report): void {
  if (row.index === undefined && !row.waiting) {
    report({ kind: 'event-unlisted', ...named(row), message: `${called(row)} is neither in the ledger nor waiting for an index: no reader will ever see it` });
  } else if (row.index !== undefined && row.waiting) {
    report({ kind: 'event-waiting-and-listed', ...named(row), message: `${called(row)} has index ${row.index} and waits for another one` });
  }
}

function named({ id, stream, revision, index }: StreamRow): EventName & { index?: number } {
  return { id, stream, revision, ...(index === undefined ? {} : { index }) };
}
