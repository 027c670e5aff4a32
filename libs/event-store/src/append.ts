import type { Message } from '@bufbuild/protobuf';
import { expectedCode, prepareAppend, recordedOf, type PreparedAppend } from './prepared-append.ts';
import type { Attribution, RecordedEvent } from './recorded-event.ts';
import type { Sql } from './sql.ts';
import { rfc3339 } from './timestamp.ts';

/** What the writer believes of the stream: an exact revision (0: none yet), or less. */
export type ExpectedRevision = number | 'noStream' | 'exists' | 'any';

export interface Idempotency {
  /** Chosen by the client; unique for one intent. */
  readonly key: string;
  /** Digest of the request, so that a key used for another request is noticed. */
  readonly fingerprint: string;
}

export interface AppendRequest<Event extends Message = Message> {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  /** At least one. */
  readonly events: readonly Event[];
  readonly attribution: Attribution;
  /** `<kind>:<id>` of everything the events concern. */
  readonly subjects: readonly string[];
  readonly idempotency?: Idempotency | undefined;
}

/** The stream is not where the writer believed it to be. Nothing was stored. */
export class RevisionConflict extends Error {
  override readonly name = 'RevisionConflict';
  constructor(
    readonly stream: string,
    readonly expected: ExpectedRevision,
    readonly actual: number,
    options?: ErrorOptions,
  ) {
    super(`${stream} is at revision ${actual}, not at ${expected}; read it again and decide anew`, options);
  }
}

/** A concurrent append under the same idempotency key was first. Recall its answer. */
export class AlreadyAppended extends Error {
  override readonly name = 'AlreadyAppended';
}

/**
 * Appends events to one stream inside the caller's transaction: all of them or none, and durable when
 * that transaction has committed. Each event is checked against its contract before anything is sent.
 *
 * Throws InvalidEvent, RevisionConflict, AlreadyAppended. After any of the latter two the transaction
 * is dead (PostgreSQL aborts it) and MUST be rolled back.
 */
export async function append<Event extends Message>(
  sql: Sql,
  request: AppendRequest<Event>,
): Promise<readonly RecordedEvent<Event>[]> {
  return appendPrepared(sql, prepareAppend(request));
}

/** The same for what was prepared before. */
export async function appendPrepared<Event extends Message>(
  sql: Sql,
  prepared: PreparedAppend<Event>,
): Promise<readonly RecordedEvent<Event>[]> {
  const expected = expectedCode(prepared.request.expected);
  if (expected >= 0 && prepared.events.length === 1 && prepared.request.idempotency === undefined) {
    const recordedAt = await appendNext(sql, prepared, expected);
    if (recordedAt !== null) return recordedOf(prepared, expected + 1, rfc3339(recordedAt));
  }
  return appendSaying(sql, prepared, expected);
}

/** The usual case at half its price. When it was recorded; null when anything stands against it. */
async function appendNext(sql: Sql, { request, subjects, metadata, events }: PreparedAppend, expected: number): Promise<string | null> {
  const [first] = events;
  const [row] = await sql.query<{ at: string | null }>('select ledger.append_next($1, $2, $3, $4, $5, $6, $7, $8)::text as at', [
    request.stream,
    expected,
    request.attribution.projectId,
    subjects.join(' '),
    metadata,
    first?.id,
    first?.event.$typeName,
    first?.payload,
  ]);
  return row?.at ?? null;
}

/** Any append; what stands against it is said. */
async function appendSaying<Event extends Message>(sql: Sql, prepared: PreparedAppend<Event>, expected: number): Promise<readonly RecordedEvent<Event>[]> {
  const { request, subjects, metadata, events } = prepared;
  const [first, ...more] = events;
  const { key = null, fingerprint = null } = request.idempotency ?? {};
  const [row] = await sql
    .query<{ revision: number; recorded_at: string }>(
      `select revision, recorded_at::text as recorded_at
       from ledger.append($1, $2, $3, $4, $5, $6, $7, $8, $9::uuid[], $10, $11, $12, $13)`,
      [
        request.stream,
        expected,
        request.attribution.projectId,
        subjects,
        metadata,
        first?.id,
        first?.event.$typeName,
        first?.payload,
        ...(more.length === 0 ? [null, null, null] : [more.map((e) => e.id), more.map((e) => e.event.$typeName), more.map((e) => e.payload)]),
        key,
        fingerprint,
      ],
    )
    .catch((error: unknown) => {
      throw named(error, request);
    });
  if (!row) throw new Error('ledger.append answered no row');
  return recordedOf(prepared, row.revision, rfc3339(row.recorded_at));
}

/** PostgreSQL's error under the name it has here. */
export function named(error: unknown, request: AppendRequest): unknown {
  const { code, detail, constraint } = error as { code?: string; detail?: string; constraint?: string };
  if (code === 'VT001') {
    return new RevisionConflict(request.stream, request.expected, Number(detail), { cause: error });
  }
  if (code === '23505' && constraint === 'batch_pkey') {
    return new AlreadyAppended(`another request with idempotency key ${request.idempotency?.key} was first`, {
      cause: error,
    });
  }
  return error;
}
