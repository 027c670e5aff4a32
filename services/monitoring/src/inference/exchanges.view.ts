import type { Sql } from '@vitae/event-store';
import { requestIdOf, type Exchange } from './exchange.ts';
import type { InferenceMessage } from './cloud-event.ts';

/** Most exchanges whose wait is looked at in one transaction. More of them are lost in the next. */
const MOST_OVERDUE = 5_000;

interface ExchangeRow {
  readonly project_id: string;
  readonly endpoint_id: string;
  readonly variant_id: string;
  readonly ce_id: string;
  readonly model_version_id: string;
  readonly state: Exchange['state'];
  readonly received_at: string;
  readonly served_at: string;
  readonly header_id: string | null;
  readonly request: string | null;
  readonly response: string | null;
  readonly completed_by: string | null;
}

const COLUMNS = `project_id, endpoint_id, variant_id, ce_id, model_version_id, state, header_id, completed_by,
  (extract(epoch from received_at) * 1000)::bigint::text as received_at, (extract(epoch from served_at) * 1000)::bigint::text as served_at,
  request::text as request, response::text as response`;

/** The exchanges that messages belong to, and those that wait since before `waitedSince` (milliseconds since 1970). */
export async function exchangesFor(sql: Sql, messages: readonly InferenceMessage[], waitedSince: number): Promise<Exchange[]> {
  const named = await sql.query<ExchangeRow>(
    `select ${COLUMNS} from monitoring.exchange where (project_id, variant_id, ce_id) in (select * from unnest($1::text[], $2::uuid[], $3::text[]))`,
    [messages.map(({ projectId }) => projectId), messages.map(({ variantId }) => variantId), messages.map(({ ceId }) => ceId)],
  );
  const overdue = await sql.query<ExchangeRow>(
    `select ${COLUMNS} from monitoring.exchange
     where state = 'waiting' and received_at <= to_timestamp($1::float8 / 1000) order by received_at limit ${MOST_OVERDUE}`,
    [waitedSince],
  );
  const found = new Map([...named, ...overdue].map((row) => [`${row.project_id} ${row.variant_id} ${row.ce_id}`, row]));
  return [...found.values()].map(exchangeOf);
}

export async function saveExchanges(sql: Sql, exchanges: readonly Exchange[]): Promise<void> {
  if (exchanges.length === 0) return;
  const column = <T>(value: (exchange: Exchange) => T): T[] => exchanges.map(value);
  await sql.query(
    `insert into monitoring.exchange
       (variant_id, ce_id, project_id, endpoint_id, model_version_id, state, received_at, served_at, header_id, request, response, request_id, completed_by)
     select variant_id, ce_id, project_id, endpoint_id, model_version_id, state, to_timestamp(received_at / 1000), to_timestamp(served_at / 1000),
       header_id, request::json, response::json, request_id, completed_by
     from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::uuid[], $6::text[], $7::float8[], $8::float8[], $9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[])
       as u (variant_id, ce_id, project_id, endpoint_id, model_version_id, state, received_at, served_at, header_id, request, response, request_id, completed_by)
     on conflict (project_id, variant_id, ce_id) do update set
       state = excluded.state, served_at = excluded.served_at, header_id = excluded.header_id,
       request = excluded.request, response = excluded.response, request_id = excluded.request_id, completed_by = excluded.completed_by`,
    [
      column(({ variantId }) => variantId),
      column(({ ceId }) => ceId),
      column(({ projectId }) => projectId),
      column(({ endpointId }) => endpointId),
      column(({ modelVersionId }) => modelVersionId),
      column(({ state }) => state),
      column(({ receivedAt }) => receivedAt),
      column(({ at }) => Date.parse(at)),
      column(({ headerId }) => headerId ?? null),
      column(({ request }) => json(request)),
      column(({ response }) => json(response)),
      column((exchange) => (exchange.completedBy === undefined ? null : requestIdOf(exchange))),
      column(({ completedBy }) => completedBy ?? null),
    ],
  );
}

/** A prediction that a label may be for. */
export interface Prediction {
  readonly requestId: string;
  readonly variantId: string;
  readonly at: string;
  readonly predictions: readonly unknown[] | undefined;
}

/** What was predicted for requests, the first prediction of each: a caller who tries again under its id is one row of evidence. */
export async function predictionsOf(sql: Sql, projectId: string, endpointId: string, requestIds: readonly string[]): Promise<Prediction[]> {
  const rows = await sql.query<{ request_id: string; variant_id: string; served_at: string; response: string }>(
    `select distinct on (request_id) request_id, variant_id, (extract(epoch from served_at) * 1000)::bigint::text as served_at, response::text as response
     from monitoring.exchange
     where endpoint_id = $2 and request_id = any($3::text[]) and project_id = $1
     order by request_id, received_at, completed_by`,
    [projectId, endpointId, requestIds],
  );
  return rows.map(({ request_id, variant_id, served_at, response }) => ({
    requestId: request_id,
    variantId: variant_id,
    at: new Date(Number(served_at)).toISOString(),
    predictions: (JSON.parse(response) as Exchange['response'])?.rows?.predictions,
  }));
}

/** Forgets predictions and labels that were waited for long enough. What they were counted into stays. */
export async function forgetExchanges(sql: Sql, before: Date): Promise<void> {
  await sql.query('delete from monitoring.ground_truth where given_at < $1', [before.toISOString()]);
  await sql.query('delete from monitoring.exchange where received_at < $1', [before.toISOString()]);
}

const json = (half: unknown): string | null => (half === undefined ? null : JSON.stringify(half));

function exchangeOf(row: ExchangeRow): Exchange {
  return {
    projectId: row.project_id,
    endpointId: row.endpoint_id,
    variantId: row.variant_id,
    ceId: row.ce_id,
    modelVersionId: row.model_version_id,
    state: row.state,
    receivedAt: Number(row.received_at),
    at: new Date(Number(row.served_at)).toISOString(),
    ...(row.header_id === null ? {} : { headerId: row.header_id }),
    ...(row.request === null ? {} : { request: JSON.parse(row.request) as Exchange['request'] & object }),
    ...(row.response === null ? {} : { response: JSON.parse(row.response) as Exchange['response'] & object }),
    ...(row.completed_by === null ? {} : { completedBy: Number(row.completed_by) }),
  };
}
