import { describe, expect, it } from '@jest/globals';
import type { Fault } from './fault.ts';
import { newStreamCheck, type StreamRow } from './stream-check.ts';

const row = (stream: string, revision: number, index: number | undefined, more: Partial<StreamRow> = {}): StreamRow => ({
  id: `${stream}/${revision}`, stream, revision, seq: `${stream}/${revision}`, index, waiting: index === undefined, ...more,
});

function found(...pages: StreamRow[][]): { faults: string[]; streams: number } {
  const faults: Fault[] = [];
  const check = newStreamCheck((fault) => faults.push(fault));
  for (const page of pages) check.check(page);
  return { faults: faults.map(({ kind, stream, revision }) => `${kind} ${stream} ${revision}`), streams: check.streams() };
}

describe('the check of streams', () => {
  it('finds no fault in whole streams, with events that wait at the end, also across pages', () => {
    expect(found([row('a', 1, 0), row('a', 2, 5)], [row('a', 3, undefined), row('b', 1, 3)])).toEqual({ faults: [], streams: 2 });
  });
  it('names a hole at the start, in the middle and across pages', () => {
    expect(found([row('a', 2, 0), row('a', 4, 1)], [row('a', 6, 2), row('b', 1, 3)]).faults).toEqual(['revision-hole a 1', 'revision-hole a 3', 'revision-hole a 5']);
  });
  it('names a revision that is there twice, and goes on behind it', () => {
    expect(found([row('a', 1, 0), row('a', 1, 7, { seq: 'other' }), row('a', 2, 5)]).faults).toEqual(['event-doubled a 1']);
  });
  it('names a row that a join found twice', () => {
    expect(found([row('a', 1, 0), row('a', 1, 4), row('a', 2, 5)]).faults).toEqual(['entry-doubled a 1']);
  });
  it('names revisions whose order in the ledger is another', () => {
    expect(found([row('a', 1, 9), row('a', 2, 5), row('b', 1, undefined), row('b', 2, 6)]).faults).toEqual(['revision-out-of-order a 2', 'revision-out-of-order b 2']);
  });
  it('names events that are nowhere, and in two places', () => {
    expect(found([row('a', 1, undefined, { waiting: false }), row('b', 1, 4, { waiting: true })]).faults).toEqual(['event-unlisted a 1', 'event-waiting-and-listed b 1']);
  });
});
