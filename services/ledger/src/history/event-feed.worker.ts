import type { Writable } from 'node:stream';
import { indexOf, type HistoryItem } from './history-item.ts';

/** What a feed is made of. */
export interface Feed {
  readonly sink: Writable;
  /** The first index that may be told. */
  readonly from: number;
  /** Events from `from` to `to` (both counted) that the feed is about, in order, at most `limit`. */
  readonly read: (from: number, to: number, limit: number) => Promise<readonly HistoryItem[]>;
  /** Waits until the ledger is longer than `index`, at most `ms`; answers its next index. */
  readonly beyond: (index: number, ms: number, signal: AbortSignal) => Promise<number>;
  /** Ends the feed. */
  readonly signal: AbortSignal;
  readonly heartbeatMs?: number;
}

/** Events that are held at once. */
const PAGE = 100;

/**
 * Tells events as server-sent events until the signal comes or the reader goes.
 *
 *   wait until the ledger is longer ──► read a page ──► write it ──► wait until the socket has taken it ──► …
 *
 * `id:` is the event's index: a reader that comes again with its last one gets what follows it, none twice. A page is read
 * when the one before it was taken, so a slow reader is behind in PostgreSQL and not in memory. While there is nothing to
 * tell, a comment keeps the connection, and its id moves the reader past what was not meant for him.
 */
export async function tellEvents({ sink, from, read, beyond, signal, heartbeatMs = 15_000 }: Feed): Promise<void> {
  let at = from;
  let toldAt = performance.now();
  const tell = async (text: string): Promise<void> => {
    toldAt = performance.now();
    if (!sink.write(text)) await taken(sink, signal);
  };
  await tell(`retry: 1000\n\n`);
  while (!signal.aborted) {
    const quiet = heartbeatMs - (performance.now() - toldAt);
    const next = quiet > 0 ? await beyond(at, quiet, signal) : at;
    if (next > at) {
      const items = await read(at, next - 1, PAGE);
      const last = items.at(-1);
      at = last && items.length === PAGE ? indexOf(last) + 1 : next;
      if (items.length > 0) await tell(items.map(frame).join(''));
    } else if (!signal.aborted) {
      await tell(at === 0 ? ': nothing yet\n\n' : `: nothing more yet\nid: ${at - 1}\n\n`);
    }
  }
}

/** One event on the wire. */
const frame = (item: HistoryItem): string => `id: ${item.envelope.index}\nevent: ${item.envelope.type}\ndata: ${JSON.stringify(item)}\n\n`;

/** Waits until the sink's buffer is empty, or the feed ends. */
function taken(sink: Writable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      sink.off('drain', finish);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    sink.on('drain', finish);
    signal.addEventListener('abort', finish);
    if (signal.aborted) finish();
  });
}
