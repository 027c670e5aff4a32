import type { Pool, PoolClient, QueryConfig } from 'pg';
import { intArray, jsonArray, textArray, uuidArray } from './binary-array.ts';
import { expectedCode, recordedOf, type PreparedAppend } from './prepared-append.ts';
import type { RecordedEvent } from './recorded-event.ts';
import { rfc3339 } from './timestamp.ts';

/** What was stored of one append; undefined when its stream was not where the writer believed it to be. */
export type Stored = readonly RecordedEvent[] | undefined;

/**
 * Appends to many streams by one statement; each append is stored or not, whatever becomes of its neighbours.
 * No stream may occur twice. Answers in the order of `appends`.
 */
export async function appendBatch(client: Pool | PoolClient, appends: readonly PreparedAppend[]): Promise<readonly Stored[]> {
  // In one order for everybody, so that two batches never wait for each other.
  const sorted = appends.map((append, i) => ({ append, i })).sort((a, b) => (a.append.request.stream < b.append.request.stream ? -1 : 1));
  const { rows } = await client.query<{ recorded_at: string; revisions: readonly (number | null)[] | null }>(statementOf(sorted.map(({ append }) => append)));
  const [row] = rows;
  if (!row) throw new Error('ledger.append_batch answered no row');
  const recordedAt = rfc3339(row.recorded_at);
  const stored = new Array<Stored>(appends.length).fill(undefined);
  sorted.forEach(({ append, i }, n) => {
    const revision = row.revisions === null ? expectedCode(append.request.expected) : row.revisions[n];
    if (typeof revision === 'number') stored[i] = recordedOf(append, revision + 1, recordedAt);
  });
  return stored;
}

/** Where these streams are now; those without an event are left out. */
export async function revisionsOf(client: Pool | PoolClient, streams: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const { rows } = await client.query<{ stream: string; revision: number }>(
    'select stream, max(revision) as revision from ledger.event where stream = any($1) group by stream',
    [streams],
  );
  return new Map(rows.map(({ stream, revision }) => [stream, revision]));
}

function statementOf(appends: readonly PreparedAppend[]): QueryConfig {
  const firsts: number[] = [];
  const ids: string[] = [];
  const types: string[] = [];
  const payloads: string[] = [];
  for (const { events } of appends) {
    firsts.push(ids.length + 1);
    for (const { id, event, payload } of events) {
      ids.push(id);
      types.push(event.$typeName);
      payloads.push(payload);
    }
  }
  return {
    name: 'ledger.append_batch',
    text: 'select recorded_at::text as recorded_at, revisions from ledger.append_batch($1, $2, $3, $4, $5, $6, $7, $8, $9)',
    values: [
      textArray(appends.map(({ request }) => request.stream)),
      intArray(appends.map(({ request }) => expectedCode(request.expected))),
      textArray(appends.map(({ request }) => request.attribution.projectId)),
      textArray(appends.map(({ subjects }) => subjects.join(' '))),
      jsonArray(appends.map(({ metadata }) => metadata)),
      intArray(firsts),
      uuidArray(ids),
      textArray(types),
      jsonArray(payloads),
    ],
  };
}
