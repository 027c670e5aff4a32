import type { EntityManager } from '@mikro-orm/postgresql';
import { Refused } from '@vitae/event-store';
import { instant, sqlOf, type Page } from '@vitae/service-kit';
import { z } from 'zod';
import type { SortKey } from './sort-key.ts';
import { parameters, type Parameters } from './condition.ts';

const VALUES = {
  text: z.string().refine((value) => value.isWellFormed() && !value.includes('\0')),
  bigint: z.int(),
  float8: z.union([z.number(), z.enum(['Infinity', '-Infinity', 'NaN'])]),
  uuid: z.uuid(),
  timestamptz: instant.regex(/^[12]/),
};

/**
 * One page, in the order of the keys; `next` is the place of its last row, so that rows which come or go meanwhile move no
 * other. A place holds for the same order only.
 * @param first the statement's first parameters.
 * @throws Refused CURSOR_MALFORMED.
 */
export async function keysetPage<Row extends object>(
  em: EntityManager,
  { first, keys, limit, after }: { readonly first: readonly unknown[]; readonly keys: (parameter: Parameters) => readonly SortKey[]; readonly limit: number; readonly after: string },
  statement: (parameter: Parameters) => { readonly select: string; readonly from: string; readonly where: string },
): Promise<Page<Row>> {
  const parameter = parameters(...first);
  const order = keys(parameter);
  const named = order.map(({ type, direction }) => `${type} ${direction}`).join(','); // the SQL has parameters in it, which are no part of a place
  const { select, from, where } = statement(parameter);
  const behind = after === '' ? 'true' : behindSql(order, placeIn(after, named, order), parameter);
  const sorted = order.map(({ sql, direction }) => `${sql} ${direction}`).join(', ');
  const place = `jsonb_build_array(${order.map(({ sql }) => sql).join(', ')})`;
  const text = `select ${select}, ${place} as place from ${from} where ${where} and ${behind} order by ${sorted} limit ${parameter(limit + 1)}`;
  const rows = await em.fork().transactional(async (inner) => {
    const sql = sqlOf(inner, { prepared: false });
    await sql.query('set local plan_cache_mode = force_custom_plan'); // whether a value is rare decides which index is right
    return sql.query<Row & { place?: readonly unknown[] }>(text, parameter.values);
  });
  const last = rows.length > limit ? rows[limit - 1]?.place : undefined;
  for (const row of rows) delete row.place;
  return { items: rows.slice(0, limit), ...(last ? { next: Buffer.from(JSON.stringify([named, ...last])).toString('base64url') } : {}) };
}

function behindSql(order: readonly SortKey[], place: readonly unknown[], parameter: Parameters): string {
  const at = order.map(({ sql, type, direction }, i) => ({ sql, behind: direction === 'asc' ? '>' : '<', value: `${parameter(place[i])}::${type}` }));
  const cases = at.map(({ sql, behind, value }, i) => [...at.slice(0, i).map((before) => `${before.sql} = ${before.value}`), `${sql} ${behind} ${value}`].join(' and '));
  return `(${cases.map((one) => `(${one})`).join(' or ')})`;
}

function placeIn(cursor: string, named: string, order: readonly SortKey[]): readonly unknown[] {
  const [sorted, ...place]: readonly unknown[] = listIn(cursor);
  if (sorted !== named || place.length !== order.length) throw cursorMalformed();
  return order.map(({ type }, i) => {
    const parsed = VALUES[type].safeParse(place[i]);
    if (!parsed.success) throw cursorMalformed();
    return parsed.data;
  });
}

function listIn(cursor: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return []; // none of ours, which placeIn says
  }
}

const cursorMalformed = (): Refused => new Refused('CURSOR_MALFORMED', 'Invalid page token: it is not what a page of this list gave, sorted as now. Begin without it.', 422);
