// What somebody expects of a dataset's data, and the question to the data that tells whether it holds.

export const EXPECTATION_KINDS = ['not-null', 'unique', 'in-range', 'in-set', 'matches', 'row-count-between', 'mean-between', 'quantile-between', 'fresh', 'columns-present'] as const;
export type ExpectationKind = (typeof EXPECTATION_KINDS)[number];

export interface Expectation {
  /** Unique among those of the dataset. */
  readonly name: string;
  readonly kind: ExpectationKind;
  readonly columns: readonly string[];
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  /** in-set: what is allowed. */
  readonly values: readonly string[];
  /** matches: RE2, for the whole value. */
  readonly pattern: string;
  /** quantile-between: which, 0 to 1. */
  readonly quantile?: number | undefined;
  /** fresh: how old the newest value may be. */
  readonly mostDays: number;
  /** Share of the rows that may fail. */
  readonly tolerance: number;
  readonly severity: 'warning' | 'error';
}

/** What the data hold: type by column name, as DuckDB names types. */
export type Types = ReadonlyMap<string, string>;
export const NUMERIC = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*)$/;

/** Why an expectation cannot be judged, which counts as not met. */
export type Fault = 'column-missing' | 'not-numeric' | 'not-a-time' | 'no-values';

/** A question to the table `content` whose one row is (rows checked, rows that fail, what was observed or null), or why there is none. */
export type Question = { readonly sql: string } | { readonly fault: Fault } | { readonly holds: true };

export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** @param now the moment, RFC 3339, against which ages are told. */
export function questionOf(expectation: Expectation, types: Types, now: string): Question {
  const { kind, columns } = expectation;
  if (columns.some((name) => !types.has(name))) return { fault: 'column-missing' };
  if (kind === 'columns-present') return { holds: true };
  if (kind === 'row-count-between') return { sql: 'select count(*), 0, cast(count(*) as double) from content' };
  const names = columns.map(identifier);
  const column = names[0] ?? '';
  const text = `cast(${column} as varchar)`;
  const numeric = NUMERIC.test(types.get(columns[0] ?? '') ?? '');
  switch (kind) {
    case 'not-null':
      return { sql: `select count(*), count(*) filter (where ${names.map((name) => `${name} is null`).join(' or ')}), null from content` };
    case 'unique':
      return { sql: `select coalesce(sum(n), 0), coalesce(sum(n) filter (where n > 1), 0), null from (select count(*) as n from content where ${names.map((name) => `${name} is not null`).join(' and ')} group by ${names.join(', ')})` };
    case 'in-set':
      return { sql: failing(column, `${text} not in (${expectation.values.map(literal).join(', ')})`) };
    case 'matches':
      return { sql: failing(column, `not regexp_full_match(${text}, ${literal(expectation.pattern)})`) };
    case 'in-range':
      // NaN is more than everything to DuckDB, and in no range to us.
      return numeric ? { sql: failing(column, `isnan(cast(${column} as double)) or not (${within(`cast(${column} as double)`, expectation)})`) } : { fault: 'not-numeric' };
    case 'mean-between':
      return numeric ? { sql: ofFinite(column, 'avg(x)') } : { fault: 'not-numeric' };
    case 'quantile-between':
      return numeric ? { sql: ofFinite(column, `quantile_cont(x, ${decimal(expectation.quantile ?? 0.5)})`) } : { fault: 'not-numeric' };
    case 'fresh':
      return numeric ? { fault: 'not-a-time' } : { sql: `select count(${column}), count(*) filter (where ${column} is not null and try_cast(${column} as timestamptz) is null), date_diff('second', max(try_cast(${column} as timestamptz)), ${literal(now)}::timestamptz) / 86400.0 from content` };
  }
}

const failing = (column: string, fails: string): string => `select count(${column}), count(*) filter (where ${column} is not null and (${fails})), null from content`;
const ofFinite = (column: string, aggregate: string): string => `select count(*), 0, ${aggregate} from (select cast(${column} as double) as x from content) where isfinite(x)`;
/** As SQL reads a double, whole numbers too. */
const decimal = (value: number): string => `cast('${value}' as double)`;

function within(value: string, { minimum, maximum }: Pick<Expectation, 'minimum' | 'maximum'>): string {
  const bounds = [...(minimum === undefined ? [] : [`${value} >= ${decimal(minimum)}`]), ...(maximum === undefined ? [] : [`${value} <= ${decimal(maximum)}`])];
  return bounds.join(' and ') || 'true';
}
