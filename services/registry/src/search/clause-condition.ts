import type { Clause } from './clauses.ts';
import type { Parameters } from './condition.ts';

/** Where the SQL of a list finds what a clause speaks of. */
export interface ClauseColumns {
  /** SQL of an attribute; null where a row has none. */
  readonly attribute: (name: string) => string;
  /** SQL of jsonb objects, never null. */
  readonly tags: string;
  readonly params: string;
  /** SQL that is true when a metric of that key is as `is` says, given the SQL of its value. */
  readonly metric?: (key: string, is: (value: string) => string) => string;
  /** The same for any dataset that was read; `what` is name, digest or context. */
  readonly dataset?: (what: string, is: (value: string) => string) => string;
}

/** Clauses as one SQL condition, never null. What they compare with goes into parameters; nothing of it becomes SQL text. */
export const clausesSql = (clauses: readonly Clause[], columns: ClauseColumns, parameter: Parameters): string =>
  clauses.length === 0 ? 'true' : `(${clauses.map((clause) => `(${clauseSql(clause, columns, parameter)})`).join(' and ')})`;

function clauseSql(clause: Clause, columns: ClauseColumns, parameter: Parameters): string {
  const { entity, key } = clause;
  switch (entity) {
    case 'attribute':
      return `coalesce(${compared(columns.attribute(key), clause, parameter)}, false)`;
    case 'tag':
      return inObject(columns.tags, clause, parameter);
    case 'param':
      return inObject(columns.params, clause, parameter);
    case 'metric':
      // PostgreSQL counts NaN as the greatest number; nothing is greater or less than it.
      return columns.metric?.(parameter(key), (value) => `${value} <> 'NaN' and ${compared(value, clause, parameter)}`) ?? 'false';
    case 'dataset':
      return columns.dataset?.(key, (value) => compared(value, clause, parameter)) ?? 'false';
  }
}

function inObject(object: string, clause: Clause, parameter: Parameters): string {
  const { key, operator, values } = clause;
  // The index knows containment only.
  if (operator === '=') return `${object} @> ${parameter(JSON.stringify({ [key]: values[0] }))}::jsonb`;
  return `coalesce(${compared(`(${object} ->> ${parameter(key)}::text)`, clause, parameter)}, false)`;
}

function compared(sql: string, { operator, values }: Clause, parameter: Parameters): string {
  if (operator === 'IS NULL' || operator === 'IS NOT NULL') return `${sql} ${operator.toLowerCase()}`;
  if (operator === 'IN') return `${sql} = any(${parameter(values)}::text[])`;
  if (operator === 'NOT IN') return `${sql} <> all(${parameter(values)}::text[])`;
  const numeric = typeof values[0] === 'number';
  return `${sql} ${operator === '!=' ? '<>' : operator.toLowerCase()} ${parameter(values[0])}${numeric ? '::float8' : '::text'}`;
}
