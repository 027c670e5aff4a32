import { indexOf, type HistoryItem } from './history-item.ts';
import { NOTHING, withEvent, type Fields, type Json, type StreamState } from './stream-state.ts';

/** A field that is not at the end what it was at the beginning. */
export interface Change {
  /** JSON pointer into the state document: `/title`, `/variants/0199…/reason`. */
  readonly path: string;
  /** Absent: it did not exist. */
  readonly old?: Json;
  /** Absent: it exists no longer. */
  readonly new?: Json;
  /** Index of the event that made it so. */
  readonly index: number;
}

/**
 * What differs between the state after the events up to `from` and the one after those up to `to`, both counted. What
 * changed and changed back does not differ. A message is compared field by field, a list as a whole.
 * @param items all of the stream's events up to `to`, in order.
 */
export function changesBetween(items: readonly HistoryItem[], from: number): readonly Change[] {
  const before = items.filter((item) => indexOf(item) <= from).reduce(withEvent, NOTHING);
  const after = items.filter((item) => indexOf(item) > from).reduce(withEvent, before);
  return [...changed('', before.fields, after.fields), ...parts(after).flatMap(([path, fields, find]) => changed(path, find(before), fields))];
}

function parts({ parts: collections }: StreamState): [string, Fields, (state: StreamState) => Fields][] {
  return Object.entries(collections).flatMap(([collection, byId]) =>
    Object.entries(byId).map(([id, fields]): [string, Fields, (state: StreamState) => Fields] => [
      `/${step(collection)}/${step(id)}`,
      fields,
      (state) => state.parts[collection]?.[id] ?? {},
    ]),
  );
}

/** Fields are only ever said anew, never taken away; within a message they may be. */
function changed(path: string, before: Fields, after: Fields): Change[] {
  return Object.entries(after).flatMap(([name, { value, index }]) => differences(`${path}/${step(name)}`, before[name]?.value, value, index));
}

function differences(path: string, old: Json | undefined, now: Json | undefined, index: number): Change[] {
  if (same(old, now)) return [];
  if (isObject(old) && isObject(now)) {
    return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap((name) => differences(`${path}/${step(name)}`, old[name], now[name], index));
  }
  return [{ path, ...(old === undefined ? {} : { old }), ...(now === undefined ? {} : { new: now }), index }];
}

const step = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

const isObject = (value: Json | undefined): value is { readonly [name: string]: Json } => typeof value === 'object' && value !== null && !Array.isArray(value);

function same(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((value, i) => same(value as Json, b[i] as Json));
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => name in b && same(a[name], b[name]));
}
