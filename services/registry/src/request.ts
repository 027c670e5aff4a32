import { z } from 'zod';

// The forms that several routes ask for.

/** Text that PostgreSQL can keep: whole characters, and none that ends a string in C. */
export const plainText = z
  .string()
  .refine((value) => value.isWellFormed() && !value.includes('\0'), 'Text has only whole Unicode characters and no null character.');

/** Text of at most so many characters; white space around it does not count. */
export const text = (most: number) => plainText.trim().max(most);

/** What people call a dataset or a model: it stands in addresses, so no slash, colon or control character. */
export const name = plainText
  .trim()
  .min(1)
  .max(256)
  .regex(/^[^/:\x00-\x1f\x7f-\x9f]*$/, 'A name has no slash, colon or control character.');

/** A column's name, exactly as the data spell it. */
export const columnName = z.string().min(1).max(128);

/** Different names, each said once. */
export const names = (most: number) =>
  z
    .array(z.string().min(1).max(128))
    .max(most)
    .refine((list) => new Set(list).size === list.length, 'Name each only once.');

/** `?filter=&orderBy=&limit=&after=&deleted=` of the lists that can be searched. */
export const searchQuery = z.strictObject({
  filter: z.string().max(8_000).default('').describe("Comparisons with AND, OR, NOT and parentheses, e.g. name LIKE 'credit%' AND tags.team = 'risk'."),
  orderBy: z.string().max(500).default('').describe('What to sort by, e.g. updatedAt DESC, name. Without it: in the order of registration.'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: z.string().max(4_000).optional().describe('The `next` of the page before.'),
  deleted: z.enum(['hide', 'show', 'only']).default('hide').describe('Whether what was deleted is shown, too.'),
});
export type SearchQuery = z.infer<typeof searchQuery>;

/** `?deleted=show` of a read by id. */
export const deletedQuery = z.strictObject({ deleted: z.enum(['hide', 'show']).default('hide') });
