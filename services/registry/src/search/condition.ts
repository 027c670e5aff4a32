import type { Comparison, Filter } from './filter.ts';

/** Collects the values of one statement; answers the parameter that stands for each. */
export interface Parameters {
  readonly values: unknown[];
  (value: unknown): string;
}

export function parameters(...first: readonly unknown[]): Parameters {
  const values: unknown[] = [...first];
  return Object.assign((value: unknown) => `$${values.push(value)}`, { values });
}

/** Where the SQL of a list finds what a filter compares. */
export interface Columns {
  /** SQL of a field, never null. */
  readonly field: (name: string) => string;
  /** SQL of the jsonb object of tags, never null. */
  readonly tags: string;
  /** For a field that is a set: SQL that is true when `is` holds for a member, given the member's SQL. */
  readonly anyOf: Readonly<Record<string, (is: (member: string) => string) => string>>;
}

/**
 * A filter as a SQL condition that is true or false, never null, so that NOT means what it says. What the filter compares
 * with goes into parameters; nothing of it becomes SQL text.
 */
export function conditionOf(filter: Filter | undefined, columns: Columns, parameter: Parameters): string {
  if (!filter) return 'true';
  switch (filter.is) {
    case 'all':
      return `(${filter.of.map((one) => conditionOf(one, columns, parameter)).join(' and ')})`;
    case 'any':
      return `(${filter.of.map((one) => conditionOf(one, columns, parameter)).join(' or ')})`;
    case 'not':
      return `not (${conditionOf(filter.of, columns, parameter)})`;
    case 'comparison':
      return compared(filter, columns, parameter);
  }
}

function compared(comparison: Comparison, columns: Columns, parameter: Parameters): string {
  const { key, operator, values } = comparison;
  if (key.is === 'tag') return tagged(key.key, comparison, columns.tags, parameter);
  const set = columns.anyOf[key.name];
  if (!set) return compare(columns.field(key.name), comparison, parameter);
  // Of a set, `!=` says that no member is equal.
  return operator === '!=' ? `not ${set((member) => `${member} = ${parameter(values[0])}`)}` : set((member) => compare(member, comparison, parameter));
}

/** As MLflow has it: whoever lacks the tag is not matched, by `!=` neither. NOT tags.k = 'v' matches those, too. */
function tagged(key: string, comparison: Comparison, tags: string, parameter: Parameters): string {
  // The index knows containment only.
  if (comparison.operator === '=') return `${tags} @> ${parameter(JSON.stringify({ [key]: comparison.values[0] }))}::jsonb`;
  return `coalesce(${compare(`(${tags} ->> ${parameter(key)}::text)`, comparison, parameter)}, false)`;
}

function compare(sql: string, { operator, values }: Comparison, parameter: Parameters): string {
  const numbers = typeof values[0] === 'number';
  if (operator === 'IN') return `${sql} = any(${parameter(values)}::${numbers ? 'bigint' : 'text'}[])`;
  return `${sql} ${operator === '!=' ? '<>' : operator.toLowerCase()} ${parameter(values[0])}${numbers ? '::bigint' : '::text'}`;
}
