export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

const DEEPEST = 32;

/**
 * Why a value that came out of JSON cannot be kept: whoever reads it later walks through it, hashes it, and puts it into PostgreSQL.
 * Undefined when nothing is wrong.
 */
export function jsonFault(value: unknown): string | undefined {
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEEPEST) return `Nested more than ${DEEPEST} deep.`;
    const next: unknown[] = [];
    for (const one of level) {
      if (typeof one === 'number' && !Number.isFinite(one)) return 'A number is too large.';
      if (typeof one === 'string' && !isPlain(one)) return PLAIN;
      if (typeof one !== 'object' || one === null) continue;
      if (!Array.isArray(one) && !Object.keys(one).every(isPlain)) return PLAIN;
      for (const inner of Object.values(one)) next.push(inner);
    }
    level = next;
  }
  return undefined;
}

const PLAIN = 'Text has only whole Unicode characters and no null character.';
const isPlain = (text: string): boolean => text.isWellFormed() && !text.includes('\0');

/** What a text says as JSON; undefined when it is none that can be kept. */
export function jsonOf(text: string | undefined): Json | undefined {
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Json;
    return jsonFault(value) === undefined ? value : undefined;
  } catch {
    return undefined;
  }
}
