// Arrays as PostgreSQL takes them in binary (array_recv): `pg` sends a Buffer in binary format, anything else as text,
// and escaping and parsing an array literal costs more than storing what is in it.

const HEADER = 20; // dimensions, has-null flag, element type, length, lower bound
const TEXT = 25;
const JSON_TEXT = 114;
const INT4 = 23;
const UUID = 2950;

/** A text[] without nulls. */
export const textArray = (values: readonly string[]): Buffer => texts(TEXT, values);

/** A json[] without nulls, of texts that are JSON. */
export const jsonArray = (values: readonly string[]): Buffer => texts(JSON_TEXT, values);

function texts(elementType: number, values: readonly string[]): Buffer {
  const lengths = values.map((value) => Buffer.byteLength(value));
  const buffer = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + 4 + length, HEADER));
  let at = header(buffer, elementType, values.length);
  for (let i = 0; i < values.length; i += 1) {
    at = buffer.writeInt32BE(lengths[i] as number, at);
    at += buffer.write(values[i] as string, at);
  }
  return buffer;
}

/** An integer[] without nulls. */
export function intArray(values: readonly number[]): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER + 8 * values.length);
  let at = header(buffer, INT4, values.length);
  for (const value of values) at = buffer.writeInt32BE(value, buffer.writeInt32BE(4, at));
  return buffer;
}

/** A uuid[] without nulls, from the usual text form. */
export function uuidArray(values: readonly string[]): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER + 20 * values.length);
  let at = header(buffer, UUID, values.length);
  for (const value of values) {
    at = buffer.writeInt32BE(16, at);
    at += buffer.write(value.replaceAll('-', ''), at, 'hex');
  }
  return buffer;
}

function header(buffer: Buffer, elementType: number, length: number): number {
  buffer.writeInt32BE(length === 0 ? 0 : 1, 0);
  buffer.writeInt32BE(0, 4);
  buffer.writeInt32BE(elementType, 8);
  buffer.writeInt32BE(length, 12);
  return buffer.writeInt32BE(1, 16);
}
