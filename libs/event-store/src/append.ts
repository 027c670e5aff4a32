import type { Message } from '@bufbuild/protobuf';
import { eventToJson } from '@vitae/contracts';
import { v7 as uuidv7 } from 'uuid';
import { metadataOf, type Attribution, type RecordedEvent } from './recorded-event.ts';
import type { Sql } from './sql.ts';

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
  const { stream, expected, events, attribution, idempotency } = request;
  if (events.length === 0) throw new Error(`an append to ${stream} needs at least one event`);
  const subjects = [...new Set(request.subjects)];
  const prepared = events.map((event) => ({ id: uuidv7(), event, payload: eventToJson(event) }));
  const mode = typeof expected === 'number' ? 'exact' : expected === 'noStream' ? 'no-stream' : expected;
  const rows = await sql
    .query<{ revision: number; recorded_at: string }>(
      `select revision, ${RFC3339('recorded_at')} as recorded_at
       from ledger.append($1, $2, $3, $4, $5, $6::uuid[], $7, $8, $9, $10, $11)`,
      [
        stream,
        mode,
        typeof expected === 'number' ? expected : null,
        attribution.projectId,
        subjects,
        prepared.map((e) => e.id),
        prepared.map((e) => e.event.$typeName),
        prepared.map((e) => e.payload),
        metadataOf(attribution),
        idempotency?.key ?? null,
        idempotency?.fingerprint ?? null,
      ],
    )
    .catch((error: unknown) => {
      throw named(error, request);
    });
  return prepared.map(({ id, event, payload }, i) => {
    const row = rows[i];
    if (!row) throw new Error(`ledger.append answered ${rows.length} rows for ${prepared.length} events`);
    return {
      ...attribution,
      id,
      stream,
      revision: row.revision,
      type: event.$typeName,
      subjects,
      recordedAt: row.recorded_at,
      event,
      payload,
    };
  });
}

/** A timestamptz as RFC 3339 in UTC with microseconds: what the contract's Timestamp prints, too. */
export const RFC3339 = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

function named(error: unknown, request: AppendRequest): unknown {
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
