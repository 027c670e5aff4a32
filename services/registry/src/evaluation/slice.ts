import type { CastName, FeedColumn } from './feed.ts';

/** Rows in which a column has a value, or a number in a band (`from` inclusive, `below` exclusive). No other language than this. */
export type Slice = { readonly name: string; readonly column: string } & (
  | { readonly equals: string }
  | { readonly from?: number | undefined; readonly below?: number | undefined }
);

/** How a slice's column leaves the file. */
export const castOf = (slice: Slice): CastName => ('equals' in slice ? 'VARCHAR' : 'DOUBLE');

/** Whether a row belongs to it, by its value as it was cast. An empty value belongs to no slice but the one of ''. */
export function belongs(slice: Slice, value: unknown): boolean {
  if ('equals' in slice) return (value === null ? '' : String(value)) === slice.equals;
  return typeof value === 'number' && value >= (slice.from ?? -Infinity) && value < (slice.below ?? Infinity);
}

/** What is wrong with a slice for these data; undefined when nothing is. */
export function sliceFault(slice: Slice, columns: readonly FeedColumn[]): string | undefined {
  const column = columns.find(({ name }) => name === slice.column);
  if (!column) return `${slice.name} needs the column ${slice.column}, which the data do not have`;
  if (!('equals' in slice) && column.kind !== 'numeric') return `${slice.name} is a band of ${slice.column}, which is ${column.dataType} and not numeric`;
  return undefined;
}
