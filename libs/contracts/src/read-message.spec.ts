import { fromJson, toJson, type DescMessage, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { allTypes, spoiltMessage, validMessage } from './any-message.fixture.ts';
import { eventRegistry, readMessage } from './index.ts';
import { outcome } from './outcome.fixture.ts';

/** What reading is held to. */
const plainly = (type: DescMessage, json: JsonValue) => outcome(() => fromJson(type, json, { registry: eventRegistry, ignoreUnknownFields: true }));

describe('reading a message', () => {
  const cases = allTypes.map((type) => [type.typeName, type] as const);

  it.each(cases)('given the JSON of any %s, then the same message is read', (_, type) => {
    fc.assert(
      fc.property(validMessage(type), (message) => {
        const json = toJson(type, message);
        expect(outcome(() => readMessage(type, json))).toStrictEqual(plainly(type, json));
      }),
    );
  });

  it.each(cases)('given JSON of %s in which something is changed, then it is read, or refused in the same words', (_, type) => {
    fc.assert(
      fc.property(changedJson(type), (json) => {
        expect(outcome(() => readMessage(type, json))).toStrictEqual(plainly(type, json));
      }),
    );
  });

  it.each<[string, JsonValue]>([['nothing', null], ['a list', []], ['a text', 'x']])('given %s instead of a message, then it is refused in the same words', (_, json) => {
    for (const type of allTypes) expect(outcome(() => readMessage(type, json))).toStrictEqual(plainly(type, json));
  });
});

/** JSON with one thing changed, at the top or further down: another value, another way to write it or its name, one more field. */
function changedJson(type: DescMessage): fc.Arbitrary<JsonValue> {
  const value = fc.oneof(
    fc.jsonValue() as fc.Arbitrary<JsonValue>,
    fc.constantFrom<JsonValue>(null, 'NaN', '-Infinity', '1e3', '007', '-0', '9223372036854775808', 1e300, -0, 2 ** 31, '\ud83d', [], [null], {}, '2026-02-30T24:00:00Z', '2026-11-21T11:00:00+01:00', '0000-01-01T00:00:00Z', 'RISK_TIER_HIGH'),
  );
  const message = fc.oneof(validMessage(type), spoiltMessage(type)).map((message) => outcome(() => toJson(type, message) as JsonObject));
  return fc.tuple(message, fc.nat(), fc.nat(), value, fc.constantFrom('value', 'name', 'more'), fc.boolean()).map(([written, which, inner, value, what, deeper]) => {
    const json = 'answer' in written ? written.answer : {};
    const inside = deeper ? objectsIn(json) : [];
    change(inside[inner % inside.length] ?? json, type, which, value, what);
    return json;
  });
}

function change(json: JsonObject, type: DescMessage, which: number, value: JsonValue, what: string): void {
  const keys = [...new Set([...Object.keys(json), ...type.fields.map(({ jsonName }) => jsonName)])];
  const key = keys[which % keys.length];
  if (what === 'more' || key === undefined) json['addedLater'] = value;
  else if (what === 'value') json[key] = value;
  else {
    const { [key]: moved = value } = json;
    if (which % 2 === 0) delete json[key]; // otherwise it is there twice
    json[key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = moved;
  }
}

const objectsIn = (json: JsonObject): JsonObject[] =>
  Object.values(json).flat().filter((value): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value));
