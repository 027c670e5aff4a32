import { z } from 'zod';

/** How much of a list, and after which item. */
export const Page = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: z.uuid().optional(),
});

/** A page of a list that was asked for with one item more than wanted: that one tells whether there is a next page. */
export function pageOf<Item extends { readonly id: string }>(found: readonly Item[], limit: number): { items: readonly Item[]; next?: string } {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return found.length > limit && last ? { items, next: last.id } : { items };
}
