import { SEAL } from '@vitae/keyring';

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Where in a value sealed texts stand, as JSON pointers (RFC 6901). */
export function sealedPlaces(value: unknown, at = ''): readonly string[] {
  if (typeof value === 'string') return value.includes(SEAL) ? [at] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value as { readonly [name: string]: Json }).flatMap(([name, field]) => sealedPlaces(field, `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`));
}

/** What a JSON pointer leads to; undefined when it leads nowhere. */
export function valueAt(value: unknown, pointer: string): unknown {
  const steps = pointer.split('/').slice(1);
  return steps.reduce((inside, step) => (typeof inside === 'object' && inside !== null ? (inside as Record<string, unknown>)[step.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined), value);
}
