import { describe, expect, it } from '@jest/globals';
import { formatCheckpoint, newSigner, parseVerifierKey, rotationStatement, signNote, type Signer } from '@vitae/transparency';
import { reportCutTail, signedIn, trustAfter, type RotationRow } from './checkpoint-check.ts';
import type { Fault } from './fault.ts';

const ORIGIN = 'vitae.local/ledger/spec';
const [first, second, third, stranger] = [newSigner(ORIGIN), newSigner(ORIGIN), newSigner(ORIGIN), newSigner(ORIGIN)];
const root = Buffer.alloc(32, 7);
const row = (size: number, ...signers: Signer[]) => ({ size, root, note: signNote(formatCheckpoint({ origin: ORIGIN, size, root }), signers) });
const rotation = (index: number, old: Signer, next: Signer, by = old): RotationRow => ({
  index,
  payload: JSON.stringify({ oldVerifierKey: old.verifierKey, newVerifierKey: next.verifierKey, statement: rotationStatement(ORIGIN, by, next.verifierKey) }),
});

function given(...rotations: RotationRow[]) {
  const faults: Fault[] = [];
  const report = (fault: Fault): void => void faults.push(fault);
  const trustAt = trustAfter({ keys: [parseVerifierKey(first.verifierKey)] }, rotations, report);
  return { faults, trustAt, report, accepts: (size: number, ...by: Signer[]) => signedIn(row(size, ...by), trustAt, report) !== undefined };
}

describe('the check of checkpoints', () => {
  it('takes what a trusted key signed, and nothing else', () => {
    const { accepts, faults } = given();
    expect([accepts(5, first), accepts(5, stranger)]).toEqual([true, false]);
    expect(faults).toEqual([expect.objectContaining({ kind: 'checkpoint-changed', index: 5 })]);
  });

  it('names a row whose columns say something else than its note', () => {
    const { faults, trustAt, report } = given();
    signedIn({ ...row(5, first), size: 6 }, trustAt, report);
    signedIn({ ...row(5, first), root: Buffer.alloc(32) }, trustAt, report);
    signedIn({ ...row(5, first), note: 'no note' }, trustAt, report);
    expect(faults.map(({ index, message }) => [index, message.split(': ')[1]])).toEqual([
      [6, 'its note is about 5 events'], [5, 'its root is another one than its note signs'], [5, expect.stringContaining('a note is text')],
    ]);
  });

  it('follows the key from rotation to rotation, each for the checkpoints that cover it', () => {
    const { accepts } = given(rotation(10, first, second), rotation(20, second, third));
    expect([accepts(10, first), accepts(10, second), accepts(11, second), accepts(20, second), accepts(21, third)]).toEqual([true, false, true, true, true]);
    expect([accepts(11, first), accepts(21, second), accepts(21, first)]).toEqual([false, false, false]);
    expect(accepts(11, first, second)).toBe(true);
  });

  it('does not follow a rotation that the old key did not sign', () => {
    const { accepts, faults } = given(rotation(10, first, stranger, stranger));
    expect(faults).toEqual([expect.objectContaining({ kind: 'rotation-invalid', index: 10 })]);
    expect([accepts(11, stranger), accepts(11, first)]).toEqual([false, true]);
  });

  it('tells the largest promise that the ledger is too short for', () => {
    const faults: Fault[] = [];
    const signed = [5, 9, 7].map((size) => ({ size, root, name: `checkpoint ${size}` }));
    reportCutTail(9, signed, (fault) => faults.push(fault));
    expect(faults).toEqual([]);
    reportCutTail(6, signed, (fault) => faults.push(fault));
    expect(faults).toEqual([expect.objectContaining({ kind: 'tail-cut', index: 6, message: 'the ledger ends with index 5, but checkpoint 9 signed 9 events: indices 6 to 8 were cut off' })]);
  });
});
