import { NoteInvalid, openNote, signNote } from './note.ts';
import type { Signer } from './signer.ts';
import { parseVerifierKey, type VerifierKey } from './verifier-key.ts';

/**
 * How a log changes its key without anybody handing out the new one: the old key signs a statement that names it, and the
 * statement becomes an event of the log, of this type. A checkpoint that covers the event is signed by the new key.
 */
export const LOG_KEY_ROTATED = 'vitae.ledger.v1.LogKeyRotated';

/** What the old key signs. */
export function rotationText(origin: string, newVerifierKey: string): string {
  return `vitae log key rotation\n${origin}\n${newVerifierKey}\n`;
}

/** The signed statement of the old key. */
export function rotationStatement(origin: string, old: Signer, newVerifierKey: string): string {
  return signNote(rotationText(origin, newVerifierKey), [old]);
}

/**
 * The keys that sign a log after an event of type LOG_KEY_ROTATED: the new one in the place of the old. The same keys when the
 * old key is not among the trusted: then the event says nothing to us.
 *
 * @param payload the stored payload: proto3 JSON.
 * @throws NoteInvalid or KeyInvalid when a trusted key did not say what the event says it did.
 */
export function keysAfterRotation(origin: string, trusted: readonly VerifierKey[], payload: string): readonly VerifierKey[] {
  const { oldVerifierKey, newVerifierKey, statement } = JSON.parse(payload) as Readonly<Record<string, unknown>>;
  const old = trusted.find(({ text, type, name }) => text === oldVerifierKey && type === 1 && name === origin);
  if (!old) return trusted;
  if (typeof newVerifierKey !== 'string' || typeof statement !== 'string') throw new NoteInvalid('the rotation of the key names no new key or has no statement');
  const next = parseVerifierKey(newVerifierKey);
  if (next.type !== 1 || next.name !== origin) throw new NoteInvalid(`${newVerifierKey} is not a log key of ${origin}`);
  if (openNote(statement, [old]).text !== rotationText(origin, newVerifierKey)) throw new NoteInvalid(`the old key signed something else than that ${newVerifierKey} follows`);
  return [...trusted.filter((key) => key !== old), next];
}
