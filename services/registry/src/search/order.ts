import { Refused } from '@vitae/event-store';
import { z } from 'zod';
import type { Parameters } from './condition.ts';

/** What a list can be sorted by: SQL that is never null, its type, and other names it goes by. */
export type Sortable = Readonly<Record<string, { readonly sql: string; readonly type: 'text' | 'integer' | 'timestamptz' | 'uuid'; readonly also?: readonly string[] }>>;

export interface Order {
  /** One key or more; the last one tells any two rows apart. */
  readonly keys: readonly { readonly key: string; readonly direction: 'asc' | 'desc' }[];
}

/** Where a page ended: the sort values of its last row. */
export type Place = readonly (string | number)[];

/**
 * Reads `updatedAt DESC, name`. The id is added as the last key, in ascending order, so that pages are stable.
 * @throws Refused ORDER_MALFORMED.
 */
export function parseOrder(source: string, sortable: Sortable): Order {
  const keys: { key: string; direction: 'asc' | 'desc' }[] = [];
  for (const [i, part] of (source.trim() === '' ? [] : source.split(',')).entries()) {
    const [, said, direction = 'asc'] = /^\s*`?(?:attributes?\.)?`?(\w+)`?(?:\s+(asc|desc))?\s*$/i.exec(part) ?? [];
    const key = Object.entries(sortable).find(([name, { also = [] }]) => said !== undefined && (name === said || also.includes(said)))?.[0];
    if (key === undefined) throw orderMalformed(`part ${i + 1} is ${JSON.stringify(part.trim().slice(0, 50))}; there are ${Object.keys(sortable).join(', ')}, each with ASC or DESC after it`);
    if (keys.some((one) => one.key === key)) throw orderMalformed(`${key} is in it twice`);
    keys.push({ key, direction: direction.toLowerCase() as 'asc' | 'desc' });
  }
  return { keys: keys.some(({ key }) => key === 'id') ? keys : [...keys, { key: 'id', direction: 'asc' }] };
}

export const orderSql = ({ keys }: Order, sortable: Sortable): string => keys.map(({ key, direction }) => `${sortable[key]?.sql} ${direction}`).join(', ');

/** SQL of a row's place, as a jsonb array; timestamps keep all their digits. */
export const placeSql = ({ keys }: Order, sortable: Sortable): string => `jsonb_build_array(${keys.map(({ key }) => sortable[key]?.sql).join(', ')})`;

/** SQL that is true for the rows behind a place. The first condition is there for the index: it is a range, the rest is not. */
export function behindSql({ keys }: Order, place: Place, sortable: Sortable, parameter: Parameters): string {
  const at = keys.map(({ key, direction }, i) => {
    const { sql, type } = sortable[key] ?? { sql: '', type: 'text' };
    return { sql, behind: direction === 'asc' ? '>' : '<', value: `${parameter(place[i])}::${type}` };
  });
  const cases = at.map(({ sql, behind, value }, i) => [...at.slice(0, i).map((before) => `${before.sql} = ${before.value}`), `${sql} ${behind} ${value}`].join(' and '));
  return `(${at[0]?.sql} ${at[0]?.behind}= ${at[0]?.value} and (${cases.map((one) => `(${one})`).join(' or ')}))`;
}

const named = ({ keys }: Order): string => keys.map(({ key, direction }) => `${key} ${direction}`).join(',');

/** A place together with the order it is a place in. It holds no secret: whoever changes it gets another page of what he may see anyway. */
export const markOf = (order: Order, place: Place): readonly unknown[] => [named(order), ...place];

const PLACES = {
  text: z.string().refine((value) => value.isWellFormed() && !value.includes('\0')),
  integer: z.int32(),
  // Of a year that PostgreSQL knows as well.
  timestamptz: z.iso.datetime({ offset: true }).regex(/^2/),
  uuid: z.uuid(),
};

/** @throws Refused CURSOR_MALFORMED: also when the page before was sorted otherwise. */
export function placeIn(mark: unknown, order: Order, sortable: Sortable): Place {
  const [sorted, ...place]: readonly unknown[] = Array.isArray(mark) ? mark : [];
  if (sorted !== named(order) || place.length !== order.keys.length) throw cursorMalformed();
  return order.keys.map(({ key }, i) => {
    const parsed = PLACES[sortable[key]?.type ?? 'text'].safeParse(place[i]);
    if (!parsed.success) throw cursorMalformed();
    return parsed.data;
  });
}

const orderMalformed = (fault: string): Refused => new Refused('ORDER_MALFORMED', `orderBy cannot be read: ${fault}. It looks like updatedAt DESC, name.`, 422);

const cursorMalformed = (): Refused =>
  new Refused('CURSOR_MALFORMED', 'after is not what a page of this list gave as its next, sorted as now. Begin without it, or keep orderBy as it was.', 422);
