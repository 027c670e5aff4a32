import { toJson } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { allTypes, spoiltMessage, validMessage } from './any-message.fixture.ts';
import { outcome } from './outcome.fixture.ts';
import { canonicalJson, canonicalMessage, eventRegistry } from './index.ts';

describe('the canonical JSON of a message', () => {
  it.each(allTypes.map((type) => [type.typeName, type] as const))('given any %s, valid or not, then it is byte for byte, or refusal for refusal, that of its sorted JSON', (_, type) => {
    fc.assert(
      fc.property(fc.oneof(validMessage(type), spoiltMessage(type)), (message) => {
        expect(outcome(() => canonicalMessage(type, message))).toEqual(outcome(() => canonicalJson(toJson(type, message, { registry: eventRegistry }))));
      }),
    );
  });
});
