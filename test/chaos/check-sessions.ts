import type { Entry, Lie } from './history.ts';
import { isAnswer, type Intent, type Line } from './journal.ts';

/**
 * A writer's own order: what it began after an answer has a later index than what that answer was about, and a later
 * revision where both are in one stream. Repeated requests are left out: their answer may be older than they are.
 */
export function checkSessions(journals: readonly (readonly Line[])[], ledger: readonly Entry[]): readonly Lie[] {
  const entryOf = new Map(ledger.map((entry) => [entry.id, entry]));
  return journals.flatMap((journal) => checkSession(journal, entryOf));
}

interface Floor {
  /** The greatest index that the writer had been told of. */
  readonly index: number;
  readonly revisions: ReadonlyMap<string, number>;
}

function checkSession(journal: readonly Line[], entryOf: ReadonlyMap<string, Entry>): readonly Lie[] {
  const lies: Lie[] = [];
  const begun = new Map<string, { readonly intent: Intent; readonly floor: Floor }>();
  let index = -1;
  const revisions = new Map<string, number>();
  for (const line of journal) {
    if (!isAnswer(line)) {
      const own = new Map(line.appends.map(({ stream }) => [stream, revisions.get(stream) ?? 0]));
      begun.set(line.attempt, { intent: line, floor: { index, revisions: own } });
      continue;
    }
    const { intent, floor } = begun.get(line.attempt) ?? {};
    if (!intent || !floor || line.outcome !== 'stored') continue;
    for (const entry of line.appends.flatMap(({ ids }) => ids.map((id) => entryOf.get(id)).filter((found) => found !== undefined))) {
      const once = intent.op === intent.attempt;
      if (once && entry.index <= floor.index) lies.push({ kind: 'session-order', what: `${line.attempt} began after index ${floor.index} was answered, and got index ${entry.index}` });
      if (once && entry.revision <= (floor.revisions.get(entry.stream) ?? 0)) lies.push({ kind: 'session-order', what: `${line.attempt} began after a later revision of ${entry.stream} was answered` });
      index = Math.max(index, entry.index);
      revisions.set(entry.stream, Math.max(revisions.get(entry.stream) ?? 0, entry.revision));
    }
  }
  return lies;
}
