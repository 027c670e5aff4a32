import { describe, expect, it } from '@jest/globals';
import { appendLeaves, emptyFrontier, leafHash, rootOf, TILE_WIDTH } from '@vitae/transparency';
import type { Leaf } from './entry-check.ts';
import type { Fault } from './fault.ts';
import { newTreeCheck, type Signed, type Witness } from './tree-check.ts';

const SIZE = 700;
const honest = Array.from({ length: SIZE }, (_, i) => leafHash(Buffer.from(`event ${i}`)));
const forged = leafHash(Buffer.from('forged'));
const signed = (size: number, leaves = honest): Signed => ({ size, root: rootOf(appendLeaves(emptyFrontier, leaves.slice(0, size))), name: `checkpoint ${size}` });
/** Leaves with some of them replaced. */
const but = (changes: Readonly<Record<number, Buffer>>): Buffer[] => honest.map((hash, i) => changes[i] ?? hash);
const witness = (name: string, leaves: readonly Buffer[]): Witness => ({ name, leaves: async (n) => leaves.slice(n * TILE_WIDTH, (n + 1) * TILE_WIDTH) });

/** What is found when the rows hold these leaves, the witnesses tell theirs, and this was signed. */
async function found(rows: readonly Leaf[], witnesses: readonly Witness[], promises: readonly Signed[]): Promise<{ faults: Fault[]; size: number }> {
  const faults: Fault[] = [];
  const tree = newTreeCheck(witnesses, (fault) => faults.push(fault));
  for (let n = 0; n * TILE_WIDTH < rows.length; n += 1) {
    const [from, to] = [n * TILE_WIDTH, Math.min((n + 1) * TILE_WIDTH, rows.length)];
    await tree.block(n, rows.slice(from, to), promises.filter(({ size }) => size > from && size <= to));
  }
  return { ...tree.finish(), faults };
}

const rowsOf = (leaves: readonly Buffer[]): Leaf[] => leaves.map((hash, index) => ({ index, hash, event: undefined }));
const kinds = ({ faults }: { faults: Fault[] }): string[] => faults.map(({ kind, index }) => `${kind} ${index}`);

describe('the tree over the event rows', () => {
  it('has the signed roots when nothing was touched', async () => {
    const { faults, size } = await found(rowsOf(honest), [witness('the tiles', honest)], [1, 255, 256, 257, 700].map((s) => signed(s)));
    expect({ faults, size }).toEqual({ faults: [], size: SIZE });
  });

  it('names the changed event when the tiles lead to the signed root', async () => {
    const result = await found(rowsOf(but({ 300: forged })), [witness('the tiles', honest)], [signed(256), signed(600), signed(700)]);
    expect(kinds(result)).toEqual(['event-changed 300']);
  });

  it('names the changed tile when the events lead to the signed root', async () => {
    const result = await found(rowsOf(honest), [witness('the tiles', but({ 3: forged, 300: forged }))], [signed(256), signed(700)]);
    expect(kinds(result)).toEqual(['tile-changed 3', 'tile-changed 300']);
  });

  it('judges each stretch between two signed roots by itself', async () => {
    const result = await found(rowsOf(but({ 300: forged })), [witness('the tiles', but({ 3: forged }))], [signed(256), signed(700)]);
    expect(kinds(result)).toEqual(['tile-changed 3', 'event-changed 300']);
  });

  it('bounds the change by signed roots when events and tiles were changed together', async () => {
    const together = but({ 300: forged });
    const result = await found(rowsOf(together), [witness('the tiles', together)], [signed(256), signed(500), signed(600), signed(700)]);
    expect(kinds(result)).toEqual(['history-changed 256']);
    expect(result.faults[0]?.message).toBe(
      'the first 500 events do not have the root that checkpoint 500 signed, and 2 later ones up to checkpoint 700; up to 256 all is as signed, so the change lies in indices 256 to 499',
    );
  });

  it('believes a second witness over a first that was changed with the events', async () => {
    const together = but({ 300: forged });
    const result = await found(rowsOf(together), [witness('the tiles', together), witness('the export', honest)], [signed(256), signed(700)]);
    expect(kinds(result)).toEqual(['event-changed 300', 'tile-changed 300']);
  });

  it('names what only one of two witnesses has wrong, while the events are wrong elsewhere', async () => {
    const witnesses = [witness('the tiles', but({ 280: forged, 300: forged })), witness('the export', honest)];
    const result = await found(rowsOf(but({ 300: forged })), witnesses, [signed(700)]);
    expect(kinds(result)).toEqual(['event-changed 300', 'tile-changed 280', 'tile-changed 300']);
  });

  it('says which event belongs where another one stands', async () => {
    const [a, b] = [honest[40] as Buffer, honest[41] as Buffer];
    const result = await found(rowsOf(but({ 40: b, 41: a })), [witness('the tiles', honest)], [signed(700)]);
    expect(result.faults.map(({ message }) => message)).toEqual([
      'index 40 is in the wrong place, the event that belongs there has index 41: checkpoint 700 and the tiles hold another one',
      'index 41 is in the wrong place, the event that belongs there has index 40: checkpoint 700 and the tiles hold another one',
    ]);
  });

  it('tells differences that no signed root has settled', async () => {
    const result = await found(rowsOf(but({ 300: forged })), [witness('the tiles', honest)], [signed(256)]);
    expect(kinds(result)).toEqual(['event-changed 300']);
    expect(result.faults[0]?.message).toContain('no valid checkpoint says who is right');
  });

  it('takes a missing leaf from a witness, so that what stands behind it can still be checked', async () => {
    const result = await found(rowsOf(but({ 500: forged })).map((row) => (row.index === 40 ? { ...row, hash: undefined } : row)), [witness('the tiles', honest)], [signed(256), signed(700)]);
    expect(kinds(result)).toEqual(['event-changed 500']);
  });

  it('does not hide one wrong checkpoint among right ones', async () => {
    const result = await found(rowsOf(honest), [witness('the tiles', honest)], [signed(256), { ...signed(300), root: forged }, signed(400), signed(700)]);
    expect(kinds(result)).toEqual(['history-changed 256']);
    expect(result.faults[0]?.message).not.toContain('later ones');
  });
});
