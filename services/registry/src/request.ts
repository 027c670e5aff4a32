import { z } from 'zod';

// The forms that several routes ask for.

/** Text of at most so many characters; white space around it does not count. */
export const text = (most: number) => z.string().trim().max(most);

/** What people call a dataset or a model: it stands in addresses, so no slash, colon or control character. */
export const name = z
  .string()
  .trim()
  .min(1)
  .max(256)
  .regex(/^[^/:\p{Cc}]*$/u, 'A name has no slash, colon or control character.');

/** A column's name, exactly as the data spell it. */
export const columnName = z.string().min(1).max(128);

/** Different names, each said once. */
export const names = (most: number) =>
  z
    .array(z.string().min(1).max(128))
    .max(most)
    .refine((list) => new Set(list).size === list.length, 'Name each only once.');

/** One page of a list: items after the one with this id, in order of id. */
export const page = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: z.uuid().optional(),
});
export type Page = z.infer<typeof page>;

/** The page's answer; `next` is what to send as `after` for the next one, and is missing on the last. */
export function pageOf<Row extends { readonly id: string }>(rows: readonly Row[], limit: number): { items: readonly Row[]; next?: string } {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return rows.length > limit && last ? { items, next: last.id } : { items };
}
