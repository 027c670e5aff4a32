/**
 * Where a value holds text that PostgreSQL cannot keep, as the steps to each place: a null character, or half of a surrogate
 * pair. Without recursion, for how deep a body goes is up to its sender.
 */
export function unstorable(value: unknown): readonly (readonly string[])[] {
  const found: (readonly string[])[] = [];
  const left: { readonly value: unknown; readonly at: readonly string[] }[] = [{ value, at: [] }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { value: inner, at } = next;
    if (typeof inner === 'string') {
      if (!storable(inner)) found.push(at);
    } else if (typeof inner === 'object' && inner !== null && !ArrayBuffer.isView(inner)) {
      for (const [name, one] of Object.entries(inner)) {
        if (!storable(name)) found.push(at);
        left.push({ value: one, at: [...at, name] });
      }
    }
  }
  return found.reverse();
}

export const storable = (text: string): boolean => text.isWellFormed() && !text.includes('\0');

export const UNSTORABLE = 'Text has only whole Unicode characters and no null character.';
