import { fromBase64 } from './base64.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { HASH_BYTES } from './merkle-tree.ts';
import { cosignedMessage, NoteInvalid, openNote, signatureLine, splitNote } from './note.ts';
import type { Signer } from './signer.ts';
import { parseVerifierKey, type VerifierKey } from './verifier-key.ts';

/**
 * A witness states that at a time this was the largest tree of the log that it saw, and that it grew out of all that it saw
 * before (C2SP tlog-cosignature, Ed25519). With witnesses elsewhere a log cannot show two people two histories.
 */

/** The request of C2SP tlog-witness: `old` is the size the witness knows, 0 at first; the proof is from there to the checkpoint. */
export interface AddCheckpoint {
  readonly old: number;
  readonly proof: readonly Buffer[];
  /** The signed note, verbatim. */
  readonly checkpoint: string;
}

const MOST_PROOF_LINES = 63;

/**
 * The witness's line under a checkpoint, its newline with it. The caller MUST have checked the log's signature and the
 * consistency with the last checkpoint it cosigned, and MUST have stored this one before it hands the line out.
 *
 * @throws NoteInvalid when the note holds no checkpoint or the signer is no witness.
 */
export function cosign(note: string, witness: Signer, unixSeconds: number): string {
  const { text } = splitNote(note);
  parseCheckpoint(text);
  const key = parseVerifierKey(witness.verifierKey);
  if (key.type !== 4) throw new NoteInvalid(`the key of ${witness.name} signs notes; a witness cosigns with a key of type 4`);
  if (!Number.isSafeInteger(unixSeconds) || unixSeconds < 0) throw new NoteInvalid(`${unixSeconds} is not a time in seconds since 1970`);
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(unixSeconds));
  return signatureLine(key, Buffer.concat([time, witness.sign(cosignedMessage(text, BigInt(unixSeconds)))]));
}

/** When the witness cosigned this checkpoint, in seconds since 1970. @throws NoteInvalid when it did not, or not this one. */
export function verifyCosignature(note: string, witness: VerifierKey): number {
  if (witness.type !== 4) throw new NoteInvalid(`the key of ${witness.name} is not a witness's`);
  const { text, verified } = openNote(note, [witness]);
  parseCheckpoint(text);
  return Math.max(...verified.map(({ signature }) => cosignatureTime(signature)));
}

/** The time in a verified signature of type 4, in seconds since 1970. */
export function cosignatureTime(signature: Buffer): number {
  return Number(signature.readBigUInt64BE(0));
}

/**
 * The checkpoint with those lines of a witness's answer that are by a trusted witness and verify; others are left out.
 *
 * @throws NoteInvalid when the answer is malformed, no line of it is by a trusted witness, or one of those does not verify.
 */
export function withCosignatures(note: string, answer: string, witnesses: readonly VerifierKey[]): string {
  if (!answer.endsWith('\n')) throw new NoteInvalid('the answer of the witness is not lines of signatures, each ended by a newline');
  const { text } = splitNote(note);
  const { verified } = openNote(`${text}\n${answer}`, witnesses.filter(({ type }) => type === 4));
  return note + verified.map(({ key, signature }) => signatureLine(key, signature)).join('');
}

/** The body of a POST to `<witness>/add-checkpoint`. */
export function addCheckpointRequest({ old, proof, checkpoint }: AddCheckpoint): string {
  return `old ${old}\n${proof.map((hash) => `${hash.toString('base64')}\n`).join('')}\n${checkpoint}`;
}

/** Form only: signature and proof are still to be checked. @throws NoteInvalid */
export function parseAddCheckpointRequest(body: string): AddCheckpoint {
  const blank = body.indexOf('\n\n');
  const [first = '', ...lines] = body.slice(0, Math.max(blank, 0)).split('\n');
  const [, size] = /^old (0|[1-9]\d*)$/.exec(first) ?? [];
  if (size === undefined || !Number.isSafeInteger(Number(size))) throw new NoteInvalid('the request does not begin with the line "old <size>", then hashes, then a blank line');
  if (lines.length > MOST_PROOF_LINES) throw new NoteInvalid(`the request has ${lines.length} lines of proof; at most ${MOST_PROOF_LINES} are allowed`);
  const checkpoint = body.slice(blank + 2);
  parseCheckpoint(splitNote(checkpoint).text);
  return { old: Number(size), proof: lines.map(parseHashLine), checkpoint };
}

/** One hash in base64. @throws NoteInvalid */
export function parseHashLine(line: string): Buffer {
  const hash = fromBase64(line);
  if (hash?.length !== HASH_BYTES) throw new NoteInvalid(`"${line}" is not a line of proof: the base64 of ${HASH_BYTES} bytes`);
  return hash;
}
