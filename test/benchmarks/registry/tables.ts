import type { Report } from '../ledger/report.ts';
import { timesAsLong, type Figure } from './side-by-side.ts';

type Cells = readonly string[];

/** One column for each contender in each size: p50 / p95 in milliseconds, the SQL statements in parentheses. */
export function timesTable(figures: readonly Figure[]): { readonly head: Cells; readonly rows: readonly Cells[] } {
  const columns = [...new Map(figures.map(({ name, size }) => [`${name}, ${size}`, { name, size }])).values()];
  const operations = [...new Set(figures.map(({ operation }) => operation))];
  const cell = (operation: string, { name, size }: { readonly name: string; readonly size: string }): string => {
    const found = figures.find((one) => one.operation === operation && one.name === name && one.size === size);
    return found ? `${digits(found.p50)} / ${digits(found.p95)} (${found.statements.work})` : '';
  };
  return { head: ['', ...columns.map(({ name, size }) => `${name}, ${size}`)], rows: operations.map((operation) => [operation, ...columns.map((column) => cell(operation, column))]) };
}

/** How much longer the others take than we do, and how much longer each takes in the last size than in the first. */
export function ratios(report: Report, figures: readonly Figure[], ours: string, sizes: readonly string[]): void {
  const find = (name: string, size: string | undefined, operation: string) => figures.find((one) => one.name === name && one.size === size && one.operation === operation);
  const operations = [...new Set(figures.map(({ operation }) => operation))];
  const others = [...new Set(figures.map(({ name }) => name))].filter((name) => name !== ours);
  if (others.length > 0) {
    const head = ['', ...others.flatMap((other) => sizes.map((size) => `${other}, ${size}`))];
    report.table(`How many times as long as ${ours}: median of the rounds' ratios of p50`, head, operations.map((operation) => [operation, ...others.flatMap((other) => sizes.map((size) => timesAsLong(find(other, size, operation), find(ours, size, operation))))]));
  }
  if (sizes.length < 2) return;
  const names = [ours, ...others];
  report.table(`How many times as long with ${sizes.at(-1)} as with ${sizes[0]}: p50, p95`, ['', ...names], operations.map((operation) => [
    operation,
    ...names.map((name) => [timesAsLong(find(name, sizes.at(-1), operation), find(name, sizes[0], operation)), timesAsLong(find(name, sizes.at(-1), operation), find(name, sizes[0], operation), 'p95s')].map(digits).join(', ')),
  ]));
}

/** As a README has it. */
export const markdown = ({ head, rows }: { readonly head: Cells; readonly rows: readonly Cells[] }): string =>
  [`| ${head.join(' | ')} |`, `|${head.map(() => '---').join('|')}|`, ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n');

export function digits(value: number): string {
  if (Number.isNaN(value)) return '–';
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value >= 10 ? value.toFixed(0) : value.toPrecision(2);
}
