import { describe, expect, it } from '@jest/globals';
import { leafHash, logEntry, type StoredEvent } from '@vitae/transparency';
import { newEntryCheck, type EntryRow, type Leaf } from './entry-check.ts';
import type { Fault } from './fault.ts';

const event = (i: number, more: Partial<StoredEvent> = {}): StoredEvent => ({
  id: `0199aaaa-0000-7000-8000-${String(i).padStart(12, '0')}`,
  stream: 'registry.Model-1',
  revision: i + 1,
  type: 'vitae.registry.v1.ModelRegistered',
  projectId: 'credit',
  subjects: ['model:1'],
  payload: '{}',
  metadata: '{"actor":{"id":"dana"}}',
  recordedAt: '2026-11-21T11:00:00.000000Z',
  ...more,
});
const row = (index: number, more: Partial<EntryRow> = {}): EntryRow => ({ index, seq: String(index + 1), sequencedAt: '2026-11-21T11:00:01.000000Z', event: event(index), ...more });

function checked(...pages: EntryRow[][]): { leaves: Leaf[]; faults: Fault[] } {
  const faults: Fault[] = [];
  const check = newEntryCheck((fault) => faults.push(fault));
  return { leaves: pages.flatMap((page) => check(page)), faults };
}

describe('the check of entries', () => {
  it('hashes each event as the log does', () => {
    const { leaves, faults } = checked([row(0)], [row(1), row(2)]);
    expect(faults).toEqual([]);
    expect(leaves.map(({ index, hash }) => ({ index, hash }))).toEqual([0, 1, 2].map((index) => ({ index, hash: leafHash(logEntry(event(index))) })));
  });

  it('keeps the places behind a hole, also across pages', () => {
    const { leaves, faults } = checked([row(0)], [row(3)]);
    expect(faults).toEqual([{ kind: 'entry-missing', index: 1, message: 'no entries have the indices 1 to 2' }]);
    expect(leaves.map(({ index, hash }) => [index, hash !== undefined])).toEqual([[0, true], [1, false], [2, false], [3, true]]);
  });

  it('does not fill an absurd hole', () => {
    expect(checked([row(0), row(10 ** 12)]).leaves).toHaveLength(2 + 65_536);
  });

  it('takes one entry of an index, and names the other', () => {
    const { leaves, faults } = checked([row(0), row(0, { seq: '9' }), row(1)]);
    expect(leaves).toHaveLength(2);
    expect(faults).toEqual([expect.objectContaining({ kind: 'entry-doubled', index: 0 })]);
  });

  it.each([
    ['has no metadata that can be read', { metadata: 'dana' }],
    ['has a revision that cannot be', { revision: 0 }],
    ['has an empty subject', { subjects: [''] }],
    ['has a subject with a space', { subjects: ['model:1 model:2'] }],
  ])('names an event that %s', (_, more) => {
    expect(checked([row(0, { event: event(0, more) })]).faults).toEqual([expect.objectContaining({ kind: 'event-unreadable', index: 0, id: event(0).id })]);
  });

  it('names an entry without event, and one that goes back in time', () => {
    const { faults } = checked([row(0), row(1, { event: undefined }), row(2, { sequencedAt: '2026-11-21T11:00:00.999999Z' })]);
    expect(faults.map(({ kind, index }) => [kind, index])).toEqual([['entry-without-event', 1], ['entry-out-of-order', 2]]);
  });
});
