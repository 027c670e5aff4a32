import { z } from 'zod';

/** `?limit=&after=` of every list: keyset paging by id, so that a page never shifts under its reader. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: z.uuid().optional(),
});
export type PageQuery = z.infer<typeof pageQuery>;

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Id to go on after; absent on the last page. */
  readonly next?: string;
}

/** Of one row more than asked for, the page, and whether another follows. */
export function pageOf<Item extends { readonly id: string }>(rows: readonly Item[], limit: number): Page<Item> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, ...(rows.length > limit && last ? { next: last.id } : {}) };
}
