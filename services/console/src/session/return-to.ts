/**
 * Where somebody goes after the login: a path of ours, or undefined. Everything that a browser could read as another host is
 * refused, and not repaired: `//host`, `/\host`, a scheme, control characters (browsers drop tabs and newlines), `/auth` itself.
 */
export function ownPath(text: unknown): string | undefined {
  if (text === undefined) return '/';
  if (typeof text !== 'string' || text.length > 2_000 || !/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(text)) return undefined;
  const url = URL.parse(text, 'http://door.invalid');
  if (!url || url.origin !== 'http://door.invalid' || url.pathname.startsWith('//') || /^\/auth(\/|$)/i.test(url.pathname)) return undefined;
  return `${url.pathname}${url.search}${url.hash}`;
}
