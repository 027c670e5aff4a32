import { clone, create, createFileRegistry, setExtension, type MessageInitShape } from '@bufbuild/protobuf';
import { FieldOptionsSchema, FileDescriptorProtoSchema, MessageOptionsSchema } from '@bufbuild/protobuf/wkt';
import { createValidator } from '@bufbuild/protovalidate';
import { field as fieldOption, FieldRulesSchema, Ignore, message as messageOption, MessageRulesSchema } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { allTypes, spoiltMessage, validMessage } from './any-message.fixture.ts';
import { eventRegistry, KpiSchema } from './index.ts';
import { surelyValid } from './surely-valid.ts';

const validator = createValidator({ registry: eventRegistry });

describe('the quick check of a message', () => {
  it('given valid messages of all types, then it accepts them all, but for those with a pattern that has a group', () => {
    const unsure = allTypes.filter((type) => !fc.sample(validMessage(type), 100).every((message) => surelyValid(type, message)));
    expect(unsure.map(({ typeName }) => typeName)).toEqual(['vitae.ledger.v1.WebhookFilter', 'vitae.ledger.v1.WebhookSubscribed', 'vitae.ledger.v1.WebhookFilterReplaced']);
  });

  it.each(allTypes.map((type) => [type.typeName, type] as const))('given any %s, valid or not, when it is accepted, then protovalidate accepts it', (_, type) => {
    fc.assert(
      fc.property(fc.oneof(validMessage(type), spoiltMessage(type)), (message) => {
        if (surelyValid(type, message)) expect(validator.validate(type, message).kind).toBe('valid');
      }),
      { numRuns: 200 },
    );
  });

  const kpi = create(KpiSchema, { name: 'default rate', baseline: 24.6, target: 19 });

  it.each<[string, MessageInitShape<typeof FieldRulesSchema>]>([
    ['a rule that no contract had before', { type: { case: 'string', value: { minLen: 1n, prefix: 'default' } } }],
    ['CEL', { cel: [{ id: 'short', expression: 'this.size() < 99' }] }],
    ['CEL beside a known rule', { celExpression: ['this.size() < 99'], type: { case: 'string', value: { minLen: 1n } } }],
    ['a pattern with a group', { type: { case: 'string', value: { pattern: '^(default|other) rate$' } } }],
    ['a pattern that JavaScript reads otherwise', { type: { case: 'string', value: { pattern: '^\\S+.\\S+$' } } }],
    ['a pattern without an end', { type: { case: 'string', value: { pattern: '^default' } } }],
    ['rules that never apply', { ignore: Ignore.ALWAYS, type: { case: 'string', value: { minLen: 99n } } }],
    ['a required text', { required: true }],
    ['rules of another kind', { type: { case: 'int32', value: { greaterThan: { case: 'gt', value: 1 } } } }],
  ])('given a field with %s, then nothing is sure', (_, rules) => {
    const schema = kpiWith({ field: create(FieldRulesSchema, rules) });
    expect(surelyValid(schema, kpi)).toBe(false);
  });

  it('given a message with CEL of its own, then nothing is sure', () => {
    const schema = kpiWith({ message: create(MessageRulesSchema, { cel: [{ id: 'better', expression: 'this.target < this.baseline' }] }) });
    expect(surelyValid(schema, kpi)).toBe(false);
  });

  it('given only rules that it knows, then such a changed contract is checked by them', () => {
    const schema = kpiWith({ field: create(FieldRulesSchema, { type: { case: 'string', value: { minLen: 5n, pattern: '^[a-z ]+$' } } }) });
    const named = (name: string) => create(KpiSchema, { name, baseline: 24.6, target: 19 });
    expect(['default rate', 'rates', 'rate', 'Default rate'].map((name) => surelyValid(schema, named(name)))).toEqual([true, true, false, false]);
  });
});

it('given a bound in bytes, then it counts bytes and not characters', () => {
  const schema = kpiWith({ field: create(FieldRulesSchema, { type: { case: 'string', value: { maxBytes: 6n } } }) });
  const named = (name: string) => create(KpiSchema, { name, baseline: 24.6, target: 19 });
  expect(['abcdef', 'äöü', '€€', '😀a', 'abcdefg', 'äöüa', '€€a', '😀ab', '😀abc'].map((name) => surelyValid(schema, named(name)))).toEqual([true, true, true, true, false, false, false, true, false]);
});

/** The contract of Kpi with other rules for its name, or for the whole. */
function kpiWith(rules: { readonly field?: MessageInitShape<typeof FieldRulesSchema>; readonly message?: MessageInitShape<typeof MessageRulesSchema> }) {
  const file = clone(FileDescriptorProtoSchema, KpiSchema.file.proto);
  const changed = file.messageType.find(({ name }) => name === 'Kpi');
  const name = changed?.field.find(({ name }) => name === 'name');
  if (!changed || !name) throw new Error('Kpi has no name any more');
  if (rules.field) setExtension((name.options = create(FieldOptionsSchema)), fieldOption, create(FieldRulesSchema, rules.field));
  if (rules.message) setExtension((changed.options = create(MessageOptionsSchema)), messageOption, create(MessageRulesSchema, rules.message));
  const schema = createFileRegistry(file, (path) => KpiSchema.file.dependencies.find(({ proto }) => proto.name === path)).getMessage(KpiSchema.typeName);
  if (!schema) throw new Error('Kpi is not in its file any more');
  return schema;
}
