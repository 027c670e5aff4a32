import { keysAfterRotation, KeyInvalid, NoteInvalid, openCheckpoint, type VerifierKey } from '@vitae/transparency';
import type { Report } from './fault.ts';
import type { Signed } from './tree-check.ts';

/** A row of ledger.checkpoint. */
export interface CheckpointRow {
  readonly size: number;
  readonly root: Buffer;
  readonly note: string;
}

/** An event that says that the log's key changed. */
export interface RotationRow {
  readonly index: number;
  readonly payload: string;
}

/** Whom one believes: keys one has from elsewhere, and the name of the log (that of the first key unless told). */
export interface Trust {
  readonly keys: readonly VerifierKey[];
  readonly origin?: string | undefined;
}

/** Whose signature counts on a checkpoint over this many events. */
export type TrustAt = (size: number) => Trust;

/** Follows the rotations of the log's key: one counts for checkpoints that cover its event. */
export function trustAfter(trust: Trust, rotations: readonly RotationRow[], report: Report): TrustAt {
  const origin = trust.origin ?? trust.keys[0]?.name ?? '';
  const eras: { readonly from: number; readonly keys: readonly VerifierKey[] }[] = [{ from: 0, keys: trust.keys }];
  for (const { index, payload } of rotations) {
    try {
      eras.unshift({ from: index + 1, keys: keysAfterRotation(origin, eras[0]?.keys ?? [], payload) });
    } catch (error) {
      if (!(error instanceof NoteInvalid || error instanceof KeyInvalid || error instanceof SyntaxError)) throw error;
      report({ kind: 'rotation-invalid', index, message: `index ${index} says that the log's key changed, but ${error.message}` });
    }
  }
  return (size) => ({ origin, keys: eras.find(({ from }) => from <= size)?.keys ?? trust.keys });
}

/** Keys that are not trusted, though the key that followed one of them is: what they signed counts for nothing. */
export function untrustedBefore({ keys }: Trust, rotations: readonly RotationRow[]): string[] {
  const texts = new Set<unknown>(keys.map(({ text }) => text));
  return rotations.flatMap(({ payload }) => {
    const { oldVerifierKey, newVerifierKey } = parsed(payload);
    return typeof oldVerifierKey === 'string' && texts.has(newVerifierKey) && !texts.has(oldVerifierKey) ? [oldVerifierKey] : [];
  });
}

function parsed(payload: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(payload) as Readonly<Record<string, unknown>>;
  } catch {
    return {}; // trustAfter reports it
  }
}

/** What the log's key signed in this row; nothing when the row is not what was signed. */
export function signedIn(row: CheckpointRow, trustAt: TrustAt, report: Report): Signed | undefined {
  const name = `checkpoint ${row.size}`;
  const changed = (why: string): undefined => {
    report({ kind: 'checkpoint-changed', index: row.size, message: `${name} is not what the log signed: ${why}` });
  };
  try {
    const { size, root } = openCheckpoint(row.note, trustAt(row.size));
    if (size !== row.size) return changed(`its note is about ${size} events`);
    if (!root.equals(row.root)) return changed('its root is another one than its note signs');
    return { size, root, name };
  } catch (error) {
    if (!(error instanceof NoteInvalid)) throw error;
    return changed(error.message);
  }
}

/** Something was signed for more events than the ledger has: its tail was cut, or it is an older copy. */
export function reportCutTail(size: number, signed: readonly Signed[], report: Report): void {
  const largest = signed.toSorted((a, b) => b.size - a.size)[0];
  if (!largest || largest.size <= size) return;
  report({
    kind: 'tail-cut',
    index: size,
    message: `the ledger ends with index ${size - 1}, but ${largest.name} signed ${largest.size} events: indices ${size} to ${largest.size - 1} were cut off`,
  });
}
