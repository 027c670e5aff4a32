import { getOption, ScalarType, type DescEnum, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { personal } from '@vitae/contracts';

/** JSON Schema, draft 7, as far as it is needed here. */
export type Schema = Readonly<Record<string, unknown>>;

/**
 * The JSON Schema of a message as proto3 JSON writes it, for one message; what it contains is a reference to
 * `#/components/schemas/<full name>`. No field is required: proto3 JSON leaves out what has its default value. More
 * fields may come: a reader passes over what it does not know.
 */
export function payloadSchema(message: DescMessage): Schema {
  return { title: message.name, type: 'object', properties: Object.fromEntries(message.fields.map((field) => [field.jsonName, fieldSchema(field)])) };
}

/** Everything that a message contains, at any depth, itself first. */
export function contained(message: DescMessage, found = new Set<DescMessage>()): ReadonlySet<DescMessage> {
  if (found.has(message) || message.typeName in WELL_KNOWN) return found;
  found.add(message);
  for (const { message: inner } of message.fields) if (inner) contained(inner, found);
  return found;
}

function fieldSchema(field: DescField): Schema {
  switch (field.fieldKind) {
    case 'list':
      return { type: 'array', items: valueSchema(field) };
    case 'map':
      return { type: 'object', additionalProperties: valueSchema(field) };
    default:
      return getOption(field, personal) ? { ...valueSchema(field), description: SEALED } : valueSchema(field);
  }
}

/** Of one value, whether it stands alone, in a list or in a map. */
function valueSchema({ message, enum: choice, scalar }: { readonly message?: DescMessage; readonly enum?: DescEnum; readonly scalar?: ScalarType }): Schema {
  if (message) return messageSchema(message);
  if (choice) return { type: 'string', enum: choice.values.map(({ name }) => name) };
  if (scalar === undefined) throw new Error('a protobuf field has to be a message, an enum or a scalar');
  return SCALARS[scalar];
}

function messageSchema({ typeName }: DescMessage): Schema {
  const known = WELL_KNOWN[typeName];
  if (known) return known;
  if (typeName.startsWith('google.')) throw new Error(`payload-schema.ts does not say yet how proto3 JSON writes ${typeName}; add it there`);
  return { $ref: schemaRef(typeName) };
}

export const schemaRef = (typeName: string): string => `#/components/schemas/${typeName}`;

const WELL_KNOWN: Readonly<Record<string, Schema>> = {
  'google.protobuf.Timestamp': { type: 'string', format: 'date-time' },
  'google.protobuf.Duration': { type: 'string', pattern: '^-?\\d+(\\.\\d{1,9})?s$' },
};

const SEALED = 'Personal text: sealed (enc:v1:…) over NATS and webhooks; the history API shows it, or [erased].';

const text: Schema = { type: 'string' };
const int32: Schema = { type: 'integer', minimum: -(2 ** 31), maximum: 2 ** 31 - 1 };
const uint32: Schema = { type: 'integer', minimum: 0, maximum: 2 ** 32 - 1 };
// JSON numbers hold 53 bits: proto3 JSON writes 64-bit integers as strings.
const int64: Schema = { type: 'string', pattern: '^-?\\d{1,19}$' };
const uint64: Schema = { type: 'string', pattern: '^\\d{1,20}$' };
const floating: Schema = { oneOf: [{ type: 'number' }, { type: 'string', enum: ['NaN', 'Infinity', '-Infinity'] }] };

const SCALARS: Readonly<Record<ScalarType, Schema>> = {
  [ScalarType.STRING]: text,
  [ScalarType.BYTES]: { type: 'string', contentEncoding: 'base64' },
  [ScalarType.BOOL]: { type: 'boolean' },
  [ScalarType.DOUBLE]: floating,
  [ScalarType.FLOAT]: floating,
  [ScalarType.INT32]: int32,
  [ScalarType.SINT32]: int32,
  [ScalarType.SFIXED32]: int32,
  [ScalarType.UINT32]: uint32,
  [ScalarType.FIXED32]: uint32,
  [ScalarType.INT64]: int64,
  [ScalarType.SINT64]: int64,
  [ScalarType.SFIXED64]: int64,
  [ScalarType.UINT64]: uint64,
  [ScalarType.FIXED64]: uint64,
};
