import { leafHash, logEntry, EntryInvalid, type StoredEvent } from '@vitae/transparency';
import { called, type EventName, type Report } from './fault.ts';

/** A row of ledger.entry with the event that its seq leads to. */
export interface EntryRow {
  readonly index: number;
  readonly seq: string;
  /** RFC 3339 UTC with microseconds, so that it sorts as text. */
  readonly sequencedAt: string;
  readonly event: StoredEvent | undefined;
}

/** One place of the tree, as the event rows say it. */
export interface Leaf {
  readonly index: number;
  /** Absent when there is no event, or none that can be hashed. */
  readonly hash: Buffer | undefined;
  readonly event: EventName | undefined;
}

/** A hole is filled with unknown leaves, so that what stands behind it keeps its place; one absurdly wide only so far. */
const WIDEST_HOLE = 65_536;

/**
 * Checks entries as they come, by index: dense from 0, each with an event, ordered in time; and hashes each event anew.
 * Returns the leaves in the order of the tree.
 */
export function newEntryCheck(report: Report): (rows: readonly EntryRow[]) => Leaf[] {
  let next = 0;
  let before: EntryRow | undefined;

  return (rows) => {
    const leaves: Leaf[] = [];
    for (const row of rows) {
      const { index, event } = row;
      if (index < next) {
        report({ kind: 'entry-doubled', index, ...nameOf(event), message: `index ${index} has more than one entry, or its event is there more than once` });
        continue;
      }
      if (index > next) {
        const last = index - 1;
        report({ kind: 'entry-missing', index: next, message: next === last ? `no entry has index ${next}` : `no entries have the indices ${next} to ${last}` });
        for (const end = Math.min(index, next + WIDEST_HOLE); next < end; next += 1) leaves.push({ index: next, hash: undefined, event: undefined });
      }
      if (before && row.sequencedAt < before.sequencedAt) {
        report({ kind: 'entry-out-of-order', index, ...nameOf(event), message: `index ${index} says it was ordered at ${row.sequencedAt}, before index ${before.index} (${before.sequencedAt})` });
      }
      if (!event) report({ kind: 'entry-without-event', index, message: `index ${index} leads to event number ${row.seq}, which is not there` });
      leaves.push({ index, hash: event && hashOf(event, index, report), event: nameOf(event) });
      before = row;
      next = index + 1;
    }
    return leaves;
  };
}

function hashOf(event: StoredEvent, index: number, report: Report): Buffer | undefined {
  // They are hashed joined by one space: two spellings of one text must not pass for each other.
  if (event.subjects.some((subject) => !subject || /\s/.test(subject))) {
    report({ kind: 'event-unreadable', index, ...nameOf(event), message: `${called(event)} at index ${index} has an empty subject or one with white space` });
  }
  try {
    return leafHash(logEntry(event));
  } catch (error) {
    if (!(error instanceof EntryInvalid)) throw error;
    report({ kind: 'event-unreadable', index, ...nameOf(event), message: `${called(event)} at index ${index} cannot be hashed: ${error.message}` });
    return undefined;
  }
}

function nameOf(event: StoredEvent | undefined): EventName | undefined {
  return event && { id: event.id, stream: event.stream, revision: event.revision };
}
