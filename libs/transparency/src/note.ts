import { verify } from 'node:crypto';
import { fromBase64 } from './base64.ts';
import type { Signer } from './signer.ts';
import { isKeyName, parseVerifierKey, type VerifierKey } from './verifier-key.ts';

/**
 * C2SP signed-note: text that ends in a newline, a blank line, and a line for each signature:
 * `— <key name> <base64 of key id and signature>`. What is signed is the text, its last newline with it.
 */

/** The note is malformed, or not signed by whom it must be. Its text MUST NOT be used. */
export class NoteInvalid extends Error {
  override readonly name = 'NoteInvalid';
}

export interface NoteSignature {
  readonly name: string;
  readonly keyId: number;
  /** What follows the key id: for type 1 the bare signature, for type 4 time and signature. */
  readonly signature: Buffer;
}

export interface OpenedNote {
  readonly text: string;
  /** At least one. */
  readonly verified: readonly { readonly key: VerifierKey; readonly signature: Buffer }[];
  /** By keys that were not given: they say nothing. */
  readonly unknown: readonly NoteSignature[];
}

/** The specification asks for 16 at least. More than this is an attempt to keep us busy. */
const MOST_SIGNATURES = 100;
const ED25519_SIGNATURE_BYTES = 64;
const TIME_BYTES = 8;
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;
const SIGNATURE_LINE = /^\u2014 ([^ ]+) ([A-Za-z0-9+/=]+)$/;

/** Signs a text with log keys (type 1). The text MUST end in a newline. @throws NoteInvalid */
export function signNote(text: string, signers: readonly Signer[]): string {
  mustBeText(text);
  if (signers.length === 0) throw new NoteInvalid('a note needs at least one signature');
  const message = Buffer.from(text);
  const lines = signers.map((signer) => {
    const key = parseVerifierKey(signer.verifierKey);
    if (key.type !== 1) throw new NoteInvalid(`the key of ${signer.name} cosigns as a witness; it cannot sign a note by itself`);
    return signatureLine(key, signer.sign(message));
  });
  return `${text}\n${lines.join('')}`;
}

/** One line for the end of a note, its newline with it. */
export function signatureLine(key: { readonly name: string; readonly id: number }, signature: Uint8Array): string {
  const id = Buffer.alloc(4);
  id.writeUInt32BE(key.id);
  return `\u2014 ${key.name} ${Buffer.concat([id, signature]).toString('base64')}\n`;
}

/**
 * Checks a note against the keys one trusts. Signatures by other keys are passed over; a signature that claims a known key
 * and does not verify refuses the whole note, as does a note that no known key signed.
 *
 * @throws NoteInvalid
 */
export function openNote(note: string, known: readonly VerifierKey[]): OpenedNote {
  const { text, signatures } = splitNote(note);
  const verified: { key: VerifierKey; signature: Buffer }[] = [];
  const unknown: NoteSignature[] = [];
  for (const line of signatures) {
    const keys = known.filter((key) => key.name === line.name && key.id === line.keyId);
    if (new Set(keys.map((key) => key.text)).size > 1) throw new NoteInvalid(`two different keys of ${line.name} with one id are trusted; a signature cannot be told apart`);
    const key = keys[0];
    if (!key) unknown.push(line);
    else if (verifies(key, text, line.signature)) verified.push({ key, signature: line.signature });
    else throw new NoteInvalid(`the signature of ${key.name} does not fit the text: one of them was changed`);
  }
  if (verified.length === 0) throw new NoteInvalid(`none of the ${signatures.length} signatures is by a trusted key (trusted: ${known.map((key) => key.text).join(', ') || 'none'})`);
  return { text, verified, unknown };
}

/** Text and signatures of a note, nothing verified. @throws NoteInvalid */
export function splitNote(note: string): { readonly text: string; readonly signatures: readonly NoteSignature[] } {
  if (!note.isWellFormed()) throw new NoteInvalid('the note is not valid Unicode');
  if (CONTROL.test(note)) throw new NoteInvalid('the note holds a control character other than a newline');
  const blank = note.lastIndexOf('\n\n');
  if (blank === -1 || !note.endsWith('\n')) throw new NoteInvalid('a note is text, a blank line and lines of signatures, each ended by a newline');
  const lines = note.slice(blank + 2, -1).split('\n');
  if (lines.length > MOST_SIGNATURES) throw new NoteInvalid(`the note has ${lines.length} signatures; at most ${MOST_SIGNATURES} are read`);
  return { text: note.slice(0, blank + 1), signatures: lines.map(parseSignatureLine) };
}

/** What a key of type 4 signs: the time, then the text of the note (C2SP tlog-cosignature, version 1). */
export function cosignedMessage(text: string, unixSeconds: bigint): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${unixSeconds}\n${text}`);
}

/** A line by itself, without its newline. @throws NoteInvalid */
export function parseSignatureLine(line: string): NoteSignature {
  const [, name = '', encoded = ''] = SIGNATURE_LINE.exec(line) ?? [];
  const bytes = fromBase64(encoded);
  if (!isKeyName(name) || !bytes || bytes.length < 5) throw new NoteInvalid(`"${line}" is not a signature line: em dash, key name, base64`);
  return { name, keyId: bytes.readUInt32BE(0), signature: bytes.subarray(4) };
}

function verifies(key: VerifierKey, text: string, signature: Buffer): boolean {
  if (key.type === 1) return signature.length === ED25519_SIGNATURE_BYTES && verify(null, Buffer.from(text), key.publicKey, signature);
  if (signature.length !== TIME_BYTES + ED25519_SIGNATURE_BYTES) return false;
  const time = signature.readBigUInt64BE(0);
  return time < 2n ** 63n && verify(null, cosignedMessage(text, time), key.publicKey, signature.subarray(TIME_BYTES));
}

function mustBeText(text: string): void {
  if (!text.endsWith('\n') || !text.isWellFormed() || CONTROL.test(text)) {
    throw new NoteInvalid('the text of a note ends in a newline, is valid Unicode and holds no other control character');
  }
}
