import serialize from 'canonicalize';

/**
 * The one way Vitae writes JSON that will be hashed or stored: RFC 8785 (JCS).
 * Keys are sorted, numbers take their shortest form, no white space: equal values give equal bytes.
 * Throws TypeError for what JSON cannot say (undefined, functions, NaN, infinities).
 */
export function canonicalJson(value: unknown): string {
  const text = serialize(value);
  if (text === undefined) throw new TypeError('a value without a JSON form cannot be written canonically');
  return text;
}
