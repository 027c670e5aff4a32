import { fromBase64 } from './base64.ts';
import { HASH_BYTES } from './merkle-tree.ts';
import { NoteInvalid, openNote, type OpenedNote } from './note.ts';
import { isKeyName, type VerifierKey } from './verifier-key.ts';

/** What a log promises about its first `size` entries (C2SP tlog-checkpoint). Promised only when signed. */
export interface Checkpoint {
  /** The name of the log, for ever; also the name of its key. */
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

export interface OpenedCheckpoint extends Checkpoint {
  /** The note it came in: text, who signed it. */
  readonly note: OpenedNote;
}

/** The text that is signed: origin, size and root, a line each. @throws NoteInvalid */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  if (!isKeyName(origin)) throw new NoteInvalid(`"${origin}" cannot be the origin of a log: it is empty or holds a space, a plus or a control character`);
  if (!Number.isSafeInteger(size) || size < 0) throw new NoteInvalid(`${size} is not the size of a log`);
  if (root.length !== HASH_BYTES) throw new NoteInvalid(`the root has ${root.length} bytes; a SHA-256 has ${HASH_BYTES}`);
  return `${origin}\n${size}\n${root.toString('base64')}\n`;
}

/** The text of a checkpoint's note. Lines behind the third are allowed, are part of what was signed, and mean nothing here. @throws NoteInvalid */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split('\n');
  const [origin = '', size = '', root = '', ...rest] = lines;
  if (rest.at(-1) !== '' || rest.slice(0, -1).includes('') || origin === '') throw new NoteInvalid('a checkpoint is at least three lines: origin, size and root, none of them empty');
  if (!/^(0|[1-9]\d*)$/.test(size) || !Number.isSafeInteger(Number(size))) throw new NoteInvalid(`"${size}" is not the size of a log: decimal, no leading zero`);
  const hash = fromBase64(root);
  if (hash?.length !== HASH_BYTES) throw new NoteInvalid(`"${root}" is not a root: the base64 of ${HASH_BYTES} bytes`);
  return { origin, size: Number(size), root: hash };
}

/**
 * The checkpoint in a note, when the log itself signed it. Both the name and the key of the log are pinned: one of the keys
 * of type 1 MUST have signed, and its name MUST be the origin; the origin MUST be the one asked for, when one is.
 *
 * @throws NoteInvalid
 */
export function openCheckpoint(note: string, trust: { readonly origin?: string | undefined; readonly keys: readonly VerifierKey[] }): OpenedCheckpoint {
  const opened = openNote(note, trust.keys);
  const checkpoint = parseCheckpoint(opened.text);
  const { origin } = checkpoint;
  if (trust.origin !== undefined && trust.origin !== origin) throw new NoteInvalid(`this is a checkpoint of ${origin}, not of ${trust.origin}`);
  if (!opened.verified.some(({ key }) => key.type === 1 && key.name === origin)) throw new NoteInvalid(`the checkpoint of ${origin} is not signed by a trusted key of that name`);
  return { ...checkpoint, note: opened };
}
