import { rfc3339, type Sql } from '@vitae/event-store';
import { facetsOf, type EventFilter } from './event-filter.ts';
import { historyItem, type HistoryItem, type StoredRow } from './history-item.ts';

/** From where to where, counting both, and which way. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
}

/** Nothing is further away. */
export const LAST_INDEX = Number.MAX_SAFE_INTEGER;

/** Entries in a block of ledger.entry_block. */
const BLOCK = 256;
/** The first block of which nothing is noted yet, so that anything may be in it. */
const NOT_NOTED = `(select t.next_index / ${BLOCK} from ledger.noted t)`;

const COLUMNS = `e.id, e.stream, e.revision, e.type, e.project_id, e.subjects,
  e.payload::text as payload, e.metadata::text as metadata, e.recorded_at::text as recorded_at`;

type Row = Omit<StoredRow, 'recordedAt'> & { readonly recorded_at: string };
/** Adds a parameter to a statement and says its place. */
type Parameter = (value: unknown) => string;

/**
 * At most `limit` events of the span that the filter holds for, in its order.
 *
 * Each way in is one range of an index, in the ledger's order, so that a page costs the same at any length of the ledger:
 * a stream by (stream, revision), a subject by ledger.concern, else project, type and actor by ledger.entry_block.
 * Within a stream the other conditions are looked at event by event, within a subject block by block and then so.
 */
export async function readEvents(sql: Sql, filter: EventFilter, span: Span): Promise<readonly HistoryItem[]> {
  if (span.from > span.to) return [];
  const values: unknown[] = [];
  const parameter: Parameter = (value) => `$${values.push(value)}`;
  const statement = await wayIn(sql, filter, span, parameter);
  const rows = await sql.query<Row>(statement, values);
  return rows.map(({ recorded_at, ...row }) => historyItem({ ...row, recordedAt: rfc3339(recorded_at) }));
}

/**
 * Written so that the planner has no choice: scalar subqueries and lateral limits that cannot be reached are looked up row
 * by row. With joins it may take whole tables to find a page, for it plans without knowing the parameters.
 */
async function wayIn(sql: Sql, filter: EventFilter, span: Span, $: Parameter): Promise<string> {
  const { from, to, order } = span;
  const holds = conditions(filter, $);
  const limit = `limit ${$(span.limit)}`;
  const facets = facetsOf(filter);
  const alsoIn = (some: readonly string[], block: string) =>
    some.map((facet) => `and (${block} >= ${NOT_NOTED} or (select true from ledger.entry_block o where o.facet = ${$(facet)} and o.block = ${block}))`).join(' ');
  if (filter.stream !== undefined) {
    const [first, last] = await Promise.all([from === 0 ? 0 : revisionAt(sql, filter.stream, from - 1), revisionAt(sql, filter.stream, to)]);
    return `select (select n.index from ledger.entry n where n.seq = e.seq) as index, ${COLUMNS} from ledger.event e
      where e.stream = ${$(filter.stream)} and e.revision > ${$(first)} and e.revision <= ${$(last)} ${holds} order by e.revision ${order} ${limit}`;
  }
  if (filter.subject !== undefined) {
    return `select f.* from ledger.concern s cross join lateral (
        select n.index, ${COLUMNS} from ledger.entry n join ledger.event e on e.seq = n.seq where n.index = s.index ${holds} limit 1
      ) f
      where s.subject = ${$(filter.subject)} and s.index between ${$(from)} and ${$(to)} ${alsoIn(facets, `s.index / ${BLOCK}`)} order by s.index ${order} ${limit}`;
  }
  const [facet, ...others] = await rarestFirst(sql, facets);
  if (facet === undefined) {
    return `select f.* from ledger.entry n cross join lateral (select n.index, ${COLUMNS} from ledger.event e where e.seq = n.seq limit 1) f
      where n.index between ${$(from)} and ${$(to)} order by n.index ${order} ${limit}`;
  }
  const [low, high] = [`${$(from)}::bigint`, `${$(to)}::bigint`];
  return `select f.* from (
      select b.block from ledger.entry_block b where b.facet = ${$(facet)} and b.block between ${low} / ${BLOCK} and ${high} / ${BLOCK}
      union all
      select b.block from generate_series(greatest(${low} / ${BLOCK}, ${NOT_NOTED}), least(${high}, (select h.next_index - 1 from ledger.head h)) / ${BLOCK}) b (block)
    ) b cross join lateral (
      select n.index, ${COLUMNS} from ledger.entry n join ledger.event e on e.seq = n.seq
      where n.index between greatest(${low}, b.block * ${BLOCK}) and least(${high}, b.block * ${BLOCK} + ${BLOCK - 1}) ${holds}
      order by n.index ${order} limit ${BLOCK}
    ) f
    where true ${alsoIn(others, 'b.block')}
    order by b.block ${order}, f.index ${order} ${limit}`;
}

/** The rarest facet leads: going through the blocks of a common one, to find few of a rare one, grows with the ledger. */
async function rarestFirst(sql: Sql, facets: readonly string[]): Promise<readonly string[]> {
  if (facets.length < 2) return facets;
  const counts = await sql.query<{ facet: string; n: string }>(
    `select f.facet, (select count(*) from (select from ledger.entry_block b where b.facet = f.facet limit ${MANY_BLOCKS}) counted) as n
     from unnest($1::text[]) as f (facet) order by n`,
    [facets],
  );
  return counts.map(({ facet }) => facet);
}

/** Beyond this many, how many blocks there are makes no difference. */
const MANY_BLOCKS = 1_000;

/** What the way in does not see to by itself. The actor by the canonical text, as 0005-history.sql reads it, and for its reason. */
function conditions({ projectId, stream, subject, type, actor }: EventFilter, $: Parameter): string {
  return [
    ...(projectId === undefined ? [] : [`and e.project_id = ${$(projectId)}`]),
    ...(stream === undefined || subject === undefined ? [] : [`and ${$(subject)} = any (e.subjects)`]),
    ...(type === undefined ? [] : [type.endsWith('.') ? `and starts_with(e.type, ${$(type)})` : `and e.type = ${$(type)}`]),
    ...(actor === undefined ? [] : [`and starts_with(e.metadata::text, ${$(`{"actor":{"id":"${actor}"`)})`]),
  ].join(' ');
}

/** The revision that a stream had at an index, 0 for none: by halving, for in a stream both grow together. */
export async function revisionAt(sql: Sql, stream: string, index: number): Promise<number> {
  const [found] = await sql.query<{ revision: number }>(
    `with recursive halving (low, high) as (
       select 0, coalesce((select e.revision from ledger.event e where e.stream = $1 order by e.revision desc limit 1), 0) + 1
       union all
       select case when known then middle else low end, case when known then high else middle end
       from halving, lateral (select (low + high) / 2 as middle) m, lateral (
         select coalesce((select n.index from ledger.entry n where n.seq = (select e.seq from ledger.event e where e.stream = $1 and e.revision = middle)) <= $2, false) as known
       ) k
       where high - low > 1
     ) select low as revision from halving order by high - low limit 1`,
    [stream, index],
  );
  return found?.revision ?? 0;
}
