import { getOption, ScalarType, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf';
import { reflect, type ReflectList, type ReflectMap, type ReflectMessage } from '@bufbuild/protobuf/reflect';
import { personal } from '@vitae/contracts';

/** Asked of every string in a message that is not empty. What it answers takes the string's place. */
export type Visit = (text: string, at: { readonly place: string; readonly personal: boolean }) => string;

/**
 * Visits the strings of a message, also those in lists, maps and messages within it, and changes it in place.
 * A place is named as the stored JSON has it: `payload.answers.0.comment`.
 */
export function visitTexts(schema: DescMessage, message: Message, visit: Visit): void {
  visitMessage(reflect(schema, message), 'payload', visit);
}

function visitMessage(message: ReflectMessage, above: string, visit: Visit): void {
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    const place = `${above}.${step(field.jsonName)}`;
    const marked = isPersonal(field);
    const one = (value: unknown, at: string): unknown => {
      if (typeof value === 'string') return value === '' ? value : visit(value, { place: at, personal: marked });
      visitMessage(value as ReflectMessage, at, visit);
      return value;
    };
    switch (field.fieldKind) {
      case 'scalar':
        if (field.scalar === ScalarType.STRING) message.set(field, one(message.get(field), place));
        break;
      case 'message':
        one(message.get(field), place);
        break;
      case 'list': {
        if (!holdsText(field.listKind, field.scalar)) break;
        const list = message.get(field) as ReflectList;
        for (const [i, value] of [...list.entries()]) list.set(i, one(value, `${place}.${i}`));
        break;
      }
      case 'map': {
        if (!holdsText(field.mapKind, field.scalar)) break;
        const map = message.get(field) as ReflectMap;
        for (const [key, value] of [...map.entries()]) map.set(key, one(value, `${place}.${step(String(key))}`));
      }
    }
  }
}

const holdsText = (kind: 'scalar' | 'enum' | 'message', scalar: ScalarType | undefined): boolean => kind === 'message' || scalar === ScalarType.STRING;

const isPersonal = (field: DescField): boolean => getOption(field, personal);

/** Of a map's key anything may be made; a place is spelt in letters, digits and `_ - % .`, the last between steps. */
const step = (name: string): string =>
  [...Buffer.from(name, 'utf8')].map((byte) => (/[A-Za-z0-9_-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)).join('');

const known = new Map<DescMessage, boolean>();

/** Whether a message can hold personal text at all. Most cannot, and need not be walked. */
export function mayHoldPersonal(schema: DescMessage): boolean {
  let answer = known.get(schema);
  if (answer === undefined) known.set(schema, (answer = reaches(schema, new Set())));
  return answer;
}

function reaches(schema: DescMessage, seen: Set<DescMessage>): boolean {
  if (seen.has(schema)) return false; // a message within itself adds nothing
  seen.add(schema);
  return schema.fields.some((field) => isPersonal(field) || (field.message !== undefined && reaches(field.message, seen)));
}
