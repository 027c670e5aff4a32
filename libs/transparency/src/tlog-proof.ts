import { fromBase64 } from './base64.ts';
import { parseHashLine } from './cosignature.ts';
import { leafHash } from './merkle-tree.ts';
import { checkPolicy, type Policy, type TrustedCheckpoint } from './policy.ts';
import { ProofInvalid, verifyInclusion } from './proof.ts';

/**
 * C2SP tlog-proof: one small file that shows, without network, that an entry is in a log: its index, the inclusion proof, and
 * the checkpoint it leads to. The usual suffix is `.tlog-proof`.
 */
export interface TlogProof {
  readonly index: number;
  readonly proof: readonly Buffer[];
  /** The signed note, verbatim. */
  readonly checkpoint: string;
  /** Nothing vouches for it. */
  readonly extra?: Buffer | undefined;
}

const HEADER = 'c2sp.org/tlog-proof@v1';
const MOST_PROOF_LINES = 63;

export function formatTlogProof({ index, proof, checkpoint, extra }: TlogProof): string {
  const lines = [HEADER, ...(extra ? [`extra ${extra.toString('base64')}`] : []), `index ${index}`, ...proof.map((hash) => hash.toString('base64'))];
  return `${lines.join('\n')}\n\n${checkpoint}`;
}

/** Form only. @throws ProofInvalid */
export function parseTlogProof(file: string): TlogProof {
  const blank = file.indexOf('\n\n');
  const [header, ...lines] = file.slice(0, Math.max(blank, 0)).split('\n');
  if (header !== HEADER) throw new ProofInvalid(`the file does not begin with the line ${HEADER}`);
  const extra = lines[0]?.startsWith('extra ') === true ? fromBase64(lines.shift()?.slice('extra '.length) ?? '') : null;
  if (extra === undefined) throw new ProofInvalid('the extra data of the proof is not base64');
  const [, index] = /^index (0|[1-9]\d*)$/.exec(lines.shift() ?? '') ?? [];
  if (index === undefined || !Number.isSafeInteger(Number(index))) throw new ProofInvalid('the proof has no line "index <decimal>"');
  if (lines.length > MOST_PROOF_LINES) throw new ProofInvalid(`the proof has ${lines.length} hashes; at most ${MOST_PROOF_LINES} are allowed`);
  return { index: Number(index), proof: lines.map(hashLine), checkpoint: file.slice(blank + 2), ...(extra ? { extra } : {}) };
}

/**
 * Shows that this very entry is in a log the policy believes.
 *
 * @returns where it is, and the checkpoint that says so.
 * @throws ProofInvalid when the file is malformed or proves another entry; NoteInvalid when the policy does not believe the checkpoint.
 */
export function verifyTlogProof(file: string, entry: Uint8Array, policy: Policy): { readonly index: number; readonly checkpoint: TrustedCheckpoint } {
  const { index, proof, checkpoint: note } = parseTlogProof(file);
  const checkpoint = checkPolicy(policy, note);
  verifyInclusion({ index, size: checkpoint.size, leaf: leafHash(entry), proof, root: checkpoint.root });
  return { index, checkpoint };
}

function hashLine(line: string): Buffer {
  try {
    return parseHashLine(line);
  } catch (cause) {
    throw new ProofInvalid(`"${line}" is not a hash in base64`, { cause });
  }
}
