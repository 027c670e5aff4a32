import { toJson, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf';
import { usedTypes } from '@bufbuild/protobuf/reflect';
import { canonicalJson } from './canonical-json.ts';

/**
 * A message as canonical (RFC 8785) proto3 JSON: byte for byte `canonicalJson(toJson(schema, message))`, at a quarter
 * of its cost, for nothing is sorted. `toJson` writes fields in the order of their numbers, so it is given the same
 * type with the fields numbered in the order of their JSON names; canonical-message.spec.ts holds the bytes equal.
 * Knows no types that an Any might hold.
 */
export function canonicalMessage(schema: DescMessage, message: Message): string {
  return inOrder(schema, message) ?? canonicalJson(toJson(schema, message));
}

/** Undefined for what has to be sorted or refused. */
function inOrder(schema: DescMessage, message: Message): string | undefined {
  let ordered = orderedTypes.get(schema);
  if (ordered === undefined) orderedTypes.set(schema, (ordered = [schema, ...usedTypes(schema)].every(hasFixedKeys) ? orderFields(schema) : null));
  if (ordered === null) return undefined;
  let text: string;
  try {
    text = JSON.stringify(toJson(ordered, message));
  } catch {
    return undefined; // of several mistakes, the one to be named is the first by number
  }
  // JSON.stringify escapes half a surrogate pair, which RFC 8785 refuses. A text that says `\ud` itself is only slower.
  return text.includes('\\ud') ? undefined : text;
}

/** The type with its fields in order, null when its JSON has keys that the type does not name. */
const orderedTypes = new WeakMap<DescMessage, DescMessage | null>();

/** Not so: maps, and those types of Google's that hold JSON or any other message. No contract has them. */
function hasFixedKeys(type: { readonly kind: string; readonly typeName: string }): boolean {
  if (type.typeName.startsWith('google.protobuf.')) return type.typeName === 'google.protobuf.Timestamp';
  return type.kind !== 'message' || (type as DescMessage).fields.every((field) => field.fieldKind !== 'map');
}

function orderFields(schema: DescMessage, done = new Map<DescMessage, DescMessage>()): DescMessage {
  const known = done.get(schema);
  if (known) return known;
  const fields: DescField[] = [];
  const ordered: DescMessage = { ...schema, fields };
  done.set(schema, ordered);
  const sorted = [...schema.fields].sort((a, b) => (a.jsonName < b.jsonName ? -1 : 1)); // by UTF-16 code units, as RFC 8785 asks
  for (const [i, field] of sorted.entries()) {
    fields.push({ ...field, number: i + 1, ...(field.message && { message: orderFields(field.message, done) }) } as DescField);
  }
  return ordered;
}
