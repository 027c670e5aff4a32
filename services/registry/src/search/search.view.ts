import type { EntityManager } from '@mikro-orm/postgresql';
import { sqlOf, type Page } from '@vitae/service-kit';
import type { SearchQuery } from '../request.ts';
import { conditionOf, parameters, type Columns, type Parameters } from './condition.ts';
import type { Fields, Filter } from './filter.ts';
import { behindSql, markOf, orderSql, parseOrder, placeIn, placeSql, type Place, type Sortable } from './order.ts';

/** What can be asked of a list. */
export interface Searchable {
  readonly fields: Fields;
  readonly columns: Columns;
  readonly sortable: Sortable;
  /** SQL of what is shown, by whether what was deleted is. */
  readonly deleted: Readonly<Record<SearchQuery['deleted'], string>>;
}

/** Which page of a list is wanted, sorted how. */
export type PageWish = Omit<SearchQuery, 'filter'>;

export interface Question {
  readonly projectId: string;
  readonly query: PageWish;
  readonly filter: Filter | undefined;
  readonly only?: (parameter: Parameters) => string;
}

/** The parts of a search's one statement. The statement MUST answer `place` with each row; $1 is the project, $2 the limit. */
export interface SearchSql {
  readonly where: string;
  readonly sorted: string;
  readonly place: string;
}

/** A time as JavaScript writes it: views keep milliseconds. */
export const isoSql = (sql: string): string => `to_char(${sql} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/**
 * A page of what a filter matches, in the wished order.
 *
 * Planned with its values in sight: whether a tag is rare or common decides which index is the right one, and the service's
 * connections plan without the values otherwise.
 *
 * @param filter already read.
 * @param only a further condition, given where its values go.
 * @throws Refused ORDER_MALFORMED, CURSOR_MALFORMED.
 */
export async function search<Row extends object>(
  em: EntityManager,
  { columns, sortable, deleted }: Searchable,
  { projectId, query, filter, only = () => 'true' }: Question,
  statement: (parts: SearchSql) => string,
): Promise<Page<Row>> {
  const order = parseOrder(query.orderBy, sortable);
  const parameter = parameters(projectId, query.limit + 1); // one more than the page holds, to know whether there is a next one
  const conditions = [
    deleted[query.deleted],
    only(parameter),
    conditionOf(filter, columns, parameter),
    query.after === undefined ? 'true' : behindSql(order, placeIn(unpacked(query.after), order, sortable), sortable, parameter),
  ];
  const text = statement({ where: conditions.join(' and '), sorted: orderSql(order, sortable), place: placeSql(order, sortable) });
  const rows = await em.fork().transactional((inner) => {
    const sql = sqlOf(inner, { prepared: false });
    return sql.query('set local plan_cache_mode = force_custom_plan').then(() => sql.query<Row & { place?: Place }>(text, parameter.values));
  });
  const next = rows.length > query.limit ? rows[query.limit - 1]?.place : undefined;
  for (const row of rows) delete row.place;
  return { items: rows.slice(0, query.limit), ...(next ? { next: packed(markOf(order, next)) } : {}) };
}

const packed = (mark: readonly unknown[]): string => Buffer.from(JSON.stringify(mark)).toString('base64url');

function unpacked(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined; // no cursor of ours, which placeIn says
  }
}
