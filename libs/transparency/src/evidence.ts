import { hash } from 'node:crypto';
import { openCheckpoint, parseCheckpoint, type Checkpoint } from './checkpoint.ts';
import { artefactsIn } from './evidence-artefacts.ts';
import { EVIDENCE_FILES, hashIn, manifestText, parseJson, parseManifest, prettyJson, textOf, type EvidenceEvent, type EvidenceManifest, type ReadableText } from './evidence-files.ts';
import { attempt, walkEvents } from './evidence-walk.ts';
import { openZip } from './evidence-zip.ts';
import { Findings, type LogProblem } from './log-problem.ts';
import { HASH_BYTES } from './merkle-tree.ts';
import { openNote, splitNote } from './note.ts';
import { checkPolicy, type Policy } from './policy.ts';
import { verifyConsistency } from './proof.ts';
import type { VerifierKey } from './verifier-key.ts';

/** What the verifier brings along. */
export interface EvidenceTrust {
  /** The log's name. Default: whatever log one of the keys belongs to. */
  readonly origin?: string | undefined;
  readonly keys: readonly VerifierKey[];
  /** A checkpoint of this log that was checked before and kept elsewhere. */
  readonly known?: Checkpoint | undefined;
  /** Which witnesses must have cosigned. Its logs do not count here; `keys` do. */
  readonly policy?: Policy | undefined;
}

export interface EvidenceReport {
  /** Absent when it cannot be read. To be believed when there is no problem. */
  readonly manifest?: EvidenceManifest;
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  /** How many events were checked, and of how many only the entry is there. */
  readonly events: number;
  readonly withheld: number;
  /** The trusted keys that signed the checkpoint, as text. */
  readonly keys: readonly string[];
  /** `apart`: the pack's checkpoint and the known one are over different sizes, and the pack has no proof between the two. */
  readonly known: 'none' | 'compared' | 'apart';
  /** The first wrong event, or what is wrong with the pack as a whole when no event is. Absent: all is as it was signed. */
  readonly firstProblem?: LogProblem;
  readonly problems: readonly LogProblem[];
  readonly problemCount: number;
}

/** Without these a pack is none. */
const REQUIRED = Object.values(EVIDENCE_FILES);
const OUTSIDE: readonly string[] = [EVIDENCE_FILES.manifest, EVIDENCE_FILES.manifestNote];

/**
 * Checks an evidence pack, given its bytes and nothing else: that it is spelt in the one way a pack is, each file is the one
 * whose hash the log's key signed, each event's bytes hash to its entry, each entry leads to the root of the checkpoint, the
 * checkpoint is signed by a trusted key (or one that a trusted key made its successor, by an event in the pack), streams have
 * no holes, nothing is later than the pack says. It cannot show that no whole stream was left out: for that, read the log.
 *
 * Never throws for what is wrong with the pack.
 */
export function checkEvidence(pack: Uint8Array, trust: EvidenceTrust, onProgress: (done: number, total: number) => void = () => undefined): EvidenceReport {
  const findings = new Findings();
  const opened = attempt(() => openZip(pack), (what) => findings.add({ where: 'pack', what }));
  const files = opened?.files ?? new Map<string, Buffer>();
  const bytes = files.get(EVIDENCE_FILES.manifest);
  const manifest = bytes && attempt(() => parseManifest(bytes), (what) => findings.add({ where: 'manifest', path: EVIDENCE_FILES.manifest, what }));
  if (!bytes || !manifest) {
    if (opened && !bytes) findings.add({ where: 'manifest', what: `the pack has no ${EVIDENCE_FILES.manifest}` });
    return reported(findings, { origin: '', size: 0, root: Buffer.alloc(HASH_BYTES), events: 0, withheld: 0, keys: [], known: 'none' });
  }
  if (opened?.fault !== undefined) findings.add({ where: 'pack', what: opened.fault });
  checkFiles(files, manifest, findings);

  const note = attempt(() => textOf(files.get(EVIDENCE_FILES.checkpoint) ?? Buffer.alloc(0), EVIDENCE_FILES.checkpoint), () => undefined) ?? '';
  const wrongNote = (what: string): void => findings.add({ where: 'checkpoint', path: EVIDENCE_FILES.checkpoint, what });
  const claim = attempt(() => parseCheckpoint(splitNote(note).text), wrongNote) ?? { origin: manifest.origin, size: 0, root: Buffer.alloc(HASH_BYTES) };
  if (claim.size !== manifest.checkpoint.size || claim.root.toString('base64') !== manifest.checkpoint.root || claim.origin !== manifest.origin) {
    wrongNote('the checkpoint is not the one that the manifest names');
  }

  const { events, keys, unproven } = walkEvents(files, manifest, claim.root, trust.keys, findings, onProgress);
  const signed = attempt(() => openCheckpoint(note, { origin: trust.origin, keys }), wrongNote);
  // A root that nobody signed says nothing of the events: if none leads to it, it was changed, and not all of them.
  const rootIsWrong = !signed && events.length > 0 && unproven.length === events.length;
  if (rootIsWrong) findings.add({ where: 'root', path: EVIDENCE_FILES.checkpoint, what: 'no event of the pack leads to the root of this checkpoint' });
  else for (const problem of unproven) findings.add(problem);

  attempt(() => checkManifestNote(files, manifest, bytes, keys), (what) => findings.add({ where: 'manifest', path: EVIDENCE_FILES.manifestNote, what }));
  const { policy } = trust;
  if (policy && signed) attempt(() => checkPolicy({ ...policy, logs: keys }, note), (what) => findings.add({ where: 'witness', path: EVIDENCE_FILES.checkpoint, what }));
  checkContents(files, manifest, events, findings);
  const known = trust.known ? checkKnown(claim, trust.known, manifest, findings) : 'none';
  const withheld = events.filter(({ stored }) => !stored).length;
  return { manifest, ...reported(findings, { ...claim, events: events.length, withheld, keys: signed?.note.verified.map(({ key }) => key.text) ?? [], known }) };
}

/** That each file is the one that the manifest means, and none is there beside. */
function checkFiles(files: ReadonlyMap<string, Buffer>, manifest: EvidenceManifest, findings: Findings): void {
  const named = new Map(manifest.files.map((file) => [file.name, file]));
  for (const name of REQUIRED) if (!files.has(name)) findings.add({ where: 'file', path: name, what: `the pack has no ${name}` });
  for (const [name, bytes] of files) {
    if (OUTSIDE.includes(name)) continue;
    const file = named.get(name);
    if (!file) findings.add({ where: 'file', path: name, what: `the manifest does not name ${name}` });
    else if (file.bytes !== bytes.length || hash('sha256', bytes, 'hex') !== file.sha256) findings.add({ where: 'file', path: name, what: `${name} is not the file whose SHA-256 is in the manifest` });
  }
  for (const name of named.keys()) if (!files.has(name) && !REQUIRED.some((required) => required === name)) findings.add({ where: 'file', path: name, what: `the manifest names ${name}, which is not there` });
}

/** @throws NoteInvalid, EvidenceInvalid */
function checkManifestNote(files: ReadonlyMap<string, Buffer>, { origin }: EvidenceManifest, manifest: Buffer, keys: readonly VerifierKey[]): void {
  const name = EVIDENCE_FILES.manifestNote;
  const { text, verified } = openNote(textOf(files.get(name) ?? Buffer.alloc(0), name), keys);
  if (!verified.some(({ key }) => key.type === 1 && key.name === origin)) throw new Error('the manifest is not signed by a trusted key of the log');
  if (text !== manifestText(origin, hash('sha256', manifest, 'hex'))) throw new Error('the manifest is not the one that the key of the log signed: it was changed');
}

/** What can be made again of the events must be the same. */
function checkContents(files: ReadonlyMap<string, Buffer>, manifest: EvidenceManifest, events: readonly EvidenceEvent[], findings: Findings): void {
  const { counts } = manifest;
  const withheld = events.filter(({ stored }) => !stored).length;
  if (counts.events !== events.length || counts.withheld !== withheld) {
    findings.add({ where: 'manifest', path: EVIDENCE_FILES.manifest, what: `the manifest counts ${counts.events} events, ${counts.withheld} of them withheld; the pack has ${events.length} and ${withheld}` });
  }
  attempt(
    () => {
      const artefacts = prettyJson(artefactsIn(events.flatMap(({ index, stored }) => (stored ? [{ index, payload: stored.payload }] : []))));
      if (files.get(EVIDENCE_FILES.artefacts)?.equals(Buffer.from(artefacts)) === false) throw new Error('the list of artefacts is not the one that the events give');
    },
    (what) => findings.add({ where: 'file', path: EVIDENCE_FILES.artefacts, what }),
  );
  attempt(() => checkReadable(files.get(EVIDENCE_FILES.readable), events), (what) => findings.add({ where: 'file', path: EVIDENCE_FILES.readable, what }));
}

/** Each text stands for one that is sealed in its event. Whether it is that text, only the key could tell. */
function checkReadable(bytes: Buffer | undefined, events: readonly EvidenceEvent[]): void {
  if (!bytes) return; // reported as missing
  const byIndex = new Map(events.map((event) => [event.index, event]));
  for (const { index, at, text } of parseJson(bytes, EVIDENCE_FILES.readable) as readonly ReadableText[]) {
    const stored = byIndex.get(index)?.stored;
    const sealed = stored && at.split('/').slice(1).reduce<unknown>(stepInto, { payload: JSON.parse(stored.payload), metadata: JSON.parse(stored.metadata) });
    if (typeof text !== 'string' || typeof sealed !== 'string' || !sealed.includes(SEAL)) throw new Error(`nothing is sealed at ${at} of event ${index}, for which it gives a text`);
  }
}

/** With this a text that was stored sealed begins (libs/keyring). */
const SEAL = 'enc:v1:';

function stepInto(value: unknown, step: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[step.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
}

function checkKnown(claim: Checkpoint, known: Checkpoint, { consistency }: EvidenceManifest, findings: Findings): EvidenceReport['known'] {
  const wrong = (what: string): 'compared' => {
    findings.add({ where: 'known', path: EVIDENCE_FILES.checkpoint, what });
    return 'compared';
  };
  if (known.origin !== claim.origin) return wrong(`the pack is of the log ${claim.origin}; the checkpoint known before is of ${known.origin}`);
  if (known.size === claim.size) return known.root.equals(claim.root) ? 'compared' : wrong(`the log shows another root at ${claim.size} events than the one known before: it has two histories`);
  if (consistency?.from !== known.size) return 'apart';
  const { proof } = consistency;
  attempt(() => verifyConsistency({ from: known.size, to: claim.size, fromRoot: known.root, toRoot: claim.root, proof: proof.map(hashIn) }), wrong);
  return 'compared';
}

function reported(findings: Findings, about: Omit<EvidenceReport, 'firstProblem' | 'problems' | 'problemCount' | 'manifest'>): EvidenceReport {
  const { first, listed, count } = findings;
  const { origin, size, root, events, withheld, keys, known } = about;
  return { origin, size, root, events, withheld, keys, known, ...(first ? { firstProblem: first } : {}), problems: listed, problemCount: count };
}
