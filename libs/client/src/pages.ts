/** A page of a list, as every list of Vitae answers. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** Where the next page begins; absent on the last one. */
  readonly next?: string | undefined;
}

/** All items, page after page; the next page is asked for when it is needed. Rows that come or change meanwhile move no other row. */
export async function* everyItem<Item>(page: (after: string | undefined) => Promise<Page<Item>>): AsyncGenerator<Item, void, void> {
  let after: string | undefined;
  do {
    const { items, next } = await page(after);
    yield* items;
    after = next;
  } while (after !== undefined);
}
