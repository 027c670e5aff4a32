import { checkEvent, idIn } from './check-event.ts';
import { EVIDENCE_FILES, EvidenceInvalid, linesOf, parseEventTsv, parseProofTsv, type EvidenceEvent, type EvidenceManifest } from './evidence-files.ts';
import { keysAfterRotation, LOG_KEY_ROTATED } from './key-rotation.ts';
import type { Findings, LogProblem } from './log-problem.ts';
import { leafHash } from './merkle-tree.ts';
import { ProofInvalid, verifyInclusion } from './proof.ts';
import type { VerifierKey } from './verifier-key.ts';

/** What the events of a pack have shown, before it is known whether the root is a signed one. */
export interface WalkedEvents {
  readonly events: readonly EvidenceEvent[];
  /** The trusted keys, after the rotations in the pack. */
  readonly keys: readonly VerifierKey[];
  /** Proofs that do not lead to the root. Whether events or root are to blame, the root's signature tells. */
  readonly unproven: readonly LogProblem[];
}

const { events: EVENTS, proofs: PROOFS } = EVIDENCE_FILES;
const TOLD_EVERY = 1_000;

/** Goes through the events of a pack in order: bytes against entry, entry against root, streams without holes, keys that follow each other. */
export function walkEvents(
  files: ReadonlyMap<string, Buffer>,
  manifest: EvidenceManifest,
  root: Buffer,
  trusted: readonly VerifierKey[],
  findings: Findings,
  onProgress: (done: number, total: number) => void,
): WalkedEvents {
  const lines = read(files, EVENTS, findings);
  const proofs = read(files, PROOFS, findings);
  const events: EvidenceEvent[] = [];
  const unproven: LogProblem[] = [];
  const revisions = new Map<string, number>();
  let keys = trusted;
  let before = -1;
  for (const [at, line] of lines.entries()) {
    if (at % TOLD_EVERY === 0) onProgress(at, lines.length);
    const event = attempt(() => parseEventTsv(line), (what) => findings.add({ where: 'file', path: EVENTS, what: `line ${at + 1}: ${what}` }));
    if (!event) continue;
    const { index, stored } = event;
    const bytes = Buffer.from(event.entry);
    const wrong = (where: LogProblem['where'], what: string, path: string = EVENTS): void => findings.add({ where, what, index, eventId: idIn(bytes), path });
    let sound = true;
    const entry = checkEvent(bytes, stored && lineOf(stored), ({ where, what }) => {
      sound = false;
      wrong(where, what);
    });
    if (index <= before) wrong('file', `index ${index} stands behind index ${before}: a pack has its events in order, each once`);
    before = Math.max(before, index);
    const fault = proofFault(index, bytes, proofs[at], manifest.checkpoint.size, root);
    if (fault !== undefined) unproven.push({ where: 'proof', what: fault, index, eventId: idIn(bytes), path: PROOFS });
    events.push(event);
    if (!entry) continue;

    const last = revisions.get(entry.stream) ?? 0;
    if (entry.revision !== last + 1) wrong('stream', `revision ${entry.revision} of ${entry.stream} follows revision ${last}: what lies between is missing from the pack`);
    revisions.set(entry.stream, entry.revision);
    const isRotation = entry.type === LOG_KEY_ROTATED;
    if (index > manifest.asOf.index && !isRotation) wrong('manifest', `the pack is as of index ${manifest.asOf.index}, and this event came later`);
    if (stored && !isRotation && entry.projectId !== manifest.projectId) wrong('manifest', `the pack is of the project ${manifest.projectId}, and this event of ${entry.projectId}`);
    if (isRotation && stored && sound && fault === undefined) {
      attempt(() => void (keys = keysAfterRotation(manifest.origin, keys, stored.payload)), (what) => wrong('key', `the rotation of the log's key does not stand: ${what}`));
    }
  }
  onProgress(lines.length, lines.length);
  if (proofs.length > lines.length) findings.add({ where: 'file', path: PROOFS, what: `there are ${proofs.length} proofs for ${lines.length} events` });
  checkStreams(manifest, revisions, findings);
  return { events, keys, unproven };
}

function proofFault(index: number, entry: Buffer, line: string | undefined, size: number, root: Buffer): string | undefined {
  try {
    if (line === undefined) throw new EvidenceInvalid('there is no proof for this event');
    const { index: of, proof } = parseProofTsv(line);
    if (of !== index) throw new EvidenceInvalid(`the proof in its place is for index ${of}`);
    verifyInclusion({ index, size, leaf: leafHash(entry), proof, root });
    return undefined;
  } catch (error) {
    if (error instanceof ProofInvalid || error instanceof EvidenceInvalid) return error.message;
    throw error;
  }
}

/** The manifest names the streams that are there, each to its last revision: so a tail that was taken out shows, too. */
function checkStreams({ streams }: EvidenceManifest, found: ReadonlyMap<string, number>, findings: Findings): void {
  const wrong = (what: string): void => findings.add({ where: 'stream', path: EVENTS, what });
  const promised = new Map(streams.map(({ stream, revisions }) => [stream, revisions]));
  for (const [stream, revisions] of promised) {
    const last = found.get(stream) ?? 0;
    if (last !== revisions) wrong(`the manifest promises ${revisions} revisions of ${stream}, and the last one in the pack is ${last}`);
  }
  for (const stream of found.keys()) if (!promised.has(stream)) wrong(`the manifest does not name the stream ${stream}, of which there are events`);
}

/** As checkEvent takes it: metadata and subjects as they were hashed. */
function lineOf({ payload, metadata, subjects }: NonNullable<EvidenceEvent['stored']>) {
  return { payload: Buffer.from(payload), metadata: Buffer.from(metadata), subjects: Buffer.from(subjects), context: Buffer.from(`${metadata}\n${subjects}`) };
}

function read(files: ReadonlyMap<string, Buffer>, name: string, findings: Findings): readonly string[] {
  const bytes = files.get(name);
  if (!bytes) return []; // reported with the manifest's files
  return attempt(() => linesOf(bytes, name), (what) => findings.add({ where: 'file', path: name, what })) ?? [];
}

export function attempt<T>(work: () => T, onFault: (what: string) => void): T | undefined {
  try {
    return work();
  } catch (error) {
    onFault(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}
