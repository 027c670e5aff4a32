import { create } from '@bufbuild/protobuf';
import { describe, it } from '@jest/globals';
import { ModelSignaturesNotRequiredSchema, ModelSignaturesRequiredSchema, SigningKeyDistrustedSchema, SigningKeyTrustedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { signingTrust, type SigningKey } from './signing-trust.ts';

const given = specification(signingTrust);
const key = (letter: string): SigningKey => ({ signingKeyId: letter.repeat(64), method: 'key', pem: 'PEM', name: `team ${letter}`, subject: '' });
const trust = (letter: string) => ({ type: 'TrustSigningKey', ...key(letter) }) as const;
const distrust = (letter: string) => ({ type: 'DistrustSigningKey', signingKeyId: letter.repeat(64) }) as const;
const [a, b] = [create(SigningKeyTrustedSchema, key('a')), create(SigningKeyTrustedSchema, key('b'))];
const gone = create(SigningKeyDistrustedSchema, { signingKeyId: 'a'.repeat(64), name: 'team a' });
const [required, notRequired] = [create(ModelSignaturesRequiredSchema), create(ModelSignaturesNotRequiredSchema)];

describe("A project's trust in signing keys", () => {
  it('is given once', () => given([]).when(trust('a')).then([a]));
  it('is not given twice', () => given([a]).when(trust('a')).then([]));
  it('is taken back', () => given([a, b]).when(distrust('a')).then([gone]));
  it('is given again after it was taken back', () => given([a, gone]).when(trust('a')).then([a]));
  it('is not taken from what never had it', () => given([a]).when(distrust('b')).thenRefused('SIGNING_KEY_NOT_TRUSTED'));
  it('is not taken twice', () => given([a, gone]).when(distrust('a')).thenRefused('SIGNING_KEY_NOT_TRUSTED'));
  it('goes to so many and no more', () =>
    given(Array.from({ length: 64 }, (_, i) => create(SigningKeyTrustedSchema, { ...key('c'), signingKeyId: String(i).padStart(64, '0') }))).when(trust('a')).thenRefused('TOO_MANY_SIGNING_KEYS'));
});

describe('A demand for signatures', () => {
  it('is made where somebody is trusted', () => given([a]).when({ type: 'RequireModelSignatures' }).then([required]));
  it('is not made where nobody is', () => given([a, gone]).when({ type: 'RequireModelSignatures' }).thenRefused('NO_SIGNING_KEY_TRUSTED'));
  it('keeps the last one who is trusted', () => given([a, required]).when(distrust('a')).thenRefused('LAST_SIGNING_KEY'));
  it('ends', () => given([a, required]).when({ type: 'StopRequiringModelSignatures' }).then([notRequired]));
  it('is made and ended only once', () => {
    given([a, required]).when({ type: 'RequireModelSignatures' }).then([]);
    given([a]).when({ type: 'StopRequiringModelSignatures' }).then([]);
  });
});
