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
