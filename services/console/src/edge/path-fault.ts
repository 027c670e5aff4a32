/**
 * Why a request's target is not passed on, whatever it leads to; undefined for one that everybody reads alike. What the door checks has
 * to be what the service sees: a path with two spellings (dot segments, doubled slashes, a backslash, a NUL, a fragment, a
 * percent sign that encodes nothing) is refused, and never repaired. A slash within a name is `%2F`, and stays one.
 */
export function pathFault(target: string): string | undefined {
  if (!/^\/[\x21\x22\x24-\x7e\x80-\xff]*$/.test(target)) return 'it has a character that may not stand there';
  const path = target.split('?', 1)[0] ?? '';
  if (!/^[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*$/.test(path)) return 'it has a character that has to be percent-encoded';
  if (/\/\//.test(path)) return 'it has an empty segment (//)';
  for (const segment of path.split('/')) {
    const name = decoded(segment);
    if (name === undefined) return 'it is not percent-encoded as it should be';
    if (/[\x00-\x1f\x7f\\]/.test(name)) return 'it has a character that may not stand there';
    if (name.split('/').some((part) => part === '.' || part === '..')) return 'it has a dot segment';
  }
  return undefined;
}

/** As the service reads it. Undefined when it encodes nothing, or other bytes than UTF-8. */
function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
