import { canonicalJson } from '@vitae/contracts';
import type { Json } from '../json.ts';

/** One place at which two JSON values differ. What is not there is left out. */
export interface JsonChange {
  /** JSON pointer; empty is the whole. */
  readonly path: string;
  readonly from?: Json;
  readonly to?: Json;
}

/** Where two JSON values differ, name by name; lists are compared as a whole. */
export function jsonChanges(from: Json | undefined, to: Json | undefined, path = ''): readonly JsonChange[] {
  if (from === undefined || to === undefined) return from === to ? [] : [{ path, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }];
  if (isObject(from) && isObject(to)) {
    const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
    return names.flatMap((name) => jsonChanges(own(from, name), own(to, name), `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`));
  }
  return canonicalJson(from) === canonicalJson(to) ? [] : [{ path, from, to }];
}

type JsonObject = { readonly [name: string]: Json };
const isObject = (value: Json): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);
const own = (of: JsonObject, name: string): Json | undefined => (Object.hasOwn(of, name) ? of[name] : undefined);
