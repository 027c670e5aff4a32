import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '@vitae/testing';
import { tellEvents } from './event-feed.worker.ts';
import type { HistoryItem } from './history-item.ts';

const item = (index: number): HistoryItem => ({
  envelope: {
    id: 'e', stream: 'x.Y-1', revision: '1', index: String(index), type: 'vitae.x.v1.Done', projectId: 'credit', subjects: [],
    actor: { id: 'dana', kind: 'ACTOR_KIND_HUMAN' }, occurredAt: '2026-01-01T00:00:00Z', recordedAt: '2026-01-01T00:00:00.000000Z',
  },
  payload: { text: 'x'.repeat(1_000) },
});

/** A reader that takes what was written only when told to. */
function reader() {
  const written: string[] = [];
  let taken: (() => void) | undefined;
  const sink = new Writable({
    highWaterMark: 1_000,
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString());
      taken = done;
    },
  });
  return { sink, text: () => written.join(''), take: () => taken?.() };
}

/** A ledger of so many events, of which a filter lets through every `nth`. */
function ledger(length: number, nth = 1) {
  const reads: number[] = [];
  return {
    reads,
    read: (from: number, to: number, limit: number) => {
      reads.push(from);
      return Promise.resolve(Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i).filter((index) => index % nth === 0).slice(0, limit).map(item));
    },
    /** Longer than asked for, or silence until the signal. */
    beyond: (index: number, ms: number, signal: AbortSignal) =>
      index < length
        ? Promise.resolve(length)
        : new Promise<number>((resolve) => {
            const timer = setTimeout(() => resolve(length), ms);
            signal.addEventListener('abort', () => (clearTimeout(timer), resolve(length)));
          }),
  };
}
const ids = (text: string): number[] => [...text.matchAll(/^id: (\d+)\nevent:/gm)].map(([, id]) => Number(id));

describe('a feed', () => {
  it('reads the next page only when the reader has taken the one before', async () => {
    const { sink, text, take } = reader();
    const { reads, read, beyond } = ledger(1_000);
    const stop = new AbortController();
    const telling = tellEvents({ sink, from: 0, read, beyond, signal: stop.signal });
    await eventually(() => expect(text()).toContain('retry'));
    take();
    await eventually(() => expect(reads).toEqual([0]));
    // The first page is out of our hands and not taken yet: however often the event loop turns, nothing more is read.
    for (let i = 0; i < 100; i += 1) await new Promise(setImmediate);
    expect(reads).toEqual([0]);
    expect(sink.writableLength).toBeLessThan(100 * 1_600);
    while (ids(text()).length < 1_000) {
      take();
      await new Promise(setImmediate);
    }
    expect(ids(text())).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
    stop.abort();
    await telling;
  });

  it('moves a reader past events that are not meant for him', async () => {
    const { sink, text, take } = reader();
    const { read, beyond } = ledger(250, 100);
    const stop = new AbortController();
    const telling = tellEvents({ sink, from: 150, read, beyond, signal: stop.signal, heartbeatMs: 20 });
    await eventually(() => {
      take();
      expect(text()).toContain(': nothing more yet\nid: 249\n');
    });
    expect(ids(text())).toEqual([200]);
    stop.abort();
    take();
    await telling;
  });

  it('ends when it is told to, also while its reader takes nothing', async () => {
    const { sink } = reader();
    const { read, beyond } = ledger(1_000);
    const stop = new AbortController();
    const telling = tellEvents({ sink, from: 0, read, beyond, signal: stop.signal });
    stop.abort();
    await telling;
  });
});
