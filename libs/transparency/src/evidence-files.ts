import { fromBase64 } from './base64.ts';

/** A file in the pack does not say what it must. */
export class EvidenceInvalid extends Error {
  override readonly name = 'EvidenceInvalid';
}

/** The files of a pack, in their order. */
export const EVIDENCE_FILES = {
  manifest: 'manifest.json',
  /** Signed note by the log's key over the manifest's hash: see manifestText. */
  manifestNote: 'manifest.note',
  checkpoint: 'checkpoint',
  /** For convenience, never trusted. */
  keys: 'log.vkey',
  events: 'events.tsv',
  proofs: 'proofs.tsv',
  artefacts: 'artefacts.json',
  /** What people wrote, opened: the service's word, see ReadableText. */
  readable: 'readable.json',
  report: 'report.html',
  readme: 'README.txt',
} as const;

/** Read by any newer version as well. */
export const EVIDENCE_FORMAT = 'vitae-evidence/1';

export interface EvidenceManifest {
  readonly format: typeof EVIDENCE_FORMAT;
  /** The export itself is an event, in the stream `ledger.Evidence-<this>`. */
  readonly evidenceId: string;
  readonly origin: string;
  readonly projectId: string;
  readonly about: { readonly subjects: readonly string[]; readonly streams: readonly string[] };
  /** No event of the pack has a larger index, but for the rotations of the log's key. */
  readonly asOf: { readonly index: number; readonly time?: string };
  readonly checkpoint: { readonly size: number; /** Base64. */ readonly root: string };
  readonly made: { readonly at: string; readonly by: string; readonly for: string; readonly reason: string };
  readonly counts: { readonly events: number; readonly withheld: number; readonly readableTexts: number };
  /** Of each the revisions 1 to this one are in the pack. */
  readonly streams: readonly { readonly stream: string; readonly revisions: number }[];
  readonly leftOut: readonly { readonly what: string; readonly count: number }[];
  /** That the checkpoint continues the one over `from` events; base64 hashes. */
  readonly consistency?: { readonly from: number; readonly proof: readonly string[] };
  /** All others but the manifest's own note. */
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
}

/** A line of events.tsv: the bytes that the proofs are about, exactly. */
export interface EvidenceEvent {
  readonly index: number;
  /** The leaf of the log. */
  readonly entry: string;
  /** What lies behind the entry. Absent: withheld, as the reader may not see it; its entry shows that it exists. */
  readonly stored?: { readonly payload: string; readonly metadata: string; /** Joined by one space. */ readonly subjects: string };
}

/** A line of proofs.tsv. */
export interface EvidenceProof {
  readonly index: number;
  readonly proof: readonly Buffer[];
}

/**
 * A text that is stored sealed, as the reader was shown it. That it belongs to the sealed one can be checked only with the
 * key, which never leaves the house: no proof covers it, only the word of the service that made the pack.
 */
export interface ReadableText {
  readonly index: number;
  /** JSON pointer into `{ "payload": …, "metadata": … }`. */
  readonly at: string;
  readonly text: string;
}

/** What the log's key signs of a pack. Its first line is none that a checkpoint can have: an origin has no space. */
export const manifestText = (origin: string, sha256: string): string => `vitae evidence\n${origin}\n${sha256}\n`;

export function eventTsv({ index, entry, stored }: EvidenceEvent): string {
  const fields = [String(index), entry, stored?.payload ?? '', stored?.metadata ?? '', stored?.subjects ?? ''];
  if (fields.some((field) => /[\t\n]/.test(field))) throw new EvidenceInvalid(`event ${index} holds a raw tab or newline, so it is not canonical`);
  return `${fields.join('\t')}\n`;
}

/** One line, without its newline. @throws EvidenceInvalid */
export function parseEventTsv(line: string): EvidenceEvent {
  const [index, entry = '', payload = '', metadata = '', subjects, ...more] = line.split('\t');
  if (subjects === undefined || more.length > 0) throw new EvidenceInvalid(`a line of ${EVIDENCE_FILES.events} has not five fields`);
  const withheld = payload === '' && metadata === '' && subjects === '';
  return { index: indexOf(index, EVIDENCE_FILES.events), entry, ...(withheld ? {} : { stored: { payload, metadata, subjects } }) };
}

export const proofTsv = ({ index, proof }: EvidenceProof): string => `${index}\t${proof.map((hash) => hash.toString('base64')).join(' ')}\n`;

/** One line, without its newline. @throws EvidenceInvalid */
export function parseProofTsv(line: string): EvidenceProof {
  const [index, hashes, ...more] = line.split('\t');
  if (hashes === undefined || more.length > 0) throw new EvidenceInvalid(`a line of ${EVIDENCE_FILES.proofs} has not two fields`);
  return { index: indexOf(index, EVIDENCE_FILES.proofs), proof: hashes === '' ? [] : hashes.split(' ').map(hashIn) };
}

/** The lines of a file. @throws EvidenceInvalid */
export function linesOf(bytes: Uint8Array, name: string): readonly string[] {
  const text = textOf(bytes, name);
  if (text === '') return [];
  if (!text.endsWith('\n')) throw new EvidenceInvalid(`${name} ends within a line`);
  return text.slice(0, -1).split('\n');
}

/** @throws EvidenceInvalid when the bytes are not UTF-8. */
export function textOf(bytes: Uint8Array, name: string): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  if (!Buffer.from(text).equals(bytes)) throw new EvidenceInvalid(`${name} is not valid UTF-8`);
  return text;
}

/** What a person can read and a program writes in one way. */
export const prettyJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** @throws EvidenceInvalid */
export function parseJson(bytes: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(textOf(bytes, name));
  } catch (cause) {
    throw new EvidenceInvalid(`${name} is not JSON`, { cause });
  }
}

/** @throws EvidenceInvalid when it is of another format, or lacks what is asked of it. */
export function parseManifest(bytes: Uint8Array): EvidenceManifest {
  const manifest = parseJson(bytes, EVIDENCE_FILES.manifest) as Partial<EvidenceManifest> | null;
  if (manifest?.format !== EVIDENCE_FORMAT) throw new EvidenceInvalid(`the pack is of the format ${JSON.stringify(manifest?.format)}; known is ${EVIDENCE_FORMAT}`);
  const { asOf, checkpoint, counts, streams, files, origin, projectId, about, made, leftOut, consistency } = manifest;
  const sound =
    typeof origin === 'string' && typeof projectId === 'string' && Number.isSafeInteger(asOf?.index) && Number.isSafeInteger(checkpoint?.size) && typeof checkpoint?.root === 'string' &&
    Number.isSafeInteger(counts?.events) && Number.isSafeInteger(counts?.withheld) && typeof made?.by === 'string' && isListOf(about?.subjects, isText) && isListOf(about?.streams, isText) &&
    isListOf(streams, ({ stream, revisions }) => isText(stream) && Number.isSafeInteger(revisions)) && isListOf(leftOut, ({ what }) => isText(what)) &&
    isListOf(files, ({ name, sha256 }) => isText(name) && isText(sha256)) && (consistency === undefined || (Number.isSafeInteger(consistency.from) && isListOf(consistency.proof, isText)));
  if (!sound) throw new EvidenceInvalid(`${EVIDENCE_FILES.manifest} lacks what a manifest must say`);
  return manifest as EvidenceManifest;
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isListOf = <Item>(list: readonly Item[] | undefined, isItem: (item: Item) => boolean): boolean => Array.isArray(list) && list.every((item: Item | null) => item !== null && isItem(item));

function indexOf(text: string | undefined, name: string): number {
  const index = /^(0|[1-9]\d{0,15})$/.test(text ?? '') ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(index)) throw new EvidenceInvalid(`a line of ${name} does not begin with an index`);
  return index;
}

/** @throws EvidenceInvalid */
export function hashIn(text: string): Buffer {
  const hash = fromBase64(text);
  if (hash?.length !== 32) throw new EvidenceInvalid(`"${text}" is not a SHA-256 in base64`);
  return hash;
}
