import { create, type Message } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { ModelRegisteredSchema, type ModelRegistered } from '@vitae/contracts';
import { specification, type Rules } from './given-when-then.ts';

const registered = (changes: Partial<Omit<ModelRegistered, keyof Message>> = {}): ModelRegistered =>
  create(ModelRegisteredSchema, {
    modelId: '0199aaaa-0000-7000-8000-000000000001',
    useCaseId: '0199aaaa-0000-7000-8000-000000000002',
    name: 'credit',
    task: 'binary-classification',
    ...changes,
  });

class Refused extends Error {
  override readonly name = 'Refused';
  readonly reason: string;
  constructor(reason: string) {
    super('It is registered already; use another name.');
    this.reason = reason;
  }
}

/** Registers once. The command is the event that shall be decided. */
const once: Rules<boolean, ModelRegistered, ModelRegistered> = {
  initial: false,
  decide: (command, done) => {
    if (done) throw new Refused('ALREADY_REGISTERED');
    return [command];
  },
  evolve: () => true,
};
const given = specification(once);

describe('specification', () => {
  it('passes when exactly the expected events are decided', () => {
    given([]).when(registered()).then([registered()]);
  });

  it.each([
    ['another field', [registered({ description: 'another' })]],
    ['fewer events', []],
    ['more events', [registered(), registered()]],
  ])('fails on %s', (_, expected) => {
    expect(() => given([]).when(registered()).then(expected)).toThrow('toEqual');
  });

  it('fails on a decided event that its contract forbids', () => {
    const nameless = registered({ name: '' });
    expect(() => given([]).when(nameless).then([nameless])).toThrow(/ModelRegistered breaks its contract: name/);
  });

  it('tells a refusal by its reason', () => {
    given([registered()]).when(registered()).thenRefused('ALREADY_REGISTERED');
    expect(() => given([registered()]).when(registered()).thenRefused('ANOTHER_REASON')).toThrow('ALREADY_REGISTERED');
    expect(() => given([]).when(registered()).thenRefused('ALREADY_REGISTERED')).toThrow('decided');
  });

  it('does not take a broken decider for a refusal', () => {
    const broken = specification({ ...once, decide: () => { throw new TypeError('undefined is not a function'); } });
    expect(() => broken([]).when(registered()).thenRefused('ALREADY_REGISTERED')).toThrow(TypeError);
  });
});
