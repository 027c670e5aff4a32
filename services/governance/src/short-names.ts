import type { DescEnum } from '@bufbuild/protobuf';

/** The values of a contract's enum by the names that people type: `RISK_TIER_HIGH` is `high`, `DIRECTION_AT_LEAST` `at-least`. */
export interface ShortNames<Value extends number> {
  /** All but the unspecified one, in the contract's order. */
  readonly names: readonly [string, ...string[]];
  /** The value of a name; UNSPECIFIED (0) for a name that is not among `names`. */
  valueOf(name: string): Value;
  /** The name of a value; `unspecified` for one that this build does not know. */
  nameOf(value: Value): string;
}

export function shortNames<Value extends number>(described: DescEnum): ShortNames<Value> {
  const entries = described.values
    .filter(({ number }) => number !== 0)
    .map(({ localName, number }) => [localName.toLowerCase().replaceAll('_', '-'), number] as const);
  const [first, ...rest] = entries.map(([name]) => name);
  if (first === undefined) throw new Error(`${described.typeName} has no values to name`);
  return {
    names: [first, ...rest],
    valueOf: (name) => (entries.find(([known]) => known === name)?.[1] ?? 0) as Value,
    nameOf: (value) => entries.find(([, number]) => number === value)?.[0] ?? 'unspecified',
  };
}
