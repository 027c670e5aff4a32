import { z } from 'zod';
import { columnName, plainText, text } from '../request.ts';
import type { Expectation } from './expectation.ts';

// Each kind asks for what it needs and for nothing else; inside all have one shape.

const common = { name: text(128).min(1), severity: z.enum(['warning', 'error']).default('error') };
const tolerance = z.number().min(0).max(1).default(0).describe('The share of the rows that may fail.');
const column = { column: columnName };
const bounds = { minimum: z.number().optional(), maximum: z.number().optional() };
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional();

interface Bounded {
  readonly kind: string;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
}
const isBounded = (value: object): value is Bounded => 'kind' in value && /range|between/.test(String(value.kind));

const NewExpectation = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('not-null'), ...common, columns: z.array(columnName).min(1).max(256), tolerance }),
    z.strictObject({ kind: z.literal('unique'), ...common, columns: z.array(columnName).min(1).max(16), tolerance }),
    z.strictObject({ kind: z.literal('in-range'), ...common, ...column, ...bounds, tolerance }),
    z.strictObject({ kind: z.literal('in-set'), ...common, ...column, values: z.array(plainText.max(256)).min(1).max(256), tolerance }),
    z.strictObject({ kind: z.literal('matches'), ...common, ...column, pattern: plainText.min(1).max(500), tolerance }),
    z.strictObject({ kind: z.literal('row-count-between'), ...common, minimum: count, maximum: count }),
    z.strictObject({ kind: z.literal('mean-between'), ...common, ...column, ...bounds }),
    z.strictObject({ kind: z.literal('quantile-between'), ...common, ...column, quantile: z.number().min(0).max(1), ...bounds }),
    z.strictObject({ kind: z.literal('fresh'), ...common, ...column, mostDays: z.number().int().min(0).max(36_500) }),
    z.strictObject({ kind: z.literal('columns-present'), ...common, columns: z.array(columnName).min(1).max(256) }),
  ])
  .check(({ value, issues }) => {
    if (!isBounded(value)) return;
    if (value.minimum === undefined && value.maximum === undefined) issues.push({ code: 'custom', message: 'Give minimum, maximum or both.', input: value });
    else if ((value.minimum ?? -Infinity) > (value.maximum ?? Infinity)) issues.push({ code: 'custom', message: 'The minimum is above the maximum.', input: value, path: ['minimum'] });
  });
type NewExpectation = z.infer<typeof NewExpectation>;

/** They have to fit into an event. */
const MOST_CHARACTERS = 256 * 1024;

export const NewExpectations = z.strictObject({
  onFailure: z.enum(['note', 'quarantine']).default('note'),
  expectations: z
    .array(NewExpectation)
    .max(200)
    .refine((list) => new Set(list.map((one) => one.name)).size === list.length, 'Name each only once.')
    .refine((list) => JSON.stringify(list).length <= MOST_CHARACTERS, `At most ${MOST_CHARACTERS} characters in all.`),
});

export function expectationOf(said: NewExpectation): Expectation {
  const columns = 'columns' in said ? said.columns : 'column' in said ? [said.column] : [];
  const { name, kind, severity } = said;
  return {
    name,
    kind,
    severity,
    columns,
    values: 'values' in said ? said.values : [],
    pattern: 'pattern' in said ? said.pattern : '',
    mostDays: 'mostDays' in said ? said.mostDays : 0,
    tolerance: 'tolerance' in said ? said.tolerance : 0,
    ...('minimum' in said && said.minimum !== undefined ? { minimum: said.minimum } : {}),
    ...('maximum' in said && said.maximum !== undefined ? { maximum: said.maximum } : {}),
    ...('quantile' in said ? { quantile: said.quantile } : {}),
  };
}

/** As it is shown and could be sent again: only what its kind has. */
export function shownExpectation({ name, kind, severity, columns, values, pattern, mostDays, tolerance, minimum, maximum, quantile }: Expectation): object {
  const many = kind === 'not-null' || kind === 'unique' || kind === 'columns-present';
  return {
    name,
    kind,
    severity,
    ...(columns.length === 0 ? {} : many ? { columns } : { column: columns[0] }),
    ...(kind === 'in-set' ? { values } : {}),
    ...(kind === 'matches' ? { pattern } : {}),
    ...(kind === 'fresh' ? { mostDays } : {}),
    ...(tolerance === 0 ? {} : { tolerance }),
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
    ...(quantile === undefined ? {} : { quantile }),
  };
}
