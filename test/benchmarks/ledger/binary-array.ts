/** Object ids of the element types that the raw inserts send. */
export const TEXT = 25;
export const JSON_TEXT = 114;
export const UUID = 2950;
export const INT4 = 23;

/**
 * An array as PostgreSQL's array_recv reads it, of elements in their own binary form. The raw statements send theirs so,
 * because array literals would make them slow, and what is compared with them look quick.
 */
export function binaryArray(elementType: number, elements: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(20);
  header.writeInt32BE(elements.length === 0 ? 0 : 1, 0); // dimensions
  header.writeInt32BE(elementType, 8);
  header.writeInt32BE(elements.length, 12);
  header.writeInt32BE(1, 16); // lower bound
  const parts: Buffer[] = [header];
  for (const element of elements) {
    const length = Buffer.alloc(4);
    length.writeInt32BE(element.length);
    parts.push(length, element);
  }
  return Buffer.concat(parts);
}

export const int4 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

export const uuid = (text: string): Buffer => Buffer.from(text.replaceAll('-', ''), 'hex');
