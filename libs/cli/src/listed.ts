import type { Page } from '@vitae/client';
import { print, type Outcome } from './outcome.ts';
import { table, type Column } from './table.ts';
import { sheet } from './terminal.ts';

interface List<Row> {
  /** What is said when there is none. */
  readonly none: string;
  page(limit: number): Promise<Page<Row>>;
  all(): AsyncIterable<Row>;
}

/** How many rows of an endless list are laid out together. */
const AT_ONCE = 200;

/** One page of a list as a table; or all of it, printed as it comes. */
export async function listed<Row extends object>(options: { readonly json?: boolean; readonly all?: boolean; readonly limit: number }, columns: readonly Column<Row>[], list: List<Row>): Promise<Outcome> {
  if (options.all) return everything(options, columns, list);
  const { items, next } = await list.page(options.limit);
  // Whoever reads from a pipe gets rows and nothing else.
  const forPeople = process.stdout.isTTY ? [...(items.length === 0 ? [list.none] : []), ...(next === undefined ? [] : [`There are more than ${options.limit}: --all shows every one, --limit more of them.`])] : [];
  return { ok: true, lines: [...table(columns, items, sheet()), ...forPeople], json: { items, next } };
}

async function everything<Row extends object>(options: { readonly json?: boolean }, columns: readonly Column<Row>[], list: List<Row>): Promise<Outcome> {
  let rows: Row[] = [];
  const flush = (): void => {
    print(options.json ? rows.map((row) => JSON.stringify(row)) : table(columns, rows, sheet()));
    rows = [];
  };
  for await (const row of list.all()) if (rows.push(row) >= AT_ONCE) flush();
  flush();
  return { ok: true, lines: [], json: {}, printed: true };
}
