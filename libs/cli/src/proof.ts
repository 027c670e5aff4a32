import { NoteInvalid, parseLogEntry, ProofInvalid, verifyTlogProof, type LogEntry, type Policy, type TrustedCheckpoint, type VerifierKey } from '@vitae/transparency';
import { ProblemFound } from './outcome.ts';

/** What a proof shows: this entry has this index in the log that the checkpoint is about. */
export interface Proven {
  readonly index: number;
  readonly entry: LogEntry;
  readonly checkpoint: TrustedCheckpoint;
}

/** Whom one believes when one has the log's keys and asks for no witness. */
export function policyOf(keys: readonly VerifierKey[]): Policy {
  return { logs: keys, witnesses: new Map(), groups: new Map(), quorum: 'none' };
}

/** @throws ProblemFound when the proof does not show that the entry is in the log. */
export function checkProof(proof: string, entry: Uint8Array, policy: Policy): Proven {
  try {
    return { ...verifyTlogProof(proof, entry, policy), entry: parseLogEntry(entry) };
  } catch (error) {
    if (error instanceof ProofInvalid || error instanceof NoteInvalid) throw new ProblemFound(error.message, { cause: error });
    throw error;
  }
}

/** What a proof shows, in words. */
export function provenLines({ index, entry, checkpoint }: Proven): string[] {
  const { id, type, stream, revision, actor, recordedAt, payloadHash, contextHash } = entry;
  const witnesses = [...checkpoint.witnessedAt].map(([name, seconds]) => `${name} saw it at ${new Date(seconds * 1000).toISOString()}`);
  return [
    `The log ${checkpoint.origin} holds at index ${index}:`,
    `  ${type}, event ${id}`,
    `  revision ${revision} of ${stream}, by ${actor}, recorded at ${recordedAt}`,
    `  payload with SHA-256 ${payloadHash}`,
    `  metadata and subjects with SHA-256 ${contextHash}`,
    `Signed over ${checkpoint.size} events by ${checkpoint.note.verified.map(({ key }) => key.text).join(', ')}.`,
    ...witnesses,
  ];
}

export function provenJson({ index, entry, checkpoint }: Proven): Record<string, unknown> {
  return { index, entry, origin: checkpoint.origin, size: checkpoint.size, root: checkpoint.root.toString('base64'), signedBy: checkpoint.note.verified.map(({ key }) => key.text) };
}
