import type { Leaf } from './entry-check.ts';
import { called, type Report } from './fault.ts';
import type { Signed } from './tree-check.ts';

/** A place of the tree for which a witness tells another leaf than the event rows. */
export interface Difference {
  readonly leaf: Leaf;
  readonly theirs: Buffer;
}

/** Signed roots, one behind the other, that neither the rows nor a witness lead to. */
export interface BrokenPromises {
  /** The size of the last one before them that held. */
  readonly held: number;
  readonly first: Signed;
  readonly last: Signed;
  readonly count: number;
}

/** The witness is right: the rows were changed at these places, or exchanged among them. */
export function reportChangedEvents(differences: readonly Difference[], because: string, report: Report): void {
  const standsAt = new Map(differences.map(({ leaf }) => [leaf.hash?.toString('hex'), leaf.index]));
  for (const { leaf, theirs } of differences) {
    const from = standsAt.get(theirs.toString('hex'));
    const how = from === undefined ? 'was changed' : `is in the wrong place, the event that belongs there has index ${from}`;
    report({ kind: 'event-changed', index: leaf.index, ...leaf.event, message: `${place(leaf)} ${how}: ${because}` });
  }
}

/** The rows are right: what this witness tells was rewritten. */
export function reportChangedTiles(witness: string, differences: readonly Difference[], proof: string, report: Report): void {
  for (const { leaf } of differences) {
    report({ kind: 'tile-changed', index: leaf.index, ...leaf.event, message: `${witness} were rewritten: they hold another leaf for ${place(leaf)} than ${proof} confirms` });
  }
}

/** Another witness is right, and this one tells the same as the changed rows. */
export function reportFittedTiles(witness: string, leaves: readonly Leaf[], report: Report): void {
  for (const leaf of leaves) {
    report({ kind: 'tile-changed', index: leaf.index, ...leaf.event, message: `${witness} were rewritten to fit the changed event at index ${leaf.index}` });
  }
}

/** Nobody is right: events and tiles were changed together. */
export function reportChangedHistory({ held, first, last, count }: BrokenPromises, report: Report): void {
  const others = count === 1 ? '' : `, and ${count - 1} later ones up to ${last.name}`;
  const where = held === 0 ? 'the change lies before that' : `up to ${held} all is as signed, so the change lies in indices ${held} to ${first.size - 1}`;
  report({ kind: 'history-changed', index: held, message: `the first ${first.size} events do not have the root that ${first.name} signed${others}; ${where}` });
}

function place({ index, event }: Leaf): string {
  return event ? `${called(event)} at index ${index}` : `index ${index}`;
}
