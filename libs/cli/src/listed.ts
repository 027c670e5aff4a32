import type { Page } from '@vitae/client';
import type { ApiOptions } from './api.ts';
import { print, type Outcome } from './outcome.ts';
import { namesIn } from './people.ts';
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
export async function listed<Row extends object>(options: ApiOptions & { readonly json?: boolean; readonly all?: boolean; readonly limit: number }, columns: readonly Column<Row>[], list: List<Row>): Promise<Outcome> {
  if (options.all) return everything(options, columns, list);
  const { items, next } = await list.page(options.limit);
  // Whoever reads from a pipe gets rows and nothing else.
  const forPeople = process.stdout.isTTY ? [...(items.length === 0 ? [list.none] : []), ...(next === undefined ? [] : [`There are more than ${options.limit}: --all shows every one, --limit more of them.`])] : [];
  return { ok: true, lines: [...(options.json ? [] : await laidOut(options, columns, items)), ...forPeople], json: { items, next } };
}

async function everything<Row extends object>(options: ApiOptions & { readonly json?: boolean }, columns: readonly Column<Row>[], list: List<Row>): Promise<Outcome> {
  let rows: Row[] = [];
  const flush = async (): Promise<void> => {
    print(options.json ? rows.map((row) => JSON.stringify(row)) : await laidOut(options, columns, rows));
    rows = [];
  };
  for await (const row of list.all()) if (rows.push(row) >= AT_ONCE) await flush();
  await flush();
  return { ok: true, lines: [], json: {}, printed: true };
}

/** A column is as wide as the names in it, so these are known first. */
async function laidOut<Row>(options: ApiOptions, columns: readonly Column<Row>[], rows: readonly Row[]): Promise<string[]> {
  const cells = rows.flatMap((row) => columns.map(({ of }) => String(of(row) ?? '')));
  return table(columns, rows, { ...sheet(), reads: await namesIn(options, cells) });
}
