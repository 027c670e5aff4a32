/** What somebody calls a model or a dataset: its id, or its name. */
export type Named = { readonly by: 'id'; readonly id: string } | { readonly by: 'name'; readonly name: string };

/** What somebody calls a version: its id, `credit/3`, `credit@champion`, or `credit` for the newest one. */
export type VersionNamed =
  | { readonly by: 'id'; readonly id: string }
  | { readonly by: 'number'; readonly of: Named; readonly version: number }
  | { readonly by: 'alias'; readonly of: Named; readonly alias: string }
  | { readonly by: 'newest'; readonly of: Named };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A name that looks like an id counts as an id. */
export function parseName(text: string): Named {
  return UUID.test(text) ? { by: 'id', id: text.toLowerCase() } : { by: 'name', name: text };
}

/** Names hold no slash, so the number stands behind the only one. An alias stands behind the last `@`, for names may hold that. */
export function parseVersionName(text: string): VersionNamed {
  if (UUID.test(text)) return { by: 'id', id: text.toLowerCase() };
  const numbered = /^([^/]+)\/(\d{1,9})$/.exec(text);
  if (numbered) return { by: 'number', of: parseName(numbered[1] ?? ''), version: Number(numbered[2]) };
  const aliased = /^(.+)@([\w-]{1,255})$/.exec(text);
  if (aliased) return { by: 'alias', of: parseName(aliased[1] ?? ''), alias: aliased[2] ?? '' };
  return { by: 'newest', of: parseName(text) };
}

/** A text in a filter. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
