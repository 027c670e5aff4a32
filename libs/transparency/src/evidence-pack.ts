import { hash } from 'node:crypto';
import { artefactsIn } from './evidence-artefacts.ts';
import {
  EVIDENCE_FILES, EVIDENCE_FORMAT, eventTsv, manifestText, prettyJson, proofTsv,
  type EvidenceEvent, type EvidenceManifest, type EvidenceProof, type ReadableText,
} from './evidence-files.ts';
import { zipOf } from './evidence-zip.ts';
import { signNote } from './note.ts';
import type { Signer } from './signer.ts';

/** What is known before the files are there. */
export type EvidenceAbout = Omit<EvidenceManifest, 'format' | 'counts' | 'files'>;

export interface EvidenceContent {
  readonly about: EvidenceAbout;
  /** The signed note. */
  readonly checkpoint: string;
  /** Verifier keys of the log, oldest first. */
  readonly keys: readonly string[];
  /** By index. */
  readonly events: readonly EvidenceEvent[];
  /** One for each event, in the same order. */
  readonly proofs: readonly EvidenceProof[];
  readonly readable: readonly ReadableText[];
  /** HTML and text for people. */
  readonly report: string;
  readonly readme: string;
}

/**
 * The evidence pack: all files, their hashes in the manifest, and the manifest's hash signed by the log's key, so that no byte
 * of the pack is without somebody who answers for it. `signer` MUST be the key that is in force at the checkpoint.
 */
export function packEvidence(content: EvidenceContent, signer: Signer): Buffer {
  const { about, checkpoint, keys, events, proofs, readable, report, readme } = content;
  const shown = events.flatMap(({ index, stored }) => (stored ? [{ index, payload: stored.payload }] : []));
  const files = new Map<string, Buffer>();
  const add = (name: string, text: string): void => void files.set(name, Buffer.from(text));
  add(EVIDENCE_FILES.checkpoint, checkpoint);
  add(EVIDENCE_FILES.keys, keys.map((key) => `${key}\n`).join(''));
  add(EVIDENCE_FILES.events, events.map(eventTsv).join(''));
  add(EVIDENCE_FILES.proofs, proofs.map(proofTsv).join(''));
  add(EVIDENCE_FILES.artefacts, prettyJson(artefactsIn(shown)));
  add(EVIDENCE_FILES.readable, prettyJson(readable));
  add(EVIDENCE_FILES.report, report);
  add(EVIDENCE_FILES.readme, readme);

  const manifest: EvidenceManifest = {
    format: EVIDENCE_FORMAT,
    ...about,
    counts: { events: events.length, withheld: events.length - shown.length, readableTexts: readable.length },
    files: [...files].map(([name, bytes]) => ({ name, bytes: bytes.length, sha256: hash('sha256', bytes, 'hex') })),
  };
  const text = prettyJson(manifest);
  const note = signNote(manifestText(about.origin, hash('sha256', text, 'hex')), [signer]);
  return zipOf(new Map([[EVIDENCE_FILES.manifest, Buffer.from(text)], [EVIDENCE_FILES.manifestNote, Buffer.from(note)], ...files]));
}
