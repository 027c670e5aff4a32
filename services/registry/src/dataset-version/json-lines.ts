import { refuse } from './refusals.ts';

/** Longest line, in bytes. */
export const MAX_LINE_BYTES = 1024 * 1024;
/** How deep values may be nested. */
export const MAX_DEPTH = 32;

const [QUOTE, BACKSLASH, NEWLINE, SPACE, TAB, RETURN, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [0x22, 0x5c, 0x0a, 0x20, 0x09, 0x0d, 0x7b, 0x7d, 0x5b, 0x5d];

/**
 * Looks at JSON lines byte by byte, before a parser does: every line an object, none too long, none nested too deep. Whether it
 * is JSON at all is for the parser. Give it the file's bytes in order.
 * @throws Refused DATASET_UNREADABLE, naming the line.
 */
export function lineGuard(): (bytes: Uint8Array) => void {
  let line = 1;
  let length = 0;
  let depth = 0;
  let inText = false;
  let escaped = false;
  let begun = false;
  return (bytes) => {
    for (const byte of bytes) {
      if (byte === NEWLINE) {
        line += 1;
        length = depth = 0;
        inText = escaped = begun = false;
        continue;
      }
      length += 1;
      if (length > MAX_LINE_BYTES) throw unreadable(line, `is longer than ${MAX_LINE_BYTES} bytes`);
      if (inText) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inText = false;
      } else if (byte === QUOTE) {
        inText = true;
      } else if (byte === OPEN || byte === OPEN_LIST) {
        depth += 1;
        if (depth > MAX_DEPTH) throw unreadable(line, `is nested more than ${MAX_DEPTH} deep`);
      } else if (byte === CLOSE || byte === CLOSE_LIST) {
        depth -= 1;
      }
      if (begun || byte === SPACE || byte === TAB || byte === RETURN) continue;
      begun = true;
      if (byte !== OPEN) throw unreadable(line, 'is no JSON object');
    }
  };
}

/**
 * The type of a column, out of the types of its values as DuckDB's `json_type` names them. Nothing is guessed: what stands in
 * quotes is text, whatever it looks like; numbers are whole or not; objects and lists are kept as JSON text.
 * @returns undefined when the values are of kinds that have no type in common.
 */
export function typeOfValues(kinds: readonly string[], beyondBigint: boolean): 'BIGINT' | 'DOUBLE' | 'BOOLEAN' | 'VARCHAR' | 'JSON' | undefined {
  const found = new Set(kinds.filter((kind) => kind !== 'NULL').map((kind) => FAMILIES[kind] ?? kind));
  const [only, ...others] = found;
  if (only === undefined) return 'VARCHAR';
  if (others.length > 0) return [...found].every((family) => family === 'whole' || family === 'fraction') ? 'DOUBLE' : undefined;
  switch (only) {
    case 'whole':
      return beyondBigint ? 'DOUBLE' : 'BIGINT';
    case 'fraction':
      return 'DOUBLE';
    case 'nested':
      return 'JSON';
    default:
      return only === 'BOOLEAN' ? 'BOOLEAN' : 'VARCHAR';
  }
}

const FAMILIES: Readonly<Record<string, string>> = { UBIGINT: 'whole', BIGINT: 'whole', DOUBLE: 'fraction', OBJECT: 'nested', ARRAY: 'nested' };

/** @param firsts the first line of each kind. */
export const mixedColumn = (name: string, firsts: readonly { readonly kind: string; readonly line: number }[]): Error =>
  refuse('DATASET_UNREADABLE', `The values of ${name} are of different kinds: ${firsts.map(({ kind, line }) => `${WORDS[kind] ?? kind} in row ${line}`).join(', ')}. Give a column values of one kind, or null, and upload the file again.`);

const WORDS: Readonly<Record<string, string>> = { UBIGINT: 'a whole number', BIGINT: 'a whole number', DOUBLE: 'a number', VARCHAR: 'text', BOOLEAN: 'true or false', OBJECT: 'an object', ARRAY: 'a list' };

/** @param line 0 when it is not known. */
export const brokenLine = (line: number): Error => (line > 0 ? unreadable(line, 'is no JSON') : refuse('DATASET_UNREADABLE', 'A line of the JSON lines is no JSON. Correct the file and upload it again.'));

const unreadable = (line: number, fault: string): Error => refuse('DATASET_UNREADABLE', `Line ${line} of the JSON lines ${fault}. JSON lines have one JSON object in each line, in UTF-8. Correct the file and upload it again.`);
