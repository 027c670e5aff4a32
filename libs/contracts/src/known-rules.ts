import { ScalarType, type DescField } from '@bufbuild/protobuf';

/** May be stricter than what it stands for, never laxer. */
export type Check = (value: unknown) => boolean;

export const unsure: Check = () => false;

/** What a rule of protovalidate asks of a value, given the rule's bound. */
type Rule<Bound> = (bound: Bound, field: DescField) => Check;

const range: Readonly<Record<string, Rule<number | bigint>>> = {
  gt: (bound) => (value) => typeof value === typeof bound && (value as typeof bound) > bound,
  gte: (bound) => (value) => typeof value === typeof bound && (value as typeof bound) >= bound,
  lt: (bound) => (value) => typeof value === typeof bound && (value as typeof bound) < bound,
  lte: (bound) => (value) => typeof value === typeof bound && (value as typeof bound) <= bound,
};

/**
 * The rules that contracts use, by the kind of value and the name in buf/validate/validate.proto. One that is not here is
 * left to protovalidate, and the messages that hold it with it.
 */
export const knownRules: Readonly<Record<string, Readonly<Record<string, Rule<never>>>>> = {
  string: {
    // Lengths are in code points, each of one or two units of UTF-16.
    min_len: (least: bigint) => (value) => typeof value === 'string' && (value.length >= 2 * Number(least) - 1 || [...value].length >= Number(least)),
    max_len: (most: bigint) => (value) => typeof value === 'string' && value.length <= Number(most),
    // UTF-8 has at most three bytes for a unit of UTF-16.
    max_bytes: (most: bigint) => (value) => typeof value === 'string' && (value.length * 3 <= Number(most) || new TextEncoder().encode(value).length <= Number(most)),
    in: (values: Iterable<unknown>) => {
      const allowed = new Set(values);
      return (value) => typeof value === 'string' && allowed.has(value);
    },
    pattern: (pattern: string) => (isPlain(pattern) ? matches(pattern) : unsure),
    uuid: (on: boolean) => (on ? matches('^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$') : unsure),
  },
  double: { ...range, finite: (on: boolean) => (on ? Number.isFinite : unsure) },
  int32: range,
  int64: range,
  enum: {
    defined_only: (on: boolean, { enum: type }) => {
      const defined = new Set<unknown>(type?.values.map(({ number }) => number));
      return on ? (value) => defined.has(value) : unsure;
    },
    not_in: (numbers: Iterable<unknown>) => {
      const excluded = new Set(numbers);
      return (value) => typeof value === 'number' && !excluded.has(value);
    },
  },
  repeated: {
    min_items: (least: bigint) => (value) => Array.isArray(value) && value.length >= Number(least),
    max_items: (most: bigint) => (value) => Array.isArray(value) && value.length <= Number(most),
    unique: (on: boolean, { scalar }) => (on && scalar === ScalarType.STRING ? (value) => Array.isArray(value) && new Set(value).size === value.length : unsure),
  },
};

/**
 * A pattern that JavaScript and RE2, which protovalidate uses, read alike: literals and classes, repeated or not. No
 * groups: a repeated one can keep JavaScript busy for ever, RE2 never.
 */
function isPlain(pattern: string): boolean {
  return /^\^(?:(?:[\w :/=@,-]|\\[.+*]|\[\^?[\w .@+/=:-]+\])(?:[+*?]|\{\d{1,3}(?:,\d{0,3})?\})?)*\$$/.test(pattern);
}

function matches(pattern: string): Check {
  const expression = new RegExp(pattern, 'u');
  return (value) => typeof value === 'string' && expression.test(value);
}
