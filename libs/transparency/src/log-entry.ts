import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';

/** An event that cannot be an entry, or an entry that is not what logEntry writes. */
export class EntryInvalid extends Error {
  override readonly name = 'EntryInvalid';
}

/** An event as the ledger holds it. Payload and metadata MUST be the exact stored text. */
export interface StoredEvent {
  readonly id: string;
  readonly stream: string;
  readonly revision: number;
  readonly type: string;
  readonly projectId: string;
  readonly subjects: readonly string[];
  readonly payload: string;
  readonly metadata: string;
  /** RFC 3339 UTC with microseconds. */
  readonly recordedAt: string;
}

/** What is hashed into the tree for one event. No text written by people, no personal data: a leaf is for ever. */
export interface LogEntry {
  readonly actor: string;
  readonly causationId: string;
  /** Hex SHA-256 of metadata ‖ newline ‖ subjects joined by one space. */
  readonly contextHash: string;
  readonly correlationId: string;
  readonly id: string;
  /** Hex SHA-256 of the stored payload. */
  readonly payloadHash: string;
  readonly projectId: string;
  readonly recordedAt: string;
  readonly revision: number;
  readonly stream: string;
  readonly type: string;
}

/** Who did it and in what chain of causes, as the metadata says it; what is absent there is the empty string. */
export interface EntryContext {
  readonly actor: string;
  readonly causationId: string;
  readonly correlationId: string;
}

/** Ordinary entries have 500 bytes; whatever PostgreSQL lets in (names of 256 bytes, escaped) must still be one. */
export const LONGEST_ENTRY = 16_384;
const RECORDED_AT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/;
const HEX_SHA256 = /^[0-9a-f]{64}$/;
const STRING = '"([^"\\\\\\u0000-\\u001f]*)"';
const HEX = '"([0-9a-f]{64})"';
const PLAIN = new RegExp(
  `^\\{"actor":${STRING},"causationId":${STRING},"contextHash":${HEX},"correlationId":${STRING},"id":${STRING},"payloadHash":${HEX},"projectId":${STRING},` +
    `"recordedAt":"(\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{6}Z)","revision":([1-9]\\d{0,15}),"stream":${STRING},"type":${STRING},"v":1\\}$`,
);

/** The entry of an event: the bytes whose leaf hash stands in the tree. @throws EntryInvalid */
export function logEntry(event: StoredEvent): Buffer {
  const { context, contextHash } = sharedOf(event.metadata, event.subjects.join(' '));
  const entry: LogEntry = {
    ...context,
    contextHash,
    id: event.id,
    payloadHash: hash('sha256', event.payload, 'hex'),
    projectId: event.projectId,
    recordedAt: event.recordedAt,
    revision: event.revision,
    stream: event.stream,
    type: event.type,
  };
  // Nothing may ever be hashed that a verifier would refuse.
  for (const field of GIVEN) if (!SHAPE[field](entry[field])) throw new EntryInvalid(`the event has no proper ${field}`);
  const bytes = Buffer.from(canonical(entry));
  mustBeShort(bytes);
  return bytes;
}

/** What the entries of one append have in common. They are made one behind the other, so it is made once for them. */
interface Shared {
  readonly metadata: string;
  readonly subjects: string;
  readonly context: EntryContext;
  readonly contextHash: string;
}

function sharedOf(metadata: string, subjects: string): Shared {
  if (metadata !== last?.metadata || subjects !== last.subjects) {
    last = { metadata, subjects, context: entryContext(metadata), contextHash: hash('sha256', `${metadata}\n${subjects}`, 'hex') };
  }
  return last;
}

let last: Shared | undefined;

/** @throws EntryInvalid unless the bytes are exactly what logEntry would write. */
export function parseLogEntry(bytes: Uint8Array): LogEntry {
  mustBeShort(bytes);
  if (!isUtf8(bytes)) throw new EntryInvalid('the entry is not valid UTF-8');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  return plainEntry(text) ?? strictEntry(text);
}

/** An entry in whose strings nothing had to be escaped, as in all but odd ones: one match in the place of parsing and writing again. */
function plainEntry(text: string): LogEntry | undefined {
  const match = PLAIN.exec(text);
  if (!match) return undefined;
  const [, actor = '', causationId = '', contextHash = '', correlationId = '', id = '', payloadHash = '', projectId = '', recordedAt = '', digits, stream = '', type = ''] = match;
  const revision = Number(digits);
  return Number.isSafeInteger(revision) ? { actor, causationId, contextHash, correlationId, id, payloadHash, projectId, recordedAt, revision, stream, type } : undefined;
}

function strictEntry(text: string): LogEntry {
  const entry = object(json(text, 'the entry'), 'the entry');
  if (entry['v'] !== 1) throw new EntryInvalid(`the entry is of version ${String(entry['v'])}; known is 1`);
  for (const field in SHAPE) {
    if (!SHAPE[field as keyof LogEntry](entry[field])) throw new EntryInvalid(`the entry has no proper ${field}`);
  }
  const { v: _, ...known } = entry;
  // What SHAPE has just checked.
  if (canonical(known as unknown as LogEntry) !== text) throw new EntryInvalid('the entry is not canonical: other fields, another order, or another spelling');
  return known as unknown as LogEntry;
}

/**
 * What is absent, no text or longer than 128 characters is the empty string: the contextHash covers the metadata anyway, and
 * an odd event must not keep the log from going on. @throws EntryInvalid when the metadata is not JSON.
 */
export function entryContext(metadata: string): EntryContext {
  const { actor, causationId, correlationId } = record(json(metadata, 'the metadata'));
  return { actor: shortText(record(actor)['id']), causationId: shortText(causationId), correlationId: shortText(correlationId) };
}

const record = (value: unknown): Record<string, unknown> => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {});
const shortText = (value: unknown): string => (isText(value) && value.length <= 128 ? value : '');

/** RFC 8785: the keys in order; JSON.stringify writes strings and integers as it asks. */
function canonical(entry: LogEntry): string {
  const { actor, causationId, contextHash, correlationId, id, payloadHash, projectId, recordedAt, revision, stream, type } = entry;
  return JSON.stringify({ actor, causationId, contextHash, correlationId, id, payloadHash, projectId, recordedAt, revision, stream, type, v: 1 });
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.isWellFormed();
const isHash = (value: unknown): boolean => typeof value === 'string' && HEX_SHA256.test(value);
const SHAPE: Readonly<Record<keyof LogEntry, (value: unknown) => boolean>> = {
  actor: isText,
  causationId: isText,
  contextHash: isHash,
  correlationId: isText,
  id: isText,
  payloadHash: isHash,
  projectId: isText,
  recordedAt: (value) => typeof value === 'string' && RECORDED_AT.test(value),
  revision: (value) => Number.isSafeInteger(value) && (value as number) > 0,
  stream: isText,
  type: isText,
};

/** What comes from the event as it is; the rest is made by logEntry itself. */
const GIVEN = ['id', 'projectId', 'recordedAt', 'revision', 'stream', 'type'] as const;

function mustBeShort({ length }: Uint8Array): void {
  if (length > LONGEST_ENTRY) throw new EntryInvalid(`the entry has ${length} bytes; at most ${LONGEST_ENTRY} are allowed`);
}

function json(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EntryInvalid(`${what} is not JSON`, { cause });
  }
}

function object(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new EntryInvalid(`${what} is not a JSON object`);
  return value as Record<string, unknown>;
}
