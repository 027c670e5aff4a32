import { hash } from 'node:crypto';
import type { EventLine } from './bundle.ts';
import { entryContext, parseLogEntry, type EntryContext, type LogEntry } from './log-entry.ts';

/** Which of an event's bytes disagree with the others, and how. */
export interface EventFault {
  readonly where: 'entry' | 'payload' | 'context';
  readonly what: string;
}

const COPIED = ['actor', 'causationId', 'correlationId'] as const satisfies readonly (keyof EntryContext)[];

/**
 * What an entry says, as far as it can be read, and every disagreement between it and the stored bytes behind it. Whether the
 * entry is the one that was signed is another question: its leaf in the tree answers it.
 */
export function checkEvent(bytes: Buffer, line: EventLine | undefined, onFault: (fault: EventFault) => void): LogEntry | undefined {
  const entry = attempt(() => parseLogEntry(bytes), (what) => onFault({ where: 'entry', what }));
  if (!entry || !line) return entry;
  if (hash('sha256', line.payload, 'hex') !== entry.payloadHash) onFault({ where: 'payload', what: 'the payload does not hash to the payloadHash of its entry' });
  if (hash('sha256', line.context, 'hex') !== entry.contextHash) {
    onFault({ where: 'context', what: 'metadata and subjects do not hash to the contextHash of their entry' });
    return entry;
  }
  const context = attempt(() => entryContext(line.metadata.toString()), (what) => onFault({ where: 'context', what }));
  const copied = context && COPIED.find((field) => context[field] !== entry[field]);
  if (context && copied) onFault({ where: 'entry', what: `the entry says ${copied} "${entry[copied]}", the metadata behind it "${context[copied]}"` });
  return entry;
}

/** The event's id in bytes that may be no entry any more: a help to find it, no more. */
export function idIn(bytes: Uint8Array | undefined): string | undefined {
  return /"id":"([^"]{1,64})"/.exec(Buffer.from(bytes ?? []).toString('latin1'))?.[1];
}

function attempt<T>(parse: () => T, onFault: (what: string) => void): T | undefined {
  try {
    return parse();
  } catch (error) {
    onFault(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}
