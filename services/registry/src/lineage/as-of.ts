import { instant } from '@vitae/service-kit';
import { z } from 'zod';

/** `?asOf=<index of the ledger>` or `?asOf=<RFC 3339 time>`; absent: now. */
export const asOf = z
  .union([z.string().regex(/^\d{1,15}$/).transform(Number), instant], 'expected an index such as 1234, or a time such as 2026-03-03T12:00:00Z')
  .optional()
  .describe('What was true once the ledger had this index, or at this time.');
export type AsOf = z.infer<typeof asOf>;

/** The condition that a row of nodes or edges, named `alias`, held then. Its value, if it has one, is the parameter `at`. */
export function heldThen(alias: string, when: AsOf, at: string): { readonly condition: string; readonly values: readonly unknown[] } {
  if (when === undefined) return { condition: `${alias}.until_at is null`, values: [] };
  if (typeof when === 'string') return { condition: `${alias}.since_at <= ${at}::timestamptz and (${alias}.until_at is null or ${alias}.until_at > ${at}::timestamptz)`, values: [when] };
  return { condition: `${alias}.since_index <= ${at}::bigint and (${alias}.until_index is null or ${alias}.until_index > ${at}::bigint)`, values: [when] };
}
