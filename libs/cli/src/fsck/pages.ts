/** All pages of a read by key, in order: `read` gives those behind a row, an empty page at the end. One page is read ahead. */
export async function* pages<Row>(read: (after: Row | undefined) => Promise<Row[]>): AsyncGenerator<readonly Row[]> {
  let next = read(undefined);
  for (;;) {
    const page = await next;
    if (page.length === 0) return;
    next = read(page.at(-1));
    next.catch(() => undefined); // awaited above, unless the reader stops before
    yield page;
  }
}
