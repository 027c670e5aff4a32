import { getOption, hasOption, isFieldSet, ScalarType, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import {
  field as fieldOption,
  FieldRulesSchema,
  Ignore,
  message as messageOption,
  type FieldRules,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { knownRules, unsure, type Check } from './known-rules.ts';

/**
 * Whether a message certainly keeps the constraints of proto/: a quick yes, and never where protovalidate says no.
 * Anything else is for protovalidate to judge and to word: what is not accepted here, and every message with a rule
 * or a kind of field that is not known here. So a rule that is new in proto/ is kept from its first day, only not quickly.
 */
export function surelyValid(schema: DescMessage, message: Message): boolean {
  return checkOfMessage(schema)(message);
}

/** Compiled once for each type. */
const compiled = new WeakMap<DescMessage, Check>();

function checkOfMessage(schema: DescMessage): Check {
  const known = compiled.get(schema);
  if (known) return known;
  const { typeName } = schema;
  const fields: { readonly name: string; readonly check: Check }[] = [];
  const check: Check = (message) => {
    if ((message as Message | null | undefined)?.$typeName !== typeName) return false;
    for (const field of fields) if (!field.check((message as Record<string, unknown>)[field.name])) return false;
    return true;
  };
  compiled.set(schema, check); // before its fields, for a type may hold itself
  if (hasOption(schema, messageOption) || schema.oneofs.length > 0) fields.push({ name: '$typeName', check: unsure });
  for (const field of schema.fields) {
    const ofField = checkOfField(field, getOption(field, fieldOption));
    if (ofField) fields.push({ name: field.localName, check: ofField });
  }
  return check;
}

/** Undefined when there is nothing to check. */
function checkOfField(field: DescField, rules: FieldRules): Check | undefined {
  if (field.fieldKind === 'map' || rules.ignore === Ignore.ALWAYS || hasUnknownRule(rules)) return unsure;
  if (rules.required && field.fieldKind !== 'message') return unsure;
  const check = checkOfValue(field, rules);
  if (check === undefined || rules.required) return check;
  if (field.presence !== FeatureSet_FieldPresence.IMPLICIT) return (value) => value === undefined || check(value);
  if (rules.ignore === Ignore.IF_ZERO_VALUE) return field.scalar === ScalarType.STRING ? (value) => value === '' || check(value) : unsure;
  return check;
}

function checkOfValue(field: DescField, rules: FieldRules): Check | undefined {
  if (field.fieldKind === 'message') return rules.type.case === undefined ? checkOfMessage(field.message) : unsure;
  if (field.fieldKind !== 'list') return checkOfRules(kindOf(field), field, rules);
  const list = checkOfRules('repeated', field, rules);
  const items = field.listKind === 'message' ? checkOfMessage(field.message) : undefined;
  if (items === undefined) return list;
  return (value) => Array.isArray(value) && value.every(items) && (list === undefined || list(value));
}

/** The value is of the kind whose rules these must be: protovalidate refuses others as a mistake in proto/. */
function checkOfRules(kind: string | undefined, field: DescField, { type }: FieldRules): Check | undefined {
  if (type.case === undefined) return undefined;
  const { message: schema } = FieldRulesSchema.field[type.case];
  if (type.case !== kind || !schema || type.value.$unknown?.length) return unsure;
  const given = reflect(schema, type.value);
  const checks = schema.fields
    .filter((rule) => isFieldSet(type.value, rule))
    .map((rule) =>
      type.case === 'repeated' && rule.name === 'items'
        ? checkOfItems(field, type.value.items)
        : (knownRules[kind]?.[rule.name]?.(given.get(rule) as never, field) ?? unsure),
    );
  return checks.length === 1 ? checks[0] : (value) => checks.every((check) => check(value));
}

function checkOfItems(field: DescField, rules: FieldRules | undefined): Check {
  if (!rules || rules.required || rules.ignore !== Ignore.UNSPECIFIED || hasUnknownRule(rules)) return unsure;
  const check = checkOfRules(kindOf(field), field, rules);
  return check ? (value) => Array.isArray(value) && value.every(check) : () => true;
}

/** Beside the rules of its kind: CEL, or what a later protovalidate brings. */
function hasUnknownRule(rules: FieldRules): boolean {
  if (rules.$unknown?.length) return true;
  return FieldRulesSchema.fields.some((rule) => !rule.oneof && rule.name !== 'required' && rule.name !== 'ignore' && isFieldSet(rules, rule));
}

/** Under which rules for this value stand; of a list, for its items. */
function kindOf({ scalar, enum: type }: DescField): string | undefined {
  if (type) return 'enum';
  return { [ScalarType.STRING as number]: 'string', [ScalarType.DOUBLE]: 'double', [ScalarType.INT32]: 'int32', [ScalarType.INT64]: 'int64' }[scalar ?? 0];
}
