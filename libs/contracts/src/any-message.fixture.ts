import { create, getOption, ScalarType, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { field as fieldOption, Ignore, type FieldRules } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import fc from 'fast-check';
import { EnvelopeSchema, eventRegistry } from './index.ts';

/** The envelope, every event, and every message that one holds. */
export const allTypes: readonly DescMessage[] = [EnvelopeSchema, ...[...eventRegistry].filter((type) => type.kind === 'message')];

/** Any message that keeps its contract. Knows the rules that proto/ uses; a further one makes specs fail, until it is taught here. */
export function validMessage(schema: DescMessage): fc.Arbitrary<Message> {
  return messageOf(schema, validField);
}

/** A message that would be valid if not for some of its fields, which hold anything of their type or of another one. */
export function spoiltMessage(schema: DescMessage): fc.Arbitrary<Message> {
  return messageOf(schema, (field) => fc.oneof({ weight: 12, arbitrary: validField(field, spoiltMessage) }, { weight: 1, arbitrary: anyField(field) }));
}

function messageOf(schema: DescMessage, valueOf: (field: DescField, nested: typeof validMessage) => fc.Arbitrary<unknown>): fc.Arbitrary<Message> {
  if (schema.typeName === TimestampSchema.typeName) return timestamp;
  const nested = valueOf === validField ? validMessage : spoiltMessage;
  const fields = Object.fromEntries(schema.fields.map((field) => [field.localName, valueOf(field, nested)]));
  return fc.record(fields).map((values) => {
    const message = create(schema) as Message & Record<string, unknown>;
    for (const [name, value] of Object.entries(values)) if (value !== ABSENT) message[name] = value;
    return message;
  });
}

const ABSENT = Symbol('absent');

const timestamp = fc.tuple(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), fc.oneof(fc.constantFrom(0, 123_000_000, 1000), fc.nat(999_999_999)))
  .map(([seconds, nanos]): Message => create(TimestampSchema, { seconds: BigInt(seconds), nanos }));

function validField(field: DescField, nested: typeof validMessage = validMessage): fc.Arbitrary<unknown> {
  const rules = getOption(field, fieldOption);
  const value = rules.ignore === Ignore.IF_ZERO_VALUE ? fc.oneof(fc.constant(''), valid(field, rules, nested)) : valid(field, rules, nested);
  const mayBeAbsent = field.fieldKind === 'message' || (field.fieldKind === 'scalar' && field.proto.proto3Optional);
  return mayBeAbsent && !rules.required ? fc.option(value, { nil: ABSENT }) : value;
}

function valid(field: DescField, { type }: FieldRules, nested: typeof validMessage): fc.Arbitrary<unknown> {
  if (field.fieldKind === 'message') return nested(field.message);
  if (field.fieldKind !== 'list') return single(field, type);
  const { items, minItems = 0n, maxItems = 4n, unique = false } = type.case === 'repeated' ? given(type.value) : {};
  const item = field.listKind === 'message' ? nested(field.message) : single(field, items?.type ?? { case: undefined });
  const length = { minLength: Number(minItems), maxLength: Math.min(Number(maxItems), 4) };
  return unique ? fc.uniqueArray(item, length) : fc.array(item, length);
}

/** Rules as they were set: protobuf answers a default for those that were not, which is none. */
const given = <Rules extends Message>(rules: Rules): Partial<Rules> => Object.fromEntries(Object.entries(rules)) as Partial<Rules>;

function single(field: DescField, type: FieldRules['type']): fc.Arbitrary<unknown> {
  if (field.enum) {
    const excluded = type.case === 'enum' ? type.value.notIn : [];
    return fc.constantFrom(...field.enum.values.map(({ number }) => number).filter((number) => !excluded.includes(number)));
  }
  switch (field.scalar) {
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.STRING:
      return text(type);
    case ScalarType.DOUBLE: {
      const { greaterThan, lessThan } = type.case === 'double' ? type.value : {};
      return fc.double({
        noNaN: true, noDefaultInfinity: true,
        min: greaterThan?.value ?? -Number.MAX_VALUE, minExcluded: greaterThan?.case === 'gt', max: lessThan?.value ?? Number.MAX_VALUE, maxExcluded: lessThan?.case === 'lt',
      });
    }
    case ScalarType.INT32: {
      const { greaterThan, lessThan } = type.case === 'int32' ? type.value : {};
      return fc.integer({ min: (greaterThan?.value ?? -(2 ** 31)) + (greaterThan?.case === 'gt' ? 1 : 0), max: (lessThan?.value ?? 2 ** 31 - 1) - (lessThan?.case === 'lt' ? 1 : 0) });
    }
    case ScalarType.INT64: {
      const { greaterThan, lessThan } = type.case === 'int64' ? type.value : {};
      return fc.bigInt({ min: (greaterThan?.value ?? -(2n ** 63n)) + (greaterThan?.case === 'gt' ? 1n : 0n), max: (lessThan?.value ?? 2n ** 63n - 1n) - (lessThan?.case === 'lt' ? 1n : 0n) });
    }
    default:
      throw new Error(`${field.toString()} is of a kind that no contract had before`);
  }
}

function text(type: FieldRules['type']): fc.Arbitrary<string> {
  const { pattern, wellKnown, in: allowed = [], minLen = 0n, maxLen = 2n ** 16n } = type.case === 'string' ? given(type.value) : {};
  if (allowed.length > 0) return fc.constantFrom(...allowed);
  if (wellKnown?.case === 'uuid') return fc.uuid();
  const long = ({ length }: string): boolean => length >= Number(minLen) && length <= Number(maxLen);
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern)).filter(long);
  const length = { minLength: Number(minLen), maxLength: Math.min(Number(maxLen), 12) };
  return fc.oneof(fc.string({ ...length, unit: 'grapheme' }), fc.string({ ...length, unit: 'binary' }), fc.constantFrom('\\ud83d', '"\u2028\u0007', 'ÄÖ'), fc.string({ ...length, minLength: Number(minLen) * 2 })).filter(long);
}

/** Half a surrogate pair, no number, a value that no enum has: whatever the type lets through, and some that it does not. */
function anyField(field: DescField): fc.Arbitrary<unknown> {
  if (field.fieldKind === 'message') return fc.constant(ABSENT);
  if (field.fieldKind === 'list') return field.listKind === 'message' ? fc.constant([]) : fc.array(anySingle(field), { maxLength: 40 });
  return anySingle(field);
}

function anySingle(field: DescField): fc.Arbitrary<unknown> {
  const ofType = {
    [ScalarType.STRING as number]: fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)), maxLength: 300 }),
    [ScalarType.DOUBLE]: fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, -0)),
    [ScalarType.INT64]: fc.bigInt(),
  }[field.scalar ?? ScalarType.INT32];
  return fc.oneof({ weight: 4, arbitrary: ofType ?? fc.integer() }, { weight: 1, arbitrary: fc.constantFrom(undefined, null, '', 'x', 0, -1, 1.5, 0n, 7n, false, '0199C2F0-51a3-7bd2-8000-000000000001') });
}
