import { SignatureInvalid, must } from './signature-invalid.ts';

// The few forms of JSON that bundles and statements are made of, each asked for by name, so that a fault says where it is.

export type JsonObject = Readonly<Record<string, unknown>>;

/** @throws SignatureInvalid MALFORMED, for text that is not UTF-8, too. */
export function parseJson(bytes: Uint8Array, what: string): JsonObject {
  try {
    return asObject(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)), what);
  } catch (error) {
    if (error instanceof SignatureInvalid) throw error;
    throw new SignatureInvalid('MALFORMED', `${what} is not JSON`, { cause: error });
  }
}

export function asObject(value: unknown, what: string): JsonObject {
  must(typeof value === 'object' && value !== null && !Array.isArray(value), 'MALFORMED', `${what} is no object`);
  return value as JsonObject;
}

export function asList(value: unknown, what: string): readonly unknown[] {
  must(Array.isArray(value), 'MALFORMED', `${what} is no list`);
  return value;
}

export function asText(value: unknown, what: string): string {
  must(typeof value === 'string', 'MALFORMED', `${what} is no text`);
  return value;
}

/** Standard base64 as protobuf's JSON has it; nothing that other decoders would read otherwise. */
export function asBytes(value: unknown, what: string): Buffer {
  const text = asText(value, what);
  const bytes = Buffer.from(text, 'base64');
  must(bytes.toString('base64') === text, 'MALFORMED', `${what} is not base64`);
  return bytes;
}
